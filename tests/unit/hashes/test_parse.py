"""Reading a value: the scheme is never guessed, the cost is bounded, and whatever comes in, an answer comes out."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.hash_checks import CHEAP
from tests.support.hash_vectors import FIREBASE, SALT16, VECTORS

from idferry.hashes import (
    BOUND_NAMES,
    BOUNDS,
    LARGEST,
    SCHEMES,
    Ambiguous,
    Bounds,
    BoundsExceeded,
    Descriptor,
    Hash,
    Lacking,
    Malformed,
    Parsed,
    Unsupported,
    described_hash,
    parse,
)
from idferry.hashes.pbkdf2_family import Pbkdf2
from idferry.hashes.registry import BY_NAME, scheme_named
from idferry.hashes.scrypt_family import ScryptNumbers
from idferry.rules.password import Password

BCRYPT = "$2y$04$mIJxfrCaEI3GukZe11CiXublhEFanu5.ododkll1WphfSp6pn4zIu"
LOW = Bounds(
    bcrypt_cost=4, argon2_memory_kib=64, argon2_iterations=2, argon2_parallelism=4, pbkdf2_iterations=50, scrypt_n=4,
    firebase_memory_log2=2, crypt_rounds=1000, phpass_log2=8, digest_rounds=10,
)  # fmt: skip
TINY = "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw"


def of(**said: Any) -> Descriptor:
    found = Descriptor.of(said)
    assert isinstance(found, Descriptor), found
    return found


def opens(parsed: Parsed, password: str, name: str = "") -> bool:
    assert isinstance(parsed, Hash), parsed
    return parsed.verify(Password(password), name)


# --- no guesses ------------------------------------------------------------------------------------------------------


def test_no_value_bears_the_marks_of_two_schemes() -> None:
    for vector in VECTORS:
        bearing = [one.name for one in SCHEMES if one.marks and one.marks.fullmatch(vector.value)]
        assert len(bearing) <= 1, (vector.value[:30], bearing)


@pytest.mark.parametrize(
    ("value", "candidates"),
    [
        ("8743b52063cd84097a65d1633f5c74f5", {"md5", "ntlm"}),
        ("28f9975808ae2bdc5847b1cda26033ea:308", {"joomla-md5", "oscommerce", "vbulletin", "mybb", "md5"}),
        ("b89eaac7e61417341b710b727768294d0e6a277b", {"sha1"}),
        ("48c/R8JAv757A", {"des-crypt"}),
        ("$pbkdf2-sha384$i=1,l=16$QUFB$QUFB", {"pbkdf2-phc", "kratos-pbkdf2"}),
    ],
)
def test_what_may_be_several_schemes_is_ambiguous(value: str, candidates: set[str]) -> None:
    found = parse(value)
    assert isinstance(found, Ambiguous)
    assert candidates <= set(found.candidates)


@pytest.mark.parametrize("value", ["correct horse", "$9$unknown", "abc", "12345678", "user@example.com"])
def test_what_nobody_writes_is_unknown(value: str) -> None:
    found = parse(value)
    assert isinstance(found, Unsupported)
    assert found.lacking is Lacking.UNKNOWN


@pytest.mark.parametrize("value", ["", "!", "!abcdef", "*", "x", "NULL"])
def test_no_password_is_no_hash(value: str) -> None:
    found = parse(value)
    assert isinstance(found, Unsupported)
    assert found.lacking is Lacking.NO_PASSWORD


def test_a_value_that_bears_the_mark_of_another_scheme_is_read_by_it() -> None:
    found = parse(BCRYPT, of(scheme="md5", salt="abc"))
    assert isinstance(found, Hash)
    assert (found.scheme, opens(found, "test")) == ("bcrypt", True)


def test_a_damaged_value_of_the_configured_scheme_stays_malformed() -> None:
    assert isinstance(parse(BCRYPT[:-1], of(scheme="bcrypt")), Malformed)
    assert isinstance(parse("8743b52063cd84097a65d1633f5c74", of(scheme="md5")), Malformed)


def test_a_scheme_that_nobody_knows_is_told() -> None:
    found = parse(BCRYPT, of(scheme="bcript"))
    assert isinstance(found, Unsupported)
    assert found.lacking is Lacking.UNKNOWN


@pytest.mark.parametrize("name", ["MD5", "Joomla", "argon2id", "aspnet_identity_v3", "SSHA512", "ipb"])
def test_schemes_are_known_by_other_names_too(name: str) -> None:
    found = scheme_named(name)
    assert found is not None
    assert BY_NAME[found.name] is found


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("$2b$16$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K", "bcrypt_cost"),
        ("$argon2id$v=19$m=1048577,t=1,p=1$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw", "argon2_memory_kib"),
        ("$argon2id$v=19$m=64,t=11,p=1$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw", "argon2_iterations"),
        ("$argon2id$v=19$m=1024,t=1,p=17$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw", "argon2_parallelism"),
        ("pbkdf2_sha256$10000001$salt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=", "pbkdf2_iterations"),
        (f"$pbkdf2-sha256$i=5000001,l=64${SALT16.rstrip('=')}${'A' * 86}", "pbkdf2_iterations"),
        ("$scrypt$ln=18,r=8,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ", "scrypt_n"),
        ("$scrypt$ln=9999999999,r=8,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ", "scrypt_n"),
        ("$scrypt$ln=4,r=9,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ", "scrypt_block_size"),
        ("$scrypt$ln=4,r=8,p=11$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ", "scrypt_parallelism"),
        ("$firescrypt$ln=18,r=8,p=1$AAAA$AAAA$Bw==$AAAA", "firebase_memory_log2"),
        ("$firescrypt$ln=999999,r=8,p=1$AAAA$AAAA$Bw==$AAAA", "firebase_memory_log2"),
        ("$6$rounds=999999999$72820166$" + "a" * 86, "crypt_rounds"),
        ("_zzzz8841inaTltazRsQ", "crypt_rounds"),
        ("$P$V46647711V1klyitUYhtB8Yw5DMA/w.", "phpass_log2"),
        ("$S$V20340258nzjDWpoQthrdNTR02f0pmev0K/5/Nx80WSkOQcPEQRh", "phpass_log2"),
        ("36d0acc6e50072e6108fe7ed5f9559383b0c3bd79fed6eb270719208b18c1d7a:salt:3_32_2_9999999999", "argon2_memory_kib"),
    ],
)  # fmt: skip
def test_a_cost_beyond_the_bounds_is_refused_by_name(value: str, what: str) -> None:
    found = parse(value)
    assert isinstance(found, BoundsExceeded), found
    assert (found.what, found.lacking) == (what, Lacking.OVER_BOUNDS)
    assert found.asked > found.allowed == getattr(BOUNDS, what)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("$argon2id$v=19$m=262144,t=5,p=1$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw", "argon2_work"),
        ("$scrypt$ln=17,r=8,p=4$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ", "scrypt_work"),
    ],
)  # fmt: skip
def test_numbers_that_are_allowed_each_are_bounded_together(value: str, what: str) -> None:
    found = parse(value)
    assert isinstance(found, BoundsExceeded), found
    assert found.what == what
    assert isinstance(parse(value, bounds=LARGEST), Hash)


def test_the_largest_bounds_are_no_smaller_than_the_usual_ones() -> None:
    assert all(getattr(LARGEST, name) >= getattr(BOUNDS, name) for name in BOUND_NAMES)


@pytest.mark.parametrize(
    ("value", "kib"),
    [
        (BCRYPT, 0),
        (TINY, 32),
        ("$scrypt$ln=17,r=8,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ", 131_072),
        ("36d0acc6e50072e6108fe7ed5f9559383b0c3bd79fed6eb270719208b18c1d7a:salt:1:2", 65_536),
    ],
)  # fmt: skip
def test_a_hash_says_how_much_memory_its_check_takes(value: str, kib: int) -> None:
    found = parse(value)
    assert isinstance(found, Hash), found
    assert found.memory_kib == kib


def test_digest_rounds_are_bounded_too() -> None:
    found = parse("8743b52063cd84097a65d1633f5c74f5", of(scheme="md5", iterations=100_001))
    assert isinstance(found, BoundsExceeded)


@pytest.mark.parametrize(
    "value",
    [
        "$2b$00$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K",
        "$argon2id$v=19$m=0,t=0,p=0$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw",
        "$argon2id$v=19$m=8,t=1,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw",
        "$argon2id$v=20$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw",
        "pbkdf2_sha256$0$salt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=",
        "$scrypt$ln=0,r=8,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ",
        "$scrypt$ln=16385,r=8,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ",
        "$firescrypt$ln=14,r=8,p=2$AAAA$AAAA$Bw==$AAAA",
        "$5$rounds=999$7777657035274252$XftMj84MW.New1/ViLY5V4CM4Y7EBvfETaZsCW9vcJ8",
        "$5$rounds=999999999$" + "a" * 43,
        "$6$rounds=999999999$" + "a" * 86,
        "{CRYPT}$6$rounds= 99999999$" + "a" * 86,
        "$scrypt$ln=16,r=1,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ",
        "$firescrypt$ln=16,r=1,p=1$AAAA$AAAA$Bw==$AAAA",
        "AQAAAAMAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
        "{SSHA}tooshort",
        "{SSHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s=",
        "{SHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng==",
        "$sha1$pf=$NW9wbWtnejAzcg==$2qU2SGWP8viTM1md3FiI3+rjWXQ=",
        "$sha1$pf=e1NBTFR9$NW9wbWtnejAzcg==$2qU2SGWP8viTM1md3FiI3+rjWXQ=",
        "$hmac-sha256$$MTIzNDU=",
        "$md5$$",
    ],
)
def test_numbers_that_nobody_writes_are_malformed(value: str) -> None:
    assert isinstance(
        parse(value, of(scheme="kratos-digest") if value == "$md5$$" else Descriptor()), Malformed
    )


def test_a_function_of_magento_that_proves_hardly_anything_is_malformed() -> None:
    assert isinstance(parse("deadbeef:salt:3_4_1_8192", of(scheme="magento2")), Malformed)


def test_a_value_as_long_as_a_file_is_malformed() -> None:
    assert isinstance(parse("$2b$" + "a" * 1_000_000), Malformed)


# --- what was hashed -------------------------------------------------------------------------------------------------


def test_bcrypt_takes_72_bytes_even_in_the_middle_of_a_letter() -> None:
    """Made with pyca's bcrypt from 72 bytes: 71 letters and the first byte of an é."""
    import bcrypt

    long = "a" * 71 + "é" + "tail that never counted"
    value = bcrypt.hashpw(long.encode()[:72], b"$2b$04$abcdefghijklmnopqrstuu").decode()
    assert opens(parse(value), long)
    assert opens(parse(value), "a" * 71 + "é")
    assert not opens(parse(value), "a" * 71 + "e")
    assert not opens(parse(value), "a" * 71)


def test_bcrypt_refuses_a_nul() -> None:
    import bcrypt

    value = bcrypt.hashpw(b"abc", b"$2b$04$abcdefghijklmnopqrstuu").decode()
    assert opens(parse(value), "abc")
    assert not opens(parse(value), "abc\0def")
    hidden = bcrypt.hashpw(b"abc\0def", b"$2b$04$abcdefghijklmnopqrstuu").decode()
    assert not opens(parse(hidden), "abc\0def")


def test_a_broken_bcrypt_of_2011_is_checked_for_ascii_passwords_only() -> None:
    import bcrypt

    made = bcrypt.hashpw(b"abc", b"$2b$04$abcdefghijklmnopqrstuu").decode().replace("$2b$", "$2x$")
    assert opens(parse(made), "abc")
    assert not opens(parse(made), "äbc")
    other = bcrypt.hashpw("äbc".encode(), b"$2b$04$abcdefghijklmnopqrstuu").decode().replace("$2b$", "$2x$")
    assert not opens(parse(other), "äbc")


def test_crypt_does_not_stop_at_a_nul() -> None:
    found = parse("$1$38652870$DUjsu4TTlTsOe/xxZ05uf/")
    assert opens(found, "hashcat")
    assert not opens(found, "hashcat\0more")


def test_blanks_count_where_the_source_did_not_trim() -> None:
    assert not opens(parse(BCRYPT), "test ")
    assert not opens(parse(BCRYPT), " test")
    assert opens(parse("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", of(trim=True)), " test12345 ")


@pytest.mark.parametrize("value", ["$P$7JaFQsPzJSuenezefD/3jHgt5hVfNH0", "d41d8cd98f00b204e9800998ecf8427e"])
def test_blanks_alone_do_not_open_the_hash_of_an_empty_password(value: str) -> None:
    assert not opens(parse(value, of(scheme="wordpress")), " \t ")


@pytest.mark.parametrize("said", [{"prehash": "sha256-raw"}, {"password_encoding": "utf16le"}])
def test_bytes_that_nobody_typed_may_hold_a_nul(said: dict[str, str]) -> None:
    import bcrypt

    password = "33"  # its SHA-256 holds a NUL
    described = of(**said)
    [data] = described.preparation().of(password)
    assert b"\0" in data
    found = parse(bcrypt.hashpw(data, b"$2b$04$abcdefghijklmnopqrstuu").decode(), described)
    assert opens(found, password)
    assert not opens(found, "34")


def test_letters_that_an_encoding_has_not_open_nothing() -> None:
    found = parse("8743b52063cd84097a65d1633f5c74f5", of(scheme="md5", password_encoding="ascii"))
    assert opens(found, "hashcat")
    assert not opens(found, "häshcat")


def test_a_pepper_stands_behind_the_password() -> None:
    import bcrypt

    value = bcrypt.hashpw(b"passpepper", b"$2b$04$abcdefghijklmnopqrstuu").decode()
    assert opens(parse(value, of(pepper="pepper")), "pass")
    assert not opens(parse(value), "pass")


def test_a_name_is_part_of_the_password_where_the_scheme_says_so() -> None:
    found = parse("ecf076ce9d6ed3624a9332112b1cd67b236fdd11", of(scheme="smf"))
    assert opens(found, "hashcat", "17782686")
    assert not opens(found, "hashcat", "17782687")
    assert not opens(found, "hashcat")


def test_a_password_longer_than_anybody_types_opens_nothing() -> None:
    assert not opens(parse("{CLEARTEXT}" + "a" * 4_000), "a" * 5_000)


# --- nothing leaks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [
    Pbkdf2(algorithm="sha1", iterations=1, salt=b"canary", expected=b"canary"),
    ScryptNumbers(n=2, block_size=1, parallelism=1, salt=b"canary"),
    of(scheme="firebase", key="canary", pepper="canary", salt="canary"),
    of(pepper="canary").preparation(),
])  # fmt: skip
def test_what_a_hash_is_made_of_prints_nothing_of_it(made: object) -> None:
    assert "canary" not in repr(made)


def test_reasons_and_representations_quote_nothing() -> None:
    for vector in VECTORS:
        for value in (vector.value, vector.value[:-3], vector.value + "Zq9"):
            found = parse(value, of(**vector.configured))
            text = repr(found) + str(getattr(found, "reason", ""))
            assert value[-24:] not in text, text
    assert "secret" not in repr(of(scheme="hmac", key="secret", pepper="secret"))


# --- descriptors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"shceme": "md5"}, "shceme"),
        ({"cost": "12"}, "cost is a number"),
        ({"cost": True}, "cost is a number"),
        ({"iterations": -1}, "below 0"),
        ({"encoding": "base65"}, "encoding is one of"),
        ({"prehash": "md5"}, "prehash is one of"),
        ({"salt_position": "middle"}, "salt_position"),
        ({"salt": "a" * 5_000}, "longer"),
    ],
)
def test_a_wrong_descriptor_names_its_field(table: dict[str, Any], words: str) -> None:
    found = Descriptor.of(table)
    assert isinstance(found, Malformed)
    assert words in found.reason


def test_a_descriptor_keeps_what_it_was_told() -> None:
    assert of(**FIREBASE).table() == FIREBASE
    assert of(salt_position="suffix").template == "{PASSWORD}{SALT}"


@pytest.mark.parametrize(
    ("row", "password"),
    [
        ({"algorithm": "bcrypt", "hash": {"value": BCRYPT, "encoding": "utf8"}}, "test"),
        (
            {
                "algorithm": "md5",
                "hash": {"value": "01dfae6e5d4d90d9892622325959afbe", "encoding": "hex"},
                "salt": {"value": "7050461", "encoding": "utf8", "position": "suffix"},
            },
            "hashcat",
        ),
        (
            {
                "algorithm": "hmac",
                "hash": {
                    "value": "d89c92b4400b15c39e462a8caa939ab40c3aeeea",
                    "encoding": "hex",
                    "digest": "sha1",
                    "key": {"value": "1234", "encoding": "utf8"},
                },
            },
            "hashcat",
        ),
        (
            {
                "algorithm": "sha1",
                "hash": {"value": "xX9qwbcfRaB9vZGln6R8I6vNh8I=", "encoding": "base64"},
                "salt": {"value": "631225", "encoding": "utf8", "position": "suffix"},
                "password": {"encoding": "utf16le"},
            },
            "hashcat",
        ),
        (
            {
                "algorithm": "scrypt",
                "hash": {"value": "MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE=", "encoding": "base64"},
                "salt": {"value": "2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=", "encoding": "base64"},
                "keylen": 32,
            },
            "test",
        ),
        ({"algorithm": "BCRYPT", "workFactor": 5, "salt": "abcdefghijklmnopqrstuu", "value": "e7WioG73cE72MdmPnBltkHfQZI9xMsG"}, "hashcat"),
        ({"algorithm": "MD5", "salt": "NzA1MDQ2MQ==", "saltOrder": "POSTFIX", "value": "Ad+ubl1NkNmJJiIyWVmvvg=="}, "hashcat"),
        (
            {
                "algorithm": "PBKDF2",
                "digestAlgorithm": "SHA256_HMAC",
                "iterationCount": 1000,
                "keySize": 24,
                "salt": "MTc3MTA0MTQwMjQxNzY=",
                "value": "PYjCU215Mi57AYPKva9j7mvF4Rc5bCnt",
            },
            "hashcat",
        ),
    ],
)  # fmt: skip
def test_rows_of_auth0_and_okta_are_understood(row: dict[str, Any], password: str) -> None:
    found = described_hash(row)
    assert isinstance(found, tuple), found
    assert opens(parse(*found), password)
    assert not opens(parse(*found), password + "x")


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"algorithm": "bcrypt", "hash": {"value": 5}},
        {"algorithm": "BCRYPT", "salt": "abcdefghijklmnopqrstuu", "value": "e7WioG73cE72MdmPnBltkHfQZI9xMsG"},
        {"algorithm": "MD5", "salt": "NzA1MDQ2MQ==", "value": "Ad+ubl1NkNmJJiIyWVmvvg=="},
        {"algorithm": "md5", "hash": {"value": "abc"}, "salt": "text"},
        {"algorithm": "hmac", "hash": {"value": "abc", "key": "text"}},
        {"algorithm": "sha257", "hash": {"value": "abc"}},
        {"algorithm": "SHA-257", "value": "abc"},
    ],
)
def test_rows_that_say_too_little_are_refused(row: dict[str, Any]) -> None:
    found = described_hash(row)
    assert not isinstance(found, tuple) or not isinstance(parse(*found), Hash)


# --- whatever comes in -----------------------------------------------------------------------------------------------

PREFIXES = sorted({vector.value[: 1 + index] for vector in CHEAP for index in range(0, 30, 3)})
texts = st.one_of(
    st.text(max_size=120),
    st.builds(lambda head, tail: head + tail, st.sampled_from(PREFIXES), st.text(max_size=60)),
    st.builds(
        lambda vector, at, new: vector.value[:at] + new + vector.value[at + 1 :],
        st.sampled_from(VECTORS),
        st.integers(0, 300),
        st.text(max_size=2),
    ),
)
descriptors = st.one_of(
    st.just(Descriptor()),
    st.builds(
        lambda scheme, **more: of(scheme=scheme, **more),
        st.sampled_from(sorted(BY_NAME)),
        salt=st.text(max_size=12),
        key=st.text(max_size=8),
        separator=st.text(max_size=4),
        algorithm=st.sampled_from(["", "md5", "sha1", "sha256", "md4", "nonsense", "shake_128"]),
        encoding=st.sampled_from(["", "hex", "base64", "utf8", "base64url"]),
        template=st.sampled_from(["", "{SALT}", "{KEY}{PASSWORD}{NAME}", "{PASSWORD}"]),
        iterations=st.integers(0, 60),
        cost=st.integers(0, 200),
        length=st.integers(0, 70),
        block_size=st.integers(0, 9),
        parallelism=st.integers(0, 11),
    ),
)


@settings(max_examples=400, deadline=1_000, suppress_health_check=[HealthCheck.too_slow])
@given(value=texts, descriptor=descriptors, password=st.text(max_size=80), name=st.text(max_size=10))
def test_no_exception_escapes_and_nothing_takes_long(
    value: str, descriptor: Descriptor, password: str, name: str
) -> None:
    found = parse(value, descriptor, bounds=LOW)
    if isinstance(found, Hash):
        assert found.verify(Password(password), name) in (True, False)
    else:
        assert found.reason


@settings(max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "algorithm",
                        "hash",
                        "salt",
                        "value",
                        "key",
                        "password",
                        "secretData",
                        "credentialData",
                        "hashIterations",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_object_of_whatever_shape_breaks_a_reader(document: Any) -> None:
    if isinstance(document, dict):
        described_hash(document)
    parse(json.dumps({"secretData": document, "credentialData": document}))
