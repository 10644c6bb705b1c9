"""What is to happen to one legacy user: an account draft, or the reason why there is none.

Pure and per record. What needs more than one record (a sign-in name seen before, a person removed before) is the
ledger's to answer, because the whole file never fits here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from idferry.rules import attributes as attribute_rules
from idferry.rules.account import AccountDraft, PasswordPlan, TenantKind, legacy_id_of
from idferry.rules.attributes import AttributeProblem, AttributeValue, is_sensitive
from idferry.rules.legacy_user import LegacyUser
from idferry.rules.names import Identity, SignInType
from idferry.rules.outcomes import LeftOut, Note, Refused, RefusedAttribute

IDENTITIES_MAX = 10  # https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes
IDENTITIES_OF_OURS_MAX = IDENTITIES_MAX - 1  # the directory adds one of its own, the userPrincipalName
NAMES_JUDGED_MAX = 4096

# By names of their own: each look into an enumeration takes 0.05 us, and every person costs ten of them.
_EMAIL_ADDRESS, _FEDERATED = SignInType.EMAIL_ADDRESS, SignInType.FEDERATED


class PasswordMode(StrEnum):
    """What `--password` asks for."""

    KNOWN = "known"
    RANDOM = "random"
    AUTO = "auto"


class WhenTooLong(StrEnum):
    """What happens to a person whose attribute is over its limit."""

    REFUSE = "refuse"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class PlanRules:
    """What the settings and the command line say about planning.

    `stale_before`: people whose last sign-in is known and earlier stay behind; None switches it off.
    `attribute_names`: source name -> attribute name; an empty attribute name leaves the attribute out.
    `migration_flag`: short name of the flag's extension attribute, which no source may fill.
    `judged` is nobody's to give: what these rules say of the attribute names that have come so far.
    """

    project: str
    tenant_kind: TenantKind
    password_mode: PasswordMode = PasswordMode.AUTO
    weak_passwords_allowed: bool = False
    when_too_long: WhenTooLong = WhenTooLong.REFUSE
    stale_before: datetime | None = None
    attribute_names: Mapping[str, str] = field(default_factory=dict)
    migration_flag: str = attribute_rules.MIGRATION_FLAG
    judged: dict[str, "_Judged"] = field(default_factory=dict, init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class PasswordFacts:
    """What planning may know about a password: never the password itself."""

    present: bool
    weakness: str | None = None
    storable_when_weak: bool = False


class Planned(msgspec.Struct, frozen=True, gc=False):
    """The person gets this account; `refused_attributes` are name -> code of what is not sent."""

    draft: AccountDraft
    refused_attributes: Mapping[str, RefusedAttribute] = {}
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class NotPlanned:
    """The person gets no account, and why. `reason` quotes no value of the record but names."""

    code: LeftOut | Refused
    reason: str
    refused_attributes: Mapping[str, RefusedAttribute] = field(default_factory=dict)


Plan = Planned | NotPlanned


def plan_person(user: LegacyUser, password: PasswordFacts, rules: PlanRules) -> Plan:
    """Decide about one legacy user, in the order in which a person would want to hear the reasons."""
    refusal = _identity_refusal(user.identities) or _stale(user, rules)
    if refusal:
        return refusal
    chosen = _password_plan(user, password, rules)
    if isinstance(chosen, NotPlanned):
        return chosen
    collected = _collect_attributes(user, rules)
    if user.withheld:
        names = (rules.attribute_names.get(one, one) for one in user.withheld)
        collected.refused |= {name: RefusedAttribute.SENSITIVE for name in names if name}
    contact_notes = _collect_contact(user, rules, collected)
    display_name, display_notes = _collect_display_name(user, rules, collected)
    if collected.refusal:
        return collected.refusal
    draft = AccountDraft(
        legacy_id=legacy_id_of(project=rules.project, source=user.source, key=user.key),
        display_name=display_name,
        identities=user.identities,
        password_plan=chosen.password_plan,
        attributes=collected.attributes,
        extensions=collected.extensions,
        enabled=user.enabled,
    )
    return Planned(draft, collected.refused, (*display_notes, *chosen.notes, *contact_notes))


def _identity_refusal(identities: tuple[Identity, ...]) -> NotPlanned | None:
    if not identities:
        return NotPlanned(Refused.NO_IDENTITY, "neither a sign-in name nor a federated identity")
    if len(identities) > IDENTITIES_OF_OURS_MAX:
        return NotPlanned(Refused.TOO_MANY_IDENTITIES, f"more than {IDENTITIES_OF_OURS_MAX} identities")
    for identity in identities:
        problem = identity.problem
        if problem:
            return NotPlanned(Refused.SIGN_IN_NAME_INVALID, f"{identity.sign_in_type}: {problem}")
    return None


def _stale(user: LegacyUser, rules: PlanRules) -> NotPlanned | None:
    if rules.stale_before and user.last_sign_in and user.last_sign_in < rules.stale_before:
        return NotPlanned(LeftOut.STALE, f"last sign-in on {user.last_sign_in.date().isoformat()}")
    return None


@dataclass(frozen=True, slots=True)
class _Chosen:
    password_plan: PasswordPlan
    notes: tuple[Note, ...] = ()


_NONE = _Chosen(PasswordPlan.NONE)
_RANDOM = _Chosen(PasswordPlan.RANDOM)
_RANDOM_WEAK = _Chosen(PasswordPlan.RANDOM, (Note.WEAK_PASSWORD_RANDOM,))
_KNOWN = _Chosen(PasswordPlan.KNOWN)
_KNOWN_WEAK = _Chosen(PasswordPlan.KNOWN_WEAK, (Note.WEAK_PASSWORD_KEPT,))


def _password_plan(user: LegacyUser, password: PasswordFacts, rules: PlanRules) -> _Chosen | NotPlanned:
    if not _has_local(user.identities):
        return _NONE
    if rules.password_mode is PasswordMode.RANDOM:
        return _RANDOM
    if not password.present:
        if rules.password_mode is PasswordMode.AUTO:
            return _RANDOM
        return NotPlanned(LeftOut.NO_PASSWORD, "the source has no password for this local account")
    if password.weakness is None:
        return _KNOWN
    if rules.weak_passwords_allowed and password.storable_when_weak:
        return _KNOWN_WEAK
    if rules.password_mode is PasswordMode.AUTO:
        return _RANDOM_WEAK
    return NotPlanned(LeftOut.WEAK_PASSWORD, f"the password is {password.weakness}")


@dataclass(slots=True)
class _Collected:
    """What the account may hold, sorted; of several reasons to refuse the person the first one stays."""

    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    extensions: dict[str, AttributeValue] = field(default_factory=dict)
    refused: dict[str, RefusedAttribute] = field(default_factory=dict)
    refusal: NotPlanned | None = None

    def refuse(self, problem: AttributeProblem) -> None:
        """The person cannot be created with this."""
        self.refusal = self.refusal or NotPlanned(problem.code, problem.reason, self.refused)

    def drop(self, name: str, problem: AttributeProblem, when_too_long: WhenTooLong) -> None:
        """The value stays behind; a problem that dropping does not solve refuses the person."""
        if problem.code is Refused.ATTRIBUTE_TOO_LONG and when_too_long is WhenTooLong.DROP:
            self.refused[name] = RefusedAttribute.ATTRIBUTE_TOO_LONG
        else:
            self.refuse(problem)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is known of an attribute by its names alone: they come back with every record.

    `name` is what it is called in the account; empty where the settings leave it out.
    """

    name: str
    problem: AttributeProblem | None
    is_secret: bool
    is_extension: bool
    plain_characters_max: int


def _collect_attributes(user: LegacyUser, rules: PlanRules) -> _Collected:
    collected = _Collected()
    known = rules.judged
    for source_name, value in user.attributes.items():
        judged = known.get(source_name) or _judge_name(source_name, rules)
        name, problem = judged.name, judged.problem
        if not name or (not value and value in ("", ())):
            continue
        if problem is None:
            # A text of letters that is not too long: nearly all there is, so it is let through without a further call.
            if isinstance(value, str) and len(value) <= judged.plain_characters_max and not judged.is_secret:
                sensitive = not value.isalpha() and is_sensitive(value)
            elif isinstance(value, bool) and judged.is_extension and judged.plain_characters_max >= 0:
                sensitive = judged.is_secret
            else:
                sensitive = judged.is_secret or is_sensitive(value)
                problem = None if sensitive else attribute_rules.attribute_problem(name, value)
            if sensitive:
                collected.refused[name] = RefusedAttribute.SENSITIVE
                continue
        if problem:
            collected.drop(name, problem, rules.when_too_long)
        elif judged.is_extension:
            collected.extensions[name] = value
        else:
            collected.attributes[name] = value
    if len(collected.extensions) > attribute_rules.EXTENSIONS_OF_SOURCE_MAX:
        most = attribute_rules.EXTENSIONS_OF_SOURCE_MAX
        collected.refuse(
            AttributeProblem(Refused.ATTRIBUTE_INVALID, f"more than {most} extension attributes")
        )
    return collected


def _judge_name(source_name: str, rules: PlanRules) -> _Judged:
    name = rules.attribute_names.get(source_name, source_name)
    judged = _Judged(
        name=name,
        problem=_name_problem(name, rules.migration_flag),
        # By the name in the source as well: a password does not become harmless by another name.
        is_secret=attribute_rules.is_sensitive_name(source_name) or attribute_rules.is_sensitive_name(name),
        is_extension=attribute_rules.is_extension(name),
        plain_characters_max=attribute_rules.plain_characters_max(name),
    )
    if len(rules.judged) < NAMES_JUDGED_MAX:  # the first to come are the ones of every record
        rules.judged[source_name] = judged
    return judged


def _name_problem(name: str, migration_flag: str) -> AttributeProblem | None:
    if name.lower() in (attribute_rules.LEGACY_ID.lower(), migration_flag.lower()):
        return AttributeProblem(
            Refused.ATTRIBUTE_INVALID, f"{name} is kept by idferry itself: map it to another name"
        )
    if attribute_rules.is_reserved(name):
        return AttributeProblem(Refused.ATTRIBUTE_INVALID, f"{name} {attribute_rules.RESERVED_REASON}")
    return None


def _collect_display_name(
    user: LegacyUser, rules: PlanRules, collected: _Collected
) -> tuple[str, tuple[Note, ...]]:
    """The display name; built from what the account may hold, so that nothing refused comes back through it."""
    display_name = user.display_name.strip()
    notes: tuple[Note, ...] = ()
    if is_sensitive(display_name):
        collected.refused["displayName"] = RefusedAttribute.SENSITIVE
        display_name = ""
    if not display_name:
        parts = (collected.attributes.get("givenName"), collected.attributes.get("surname"))
        joined = " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
        display_name, notes = joined or user.identities[0].issuer_assigned_id, (Note.DISPLAY_NAME_BUILT,)
    problem = attribute_rules.display_name_problem(
        display_name, angle_brackets_refused=rules.tenant_kind is TenantKind.B2C
    )
    if problem:
        collected.drop("displayName", problem, rules.when_too_long)
        display_name = display_name[: attribute_rules.DISPLAY_NAME_CHARACTERS_MAX]
    return display_name, notes


def _collect_contact(user: LegacyUser, rules: PlanRules, collected: _Collected) -> tuple[Note, ...]:
    """Where the contact e-mail goes: `mail` in External ID, `otherMails` in B2C, where `mail` must stay unset.

    Only a sign-in address of the person's own goes to `mail`: it is unique in the tenant and proves the mailbox.
    """
    sign_in_address = _sign_in_address(user.identities)
    notes: tuple[Note, ...] = ()
    if rules.tenant_kind is TenantKind.EXTERNAL and sign_in_address:
        if sign_in_address.isascii():
            collected.attributes["mail"] = sign_in_address
            return ()
        notes = (Note.NON_ASCII_CONTACT_EMAIL,)
    contact = user.contact_email.strip()
    if not contact or "otherMails" in collected.attributes or contact.lower() == sign_in_address.lower():
        return notes
    if not contact.isascii():
        return (Note.NON_ASCII_CONTACT_EMAIL,)
    if is_sensitive(contact):
        collected.refused["otherMails"] = RefusedAttribute.SENSITIVE
        return notes
    long = len(contact) > attribute_rules.LENGTHS_MAX["otherMails"]
    problem = attribute_rules.attribute_problem("otherMails", (contact,)) if long else None
    if problem:
        collected.drop("otherMails", problem, rules.when_too_long)
    else:
        collected.attributes["otherMails"] = (contact,)
    return notes


def _sign_in_address(identities: tuple[Identity, ...]) -> str:
    for identity in identities:
        if identity.sign_in_type is _EMAIL_ADDRESS:
            return identity.issuer_assigned_id
    return ""


def _has_local(identities: tuple[Identity, ...]) -> bool:
    for identity in identities:  # noqa: SIM110  any() costs five times as much for the one identity that most have
        if identity.sign_in_type is not _FEDERATED:
            return True
    return False
