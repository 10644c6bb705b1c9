"""What Entra encrypts for us is opened, and nothing else is: every forgery ends in the same silence."""

import json
import time
from datetime import UTC, datetime

import pytest
from tests.support.context_vectors import FOREIGN, FORGED, NOW, OURS
from tests.support.hand_clock import HandClock
from tests.support.password_tokens import (
    AUDIENCE,
    ISSUER,
    KEY_BYTES,
    Encryptor,
    claims,
)

from idferry.errors import SettingsError
from idferry.service.password_context import (
    ContextTerms,
    PasswordContexts,
    decryption_key,
)

NEXT = Encryptor()
TERMS = ContextTerms(audience=AUDIENCE, issuers=(ISSUER,))


def contexts(*keys: Encryptor, certificate: bool = True) -> PasswordContexts:
    opened = [decryption_key(one.pem(certificate=certificate), what="a key") for one in keys or (OURS,)]
    return PasswordContexts(opened, terms=TERMS, now=HandClock().now)


READER = contexts()


def test_a_captured_shape_is_opened() -> None:
    found = READER.read(OURS.token())
    assert found is not None
    assert (found.user_name, found.nonce) == ("ana@example.com", "8a4b8d4e-1111-4222-8333-444455556666")
    assert found.password.reveal_to(str) == "Old-Password-1"
    assert found.expires_at == datetime.fromtimestamp(NOW + 600, UTC)
    assert "Old-Password-1" not in repr(found)


@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA-OAEP-256"])
@pytest.mark.parametrize("enc", sorted(KEY_BYTES))
@pytest.mark.parametrize("packed", ["DEF", None])
def test_every_allowed_algorithm_is_read(alg: str, enc: str, packed: str | None) -> None:
    assert READER.read(OURS.token(alg=alg, enc=enc, zip=packed)) is not None


def test_bare_claims_are_read_and_passwords_stay_as_they_are() -> None:
    for password in (" blanks around ", "Пароль", "\u00e9 and e\u0301", "x" * 256, '"quoted"\\'):
        content = json.dumps(claims(**{"user-password": password})).encode()
        found = READER.read(OURS.token(content))
        assert found is not None
        assert found.password.reveal_to(str) == password


def test_of_two_keys_the_named_one_opens() -> None:
    both = contexts(OURS, NEXT)
    by = [both.read(one.token()) for one in (OURS, NEXT)]
    assert [one and one.key for one in by] == [0, 1], "which one is told, so that the old one can go"
    assert both.read(NEXT.token(x5t=None, kid=NEXT.thumbprint)) is not None
    assert both.read(FOREIGN.token()) is None
    assert both.read(OURS.token(x5t=None)) is None, "nobody can tell which"
    assert contexts(OURS, certificate=False).read(OURS.token()) is not None


@pytest.mark.parametrize("name", list(FORGED))
def test_whatever_is_wrong_ends_in_the_same_silence(name: str) -> None:
    token = FORGED[name]()
    began = time.process_time()
    assert READER.read(token) is None
    assert time.process_time() - began < 0.25


def test_there_are_enough_of_them() -> None:
    assert len(FORGED) >= 30


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "not a key",
        OURS.certificate_pem().decode(),
        FOREIGN.pem(certificate=False) + OURS.certificate_pem().decode(),
    ],
    ids=["empty", "nonsense", "only a certificate", "another key's certificate"],
)
def test_a_key_that_cannot_work_is_refused_at_the_start(pem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        decryption_key(pem, what="external_id.keys")
    assert "PRIVATE" not in str(refused.value)


def test_a_key_prints_nothing() -> None:
    assert "RSAKey" not in repr(decryption_key(OURS.pem(), what="a key"))
