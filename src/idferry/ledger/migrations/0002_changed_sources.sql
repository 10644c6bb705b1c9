-- Where the source of a run was read from, so that its failed people can be exported; and which run took a run's place
-- because its source had changed.

ALTER TABLE run ADD COLUMN place TEXT NOT NULL DEFAULT '';  -- absolute path; empty where an older release wrote the run
ALTER TABLE run ADD COLUMN superseded_by TEXT;
