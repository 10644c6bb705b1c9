"""/users: create, read, list, change, delete; and the password pre-check.

Shapes requests and answers; the rules stand in `accounts`, the queries in `query` and `finding`.
"""

from typing import Any

from idferry.emulator.graph import accounts, passwords, permissions, query
from idferry.emulator.graph.errors import (
    bad_request,
    no_sign_in_activity,
    not_covered,
    not_found,
    unsupported_query,
)
from idferry.emulator.graph.exchange import Answer, Call
from idferry.emulator.graph.finding import count_of, page_of
from idferry.emulator.lag import Channel
from idferry.emulator.store import Account

_MESSAGES = {
    "password_too_short": "The password is too short.",
    "password_not_meet_complexity": "The password does not meet the complexity rule.",
    "password_banned": "The password holds a word that is banned.",
}


def create(call: Call) -> Answer:
    """POST /users: 201 with the account."""
    permissions.require(call, permissions.CREATE_USERS)
    account = accounts.create(_payload(call), scene=_scene(call))
    shown: dict[str, Any] = {"@odata.context": query.context(call, "users", selection=None, single=True)}
    shown |= query.show(account.body, selection=None)
    if call.tenant.is_b2c:
        shown["identities"] = account.body["identities"]
        shown["passwordPolicies"] = account.body.get("passwordPolicies")
    shown |= {name: value for name, value in account.body.items() if name.startswith("extension_")}
    location = f"{call.root}/{call.version}/{call.tenant.tenant_id}/directoryObjects/{account.id}"
    return Answer(201, shown, {"Location": f"{location}/Microsoft.DirectoryServices.User"})


def get(call: Call) -> Answer:
    """GET /users/{id or userPrincipalName}: 200 with the selected properties."""
    permissions.require(call, permissions.READ_USERS)
    query.check_names(call.query)
    selection = query.read_selection(call, in_list=False)
    _check_activity(call, selection)
    account = _shown_account(call, channel="get")
    shown = {"@odata.context": query.context(call, "users", selection=selection, single=True)}
    return Answer(200, shown | query.show(account.body, selection=selection))


def list_(call: Call) -> Answer:
    """GET /users: 200 with one page."""
    permissions.require(call, permissions.READ_USERS)
    asked = query.read_user_query(call)
    _check_activity(call, asked.selection)
    page = page_of(asked, tenant=call.tenant)
    shown: dict[str, Any] = {"@odata.context": query.context(call, "users", selection=asked.selection)}
    if asked.count and "$skiptoken" not in call.query:
        shown["@odata.count"] = count_of(asked, tenant=call.tenant)
    if page.following is not None:
        shown["@odata.nextLink"] = query.next_link(call, page.following)
    shown["value"] = [query.show(account.body, selection=asked.selection) for account in page.accounts]
    return Answer(200, shown)


def count(call: Call) -> Answer:
    """GET /users/$count: 200 with a number as plain text, where the tenant counts at all."""
    permissions.require(call, permissions.READ_USERS)
    if call.tenant.is_b2c or not call.eventual:
        raise unsupported_query("$count is not currently supported.")
    asked = query.read_user_query(call)
    return Answer(200, str(count_of(asked, tenant=call.tenant)))


def patch(call: Call) -> Answer:
    """PATCH /users/{id or userPrincipalName}: 204."""
    payload = _payload(call)
    permissions.require_for_update(call, payload)
    # A replica that has not heard of the account answers 404, although it exists.
    _shown_account(call, channel="get")
    account = _current_account(call)
    accounts.change(account, payload, scene=_scene(call))
    return Answer(204)


def delete(call: Call) -> Answer:
    """DELETE /users/{id or userPrincipalName}: 204; the account goes to the recycle bin."""
    permissions.require(call, permissions.DELETE_USERS)
    _shown_account(call, channel="get")
    account = _current_account(call)
    call.tenant.directory.discard(account, keep_sign_in_names=call.tenant.options.deleted_holds_identities)
    return Answer(204)


def delta(call: Call) -> Answer:
    """GET /users/delta: refused in both kinds of tenant.

    https://learn.microsoft.com/graph/delta-query-overview
    """
    if call.tenant.options.delta_status == 501:
        raise not_covered("delta queries")
    raise unsupported_query("Delta queries are not supported in this kind of tenant.")


def validate_password(call: Call) -> Answer:
    """POST /beta/users/validatePassword: 200 with the rules that were looked at."""
    password = call.json_object().get("password")
    if not isinstance(password, str):
        raise bad_request("The parameter 'password' is required.", code="BadRequest")
    broken = passwords.rule_broken(
        password, strong=True, banned_words=call.tenant.options.banned_words, own_names=()
    )
    name = broken or "AllChecks"
    message = _MESSAGES.get(name, "The password meets all rules.")
    result = {"ruleName": name, "validationPassed": broken is None, "message": message}
    return Answer(200, {"isValid": broken is None, "validationResults": [result]})


def _payload(call: Call) -> dict[str, Any]:
    # The official SDKs name the type of what they send.
    return {name: value for name, value in call.json_object().items() if name != "@odata.type"}


def _scene(call: Call) -> accounts.Scene:
    return accounts.Scene(tenant=call.tenant, entropy=call.entropy, now_s=call.now_s)


def _shown_account(call: Call, *, channel: Channel) -> Account:
    account = call.tenant.sight.read(call.segments[1], channel=channel)
    if account is None:
        raise not_found(call.segments[1])
    return account


def _current_account(call: Call) -> Account:
    account = call.tenant.sight.current(call.segments[1])
    if account is None:
        raise not_found(call.segments[1])
    return account


def _check_activity(call: Call, selection: tuple[str, ...] | None) -> None:
    if selection is not None and "signInActivity" in selection:
        permissions.require(call, permissions.READ_SIGN_INS)
        if not call.tenant.options.sign_in_activity:
            raise no_sign_in_activity()
