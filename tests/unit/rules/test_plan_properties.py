"""Whatever a record holds: no draft holds what the directory would refuse."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.planned_people import CARD, HOPELESS, NONE, STRONG, WEAK, decided

from idferry.rules.account import PasswordPlan, TenantKind
from idferry.rules.attributes import (
    LENGTHS_MAX,
    RESERVED_NAMES,
    attribute_problem,
    is_extension,
    is_reserved,
    is_sensitive,
    is_sensitive_name,
)
from idferry.rules.legacy_user import LegacyUser, Place
from idferry.rules.names import Identity, SignInType
from idferry.rules.outcomes import MEANINGS
from idferry.rules.plan import (
    NotPlanned,
    PasswordFacts,
    PasswordMode,
    WhenTooLong,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
VALUES = (
    TEXT
    | st.booleans()
    | st.integers()
    | st.lists(TEXT, max_size=3).map(tuple)
    | st.just("x" * 300)
    | st.just(CARD)
)
IDENTITIES = st.lists(
    st.builds(
        Identity,
        st.sampled_from(SignInType),
        TEXT | st.sampled_from(["ana", "a@b.example"]),
        st.just("x.com"),
    ),
    max_size=3,
).map(tuple)
USERS = st.builds(
    LegacyUser,
    source=st.just("shop"),
    key=TEXT,
    place=st.just(Place("f", 1, 0)),
    identities=IDENTITIES,
    display_name=TEXT,
    attributes=st.dictionaries(
        st.sampled_from([*LENGTHS_MAX, *RESERVED_NAMES, "notes", "legacyId", "userPwd"]) | TEXT,
        VALUES,
        max_size=4,
    ),
    contact_email=TEXT,
)


@given(
    user=USERS,
    password=st.sampled_from([NONE, STRONG, WEAK, HOPELESS]),
    kind=st.sampled_from(TenantKind),
    mode=st.sampled_from(PasswordMode),
    when=st.sampled_from(WhenTooLong),
)
def test_no_draft_holds_what_the_directory_refuses(
    user: LegacyUser, password: PasswordFacts, kind: TenantKind, mode: PasswordMode, when: WhenTooLong
) -> None:
    plan = decided(user, password, tenant_kind=kind, password_mode=mode, when_too_long=when)
    if isinstance(plan, NotPlanned):
        assert plan.code in MEANINGS
        return
    draft = plan.draft
    assert draft.display_name
    assert draft.identities == user.identities
    for name, value in {**draft.attributes, **draft.extensions}.items():
        if name != "mail":
            assert attribute_problem(name, value) is None
            assert not is_sensitive(value)
            assert not is_sensitive_name(name)
    assert not any(is_extension(name) for name in set(draft.attributes) - {"mail"})
    assert "legacyId" not in draft.extensions
    assert not any(map(is_reserved, draft.extensions))
    assert not draft.values.keys() & plan.refused_attributes.keys() - {"displayName"}
    if draft.password_plan is PasswordPlan.NONE:
        assert not any(identity.is_local for identity in draft.identities)
