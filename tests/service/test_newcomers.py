"""Mode C over HTTP: the claims of an account, who may sign up, and what a reset creates."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from msgspec import structs
from tests.support.service_stage import Answered, ServiceStage
from tests.support.sign_in_stage import B2cStage

from idferry.errors import LedgerError
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.names import Identity, SignInType, local_identity
from idferry.rules.sign_in import Cause, Decision, Outcome
from idferry.service.logs import PersonIds
from idferry.service.newcomer_claims import newcomer_claims
from idferry.service.newcomers import NewcomerEndpoints
from idferry.service.workers import Workers

DRAFT = AccountDraft(
    legacy_id="contoso:shop:1",
    display_name="Anna Meyer",
    identities=(
        local_identity("anna@example.com"),
        local_identity("second@example.com"),
        local_identity("anna", SignInType.USER_NAME),
    ),
    password_plan=PasswordPlan.RANDOM,
    attributes={"givenName": "Anna", "otherMails": ("a@x.org",)},
    extensions={"customerNumber": "4711"},
)
CLAIMS = {
    "createRequired": True,
    "tokenSuccess": True,
    "migrationRequired": False,
    "displayName": "Anna Meyer",
    "accountEnabled": True,
    "signInEmailAddress": "anna@example.com",
    "signInUserName": "anna",
    "givenName": "Anna",
    "otherMails": ["a@x.org"],
    "extension_customerNumber": "4711",
    "extension_legacyId": "contoso:shop:1",
    "extension_requiresMigration": False,
}


@dataclass
class NewcomerStage:
    """Both endpoints; `known` have an account or will have one, `fails` is what a look raises."""

    known: tuple[str, ...] = ("anna@example.com",)
    fails: LedgerError | None = None

    def __post_init__(self) -> None:
        self.threads = Workers(threads=1, waiting_max=1, name="flow")
        first = ServiceStage()
        first.close()
        endpoints = NewcomerEndpoints(
            self.has_account,
            lambda name: DRAFT if self.has_account(name) else None,
            flag="requiresMigration",
            within_s=5.0,
            workers=self.threads,
            people=PersonIds(b"k" * 32),
            books=first.books,
        )
        self.service = ServiceStage(more=endpoints.endpoints())

    def has_account(self, name: str) -> bool:
        if self.fails:
            raise self.fails
        return name in self.known

    def ask(self, what: str, name: str = "anna@example.com") -> Answered:
        return self.service.post(f"/api/migration/{what}", {"signInName": name})


@pytest.fixture
def stage() -> Iterator[NewcomerStage]:
    made = NewcomerStage()
    yield made
    made.threads.close()
    made.service.close()


def test_claims_are_everything_of_the_draft_and_no_password() -> None:
    claims = newcomer_claims(DRAFT, "requiresMigration")
    assert {**claims, "otherMails": list(claims["otherMails"])} == CLAIMS


def test_no_attribute_of_a_source_replaces_a_claim_of_ours() -> None:
    attributes = {
        "tokenSuccess": "x",
        "createRequired": "x",
        "signInEmailAddress": "x",
        "accountEnabled": "x",
    }
    extensions = {"legacyId": "x", "requiresMigration": "x"}
    spoilt = structs.replace(DRAFT, attributes=attributes, extensions=extensions)
    claims = newcomer_claims(spoilt, "requiresMigration")
    assert "x" not in claims.values()


def test_what_other_providers_call_the_person_comes_in_numbered_pairs() -> None:
    federated = [
        Identity(SignInType.FEDERATED, "5eecb0cd", "facebook.com"),
        Identity(SignInType.FEDERATED, "10769150350006150715113082367", "google.com"),
    ]
    linked = structs.replace(DRAFT, identities=(federated[0], *DRAFT.identities, federated[1]))
    claims = newcomer_claims(linked, "requiresMigration")
    added = {name: value for name, value in claims.items() if name not in CLAIMS}
    assert added == {
        "federatedIssuer": "facebook.com",
        "federatedIssuerUserId": "5eecb0cd",
        "federatedIssuer2": "google.com",
        "federatedIssuerUserId2": "10769150350006150715113082367",
    }
    assert {**claims, "otherMails": list(claims["otherMails"])} == CLAIMS | added


def test_who_has_an_account_or_will_does_not_sign_up(stage: NewcomerStage) -> None:
    refused = stage.ask("sign-up")
    assert refused.status == 409
    assert refused.document["userMessage"].startswith("You already have an account")
    fresh = stage.ask("sign-up", "new@example.com")
    assert (fresh.status, fresh.body) == (200, b"")


def test_a_reset_gets_the_claims_of_who_is_to_come(stage: NewcomerStage) -> None:
    found = stage.ask("reset-lookup")
    assert (found.status, found.document) == (200, CLAIMS)
    nobody = stage.ask("reset-lookup", "new@example.com")
    assert (nobody.status, nobody.document) == (200, {"createRequired": False})


@pytest.mark.parametrize("what", ["sign-up", "reset-lookup"])
def test_a_ledger_that_is_silent_lets_nobody_through(stage: NewcomerStage, what: str) -> None:
    stage.fails = LedgerError("the test says so")
    answer = stage.ask(what)
    assert (answer.status, "try again" in answer.document["userMessage"]) == (409, True)


@pytest.mark.parametrize("what", ["sign-up", "reset-lookup"])
@pytest.mark.parametrize("body", [{}, {"signInName": "  "}, {"email": "x" * 600}, [], {"email": 3}])
def test_what_names_nobody_is_400(stage: NewcomerStage, what: str, body: object) -> None:
    assert stage.service.post(f"/api/migration/{what}", body).status == 400


@pytest.mark.parametrize("what", ["sign-up", "reset-lookup"])
def test_of_two_names_nobody_knows_which_was_verified(stage: NewcomerStage, what: str) -> None:
    """Whoever has proven an address of his own and typed another one's name would choose that person's password."""
    path = f"/api/migration/{what}"
    other = {"signInName": "ana@example.com", "email": "mallory@example.com"}
    assert stage.service.post(path, other).status == 400
    assert stage.service.post(path, {"signInName": "", "email": "new@example.com"}).status == 200
    same = {"signInName": " New@example.com", "email": "new@example.com"}
    assert stage.service.post(path, same).status == 200


def test_a_sign_in_of_somebody_to_come_answers_the_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = B2cStage()
    decision = Decision(Outcome.WELCOME, Cause.MATCHED, create=DRAFT)
    monkeypatch.setattr("tests.support.sign_in_stage.migrate_on_sign_in", lambda **_: decision)
    answer = stage.sign_in("anna@example.com", "Old-Password-1")
    assert (answer.status, answer.document) == (200, CLAIMS)
    stage.close()
