-- Who owns an account: asked at sign-ins, where only the account's id is known for certain.

CREATE INDEX person_by_object_id ON person (object_id) WHERE object_id IS NOT NULL;
