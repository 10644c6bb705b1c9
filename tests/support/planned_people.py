"""One legacy user and the rules it is planned by."""

import dataclasses

import pytest
from msgspec import structs

from idferry.rules.account import TenantKind
from idferry.rules.attributes import (
    AttributeValue,
)
from idferry.rules.legacy_user import LegacyUser, Place
from idferry.rules.names import Identity, SignInType
from idferry.rules.outcomes import LeftOut, Refused
from idferry.rules.plan import (
    NotPlanned,
    PasswordFacts,
    Plan,
    Planned,
    PlanRules,
    plan_person,
)

MAIL = Identity(SignInType.EMAIL_ADDRESS, "ana@example.com")
ZOE = Identity(SignInType.EMAIL_ADDRESS, "zoë@example.com")
NAME = Identity(SignInType.USER_NAME, "ana")
GOOGLE = Identity(SignInType.FEDERATED, "117", "google.com")
USER = LegacyUser(
    source="shop", key="1", place=Place("people.csv", 2, 0), identities=(MAIL,), display_name="Ana Silva"
)
RULES = PlanRules(project="contoso", tenant_kind=TenantKind.B2C)
STRONG = PasswordFacts(present=True)
WEAK = PasswordFacts(present=True, weakness="shorter than 8 characters", storable_when_weak=True)
HOPELESS = PasswordFacts(
    present=True, weakness="holds characters outside the alphabet", storable_when_weak=False
)
NONE = PasswordFacts(present=False)
CARD = "4111 1111 1111 1111"
BOTH_KINDS = pytest.mark.parametrize("kind", list(TenantKind))


def decided(
    user: LegacyUser = USER, password: PasswordFacts = STRONG, rules: PlanRules = RULES, **choices: object
) -> Plan:
    return plan_person(user, password, dataclasses.replace(rules, **choices))  # type: ignore[arg-type]


def planned(
    user: LegacyUser = USER, password: PasswordFacts = STRONG, rules: PlanRules = RULES, **choices: object
) -> Planned:
    plan = decided(user, password, rules, **choices)
    assert isinstance(plan, Planned)
    return plan


def code_of(plan: Plan) -> LeftOut | Refused:
    assert isinstance(plan, NotPlanned)
    assert plan.reason
    return plan.code


def with_attributes(**attributes: AttributeValue) -> LegacyUser:
    return structs.replace(USER, attributes=attributes)
