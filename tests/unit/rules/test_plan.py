"""One record: its account, or the reason why there is none."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs
from tests.support.planned_people import (
    BOTH_KINDS,
    CARD,
    GOOGLE,
    HOPELESS,
    MAIL,
    NAME,
    NONE,
    STRONG,
    USER,
    WEAK,
    ZOE,
    code_of,
    decided,
    planned,
    with_attributes,
)

from idferry.rules.account import PasswordPlan, TenantKind
from idferry.rules.attributes import (
    RESERVED_NAMES,
    AttributeValue,
)
from idferry.rules.names import Identity, SignInType
from idferry.rules.outcomes import LeftOut, Note, Refused, RefusedAttribute
from idferry.rules.plan import (
    NotPlanned,
    PasswordFacts,
    PasswordMode,
    Planned,
    WhenTooLong,
)


@BOTH_KINDS
def test_a_person_without_dirt_gets_an_account(kind: TenantKind) -> None:
    user = structs.replace(USER, attributes={"city": "Porto", "points": 7}, enabled=False)
    draft = planned(user, tenant_kind=kind).draft
    assert draft.legacy_id == "contoso:shop:1"
    assert draft.display_name == "Ana Silva"
    assert draft.identities == (MAIL,)
    assert draft.password_plan is PasswordPlan.KNOWN
    assert draft.attributes == {"city": "Porto"} | (
        {"mail": "ana@example.com"} if kind is TenantKind.EXTERNAL else {}
    )
    assert draft.extensions == {"points": 7}
    assert draft.enabled is False
    assert not draft.sets_flag


@BOTH_KINDS
def test_no_identity(kind: TenantKind) -> None:
    assert code_of(decided(structs.replace(USER, identities=()), tenant_kind=kind)) is Refused.NO_IDENTITY


@pytest.mark.parametrize(
    "identity",
    [
        Identity(SignInType.USER_NAME, "j.doe"),
        Identity(SignInType.EMAIL_ADDRESS, "ana"),
        Identity(SignInType.FEDERATED, "", "google.com"),
    ],
)
def test_a_sign_in_name_that_the_directory_will_not_take(identity: Identity) -> None:
    assert (
        code_of(decided(structs.replace(USER, identities=(MAIL, identity)))) is Refused.SIGN_IN_NAME_INVALID
    )


def test_nine_identities_of_ours_and_no_more() -> None:
    identities = tuple(Identity(SignInType.USER_NAME, f"ana{number}") for number in range(10))
    assert len(planned(structs.replace(USER, identities=identities[:9])).draft.identities) == 9
    assert code_of(decided(structs.replace(USER, identities=identities))) is Refused.TOO_MANY_IDENTITIES


@pytest.mark.parametrize(
    ("password", "mode", "weak_allowed", "outcome"),
    [
        (STRONG, PasswordMode.KNOWN, False, PasswordPlan.KNOWN),
        (STRONG, PasswordMode.AUTO, False, PasswordPlan.KNOWN),
        (STRONG, PasswordMode.RANDOM, False, PasswordPlan.RANDOM),
        (WEAK, PasswordMode.KNOWN, False, LeftOut.WEAK_PASSWORD),
        (WEAK, PasswordMode.AUTO, False, PasswordPlan.RANDOM),
        (WEAK, PasswordMode.RANDOM, False, PasswordPlan.RANDOM),
        (WEAK, PasswordMode.KNOWN, True, PasswordPlan.KNOWN_WEAK),
        (WEAK, PasswordMode.AUTO, True, PasswordPlan.KNOWN_WEAK),
        (WEAK, PasswordMode.RANDOM, True, PasswordPlan.RANDOM),
        (HOPELESS, PasswordMode.KNOWN, True, LeftOut.WEAK_PASSWORD),
        (HOPELESS, PasswordMode.AUTO, True, PasswordPlan.RANDOM),
        (NONE, PasswordMode.KNOWN, False, LeftOut.NO_PASSWORD),
        (NONE, PasswordMode.AUTO, False, PasswordPlan.RANDOM),
        (NONE, PasswordMode.RANDOM, False, PasswordPlan.RANDOM),
        (NONE, PasswordMode.KNOWN, True, LeftOut.NO_PASSWORD),
    ],
)
@BOTH_KINDS
@pytest.mark.parametrize("identities", [(MAIL,), (NAME,), (GOOGLE, MAIL)])
def test_where_the_password_comes_from(
    password: PasswordFacts,
    mode: PasswordMode,
    weak_allowed: bool,
    outcome: PasswordPlan | LeftOut,
    kind: TenantKind,
    identities: tuple[Identity, ...],
) -> None:
    plan = decided(
        structs.replace(USER, identities=identities),
        password,
        password_mode=mode,
        weak_passwords_allowed=weak_allowed,
        tenant_kind=kind,
    )
    if isinstance(outcome, LeftOut):
        assert code_of(plan) is outcome
        return
    assert isinstance(plan, Planned)
    assert plan.draft.password_plan is outcome
    assert plan.draft.sets_flag is (outcome is PasswordPlan.RANDOM)
    notes = {PasswordPlan.KNOWN_WEAK: (Note.WEAK_PASSWORD_KEPT,)}
    fell_back = outcome is PasswordPlan.RANDOM and password.weakness and mode is PasswordMode.AUTO
    assert plan.notes == ((Note.WEAK_PASSWORD_RANDOM,) if fell_back else notes.get(outcome, ()))


@BOTH_KINDS
@pytest.mark.parametrize("mode", list(PasswordMode))
@pytest.mark.parametrize("password", [NONE, STRONG, WEAK])
def test_federated_only_needs_no_password_and_no_flag(
    kind: TenantKind, mode: PasswordMode, password: PasswordFacts
) -> None:
    plan = planned(
        structs.replace(USER, identities=(GOOGLE,)), password, tenant_kind=kind, password_mode=mode
    )
    assert plan.draft.password_plan is PasswordPlan.NONE
    assert not plan.draft.sets_flag
    assert plan.notes == ()


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last_sign_in", "stale_before", "is_stale"),
    [
        (NOON - timedelta(seconds=1), NOON, True),
        (NOON, NOON, False),
        (NOON + timedelta(days=1), NOON, False),
        (None, NOON, False),
        (datetime(1990, 1, 1, tzinfo=UTC), None, False),
    ],
)
def test_stale_people_stay_behind_and_an_unknown_sign_in_is_never_stale(
    last_sign_in: datetime | None, stale_before: datetime | None, is_stale: bool
) -> None:
    plan = decided(structs.replace(USER, last_sign_in=last_sign_in), stale_before=stale_before)
    assert isinstance(plan, NotPlanned) is is_stale
    if is_stale:
        assert code_of(plan) is LeftOut.STALE


@pytest.mark.parametrize(
    ("display_name", "attributes", "identities", "built"),
    [
        ("", {"givenName": "Ana", "surname": "Silva"}, (MAIL,), "Ana Silva"),
        ("  ", {"givenName": " Ana ", "surname": " "}, (MAIL,), "Ana"),
        ("", {"surname": "Silva"}, (MAIL,), "Silva"),
        ("", {}, (MAIL,), "ana@example.com"),
        ("", {}, (GOOGLE, NAME), "117"),
        ("", {"givenName": CARD, "surname": "Silva"}, (MAIL,), "Silva"),
        (f"Ana {CARD}", {"givenName": "Ana"}, (MAIL,), "Ana"),
    ],
)
def test_a_missing_display_name_is_built_and_noted(
    display_name: str, attributes: dict[str, AttributeValue], identities: tuple[Identity, ...], built: str
) -> None:
    plan = planned(
        structs.replace(USER, display_name=display_name, attributes=attributes, identities=identities)
    )
    assert plan.draft.display_name == built
    assert plan.notes == (Note.DISPLAY_NAME_BUILT,)


def test_a_name_that_the_mapping_brings_is_a_name() -> None:
    user = structs.replace(USER, display_name="", attributes={"vorname": "Ana", "surname": "Silva"})
    plan = planned(user, attribute_names={"vorname": "givenName", "surname": ""})
    assert plan.draft.display_name == "Ana"


def test_a_sensitive_display_name_is_not_sent() -> None:
    plan = planned(structs.replace(USER, display_name="219-09-9999"))
    assert plan.refused_attributes == {"displayName": RefusedAttribute.SENSITIVE}
    assert plan.draft.display_name == "ana@example.com"


@pytest.mark.parametrize(
    ("kind", "outcome"), [(TenantKind.B2C, Refused.ATTRIBUTE_INVALID), (TenantKind.EXTERNAL, None)]
)
def test_angle_brackets_in_a_display_name(kind: TenantKind, outcome: Refused | None) -> None:
    plan = decided(
        structs.replace(USER, display_name="Ana <3"), tenant_kind=kind, when_too_long=WhenTooLong.DROP
    )
    assert (plan.code if isinstance(plan, NotPlanned) else None) is outcome


@BOTH_KINDS
@pytest.mark.parametrize("name", ["city", "notes", "givenName"])
def test_an_attribute_that_is_too_long_refuses_the_person_or_is_dropped(kind: TenantKind, name: str) -> None:
    user = with_attributes(**{name: "x" * 2000, "state": "Norte"})
    assert code_of(decided(user, tenant_kind=kind)) is Refused.ATTRIBUTE_TOO_LONG
    plan = planned(user, tenant_kind=kind, when_too_long=WhenTooLong.DROP)
    assert plan.refused_attributes == {name: RefusedAttribute.ATTRIBUTE_TOO_LONG}
    assert name not in plan.draft.values
    assert plan.draft.attributes["state"] == "Norte"


def test_a_display_name_that_is_too_long_is_cut_when_dropping_is_allowed() -> None:
    user = structs.replace(USER, display_name="x" * 300)
    assert code_of(decided(user)) is Refused.ATTRIBUTE_TOO_LONG
    plan = planned(user, when_too_long=WhenTooLong.DROP)
    assert plan.draft.display_name == "x" * 256
    assert plan.refused_attributes == {"displayName": RefusedAttribute.ATTRIBUTE_TOO_LONG}


@pytest.mark.parametrize("when", list(WhenTooLong))
@pytest.mark.parametrize(
    "attributes",
    [{"usageLocation": "Portugal"}, {"city": 7}, {"my note": "x"}, {"points": 2**70}, {"tags": ("a", "b")}],
)
def test_an_attribute_of_the_wrong_form_refuses_the_person(
    when: WhenTooLong, attributes: dict[str, AttributeValue]
) -> None:
    plan = decided(structs.replace(USER, attributes=attributes), when_too_long=when)
    assert code_of(plan) is Refused.ATTRIBUTE_INVALID


@pytest.mark.parametrize("name", ["legacyId", "LEGACYID", "requiresMigration", "requiresmigration"])
def test_a_source_does_not_fill_what_idferry_keeps_itself(name: str) -> None:
    assert code_of(decided(with_attributes(**{name: "x"}))) is Refused.ATTRIBUTE_INVALID
    renamed = planned(with_attributes(**{name: "x"}), attribute_names={name: "oldId"})
    assert renamed.draft.extensions == {"oldId": "x"}


@BOTH_KINDS
@pytest.mark.parametrize("name", [*sorted(RESERVED_NAMES), "MAIL", "displayname", "passwordprofile", "ID"])
@pytest.mark.parametrize("value", ["ceo@example.org", CARD])
def test_a_source_does_not_fill_what_graph_means_something_else_by(
    kind: TenantKind, name: str, value: str
) -> None:
    plan = decided(with_attributes(**{name: value}), tenant_kind=kind)
    assert code_of(plan) is Refused.ATTRIBUTE_INVALID
    assert isinstance(plan, NotPlanned)
    assert name in plan.reason
    mapped = decided(with_attributes(nick=value), tenant_kind=kind, attribute_names={"nick": name})
    assert code_of(mapped) is Refused.ATTRIBUTE_INVALID


def test_a_name_of_graph_is_free_for_a_source_that_the_mapping_renames() -> None:
    plan = planned(with_attributes(mail="a@example.org"), attribute_names={"mail": "shopMail"})
    assert plan.draft.extensions == {"shopMail": "a@example.org"}
    left_out = planned(with_attributes(mail="a@example.org"), attribute_names={"mail": ""})
    assert left_out.draft.extensions == {}


def test_the_flag_may_have_another_name() -> None:
    assert (
        code_of(decided(with_attributes(mustReset="x"), migration_flag="mustReset"))
        is Refused.ATTRIBUTE_INVALID
    )
    assert planned(with_attributes(requiresMigration=True), migration_flag="mustReset")


def test_an_account_has_room_for_98_extension_attributes_beside_ours() -> None:
    attributes: dict[str, AttributeValue] = {f"a{number}": "x" for number in range(99)}
    assert code_of(decided(with_attributes(**attributes))) is Refused.ATTRIBUTE_INVALID
    del attributes["a0"]
    assert len(planned(with_attributes(**attributes)).draft.extensions) == 98


@BOTH_KINDS
@pytest.mark.parametrize("value", [CARD, "219-09-9999", 4111111111111111, ("x", CARD)])
def test_a_sensitive_value_is_not_sent_and_the_person_is(kind: TenantKind, value: AttributeValue) -> None:
    plan = planned(with_attributes(notes=value, city="Porto"), tenant_kind=kind)
    assert plan.refused_attributes == {"notes": RefusedAttribute.SENSITIVE}
    assert plan.draft.extensions == {}
    assert plan.draft.attributes["city"] == "Porto"


@BOTH_KINDS
def test_what_is_a_password_by_its_name_or_its_value_is_not_sent(kind: TenantKind) -> None:
    user = with_attributes(
        passwordHash="x", userPwd="Secret!99", alt="$2b$10$abc", old="hunter2", city="Porto"
    )
    plan = planned(user, tenant_kind=kind, attribute_names={"userPwd": "hint", "old": "oldSecret"})
    assert plan.refused_attributes == dict.fromkeys(
        ["passwordHash", "hint", "alt", "oldSecret"], RefusedAttribute.SENSITIVE
    )
    assert plan.draft.extensions == {}
    assert plan.draft.attributes["city"] == "Porto"


def test_what_is_not_sent_is_told_of_refused_people_too() -> None:
    plan = decided(with_attributes(notes=CARD, city="x" * 200))
    assert isinstance(plan, NotPlanned)
    assert plan.refused_attributes == {"notes": RefusedAttribute.SENSITIVE}


def test_the_mapping_renames_and_leaves_out() -> None:
    plan = planned(
        with_attributes(town="Porto", colour="red", hobby=CARD),
        attribute_names={"town": "city", "colour": "favouriteColour", "hobby": ""},
    )
    assert plan.draft.attributes == {"city": "Porto"}
    assert plan.draft.extensions == {"favouriteColour": "red"}
    assert plan.refused_attributes == {}


@pytest.mark.parametrize("value", ["", ()])
def test_an_empty_value_is_not_sent(value: AttributeValue) -> None:
    assert planned(with_attributes(otherMails=value, notes=value)).draft.values == {
        "displayName": "Ana Silva"
    }


@pytest.mark.parametrize(
    ("kind", "identities", "contact", "sent", "notes"),
    [
        (TenantKind.B2C, (MAIL,), "", {}, ()),
        (TenantKind.B2C, (MAIL,), " ana@example.org ", {"otherMails": ("ana@example.org",)}, ()),
        (TenantKind.B2C, (MAIL,), "ANA@example.com", {}, ()),
        (TenantKind.B2C, (NAME,), "ana@example.org", {"otherMails": ("ana@example.org",)}, ()),
        (TenantKind.B2C, (GOOGLE,), "anä@example.org", {}, (Note.NON_ASCII_CONTACT_EMAIL,)),
        (TenantKind.EXTERNAL, (MAIL,), "", {"mail": "ana@example.com"}, ()),
        (TenantKind.EXTERNAL, (NAME, MAIL), "ana@example.org", {"mail": "ana@example.com"}, ()),
        (TenantKind.EXTERNAL, (NAME,), "ana@example.org", {"otherMails": ("ana@example.org",)}, ()),
        (TenantKind.EXTERNAL, (GOOGLE,), "ana@example.org", {"otherMails": ("ana@example.org",)}, ()),
        (TenantKind.EXTERNAL, (ZOE,), "", {}, (Note.NON_ASCII_CONTACT_EMAIL,)),
        (TenantKind.EXTERNAL, (ZOE,), "zoë@example.org", {}, (Note.NON_ASCII_CONTACT_EMAIL,)),
        (
            TenantKind.EXTERNAL,
            (ZOE,),
            "z@example.org",
            {"otherMails": ("z@example.org",)},
            (Note.NON_ASCII_CONTACT_EMAIL,),
        ),
        (TenantKind.B2C, (ZOE,), "z@example.org", {"otherMails": ("z@example.org",)}, ()),
    ],
)
def test_where_the_contact_address_goes(
    kind: TenantKind,
    identities: tuple[Identity, ...],
    contact: str,
    sent: dict[str, AttributeValue],
    notes: tuple[Note, ...],
) -> None:
    plan = planned(structs.replace(USER, identities=identities, contact_email=contact), tenant_kind=kind)
    assert plan.draft.attributes == sent
    assert plan.notes == notes


def test_other_mails_of_the_source_win_over_the_contact_address() -> None:
    user = structs.replace(
        USER, contact_email="ana@example.org", attributes={"otherMails": ("b@example.org",)}
    )
    assert planned(user).draft.attributes == {"otherMails": ("b@example.org",)}


def test_a_contact_address_that_is_too_long_is_treated_like_any_attribute() -> None:
    user = structs.replace(USER, contact_email="a" * 250 + "@example.org")
    assert code_of(decided(user)) is Refused.ATTRIBUTE_TOO_LONG
    plan = planned(user, when_too_long=WhenTooLong.DROP)
    assert plan.refused_attributes == {"otherMails": RefusedAttribute.ATTRIBUTE_TOO_LONG}


def test_a_card_number_for_a_contact_address_is_not_sent() -> None:
    plan = planned(structs.replace(USER, contact_email=CARD))
    assert plan.refused_attributes == {"otherMails": RefusedAttribute.SENSITIVE}
    assert plan.draft.attributes == {}


def test_the_first_reason_is_told() -> None:
    stale = structs.replace(
        USER, identities=(), last_sign_in=datetime(1990, 1, 1, tzinfo=UTC), attributes={"city": 7}
    )
    assert code_of(decided(stale, stale_before=NOON)) is Refused.NO_IDENTITY
    named = structs.replace(stale, identities=(MAIL,))
    assert code_of(decided(named, NONE, stale_before=NOON, password_mode=PasswordMode.KNOWN)) is LeftOut.STALE
    assert code_of(decided(named, NONE, password_mode=PasswordMode.KNOWN)) is LeftOut.NO_PASSWORD
    assert code_of(decided(named)) is Refused.ATTRIBUTE_INVALID
