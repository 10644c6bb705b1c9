"""The Graph client on the emulator over HTTPS: what a directory in memory cannot show."""

import gc
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.support.any_directory import KNOWN, EmulatedDirectory
from tests.support.emulator import Emulator, running_emulator

from idferry.errors import Forbidden, TenantNotReady, TokenRefused, Unreachable
from idferry.graph.credentials import ClientCertificate, ClientSecret
from idferry.ports import CreateOrder
from idferry.rules.account import PasswordPlan, TenantKind
from idferry.rules.answers import (
    Created,
    Fatal,
    InRecycleBin,
    Ours,
    Rejected,
    Stranger,
    Taken,
    Unanswered,
    Undelivered,
)
from idferry.rules.names import local_identity
from idferry.rules.password import Password

pytestmark = pytest.mark.xdist_group("directory-contract")


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator(seed=8) as running:
        yield running


@pytest.fixture(params=["b2c", "external"])
def directory(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[EmulatedDirectory]:
    emulator.reset()
    emulated = EmulatedDirectory(emulator, TenantKind(request.param))
    yield emulated
    emulated.close()


@pytest.fixture
def external(emulator: Emulator) -> Iterator[EmulatedDirectory]:
    emulator.reset()
    emulated = EmulatedDirectory(emulator, TenantKind.EXTERNAL)
    yield emulated
    emulated.close()


@pytest.fixture
def b2c(emulator: Emulator) -> Iterator[EmulatedDirectory]:
    emulator.reset()
    emulated = EmulatedDirectory(emulator, TenantKind.B2C)
    yield emulated
    emulated.close()


# --- getting in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"credential": ClientSecret("wrong-Secret-Value")}, "secret is wrong"),
        ({"client_id": "00000000-0000-4000-8000-00000000dead"}, "does not know this client_id"),
        ({"tenant_id": "00000000-0000-4000-8000-00000000dead"}, "no such tenant"),
    ],
)
def test_who_is_not_let_in_hears_the_likely_cause(
    b2c: EmulatedDirectory, changes: dict[str, Any], words: str
) -> None:
    with b2c.connect(**changes) as other:
        with pytest.raises(TokenRefused, match=words) as caught:
            other.inspector.inspect()
        (answer,) = other.writer.create(
            [CreateOrder(b2c.draft("1", "a@example.com"), Password(KNOWN))]
        ).result(30)
    assert isinstance(answer, Fatal)
    assert answer.code == "token_refused"
    assert "wrong-Secret-Value" not in f"{caught.value} {caught.value.remedy} {answer}"


def test_an_expired_secret_is_called_expired(b2c: EmulatedDirectory) -> None:
    b2c.emulator.application(b2c.tenant, client_id=b2c.tenant.client_id, secret_expired=True)
    with b2c.connect() as other, pytest.raises(TokenRefused, match="expired"):
        other.inspector.inspect()
    b2c.emulator.application(b2c.tenant, client_id=b2c.tenant.client_id, secret_expired=False)


def test_a_certificate_lets_in(b2c: EmulatedDirectory) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idferry")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2126, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    credential = ClientCertificate.parse(public + private)
    b2c.set_same_time()
    with b2c.connect(credential=credential) as other, pytest.raises(TokenRefused, match="not registered"):
        other.inspector.inspect()
    b2c.emulator.application(b2c.tenant, client_id=b2c.tenant.client_id, certificates=[public.decode()])
    with b2c.connect(credential=credential) as other:
        assert other.inspector.inspect().attributes


def test_a_token_that_expires_in_the_middle_is_renewed(directory: EmulatedDirectory) -> None:
    directory.hand_over([directory.draft("1", "a@example.com")])
    directory.emulator.expire_tokens()
    directory.hand_over([directory.draft("2", "b@example.com")])
    directory.emulator.expire_tokens()
    assert len(list(directory.reader.every(()))) == 2


def test_a_foreign_authority_is_not_trusted(b2c: EmulatedDirectory) -> None:
    with b2c.connect(ca_file="") as other, pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        other.inspector.inspect()


def test_where_nobody_listens_nothing_was_delivered(b2c: EmulatedDirectory) -> None:
    order = CreateOrder(b2c.draft("1", "a@example.com"), Password(KNOWN))
    with b2c.connect(graph_url="https://127.0.0.1:9", extension_app_id="a-b") as other:
        (answer,) = other.writer.create([order]).result(30)
    assert isinstance(answer, Undelivered)
    with b2c.connect(authority="https://127.0.0.1:9", extension_app_id="a-b") as other:
        (answer,) = other.writer.create([order]).result(30)
        assert isinstance(answer, Undelivered)
        with pytest.raises(Unreachable):
            other.reader.by_id("x")


# --- permissions ------------------------------------------------------------------------------------------------------


def with_roles(directory: EmulatedDirectory, *roles: str) -> Any:
    made = directory.emulator.application(directory.tenant, display_name="limited", roles=list(roles))
    return directory.connect(
        client_id=made["client_id"],
        credential=ClientSecret(made["client_secret"]),
        extension_app_id=directory.tenant.extension_app_id,
    )


def test_without_the_permission_to_create_the_run_stops(directory: EmulatedDirectory) -> None:
    with with_roles(directory, "User.Read.All") as limited:
        order = CreateOrder(directory.draft("1", "a@example.com"), Password(KNOWN))
        (answer,) = limited.writer.create([order]).result(30)
        assert isinstance(answer, Fatal)
        assert answer.code == "forbidden"
        ids = directory.hand_over([directory.draft("2", "b@example.com")])
        assert limited.remover.delete(ids) == {ids[0]: "forbidden"}


def test_without_the_permission_to_read_nothing_is_found_by_mistake(directory: EmulatedDirectory) -> None:
    with with_roles(directory, "User.Create") as limited:
        for question in (
            lambda: limited.reader.by_sign_in_name("a@example.com"),
            lambda: limited.reader.by_id("7d2b2a3c-0000-4000-8000-000000000000"),
            lambda: list(limited.reader.every(())),
            lambda: limited.writer.ours([directory.draft("1", "a@example.com")]).result(30),
            lambda: limited.remover.usage(["7d2b2a3c-0000-4000-8000-000000000000"]),
        ):
            with pytest.raises(Forbidden):
                question()


def test_a_quota_that_may_not_be_read_is_unknown(directory: EmulatedDirectory) -> None:
    with with_roles(directory, "User.ReadWrite.All", "Application.Read.All") as limited:
        facts = limited.inspector.inspect()
    assert (facts.objects_used, facts.objects_max) == (None, None)
    assert facts.permissions == {"import": {"User.ReadWrite.All", "Application.Read.All"}}


def test_usage_comes_without_the_last_sign_in_where_that_is_not_shown(directory: EmulatedDirectory) -> None:
    ids = directory.hand_over([directory.draft(str(n), f"p{n}@example.com") for n in range(3)])
    with with_roles(directory, "User.ReadWrite.All") as limited:
        assert set(limited.remover.usage(ids)) == set(ids)


def test_a_wrong_extension_app_is_explained(b2c: EmulatedDirectory) -> None:
    with (
        b2c.connect(extension_app_id="00000000-0000-4000-8000-00000000dead") as other,
        pytest.raises(TenantNotReady, match="no application"),
    ):
        other.inspector.inspect()


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_weak_password_is_called_weak(directory: EmulatedDirectory) -> None:
    weak, fine = directory.draft("1", "a@example.com"), directory.draft("2", "b@example.com")
    orders = [CreateOrder(weak, Password("password")), CreateOrder(fine, Password(KNOWN))]
    answers = directory.writer.create(orders).result(30)
    assert isinstance(answers[0], Rejected)
    assert answers[0].code == "weak_password_refused"
    assert "password'" not in answers[0].reason
    assert isinstance(answers[1], Created)


def test_a_weak_password_with_the_rule_switched_off_is_taken_where_the_tenant_allows_it(
    b2c: EmulatedDirectory,
) -> None:
    b2c.create(b2c.draft("1", "a@example.com", plan=PasswordPlan.KNOWN_WEAK), password="1234")
    assert b2c.opens("a@example.com", "1234")


def test_a_value_the_directory_refuses_is_named(directory: EmulatedDirectory) -> None:
    (answer,) = directory.create(directory.draft("1", "a@example.com", attributes={"surname": "x" * 65}))
    assert isinstance(answer, Rejected)
    assert answer.code == "invalid_value"
    assert "surname" in answer.reason


@pytest.mark.parametrize("named", [True, False])
def test_an_address_taken_by_the_mail_of_a_stranger_is_found(
    external: EmulatedDirectory, named: bool
) -> None:
    if not named:
        external.hide_the_holder()
    body = {**external.tenant.local_account("someone-else"), "mail": "a@example.com"}
    (stranger,) = external.emulator.seed(external.tenant, [body])
    draft = external.draft("1", "a@example.com")
    (answer,) = external.create(draft)
    assert isinstance(answer, Taken)
    assert answer.attribute == "proxyAddresses"
    (holder,) = external.writer.holders([(draft, answer.holder_id)]).result(30)
    assert holder == Stranger(stranger, None)


def test_a_deleted_account_that_still_shows_is_not_taken_for_the_holder(b2c: EmulatedDirectory) -> None:
    """Filters show the ghost and not yet our own account, which Graph names: it is waited for."""
    ghost = b2c.tenant.local_account("a@example.com", displayName="A ghost")
    (ghost_id,) = b2c.emulator.seed(b2c.tenant, [ghost])
    b2c.emulator.lag(get_s=(1.5, 1.5), filter_s=(1.5, 1.5))
    b2c.remover.delete([ghost_id])
    draft = b2c.draft("1", "a@example.com")
    (created,) = b2c.create(draft)
    assert isinstance(created, Created)
    (again,) = b2c.create(draft)
    assert isinstance(again, Taken)
    (holder,) = b2c.writer.holders([(draft, again.holder_id)]).result(30)
    assert isinstance(holder, Ours)
    assert holder.object_id == created.object_id


@pytest.mark.parametrize("named", [True, False])
def test_an_address_held_from_the_recycle_bin_is_found(external: EmulatedDirectory, named: bool) -> None:
    if not named:
        external.hide_the_holder()
    (old,) = external.hand_over([external.draft("old", "a@example.com")])
    external.remover.delete([old])
    draft = external.draft("1", "a@example.com")
    (answer,) = external.create(draft)
    assert isinstance(answer, Taken)
    (holder,) = external.writer.holders([(draft, answer.holder_id)]).result(30)
    assert holder == InRecycleBin(old)


def test_a_holder_among_many_deleted_accounts_is_found(external: EmulatedDirectory) -> None:
    external.hide_the_holder()
    ids = external.hand_over([external.draft(f"o{n}", f"o{n}@example.com") for n in range(1100)])
    external.remover.delete(ids)
    draft = external.draft("1", "o1099@example.com")
    (holder,) = external.writer.holders([(draft, None)]).result(60)
    assert holder == InRecycleBin(ids[-1])


def test_an_address_in_the_tenants_own_domain_is_found(directory: EmulatedDirectory) -> None:
    name = f"Ada@{directory.tenant.domain}"
    (object_id,) = directory.hand_over([directory.draft("1", name)])
    body = {
        "accountEnabled": True,
        "displayName": "Staff",
        "mailNickname": "staff",
        "userPrincipalName": f"staff@{directory.tenant.domain}",
        "passwordProfile": {"password": KNOWN, "forceChangePasswordNextSignIn": False},
    }
    (staff,) = directory.emulator.seed(directory.tenant, [body])
    by_name = directory.reader.by_sign_in_name(f"STAFF@{directory.tenant.domain}")
    assert [one.object_id for one in by_name] == [staff]
    (holder,) = directory.writer.holders([(directory.draft("1", name), None)]).result(30)
    assert holder == Ours(object_id, None)


def test_a_work_account_with_a_copied_legacy_id_is_a_strangers(directory: EmulatedDirectory) -> None:
    draft = directory.draft("1", "a@example.com")
    body = {
        "accountEnabled": True,
        "displayName": "Staff",
        "mailNickname": "staff",
        "userPrincipalName": f"staff@{directory.tenant.domain}",
        "passwordProfile": {"password": KNOWN, "forceChangePasswordNextSignIn": False},
        directory.tenant.extension("legacyId"): draft.legacy_id,
    }
    (staff,) = directory.emulator.seed(directory.tenant, [body])
    assert directory.writer.ours([draft]).result(30) == {}
    (holder,) = directory.writer.holders([(draft, staff)]).result(30)
    assert holder == Stranger(staff, draft.legacy_id)


# --- accidents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "written"),
    [
        ({"kind": "status", "status": 504, "after_write": True}, True),
        ({"kind": "status", "status": 503}, False),
        ({"kind": "status", "status": 500, "after_write": True}, True),
        ({"kind": "garbage", "after_write": True}, True),
        ({"kind": "garbage"}, False),
        ({"kind": "truncate"}, True),
        ({"kind": "cut_after"}, True),
        ({"kind": "cut_before"}, False),
    ],
)
@pytest.mark.parametrize("operation", ["batch", "users.create"])
def test_no_accident_loses_or_doubles_anybody(
    directory: EmulatedDirectory, rule: dict[str, Any], written: bool, operation: str
) -> None:
    drafts = [directory.draft(str(n), f"p{n}@example.com") for n in range(3)]
    if rule["kind"] == "truncate":
        operation = "batch"  # an item of a batch cannot end early by itself
    directory.emulator.faults({"operation": operation, "count": 1, **rule})
    unclear = [
        draft
        for draft, answer in zip(drafts, directory.create(*drafts), strict=True)
        if isinstance(answer, Unanswered)
    ]
    assert unclear, "the accident happened"
    for draft, answer in zip(unclear, directory.create(*unclear), strict=True):
        if isinstance(answer, Taken):
            assert written
            (holder,) = directory.writer.holders([(draft, answer.holder_id)]).result(30)
            assert isinstance(holder, Ours)
        else:
            assert isinstance(answer, Created)
    assert directory.account_count() == 3


def test_reading_goes_on_through_failures(directory: EmulatedDirectory) -> None:
    ids = directory.hand_over([directory.draft(str(n), f"p{n}@example.com") for n in range(30)])
    directory.emulator.faults({"operation": "any", "kind": "status", "status": 503, "rate": 0.2}, seed=3)
    assert {account.object_id for account in directory.reader.every(())} == set(ids)
    assert set(directory.remover.usage(ids)) == set(ids)
    assert directory.remover.delete(ids) == dict.fromkeys(ids, "")
    assert set(directory.remover.deleted(ids)) == set(ids)
    assert directory.account_count() == 0


def test_deleting_through_lost_answers_ends_with_everybody_gone(directory: EmulatedDirectory) -> None:
    ids = directory.hand_over([directory.draft(str(n), f"p{n}@example.com") for n in range(5)])
    directory.emulator.faults({"operation": "batch", "kind": "cut_after", "count": 2})
    assert directory.remover.delete(ids) == dict.fromkeys(ids, "")
    directory.emulator.faults({"operation": "batch", "kind": "cut_after", "count": 1})
    assert directory.remover.restore(ids) == dict.fromkeys(ids, "")
    assert directory.account_count() == 5


def test_a_slow_answer_is_given_up_and_unanswered(b2c: EmulatedDirectory) -> None:
    b2c.emulator.faults({"operation": "batch", "kind": "slow", "delay_ms": 1500, "count": 1})
    order = CreateOrder(b2c.draft("1", "a@example.com"), Password(KNOWN))
    with b2c.connect(timeout=timedelta(seconds=0.5)) as hasty:
        (answer,) = hasty.writer.create([order]).result(30)
    assert isinstance(answer, Unanswered)
    assert "ReadTimeout" in answer.reason
    while b2c.account_count() == 0:  # it is written after we gave up: only "unanswered" is true
        time.sleep(0.05)


@pytest.mark.parametrize("retry_after", ["seconds", "decimal", "http-date", "missing"])
def test_published_allowances_slow_the_client_down_and_lose_nobody(
    b2c: EmulatedDirectory, retry_after: str
) -> None:
    drafts = [b2c.draft(str(n), f"p{n}@example.com") for n in range(60)]
    # The HTTP date of the emulator is read by the hand clock, so both start at the same moment.
    b2c.set_same_time()
    b2c.emulator.throttle(profile="published", scale=0.005, retry_after=retry_after)
    open_drafts, rounds = drafts, 0
    while open_drafts:
        rounds += 1
        assert rounds < 200
        answers = [a for s in range(0, len(open_drafts), 20) for a in b2c.create(*open_drafts[s : s + 20])]
        open_drafts = [d for d, a in zip(open_drafts, answers, strict=True) if not isinstance(a, Created)]
    assert rounds > 1
    assert b2c.account_count() == 60


def test_the_emulator_saw_one_create_for_each_person(directory: EmulatedDirectory) -> None:
    directory.hand_over([directory.draft(str(n), f"p{n}@example.com") for n in range(40)])
    assert directory.emulator.counts()["received"]["users.create"] == 40


def test_several_threads_share_one_client(directory: EmulatedDirectory) -> None:
    chunks = [
        [
            CreateOrder(directory.draft(f"{c}-{n}", f"p{c}.{n}@example.com"), Password(KNOWN))
            for n in range(20)
        ]
        for c in range(8)
    ]
    futures = [directory.writer.create(chunk) for chunk in chunks]
    assert all(isinstance(answer, Created) for future in futures for answer in future.result(60))
    assert directory.account_count() == 160


def test_a_stranger_by_identity_is_told_from_ours_by_case(directory: EmulatedDirectory) -> None:
    stranger = directory.plant(local_identity("a@example.com"), legacy_id="P:S:1")
    draft = directory.draft("1", "a@example.com")
    (holder,) = directory.writer.holders([(draft, stranger)]).result(30)
    assert holder == Stranger(stranger, "P:S:1")
    assert directory.writer.ours([draft]).result(30) == {}


def test_closing_does_not_wait_for_an_answer_that_takes_long(b2c: EmulatedDirectory) -> None:
    b2c.emulator.faults({"operation": "batch", "kind": "slow", "delay_ms": 4_000})
    other = b2c.connect()
    other.inspector.inspect()
    futures = [
        other.writer.create([CreateOrder(b2c.draft(str(n), f"p{n}@example.com"), Password(KNOWN))])
        for n in range(6)
    ]
    while b2c.emulator.counts()["received"].get("batch", 0) < 2:
        time.sleep(0.01)
    started = time.monotonic()
    other.close()
    assert time.monotonic() - started < 5
    b2c.emulator.faults()
    answers = [future.result(0)[0] for future in futures[2:]]
    assert all(isinstance(answer, Undelivered) for answer in answers)
    for under_way in futures[:2]:
        assert isinstance(under_way.result(20)[0], Created | Unanswered)
    gc.collect()
