"""Generated requests of signed-in callers against every endpoint of a running service, and how many came through its door.

    told = fuzz(service, examples=20, seed=1)

schemathesis makes the bodies from the OpenAPI document. Most of them are mended, so that they name somebody and what is
encrypted really is: a body that dies at the door tries nothing behind it. How many reach the flow is counted where the
flow begins, never told by the answer.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)
from tests.support.scripted_server import wait_until
from tests.support.wired_service import EXTENSION, RIGHT, WiredService

from idferry.service.external_id import EVENT_TYPE, PATH

AS_GENERATED_EVERY = 10
"""So many mended bodies to one that stays as it was generated."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
MOMENTS = (
    None,
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-12:00",
    "1969-12-31T23:59:59.5Z",
    "2026-02-28T12:00:00",
    "2026-11-20t12:00:00z",
)
"""Times of a change as a front may send them: the first and the last there are, also where they lie beyond in UTC."""
_LIMITS = {
    "correlationId": 64,
    "ipAddress": 64,
    "objectId": 64,
    "email": 500,
    "signInName": 500,
    "legacyId": 200,
}
_FLOWS = {
    "idferry.wiring.sign_ins.migrate_on_sign_in": ("/api/migration/sign-in", "/api/identity", PATH),
    "idferry.wiring.sign_ins.note_password_reset": ("/api/migration/password-reset",),
    "idferry.wiring.sign_ins.has_account_or_will": ("/api/migration/sign-up",),
    "idferry.wiring.sign_ins.draft_for_reset": ("/api/migration/reset-lookup",),
    "idferry.wiring.capture.capture": ("/api/migration/capture",),
    "idferry.wiring.service.track_password_reset": ("/api/PrePasswordReset/PasswordUpdated",),
    "idferry.ledger.reset_status.LedgerResetStatus.must_reset": (
        "/api/PrePasswordReset/LoalAccountSignIn",
        "/api/PrePasswordReset/LocalAccountSignIn",
    ),
}
_OF_CALLERS = ("authorization", "x-api-key")
_FLOWLESS = frozenset({"GET /healthz", f"GET {PATH}"})


@dataclass
class Fuzzed:
    """What came of it, by operation: requests, those that reached the flow, answers by status; `probes` had no right credential.

    `enforced` are the operations that were asked without one.
    """

    cases: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Counter[int]] = field(default_factory=dict)
    probes: int = 0
    enforced: set[str] = field(default_factory=set)

    @property
    def requests(self) -> int:
        """All of them."""
        return self.cases.total()

    def share(self, operation: str) -> float:
        """Which part of an operation's requests reached its flow."""
        return self.reached[operation] / self.cases[operation]

    @property
    def operations(self) -> list[str]:
        """Those that have a flow."""
        return [one for one in self.cases if one not in _FLOWLESS]


@contextmanager
def counted_flows() -> Iterator[Counter[str]]:
    """How often each flow was begun, by the path of its endpoint. To be entered before the service is made."""
    begun: Counter[str] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        for place, paths in _FLOWS.items():
            patch.setattr(place, _counting(_found(place), begun, paths[0]))

        async def at_once(**_: Any) -> bool:
            return True

        # What is a no leaves at one fixed time; here nobody waits for it.
        patch.setattr("idferry.service.external_id.reply_at", at_once)
        yield begun


def fuzz(service: WiredService, begun: Counter[str], *, examples: int, seed: int) -> Fuzzed:
    """So many generated requests for each operation of the service. Raises what schemathesis found."""
    schema = schemathesis.openapi.from_dict(service.document)
    told, chance = Fuzzed(), random.Random(seed)  # noqa: S311  it must be repeatable
    for found in schema.get_all_operations():
        operation = found.ok()
        label = operation.label
        before = _begun(begun, operation.path)
        _play(service, operation, told, examples=examples, seed=seed, mend=Mender(service, chance))
        if label not in _FLOWLESS:
            wait_until(lambda: _captured(service) == _queued(service), seconds=30)
            told.reached[label] = _begun(begun, operation.path) - before
    told.probes = sum(line.get("outcome") == "unauthorized" for line in service.lines())
    return told


def _play(
    service: WiredService, operation: Any, told: Fuzzed, *, examples: int, seed: int, mend: "Mender"
) -> None:
    label = operation.label
    answers = told.answers.setdefault(label, Counter())
    right, wrong = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    if label in _FLOWLESS:
        wrong = right

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @hypothesis.given(right, wrong, st.text(max_size=40), st.text(max_size=40))
    def one(case: Any, other: Any, name: str, password: str) -> None:
        told.cases[label] += 1
        if told.cases[label] % AS_GENERATED_EVERY == 0:
            case = other
        elif label not in _FLOWLESS:
            is_first = told.cases[label] == 1
            case.body = (
                mend.right(operation.path) if is_first else mend(operation.path, case.body, name, password)
            )
        for header in [one for one in case.headers or {} if one.lower() in _OF_CALLERS]:
            del case.headers[
                header
            ]  # a credential of its own invention beside the right one is a 401, and no case
        headers = service.headers(operation.path)
        response = case.call(base_url=service.address, headers=headers)
        answers[response.status_code] += 1
        if "authorization" not in {one.lower() for one in response.request.headers}:
            # One way of generating a wrong request is to leave the credential out.
            assert response.status_code == 401
            return
        assert response.status_code != 401, "the caller was signed in"
        # It asks again without a credential and with wrong ones; once for each operation says it all.
        checks = CHECKS if label in told.enforced else [*CHECKS, ignored_auth]
        if response.status_code < 300:
            told.enforced.add(label)
        case.validate_response(response, checks=checks, headers=headers)

    one()


class Mender:
    """Gives a generated body what it needs to get through the door, and leaves it whatever else was generated."""

    def __init__(self, service: WiredService, chance: random.Random) -> None:
        self._service = service
        self._chance = chance

    def right(self, path: str) -> dict[str, Any]:
        """A body that is answered with a yes, whoever was there before: what must not be heard by nobody."""
        name = self._service.names[0 if path.endswith(("sign-in", "password-submit")) else 1]
        if path == PATH:
            return self._service.event(name, RIGHT)
        if path.endswith("capture"):
            return {"signInName": self._service.names[-1], "password": RIGHT, "event": "sign_in"}
        if path.endswith(("sign-up", "AccountSignIn")):
            return {"signInName": "nobody@example.org"}
        return {"signInName": name, "password": RIGHT}

    def __call__(self, path: str, body: Any, name: str, password: str) -> dict[str, Any]:
        """The body for this path."""
        found = body if isinstance(body, dict) else {}
        name = self._name(path, name)
        if self._chance.random() < 0.25:
            password = RIGHT
        return (
            self._event(found, name, password) if path == PATH else self._claims(path, found, name, password)
        )

    def _name(self, path: str, typed: str) -> str:
        service = self._service
        # In mode C somebody whom a sign-in or a reset has claimed cannot sign up at a front meanwhile: that is a 503.
        free = service.names[-2:] if path.endswith("capture") else service.names[:-2]
        known = self._chance.choice(free)
        return known if self._chance.random() < 0.5 or not typed.strip() else typed

    def _claims(self, path: str, body: dict[str, Any], name: str, password: str) -> dict[str, Any]:
        kept = {
            one: value
            for one, value in body.items()
            if one not in _LIMITS or (isinstance(value, str) and len(value) <= _LIMITS[one])
        }
        kept.pop("signInName", None)
        known = self._service.ids.get(name)
        if known and self._chance.random() < 0.5:
            kept["objectId"] = known
        elif self._chance.random() < 0.5:
            kept.pop("objectId", None)
        where = "signInName" if path.endswith("capture") else self._chance.choice(["email", "signInName"])
        kept.pop("email", None)
        kept[where] = name
        if "password" in kept:
            kept["password"] = password or "x"
        if "passwordChangedAt" in kept:
            kept["passwordChangedAt"] = self._chance.choice(MOMENTS)
        return kept

    def _event(self, body: dict[str, Any], name: str, password: str) -> dict[str, Any]:
        ours = self._service.event(name, password, **self._claims_beside())
        data = body["data"] if isinstance(body.get("data"), dict) else {}
        about = data["authenticationContext"] if isinstance(data.get("authenticationContext"), dict) else {}
        context = {**about, "user": {**_part(about, "user"), "id": self._object_id(name)}}
        if len(str(about.get("correlationId", ""))) > _LIMITS["correlationId"]:
            context.pop("correlationId")
        mended = {
            **data,
            "tenantId": self._service.tenant.tenant_id,
            "customAuthenticationExtensionId": EXTENSION,
            "encryptedPasswordContext": ours["data"]["encryptedPasswordContext"],
            "authenticationContext": context,
        }
        return {**body, "type": EVENT_TYPE, "data": mended}

    def _object_id(self, name: str) -> str:
        known = self._service.ids.get(name)
        return known or f"{self._chance.getrandbits(64):x}"

    def _claims_beside(self) -> dict[str, Any]:
        """Claims as nobody sends them, beside those that must be right."""
        numbers = (0, -1, 1.5, None, True, "x", [], {}, {"aud": 1}, "\x00", "é" * 20)
        nonce = "".join(self._chance.choices("abc-_.~!{}\"'\\", k=self._chance.randint(1, 40)))
        return {"nonce": nonce, "iat": self._chance.choice(numbers), "more": self._chance.choice(numbers)}


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _queued(service: WiredService) -> int:
    """Sign-ins that were answered at once, to be captured after it."""
    return sum(line.get("outcome") == "queued" for line in service.lines())


def _captured(service: WiredService) -> int:
    return sum(line["event"] == "captured" for line in service.lines())


def _begun(begun: Counter[str], path: str) -> int:
    [first] = [paths[0] for paths in _FLOWS.values() if path in paths] or [""]
    return begun[first]


def _counting(original: Callable[..., Any], begun: Counter[str], path: str) -> Callable[..., Any]:
    def begin(*arguments: Any, **more: Any) -> Any:
        begun[path] += 1
        return original(*arguments, **more)

    return begin


def _found(place: str) -> Callable[..., Any]:
    module, _, name = place.rpartition(".")
    try:
        owner: Any = __import__(module, fromlist=[name])
    except ModuleNotFoundError:
        outer, _, inner = module.rpartition(".")
        owner = getattr(__import__(outer, fromlist=[inner]), inner)
    function: Callable[..., Any] = getattr(owner, name)
    return function
