"""The bodies that leave, byte for byte, and how accounts are read."""

import json
from datetime import UTC, datetime

import pytest

from idferry.errors import UnexpectedAnswer
from idferry.graph.reading import _SHOWN as SHOWN
from idferry.graph.wire import SIGN_IN_ACTIVITY, Names, account_of, create_body, select_of
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.attributes import GRAPH_NAMES, LENGTHS_MAX, RESERVED_NAMES
from idferry.rules.names import Identity, SignInType, local_identity
from idferry.rules.password import Password

NAMES = Names("contoso.onmicrosoft.com", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "requiresMigration")
PREFIX = "extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_"
EMAIL = local_identity("Ada@example.com")
GOOGLE = Identity(SignInType.FEDERATED, "1122334455", "google.com")


def body_of(draft: AccountDraft, password: Password | None) -> dict[str, object]:
    body: dict[str, object] = json.loads(create_body(draft, password, NAMES))
    return body


def test_b2c_account_with_a_known_password_user_name_e_mail_and_social_identity() -> None:
    draft = AccountDraft(
        legacy_id="p:crm:1",
        display_name="Ada Lovelace",
        identities=(EMAIL, local_identity("ada-1"), GOOGLE),
        password_plan=PasswordPlan.KNOWN,
        attributes={"givenName": "Ada", "otherMails": ("contact@example.com",)},
        extensions={"loyaltyNumber": 42, "vip": True},
    )
    assert body_of(draft, Password("Correct-Horse-1")) == {
        "accountEnabled": True,
        "displayName": "Ada Lovelace",
        "identities": [
            {
                "signInType": "emailAddress",
                "issuer": "contoso.onmicrosoft.com",
                "issuerAssignedId": "Ada@example.com",
            },
            {"signInType": "userName", "issuer": "contoso.onmicrosoft.com", "issuerAssignedId": "ada-1"},
            {"signInType": "federated", "issuer": "google.com", "issuerAssignedId": "1122334455"},
        ],
        "givenName": "Ada",
        "otherMails": ["contact@example.com"],
        f"{PREFIX}loyaltyNumber": 42,
        f"{PREFIX}vip": True,
        f"{PREFIX}legacyId": "p:crm:1",
        "passwordPolicies": "DisablePasswordExpiration",
        "passwordProfile": {"password": "Correct-Horse-1", "forceChangePasswordNextSignIn": False},
    }


def test_external_account_with_a_random_password_carries_mail_and_flag() -> None:
    draft = AccountDraft(
        legacy_id="p:crm:2",
        display_name="Ada",
        identities=(EMAIL,),
        password_plan=PasswordPlan.RANDOM,
        attributes={"mail": "Ada@example.com"},
        enabled=False,
    )
    assert body_of(draft, Password("Rand0m!Rand0m!")) == {
        "accountEnabled": False,
        "displayName": "Ada",
        "identities": [
            {
                "signInType": "emailAddress",
                "issuer": "contoso.onmicrosoft.com",
                "issuerAssignedId": "Ada@example.com",
            }
        ],
        "mail": "Ada@example.com",
        f"{PREFIX}legacyId": "p:crm:2",
        f"{PREFIX}requiresMigration": True,
        "passwordPolicies": "DisablePasswordExpiration",
        "passwordProfile": {"password": "Rand0m!Rand0m!", "forceChangePasswordNextSignIn": False},
    }


def test_an_extension_attribute_never_leaves_under_a_name_of_graph() -> None:
    names = [*RESERVED_NAMES, *GRAPH_NAMES]
    draft = AccountDraft(
        "p:crm:1", "Ada", (EMAIL,), PasswordPlan.RANDOM, extensions=dict.fromkeys(names, "theirs")
    )
    flagged = Names(NAMES.domain, NAMES.extension_app_id, flag="displayName")
    body = json.loads(create_body(draft, Password("Rand0m!Rand0m!"), flagged))
    assert {name for name, value in body.items() if value == "theirs"} == {
        f"{PREFIX}{name}" for name in names if name != flagged.flag
    }
    assert (body["displayName"], body[f"{PREFIX}displayName"]) == ("Ada", True)


def test_no_name_that_we_write_or_read_is_free_for_a_source() -> None:
    written = body_of(
        AccountDraft("p:crm:1", "Ada", (EMAIL,), PasswordPlan.RANDOM), Password("Rand0m!Rand0m!")
    )
    read = select_of(NAMES, GRAPH_NAMES, *SHOWN, SIGN_IN_ACTIVITY).split(",")
    graphs = {name for name in [*written, *read] if not name.startswith(PREFIX)}
    assert graphs - {*LENGTHS_MAX} == RESERVED_NAMES


def test_somebody_elses_extension_attribute_does_not_hide_a_value_of_graph() -> None:
    graph = {"id": "a1", "displayName": "Ada", f"{PREFIX}displayName": "Eve", f"{PREFIX}city": "Nowhere"}
    assert account_of(graph, NAMES, ("city",)).values == {"displayName": "Ada", "city": None}


def test_weak_known_password_switches_the_strong_rule_off() -> None:
    draft = AccountDraft("p:crm:3", "Ada", (EMAIL,), PasswordPlan.KNOWN_WEAK)
    body = body_of(draft, Password("1234"))
    assert body["passwordPolicies"] == "DisablePasswordExpiration, DisableStrongPassword"
    assert f"{PREFIX}requiresMigration" not in body


def test_federated_only_account_has_no_password_even_if_one_is_handed_in() -> None:
    draft = AccountDraft("p:crm:4", "Ada", (GOOGLE,), PasswordPlan.NONE)
    body = create_body(draft, Password("Sh0uldNotLeave!"), NAMES)
    assert b"password" not in body.lower()
    assert b"Sh0uldNotLeave" not in body


def test_half_a_character_is_refused_before_anything_leaves() -> None:
    draft = AccountDraft("p:crm:5", "Ada \ud800", (EMAIL,), PasswordPlan.KNOWN)
    with pytest.raises(UnicodeEncodeError):
        create_body(draft, Password("Correct-Horse-1"), NAMES)


def test_an_account_is_read_with_everything_the_rules_know() -> None:
    graph = {
        "id": "a1",
        "displayName": "Ada",
        "givenName": None,
        "businessPhones": [],
        "otherMails": ["x@example.com"],
        "mail": "ada@example.com",
        "accountEnabled": True,
        "createdDateTime": "2026-03-01T12:00:00Z",
        "lastPasswordChangeDateTime": "2026-03-01T12:00:01.1234567Z",
        "signInActivity": {"lastSignInDateTime": "2026-03-02T00:00:00Z"},
        "identities": [
            {
                "signInType": "emailAddress",
                "issuer": "contoso.onmicrosoft.com",
                "issuerAssignedId": "Ada@example.com",
            },
            {"signInType": "username", "issuer": "contoso.onmicrosoft.com", "issuerAssignedId": "ada-1"},
            {"signInType": "federated", "issuer": "google.com", "issuerAssignedId": None},
            {
                "signInType": "userPrincipalName",
                "issuer": "contoso.onmicrosoft.com",
                "issuerAssignedId": "a1@contoso.onmicrosoft.com",
            },
        ],
        f"{PREFIX}legacyId": "p:crm:1",
        f"{PREFIX}requiresMigration": False,
        f"{PREFIX}loyaltyNumber": 42,
        "extension_ffffffffffffffffffffffffffffffff_other": "not ours",
    }
    account = account_of(graph, NAMES, ("city", "vip"))
    assert account.object_id == "a1"
    assert account.identities == (
        Identity(SignInType.EMAIL_ADDRESS, "Ada@example.com"),
        Identity(SignInType.USER_NAME, "ada-1"),
        Identity(SignInType.FEDERATED, "", "google.com"),
    )
    assert (account.legacy_id, account.flag, account.enabled) == ("p:crm:1", False, True)
    assert account.values == {
        "displayName": "Ada",
        "givenName": None,
        "businessPhones": (),
        "otherMails": ("x@example.com",),
        "mail": "ada@example.com",
        "loyaltyNumber": 42,
        "city": None,
        "vip": None,
    }
    assert account.created_at == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert account.password_changed_at == datetime(2026, 3, 1, 12, 0, 1, 123456, tzinfo=UTC)
    assert account.last_sign_in_at == datetime(2026, 3, 2, tzinfo=UTC)
    assert account.graph == graph


def test_a_bare_account_is_read_without_guessing() -> None:
    account = account_of({"id": "a1", "createdDateTime": "whenever", "identities": [None, {}]}, NAMES)
    assert account.identities == ()
    assert account.identities_shown
    assert account.legacy_id is None
    assert account.flag is None
    assert account.enabled is None
    assert account.created_at is None
    assert account.values == {}


def test_identities_that_are_not_shown_are_told_from_none_of_ours() -> None:
    work = {"signInType": "userPrincipalName", "issuer": "x", "issuerAssignedId": "admin@x"}
    for identities, shown in (([work], True), ([], True), (None, False)):
        account = account_of({"id": "a1", "identities": identities}, NAMES)
        assert (account.identities, account.identities_shown) == ((), shown)
    assert not account_of({"id": "a1"}, NAMES).identities_shown


def test_the_selection_names_extension_attributes_in_full_and_nothing_twice() -> None:
    assert select_of(NAMES, ("mail", "vip", "displayName"), "signInActivity") == (
        "id,displayName,identities,accountEnabled,createdDateTime,lastPasswordChangeDateTime,"
        f"{PREFIX}legacyId,{PREFIX}requiresMigration,mail,{PREFIX}vip,signInActivity"
    )


def test_an_account_without_an_id_is_not_an_account() -> None:
    with pytest.raises(UnexpectedAnswer):
        account_of({"displayName": "Ada"}, NAMES)
