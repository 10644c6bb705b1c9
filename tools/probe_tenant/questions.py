"""The questions, each with what it does to find out; they stand in docs/explain/limits.md by the same ids.

An answer begins with one word that scripts can compare; what else was seen stands behind it. A question whose condition the
tenant does not meet is answered with NOT_ASKED and the reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import quote

from tools.probe_tenant.access import Access
from tools.probe_tenant.accounts import Accounts, lower_case, strong_password

NOT_ASKED = "not_asked"
LOOK_EVERY_S = 0.5
BIN_LOOKS_MAX = 10
WITHOUT_STRONG_RULE = "DisablePasswordExpiration, DisableStrongPassword"
CHARACTERS = "-_.+'!#^~"
TEXT_LENGTHS = (250, 251, 256, 257)
WORDS = ("password", "welcome", "qwerty", "summer", "microsoft")
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen: one word, and a sentence's worth of detail."""

    answer: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """What questions are asked with. `patience_s`: how long something may take to show."""

    access: Access
    accounts: Accounts
    legacy_id_attribute: str
    patience_s: float


Ask = Callable[[Bench], Seen]


def creation_units(bench: Bench) -> Seen:
    """Creating an account and reading what it cost."""
    answer = bench.accounts.create(bench.accounts.body(bench.accounts.address()))
    return Seen(answer.headers.get("x-ms-resource-unit", "not_told"), f"resource units; {answer.told}")


def disable_strong_password(bench: Bench) -> Seen:
    """A long password of one kind of character, with the strong rule lifted."""
    return _taken_or_refused(bench, lower_case(14), WITHOUT_STRONG_RULE)


def shortest_password(bench: Bench) -> Seen:
    """Shorter and shorter passwords, until the tenant refuses one."""
    shortest = 0
    for length in (8, 7, 6, 5, 4, 3):
        if _taken_or_refused(bench, lower_case(length), WITHOUT_STRONG_RULE).answer != "taken":
            break
        shortest = length
    return Seen(str(shortest) if shortest else "over_8", "characters, with DisableStrongPassword")


def password_expiration(bench: Bench) -> Seen:
    """An account that does not say DisablePasswordExpiration."""
    accounts = bench.accounts
    answer = accounts.create(accounts.body(accounts.address(), passwordPolicies=None))
    return Seen("may_be_left_out" if answer.succeeded else "needed", answer.told)


def banned_words(bench: Bench) -> Seen:
    """Passwords that are strong but for a word in them."""
    words = (*WORDS, bench.accounts.domain.partition(".")[0])
    refused = [
        one
        for one in words
        if _taken_or_refused(bench, f"{one.capitalize()}-2x#", "DisablePasswordExpiration").answer != "taken"
    ]
    return Seen("some" if refused else "none", f"refused of {len(words)}: {', '.join(refused) or 'none'}")


def password_check(bench: Bench) -> Seen:
    """Whether a password can be judged before it is used."""
    answer = bench.access.ask(
        "POST", "/users/validatePassword", {"password": strong_password()}, version="beta"
    )
    return Seen("there" if answer.succeeded else "not_there", answer.told)


def user_name_characters(bench: Bench) -> Seen:
    """User names with each of some characters in the middle."""
    accounts, taken = bench.accounts, ""
    for character in CHARACTERS:
        taken += (
            character if accounts.create(accounts.body(accounts.fresh(f"{character}z"))).succeeded else ""
        )
    return Seen("strict" if set(taken) <= {"-", "_"} else "loose", f"taken of {CHARACTERS}: {taken}")


def user_name_spelling(bench: Bench) -> Seen:
    """How the kind of a user name comes back."""
    accounts = bench.accounts
    made = accounts.create(accounts.body(accounts.fresh()))
    object_id = str(made.body.get("id") or "")
    if not object_id:
        return Seen("refused", made.told)
    accounts.wait_for(object_id)
    shown = accounts.read(object_id, "identities").body.get("identities") or []
    kinds = [str(one.get("signInType")) for one in shown if str(one.get("signInType")).lower() == "username"]
    return Seen(kinds[0] if kinds else "not_shown")


def extension_text_length(bench: Bench) -> Seen:
    """Longer and longer texts in the attribute legacyId of an account of its own."""
    if not bench.legacy_id_attribute:
        return Seen(NOT_ASKED, "the tenant has no attribute legacyId yet: the first premigration makes it")
    accounts, longest = bench.accounts, 0
    for length in TEXT_LENGTHS:
        text = f"{accounts.display_name}:".ljust(length, "x")
        if not accounts.create(
            accounts.body(accounts.address(), **{bench.legacy_id_attribute: text})
        ).succeeded:
            break
        longest = length
    return Seen(str(longest), "characters")


def deleted_names(bench: Bench) -> Seen:
    """The sign-in name of a deleted account, given to another one."""
    accounts = bench.accounts
    name = accounts.address()
    first = str(accounts.create(accounts.body(name)).body.get("id") or "")
    accounts.wait_for(first)
    deleted = accounts.remove(first)
    if not deleted.succeeded:
        return Seen(NOT_ASKED, f"deleting was refused: {deleted.told}")
    again = accounts.create(accounts.body(name))
    return Seen("free" if again.succeeded else "kept", again.told)


def purging(bench: Bench) -> Seen:
    """Taking an account out of the recycle bin for good."""
    accounts = bench.accounts
    object_id = accounts.new()
    accounts.wait_for(object_id)
    deleted = accounts.remove(object_id)
    if not deleted.succeeded:
        return Seen(NOT_ASKED, f"deleting was refused: {deleted.told}")
    answer = accounts.purge(object_id)
    for _ in range(BIN_LOOKS_MAX):  # the recycle bin shows it late, as everything
        if answer.status != HTTPStatus.NOT_FOUND:
            break
        bench.access.clock.sleep(1.0)
        answer = accounts.purge(object_id)
    return Seen("open" if answer.succeeded else "refused", answer.told)


def visible_by_id(bench: Bench) -> Seen:
    """How long a new account takes to be found by its id."""
    object_id = bench.accounts.new()
    return _seconds_until(bench, lambda: bench.accounts.read(object_id, "id").succeeded)


def visible_by_name(bench: Bench) -> Seen:
    """How long a new account takes to be found by its sign-in name."""
    name = bench.accounts.address()
    bench.accounts.create(bench.accounts.body(name))
    return _seconds_until(bench, lambda: bool(_by_identity(bench, name)))


def own_domain(bench: Bench) -> Seen:
    """An address in the tenant's own domain, looked for by its identity and by its principal name."""
    accounts = bench.accounts
    name = accounts.address(accounts.domain)
    made = accounts.create(accounts.body(name, mail=None))
    object_id = str(made.body.get("id") or "")
    if not object_id:
        return Seen("refused", made.told)
    _seconds_until(bench, lambda: bool(accounts.find(f"displayName eq '{accounts.display_name}'")))
    accounts.wait_for(object_id)
    by_identity = any(one.get("id") == object_id for one in _by_identity(bench, name))
    by_principal = any(
        one.get("id") == object_id for one in accounts.find(f"userPrincipalName eq '{_quoted(name)}'")
    )
    return Seen(
        "found" if by_identity else "not_found", f"by its principal name: {'yes' if by_principal else 'no'}"
    )


def federated_ids(bench: Bench) -> Seen:
    """The id that another provider gave, read back."""
    accounts = bench.accounts
    entry = {"signInType": "federated", "issuer": "probe.example", "issuerAssignedId": accounts.fresh()}
    body = accounts.body(accounts.address(), passwordProfile=None, passwordPolicies=None, mail=None)
    made = accounts.create(body | {"identities": [entry]})
    object_id = str(made.body.get("id") or "")
    if not object_id:
        return Seen("refused", made.told)
    accounts.wait_for(object_id)
    shown = accounts.read(object_id, "identities").body.get("identities") or []
    ids = [one.get("issuerAssignedId") for one in shown if one.get("issuer") == entry["issuer"]]
    return Seen("shown" if entry["issuerAssignedId"] in ids else "hidden")


def password_by_application(bench: Bench) -> Seen:
    """Changing the password of an account, and which directory role stands behind that."""
    accounts = bench.accounts
    object_id = accounts.new()
    accounts.wait_for(object_id)
    answer = _change_password(bench, object_id)
    return Seen("written" if answer == HTTPStatus.NO_CONTENT else "refused", f"{answer}; {_role(bench)}")


def password_change_shown(bench: Bench) -> Seen:
    """How long a changed password takes to show in the account's dates."""
    accounts = bench.accounts
    object_id = accounts.new()
    accounts.wait_for(object_id)
    before = accounts.read(object_id, "lastPasswordChangeDateTime").body.get("lastPasswordChangeDateTime")
    bench.access.clock.sleep(2.0)  # the dates have whole seconds
    if _change_password(bench, object_id) != HTTPStatus.NO_CONTENT:
        return Seen(NOT_ASKED, "changing a password was refused")

    def shown() -> bool:
        now = accounts.read(object_id, "lastPasswordChangeDateTime").body.get("lastPasswordChangeDateTime")
        return now is not None and now != before

    return _seconds_until(bench, shown)


def first_password_time(bench: Bench) -> Seen:
    """How far apart creation and first password of an account are dated."""
    accounts = bench.accounts
    object_id = accounts.new()
    accounts.wait_for(object_id)
    shown = accounts.read(object_id, "createdDateTime,lastPasswordChangeDateTime").body
    created, changed = shown.get("createdDateTime"), shown.get("lastPasswordChangeDateTime")
    if not created or not changed:
        return Seen("not_shown")
    apart = datetime.fromisoformat(changed) - datetime.fromisoformat(created)
    return Seen(f"{apart.total_seconds():.0f}", "seconds from creation to password")


def sign_ins_shown(bench: Bench) -> Seen:
    """Whether an account says when somebody last signed in."""
    accounts = bench.accounts
    object_id = accounts.new()
    accounts.wait_for(object_id)
    answer = accounts.read(object_id, "signInActivity")
    return Seen("shown" if answer.succeeded else "not_shown", answer.told)


def delta(bench: Bench) -> Seen:
    """Whether changes can be listed."""
    answer = bench.access.ask("GET", "/users/delta?$select=id")
    return Seen("there" if answer.succeeded else "not_there", answer.told)


def principal_name_entry(bench: Bench) -> Seen:
    """New identities for an account, without the one of its principal name."""
    accounts = bench.accounts
    object_id = accounts.new()
    accounts.wait_for(object_id)
    entry = {"signInType": "emailAddress", "issuer": accounts.domain, "issuerAssignedId": accounts.address()}
    answer = bench.access.ask("PATCH", f"/users/{object_id}", {"identities": [entry]})
    if answer.status == HTTPStatus.FORBIDDEN:
        return Seen(NOT_ASKED, f"changing identities was refused: {answer.told}")
    return Seen("may_be_left_out" if answer.succeeded else "needed", answer.told)


def conflicts(bench: Bench) -> Seen:
    """A second account with the sign-in name of the first."""
    accounts = bench.accounts
    body = accounts.body(accounts.address())
    first = accounts.create(body)
    again = accounts.create(body)
    if again.succeeded or not first.succeeded:
        return Seen("taken_twice" if again.succeeded else NOT_ASKED, again.told)
    error = again.body.get("error") or {}
    details = [one for one in error.get("details") or () if isinstance(one, dict)]
    names = any(one.get("code") == "ConflictingObjects" for one in details)
    target = ", ".join(str(one.get("target")) for one in details if one.get("code") == "ObjectConflict")
    return Seen("named" if names else "not_named", f"{again.told}; property {target or '(not told)'}")


def objects_left(bench: Bench) -> Seen:
    """Whether the tenant says how many objects it holds and may hold."""
    answer = bench.access.ask("GET", "/organization?$select=directorySizeQuota", version="beta")
    quota = next((one.get("directorySizeQuota") for one in answer.rows), None)
    if not isinstance(quota, dict):
        return Seen("not_told", answer.told)
    return Seen("told", f"{quota.get('used')} of {quota.get('total')}")


def retry_after(bench: Bench) -> Seen:
    """What the refusals with 429 said that came while everything else was asked; none are provoked."""
    told = bench.access.pauses_told
    if not told:
        return Seen(NOT_ASKED, "no 429 came")
    return Seen("always" if all(told) else "not_always", ", ".join(one or "missing" for one in told))


QUESTIONS: Mapping[str, Ask] = MappingProxyType(
    {
        one.__name__: one
        for one in (
            creation_units,
            disable_strong_password,
            shortest_password,
            password_expiration,
            banned_words,
            password_check,
            user_name_characters,
            user_name_spelling,
            extension_text_length,
            deleted_names,
            purging,
            visible_by_id,
            visible_by_name,
            own_domain,
            federated_ids,
            password_by_application,
            password_change_shown,
            first_password_time,
            sign_ins_shown,
            delta,
            principal_name_entry,
            conflicts,
            objects_left,
            retry_after,
        )
    }
)
"""Id -> how it is asked, in this order."""


def _taken_or_refused(bench: Bench, password: str, policies: str) -> Seen:
    accounts = bench.accounts
    profile = {"password": password, "forceChangePasswordNextSignIn": False}
    body = accounts.body(accounts.address(), passwordProfile=profile, passwordPolicies=policies)
    answer = accounts.create(body)
    return Seen("taken" if answer.succeeded else "refused", answer.told)


def _seconds_until(bench: Bench, is_seen: Callable[[], bool]) -> Seen:
    clock = bench.access.clock
    began_s = clock.elapsed()
    while not is_seen():
        waited_s = clock.elapsed() - began_s
        if waited_s > bench.patience_s:
            return Seen(f"over_{bench.patience_s:.0f}", "seconds")
        clock.sleep(LOOK_EVERY_S)
    return Seen(f"{clock.elapsed() - began_s:.1f}", "seconds")


def _by_identity(bench: Bench, name: str) -> list[dict[str, object]]:
    issuer = _quoted(bench.accounts.domain)
    where = f"identities/any(c:c/issuerAssignedId eq '{_quoted(name)}' and c/issuer eq '{issuer}')"
    return bench.accounts.find(where)


def _change_password(bench: Bench, object_id: str) -> int:
    profile = {"password": strong_password(), "forceChangePasswordNextSignIn": False}
    return bench.access.ask("PATCH", f"/users/{object_id}", {"passwordProfile": profile}).status


def _role(bench: Bench) -> str:
    client_id = bench.access.client_id
    answer = bench.access.ask("GET", f"/servicePrincipals(appId='{quote(client_id)}')/transitiveMemberOf")
    templates = {one.get("roleTemplateId") for one in answer.rows}
    if USER_ADMINISTRATOR in templates:
        return "with the role User Administrator"
    if not answer.succeeded or None in templates:
        return "roles cannot be seen"
    return "without the role User Administrator"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
