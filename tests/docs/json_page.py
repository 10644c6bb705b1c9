"""`docs/reference/json-output.md`: every key of every `--json` document. A test prints them all and compares.

In a path, `[]` stands for each element of a list, `{name}` for keys that depend on the data, and `*` for whatever
Microsoft Graph gives.
"""

from tests.docs.markdown import code, page, table

PLAN = {
    "people": "readable records",
    "create": "people who get an account",
    "existing": "people who have an account already, or are under way",
    "failed_before": "people who failed in an earlier run; `--retry-failed` takes them up",
    "left_out.{code}": "people left out, by [outcome](outcomes.md)",
    "refused.{code}": "people refused, by outcome",
    "refused_attributes.{attribute}.{code}": "people whose attribute is not sent, by attribute and outcome",
    "notes.{code}": "people with a note, by outcome",
    "passwords.{plan}": "people to create by how they get their password: `known`, `known_weak` (sent with "
    "`DisableStrongPassword`), `random`, `none` (federated only)",
    "bad_records[].file": "file name without its folder",
    "bad_records[].line": "line, from 1",
    "bad_records[].field": "field; empty where the whole record is broken",
    "bad_records[].reason": "what is wrong; quotes no value",
    "bad_records_count": "all bad records; the list holds the first 1,000",
}
FAILURES = {
    "failures[].code": "[error code](errors.md) of people who failed",
    "failures[].count": "how many",
    "failures[].remedy": "what to do",
}
ENTRY = {
    "state": "[state](states.md)",
    "code": "outcome or error code; else empty",
    "reason": "a sentence on this one case; else empty",
    "source": "name of the source",
    "key": "the source's own key",
    "legacy_users[].source": "each source that knows the person, in the order in which their systems are asked; one, unless people were merged",
    "legacy_users[].key": "the key in that source",
    "legacy_id": "`legacyId` of the account; empty for people who get none",
    "object_id": "the account's id, also when it was removed since; empty before there is one",
    "cohort": "label of `--cohort`; else empty",
    "created_by_run": "run that created the account; else empty",
    "created_at": "when, ISO 8601; else null",
}
DIFFERENCE = {
    "id": "object id",
    "legacy_id": "`legacyId`",
    "attribute": "name of the attribute; `identities`, `state`, `id`, `legacyId` and the flag's name too",
    "expected": "what should be there",
    "found": "what is there",
}
RECYCLED = {
    "found": "removed accounts that are in the recycle bin",
    "absent": "removed accounts that are no longer there",
    "foreign": "accounts there that carry another `legacyId`; not touched",
    "failed": "accounts that could not be dealt with",
    "failures.{code}": "the same by error code",
}


PERSON = {"id": "object id; the first 10,000", "legacy_id": "`legacyId`"}

CHANGES = {
    "run": "the run that is not done",
    **{
        f"{group}.{key}": meaning
        for group, what in {
            "new": "records that were not planned",
            "changed": "records of people without an account yet that say something else now",
            "gone": "records that were planned and are no longer there",
            "settled_changed": "the same as `changed`, of people who were dealt with before",
            "settled_gone": "the same as `gone`, of people who were dealt with before",
        }.items()
        for key, meaning in (("count", what), ("keys[]", "the first five keys of them"))
    },
}


SWEEP = {
    "executed": "false: nothing was changed",
    "checked": "accounts of people who await a password",
    "cleared": "flags taken down, or to take down: somebody has chosen another password",
    "progressed": "people whose flag was down already",
    "returned": "people for whom we had vouched, and the tenant wrote nothing within 15 minutes",
    "missing": "people whose account is not shown",
    "foreign": "people whose account carries another `legacyId`",
    "failed": "flags that the directory did not take down",
    "refused": "code of what let us take no flag down at all, such as `forbidden`; else empty",
    "changed[].id": "object id; the first 10,000",
    "changed[].legacy_id": "`legacyId`",
    "changed[].password_changed_at": "when the password was chosen, ISO 8601",
}


def _below(path: str, keys: dict[str, str]) -> dict[str, str]:
    return {f"{path}.{name}": meaning for name, meaning in keys.items()}


UPDATE = {
    "people": "people of the source who have an account",
    "in_source": "those of them who are in the export now",
    "unchanged": "those of whom it says what was last written",
    "to_update": "people whose account has a value to change",
    "updated": "people whose account was changed; 0 in a plan",
    "changes[].id": "object id; one element per value to change, the first 10,000",
    "changes[].legacy_id": "`legacyId`",
    "changes[].attribute": "name of the attribute",
    "changes[].before": "what the directory holds; null: nothing",
    "changes[].after": "what the source says; null: it is cleared",
    "already": "people whose account holds the new values already",
    **_below("changed_by_person[]", PERSON),
    "changed_by_person[].attributes": "names of the values that the source and somebody else have changed: left alone",
    "changed_by_person_count": "all of them",
    "left_alone.{code}": "people whose record would not be planned now, by [outcome](outcomes.md): left alone",
    "unsent_attributes.{attribute}": "people whose new value may not be sent, by attribute: the account keeps the one of before",
    **_below("unsent[]", PERSON),
    "unsent_count": "all of these people",
    **_below("identity_changed[]", PERSON),
    "identity_changed_count": "people for whom the source says other sign-in names than the account was made with",
    **_below("other_key[]", PERSON),
    "other_key_count": "people with an account who are in the export under another key than theirs: never disabled or removed; 0 with `--only` and `--limit`",
    **_below("vanished[]", PERSON),
    "vanished_count": "people with an account who are not in the export any more; 0 with `--only` and `--limit`",
    **_below("barred[]", PERSON),
    "barred_count": "people whom the source has disabled since their account was created",
    **_below("barred_in_doubt[]", PERSON),
    "barred_in_doubt_count": "people who may be barred: a record that is disabled has their key or one of their sign-in names, and not both; never disabled here",
    **_below("returned[]", PERSON),
    "returned_count": "people whom the source enables and whose account is disabled: left alone",
    **_below("missing[]", PERSON),
    "missing_count": "people whose account the directory does not show",
    **_below("foreign[]", PERSON),
    "foreign_count": "people whose account carries another `legacyId` now: not touched",
    "to_disable_or_remove": "people who would lose their account by `--vanished` and `--barred`: the number of `--vanished-count`",
    "disabled": "accounts disabled; 0 in a plan",
    "disabled_before": "accounts that somebody else had disabled before",
    "removed": "accounts deleted; 0 in a plan",
    "kept.{reason}": "accounts of vanished people that `--vanished remove` keeps, by [reason](outcomes.md#kept)",
    "kept_people[].legacy_id": "`legacyId`; the first 1,000",
    "kept_people[].reason": "why it is kept",
    "failed": "people whose account could not be changed, disabled or deleted",
    "failures.{code}": "the same by error code",
}

UNDECIDED = {
    "unknown": "accounts of this source whose person the export does not plan",
    "held": "accounts that are not ours and hold the sign-in name of a person who has no account",
    "nameless": "accounts with a person's `legacyId` and none of the person's sign-in names",
    "doubled": "accounts of people of whom several carry the `legacyId`",
}

DOCUMENTS: dict[str, dict[str, str]] = {
    "survey": PLAN,
    "premigrate": {
        **PLAN,
        "run": "the run; null in a plan",
        "states.{state}": "everybody in the ledger by [state](states.md), whatever the source; in a plan: before it",
        **FAILURES,
        "created": "accounts that this execution created; like the next three, 0 in a plan",
        "adopted": "accounts that it found: created by an earlier call whose answer was lost",
        "failed": "people who failed in it",
        "unsettled": "people whose earlier call has no answer and whom it could not settle: they belong to another source, or to another version of this one",
        "refused_passwords.{code}": "accounts of this execution whose password the directory refused, by "
        "[what was sent instead](outcomes.md): the same one as a weak one, or a random one and the migration flag",
        "keys_not_found[]": "keys of `--only FILE.keys` that the source does not hold; the first 1,000",
        "keys_not_found_count": "all of them",
        "source_changes": "null unless the source has changed since a run of this command that is not done; else:",
        **_below("source_changes", CHANGES),
        "update": "null without `--update`, and where there was no ledger yet; else:",
        **_below("update", UPDATE),
    },
    "rehearse": {
        **PLAN,
        "created": "accounts created in the emulated tenant",
        "adopted": "accounts found: created by a call whose answer was lost",
        "failed": "people who failed",
        **FAILURES,
        "failures[].examples[]": "a few keys of people who failed so",
        "applications": "applications that sent",
        "latency_ms": "how long each answer took; `--latency-ms`",
        "fault_rate": "share of calls that were broken; `--fault-rate`",
        "duration_s": "measured: stepped seconds from the first call to the last answer, creating everybody",
        "verify_s": "measured: stepped seconds of reading everybody back",
        "differences": "what reading everybody back found; as in `verify --strict`",
        "peak_per_s": "measured: people created per second in the best 10 seconds",
        "computed[].applications": "1, 2 and 3",
        "computed[].duration_s": "seconds that the published limits allow at best",
        "computed[].pessimistic_s": "the same if creating in B2C costs 5 writes; null in External ID",
        "writes": "write units spent",
        "units": "resource units spent",
        "put_off": "calls answered with 429, each item of a batch by itself",
        "existing": "objects that the real tenant holds already; `--existing`",
        "object_limits[].objects_max": "documented limits of such a tenant, smallest first",
        "object_limits[].condition": "when it holds",
        "object_limits[].fits": "whether existing and created objects stay within it",
        "phones": "people who are created with a mobile phone number",
        "phones_s": "seconds to register these as methods: reported practice, not documented",
        "real_s": "seconds that the rehearsal really took",
        "first_day": "null without `--first-day`; else:",
        "first_day.fits": "whether everything carries the busiest minutes",
        "first_day.average_per_s": "first sign-ins per second, on average",
        "first_day.peak_per_s": "the same in the busiest minutes (assumed: twice)",
        "first_day.people_per_hour_max": "people per hour at which the first thing gives way",
        "first_day.bounds[].name": "what may give way, tightest first",
        "first_day.bounds[].people_per_s": "people per second that it carries",
        "first_day.bounds[].basis": "`documented`, `measured` (on some machine, once) or `given`",
        "first_day.bounds[].explanation": "what the figure is made of",
    },
    "status": {
        "states.{state}": "people by [state](states.md)",
        **FAILURES,
        "rate": "people settled per second over the last five minutes, or the second half of a shorter run; 0 when no run is at work",
        "claimed": "people in `creating` whose account a sign-in, a sign-up or a reset is making",
        "claims_overdue": "those of them of which nothing has been heard for over 10 minutes: `serve` or the next premigration settles them",
        "captures_refused": "people whose captured password was weak or banned, and who still await one",
        "time_left_s": "seconds that remain, by whole periods of the quota and by what it allows for ever; null when nothing moves",
        "runs[].run": "all runs, newest first",
        "runs[].command": "the command that continues it",
        "runs[].source": "name of the source",
        "runs[].cohort": "label of `--cohort`; else empty",
        "runs[].started_at": "ISO 8601",
        "runs[].ended_at": "ISO 8601; null: open",
        "runs[].place": "path that the source was read from; empty where an older release wrote the run",
        "runs[].superseded_by": "the run that took its place, because the source had changed; else null",
        "exported": "null without `--export-failures`, and where nobody has failed; else:",
        "exported.file": "the file with the records, as it was named",
        "exported.keys_file": "the file with their keys",
        "exported.backup": "the file that keeps what FILE held before `--force`; null where there was none",
        "exported.source": "name of the source",
        "exported.people": "records written",
        "exported.not_found": "people who failed and whose record is not in the source any more",
        "exported.next": "the command that takes the mended people up",
    },
    "verify": {
        "checked": "accounts read",
        "differences": "all differences; 0 means exit code 0. Each list below holds the first 10,000",
        "missing[].id": "object id; empty where there never was an account",
        "missing[].legacy_id": "`legacyId` of a person who should have an account and has none",
        "missing[].reason": "how that was found",
        "extra[].id": "object id of an account with a `legacyId` of this project that the ledger does not know",
        "extra[].legacy_id": "that `legacyId`",
        **_below("differing[]", DIFFERENCE),
        "changed_by_person": "values that somebody else has set since; no differences unless `--strict`",
        **_below("changes[]", DIFFERENCE),
        "progressed": "people whose flag fell since: they have got their password",
        "foreign": "accounts that this project has nothing to do with",
        "vanished": "people with an account who are not in the source any more; no differences; 0 without `--source`",
        "claimed": "people whose account a sign-in is making at the moment; no differences",
        **_below("sweep", SWEEP),
    },
    "sweep": SWEEP,
    "find": {
        "accounts[].*": "the account as Microsoft Graph gives it",
        "accounts[].ledger": "null for accounts that this tool did not create; else:",
        **_below("accounts[].ledger", ENTRY),
    },
    "person": {
        "sign_in_name": "what was asked for",
        "entry": "null when the ledger does not know the person; else:",
        **_below("entry", ENTRY),
        "claimed_since": "when a sign-in claimed the person, as long as the account is not there, ISO 8601; else null",
        "events[].at": "ISO 8601, oldest first",
        "events[].run": "the run; empty where none did it",
        "events[].kind": "[kind of event](ledger.md#kinds-of-event)",
        "events[].code": "error code, or reason to keep an account; else empty",
        "events[].reason": "a sentence; else empty",
        "locks": "null where no sign-in service has used a guard yet; else:",
        "locks.failures": "attempts since the last success, from addresses without an earlier sign-in",
        "locks.last_at": "the last of them, ISO 8601; else null",
        "locks.locked_until": "until when nobody gets through but from addresses of earlier sign-ins, ISO 8601; else null",
        "locks.locked_addresses": "addresses that have a lock of their own for this name",
        "locks.known_addresses": "addresses of earlier sign-ins",
        "unlocked": "whether this command ended the locks",
        "flag_raised": "whether it raised the migration flag",
        "reset_required": "whether it took every password away until the person chooses a new one",
        "accounts[].*": "the account as Microsoft Graph gives it",
    },
    "remove": {
        "to_remove": "accounts that may be deleted",
        "removed": "accounts deleted; 0 in a plan",
        "kept_used": "accounts kept because somebody uses them",
        "failed": "accounts that could not be deleted",
        "gone": "accounts that were no longer there",
        "kept.{reason}": "accounts kept, by [reason](outcomes.md#kept)",
        "failures.{code}": "accounts that could not be deleted, by error code",
        "kept_people[].legacy_id": "`legacyId`; the first 1,000",
        "kept_people[].reason": "why it is kept",
        "status_complete": "whether the Azure Table of the reset status, if there is one, has no row of a removed person",
    },
    "restore": {**RECYCLED, "restored": "accounts taken out of the recycle bin; 0 in a plan"},
    "purge": {**RECYCLED, "purged": "accounts deleted for good; 0 in a plan"},
    "ledger rebuild": {
        **{key: PLAN[key] for key in ("people", "left_out.{code}", "refused.{code}")},
        "bad_records_count": "records that cannot be read; `idferry survey` lists them",
        "run": "the run that made the ledger; null in a plan",
        "read": "accounts read",
        "complete": "people who have an account",
        "awaiting_password": "people who have an account with the migration flag",
        "missing": "people who have none: `idferry premigrate` creates them",
        "changed_by_person": "people whose account holds other values than the export",
        "undecided": "accounts that somebody has to look at; 0 means exit code 0",
        **{
            f"{kind}[].{key}": meaning
            for kind in UNDECIDED
            for key, meaning in {"id": "object id; the first 10,000", "legacy_id": "`legacyId`"}.items()
        },
        **{f"{kind}_count": meaning for kind, meaning in UNDECIDED.items()},
    },
    "verifier check": {
        "verifier": "name of the verifier",
        "verdict": "`match`, `match_must_change`, `match_second_factor`, `mismatch`, `no_such_user`, `barred`, "
        "`barred_proven` or `no_answer_` and why",
        "code": "what the legacy system said, as the verifier's code table calls it",
        "reached": "whether the legacy system may have seen the password",
        "milliseconds": "how long it took",
        "advice": "sentences: an allow list to arrange, or hashes that may be stale",
    },
    "hash list": {
        "schemes[].name": "what the settings call it",
        "schemes[].family": "schemes of one family are built alike",
        "schemes[].layout": "what a value looks like",
        "schemes[].systems": "who writes it",
        "schemes[].proof": "`published`, `self-made`, `unproven` or `unsupported`: see [password hashes](password-hashes.md)",
        "schemes[].marked": "whether a value is known by its looks; else the scheme must be configured",
        "schemes[].note": "what to mind; else empty",
    },
    "hash check": {
        "rows[].line": "line in the file, from 1; rows in order",
        "rows[].verdict": "`match`, `mismatch`, `malformed` or `unsupported`",
        "rows[].scheme": "the scheme; empty where nobody can tell",
        "rows[].reason": "why it is malformed or unsupported; else empty. Quotes nothing of the row",
        "rows[].expect": "what the row expects; else null",
        "counts.{verdict}": "rows by verdict",
        "differing": "rows that expect another verdict; 0 means exit code 0",
    },
    "hash prove": {
        "found": "whether a way was found; it means exit code 0",
        "scheme": "the scheme; else empty",
        "descriptor": "null when nothing was found; else what goes into the settings:",
        "descriptor.{field}": "a field of the [descriptor](password-hashes.md#descriptor)",
        "tried": "ways that were computed",
        "reason": "why there was nothing to try; else empty",
        "from_row[]": "fields that each row holds itself",
    },
    "hash forecast": {
        "hashes": "hashes that can be checked",
        "malformed": "rows that are not what their scheme writes",
        "unsupported": "rows that cannot be checked here",
        "threads": "threads that compute at the same time on this machine",
        "deadline_ms": "how long the caller waits",
        "sign_ins_per_second": "what the machine sustains, four fifths busy; null without hashes",
        "mean_ms": "mean of one verification, over people",
        "p95_ms": "95 of 100 people take no longer",
        "p99_ms": "99 of 100 people take no longer",
        "slowest_ms": "the slowest kind",
        "fits": "whether everybody's verification ends before the deadline; it means exit code 0",
        "negative_reply_at_ms": "proposal for the setting; null where it does not fit",
        "kinds[].scheme": "scheme; kinds in order, the fastest first",
        "kinds[].cost": "cost, in the scheme's own words",
        "kinds[].count": "hashes of this kind",
        "kinds[].milliseconds": "one verification",
        "over_bounds.{bound}": "hashes that cost more than [`[hashes] bounds`](password-hashes.md#bounds) allow",
        "memory_mib": "memory that one verification of the largest kind takes, in MiB",
        "at_once": "verifications at the same time, by threads and by `[hashes] memory_mib`",
        "bounds[].scheme": "scheme whose costliest hash was measured",
        "bounds[].bound": "the bounds that allow it",
        "bounds[].milliseconds": "one verification of it on this machine",
        "bounds[].memory_mib": "the memory that it takes, in MiB",
        "bounds[].fits": "whether it ends before the deadline",
    },
    "hash load": {
        "source": "name of the source",
        "executed": "whether the hashes are in the store now",
        "records": "readable records",
        "taken": "hashes that can be checked",
        "without_hash": "records without a hash",
        "barred": "records of people whom the source has disabled: their hash is not taken",
        "malformed": "hashes that are not what their scheme writes",
        "lacking.{why}": "hashes that are not checked: `unknown`, `not_built`, `library`, `no_password`, `over_bounds`",
        "schemes.{scheme}": "hashes taken, by scheme",
        "forgotten": "hashes deleted again, because their people are settled",
        "refused[].key": "the source's own key; the first 1,000 whose hash is not taken",
        "refused[].line": "line in the file",
        "refused[].reason": "why; quotes nothing",
        "refused_count": "all of them; 0 means exit code 0",
    },
    "hash destroy": {
        "hashes": "hashes in the store",
        "destroyed": "whether they are gone",
    },
    "ids export": {
        "file": "the file, as it was named",
        "format": "`csv` or `jsonl`",
        "people": "lines in it, without the heading",
        "without_account": "selected people who have no account and are not in it",
    },
    "serve": {
        "service": "root address of what the tenant calls; the line is printed when it is answered",
        "mtls": "root address for callers with a client certificate; only with `--mtls-port`",
        "admin": "root address of metrics, readiness and the OpenAPI document",
    },
    "emulator": {
        "tenants[].kind": "`b2c` or `external`",
        "tenants[].tenant_id": "the tenant's id",
        "tenants[].domain": "its domain",
        "tenants[].authority": "https address of the token endpoint",
        "tenants[].graph_https": "https address of Graph",
        "tenants[].graph_http": "http address of Graph",
        "tenants[].ca_file": "certificate authority to trust; a PEM file",
        "tenants[].client_id": "an application that may do everything the tool needs",
        "tenants[].client_secret": "its secret; it opens this machine's emulator only",
        "tenants[].extension_app_id": "client id of its b2c-extensions-app",
        "tenants[].settings": "a complete idferry.toml",
        "control": "address of the control API, for tests",
    },
}
ERROR = {
    "error.code": "[error code](errors.md)",
    "error.message": "what happened",
    "error.remedy": "what to do",
    "error.next": "the command to type then, where the same one continues; else absent",
    "progress.run": "the run that is not done, of `premigrate`; else absent",
    "progress.settled": "people whom it has settled so far: with an account, or failed",
    "progress.left": "people whom it has planned and not settled",
    "source_changes": "with the code `source_changed`, where the difference is known:",
    **_below("source_changes", CHANGES),
}
INTRODUCTION = """
`--json` prints one document on one line of standard output, and nothing else there. Keys are added and never renamed
or removed. Counts are people unless said otherwise. No document holds a password or a secret, but for the emulator's
own.

In a path, `[]` stands for each element of a list, `{name}` for keys that depend on the data (they are absent where
the count is 0), and `*` for the keys of Microsoft Graph.
"""


def render() -> str:
    """The page."""
    sections = [f"## idferry {name}\n\n{_keys(keys)}" for name, keys in DOCUMENTS.items()]
    return page(
        "JSON output",
        INTRODUCTION,
        *sections,
        "## When a command ends with an error\n\nThe exit code says so, and the document is this one.\n\n"
        + _keys(ERROR),
    )


def _keys(keys: dict[str, str]) -> str:
    return table(["key", "meaning"], [(code(path), meaning) for path, meaning in keys.items()])
