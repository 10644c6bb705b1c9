import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.attributes import (
    EXTENSION_CHARACTERS_MAX,
    LENGTHS_MAX,
    AttributeValue,
    attribute_problem,
    display_name_problem,
    extension_name_problem,
    extension_type,
    is_extension,
    is_password_hash,
    is_sensitive,
    is_sensitive_name,
    takes_list,
)

FREE_TEXTS = sorted(set(LENGTHS_MAX) - {"usageLocation", "ageGroup", "consentProvidedForMinor"})


def as_value(name: str, text: str) -> AttributeValue:
    return (text,) if takes_list(name) else text


@pytest.mark.parametrize("name", FREE_TEXTS)
def test_a_text_may_be_as_long_as_the_directory_takes_and_no_longer(name: str) -> None:
    limit = LENGTHS_MAX[name]
    assert attribute_problem(name, as_value(name, "x" * limit)) is None
    problem = attribute_problem(name, as_value(name, "x" * (limit + 1)))
    assert problem
    assert (problem.code, problem.reason) == (
        "attribute_too_long",
        f"{name} is longer than {limit} characters",
    )


def test_an_extension_attribute_has_250_characters() -> None:
    assert attribute_problem("notes", "é" * EXTENSION_CHARACTERS_MAX) is None
    problem = attribute_problem("notes", "x" * 251)
    assert problem
    assert problem.code == "attribute_too_long"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("city", "Porto"),
        ("otherMails", ("a@example.com", "b@example.com")),
        ("otherMails", tuple(f"a{n}@example.com" for n in range(250))),
        ("businessPhones", ("+1 555 0100",)),
        ("ageGroup", "NotAdult"),
        ("consentProvidedForMinor", "Granted"),
        ("usageLocation", "PT"),
        ("newsletter", True),
        ("points", 2**63 - 1),
        ("points", -(2**63)),
        ("A", "x"),
        ("a_1", ""),
    ],
)
def test_values_that_the_directory_takes(name: str, value: AttributeValue) -> None:
    assert attribute_problem(name, value) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("city", True),
        ("city", 7),
        ("city", ("Porto",)),
        ("otherMails", "a@example.com"),
        ("otherMails", tuple(f"a{n}@example.com" for n in range(251))),
        ("otherMails", ("zoë@example.com",)),
        ("businessPhones", ("1", "2")),
        ("ageGroup", "adult"),
        ("consentProvidedForMinor", "yes"),
        ("usageLocation", "pt"),
        ("usageLocation", "PRT"),
        ("usageLocation", "PT\n"),
        ("notes", ("a", "b")),
        ("points", 2**63),
        ("my note", "x"),
        ("1st", "x"),
        ("note\n", "x"),
        ("größe", "x"),
        ("", "x"),
    ],
)
def test_values_that_the_directory_refuses(name: str, value: AttributeValue) -> None:
    problem = attribute_problem(name, value)
    assert problem
    assert problem.code == "attribute_invalid"


@given(st.text(min_size=1).map(lambda text: f"hunter2{text}") | st.integers(min_value=2**63))
def test_a_reason_never_quotes_the_value(value: AttributeValue) -> None:
    for name in ("usageLocation", "ageGroup", "points", "employeeId", "otherMails", "notes"):
        problem = attribute_problem(name, value)
        if problem:
            assert "hunter2" not in problem.reason
            assert str(value) not in problem.reason


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("a", True),
        ("A1_b", True),
        ("a" * 100, True),
        ("a" * 101, False),
        ("_a", False),
        ("a-b", False),
        ("", False),
    ],
)
def test_names_of_extension_attributes(name: str, fits: bool) -> None:
    assert (extension_name_problem(name) is None) is fits


@pytest.mark.parametrize(
    ("value", "data_type"),
    [
        (True, "Boolean"),
        (False, "Boolean"),
        (0, "Integer"),
        (2**31 - 1, "Integer"),
        (-(2**31), "Integer"),
        (2**31, "LargeInteger"),
        (-(2**31) - 1, "LargeInteger"),
        ("1", "String"),
    ],
)
def test_data_types_of_extension_attributes(value: AttributeValue, data_type: str) -> None:
    assert extension_type(value) == data_type


def test_what_graph_does_not_know_is_an_extension_attribute() -> None:
    assert not any(map(is_extension, LENGTHS_MAX))
    assert is_extension("City")


@pytest.mark.parametrize(
    ("display_name", "refused_in_b2c", "refused_anywhere"),
    [("Ana <3", True, False), ("Ana > Bo", True, False), ("x" * 256, False, False), ("x" * 257, True, True)],
)
def test_display_names(display_name: str, refused_in_b2c: bool, refused_anywhere: bool) -> None:
    assert bool(display_name_problem(display_name, angle_brackets_refused=True)) is refused_in_b2c
    assert bool(display_name_problem(display_name, angle_brackets_refused=False)) is refused_anywhere


# Numbers that the card companies publish for tests.
CARDS = (
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4012888888881881",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "3782 822463 10005",
    "30569309025904",
    "3056 930902 5904",
    "6011111111111117",
    "3530111333300000",
    "4222222222222",
    "6304000000000000000",
)


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "Card {}.",
        "{} 12/27",
        "{} 12/27 123",
        "{}-12-27",
        "07700 900123 {}",
        "+1 555 0100 {} ok",
        "no:{}",
    ],
)
def test_card_numbers_are_seen_wherever_they_stand(card: str, around: str) -> None:
    assert is_sensitive(around.format(card))


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "4111 1111 1111 1112",
        "0000000000000000",
        "1111 1111 1111 1111",
        "411111111111",
        "41111111111111111111111",
        "4111.1111.1111.1111",
        "x4111 1111",
        "2026-05-31 09:30:00",
        "+44 7700 900123",
        "HF-10021",
        "",
        "a" * 2000,
    ],
)
def test_these_are_no_card_numbers(text: str) -> None:
    assert not is_sensitive(text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("078-05-1120", True),
        ("219-09-9999", True),
        ("219 09 9999", True),
        ("SSN 219-09-9999, born", True),
        ("(219-09-9999)", True),
        ("899-99-9999", True),
        ("000-12-3456", False),
        ("666-12-3456", False),
        ("900-12-3456", False),
        ("999-12-3456", False),
        ("219-00-9999", False),
        ("219-09-0000", False),
        ("219-09 9999", False),
        ("219099999", False),
        ("1219-09-9999", False),
        ("219-09-99991", False),
        ("1-219-09-9999", False),
        ("219-09-9999-1", False),
    ],
)
def test_social_security_numbers(text: str, seen: bool) -> None:
    assert is_sensitive(text) is seen


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (4111111111111111, True),
        (-4111111111111111, True),
        (4111111111111112, False),
        (True, False),
        (("ok", "4111111111111111"), True),
        (("219-09-9999", "x"), True),
        ((), False),
    ],
)
def test_numbers_and_lists_are_looked_through(value: AttributeValue, seen: bool) -> None:
    assert is_sensitive(value) is seen


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "passwordHash",
        "PASSWORD_HASH",
        "userPwd",
        "userpwd2",
        "oldPasswd",
        "Passwort",
        "pwdhash",
        "passPhrase",
        "hash",
        "bcryptHash",
        "md5hash",
        "hashedPw",
        "Salt",
        "pass",
        "userPass",
        "passwordProfile",
        "secret",
        "clientSecret",
        "secretQuestion",
        "shared_secret_1",
        "token",
        "refreshtoken",
        "apiTokens",
        "apiKey",
        "api_key",
        "privateKey",
        "totp",
        "credentials",
        "passwordLastChanged",
        "legacyMd5",
        "MD5",
        "old_md5",
        "md5_2",
        "SHA256",
        "sha_512",
        "userSha1",
        "ntlm",
        "NTLM_old",
        "bcrypt",
        "argon2id",
        "pbkdf2",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_sensitive_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *[
            "city",
            "notes",
            "passport",
            "passportNumber",
            "md",
            "md6",
            "shape",
            "shanghaiOffice",
            "Natasha",
            "description",
            "cryptoWallet",
            "recentLmStay",
            "compass",
            "bypassed",
            "hashtag",
            "secretary",
            "tokenizer",
            "surpass",
            "cash",
        ],
        *["loyaltyNumber", "a1", "basalt", "bishop"],
        *LENGTHS_MAX,
    ],
)
def test_names_of_no_secrets(name: str) -> None:
    assert not is_sensitive_name(name)


BCRYPT = "10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"


@pytest.mark.parametrize(
    ("text", "seen"),
    [(f"$2{kind}${BCRYPT}", True) for kind in ("", "a", "b", "x", "y")]
    + [(f" $2b${BCRYPT}", True), ("$2b$10$abc", True), ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", True)]
    + [("$pbkdf2-sha256$29000$c2FsdA$aGFzaA", True), ("pbkdf2_sha256$600000$salt$aGFzaA=", True)]
    + [
        ("$1$salt$hash", True),
        ("$5$salt$hash", True),
        ("$6$rounds=5000$salt$hash", True),
        ("$y$j9T$s$h", True),
    ]
    + [
        ("$apr1$salt$hash", True),
        ("$P$B123456789", True),
        ("$S$D123456789", True),
        ("$scrypt$ln=16$s$h", True),
    ]
    + [("{SSHA}MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", True), ("{ssha512}x", True), ("{CRYPT}$6$s$h", True)]
    + [("{bcrypt}$2a$10$x", True), ("{noop}Secret!99", True), ("scrypt:32768:8:1$salt$hash", True)]
    + [("pbkdf2:sha256:260000$salt$hash", True), ("md5$salt$hash", True), ("sha1$salt$hash", True)]
    + [("$20", False), ("$2 a piece", False), ("{name}", False), ("costs $6$", False), ("md5", False)]
    + [("Crypt keeper", False), ("$ave", False), ("{}", False), ("", False)],
)
def test_password_hashes(text: str, seen: bool) -> None:
    assert is_sensitive(text) is seen
    assert is_sensitive(("ok", text)) is seen


def luhn_digit(digits: str) -> str:
    # The check digit, written down apart from the product: https://en.wikipedia.org/wiki/Luhn_algorithm
    total = sum(
        sum(divmod(int(digit) * (2 if place % 2 == 0 else 1), 10))
        for place, digit in enumerate(reversed(digits))
    )
    return str(-total % 10)


@given(st.text("0123456789", min_size=12, max_size=18).filter(lambda digits: len(set(digits)) > 1))
def test_the_check_digit_decides(digits: str) -> None:
    right = luhn_digit(digits)
    assert is_sensitive(digits + right)
    wrong = str((int(right) + 1) % 10)
    assert not is_sensitive(digits + wrong)


@given(st.text("0123456789 -", max_size=300))
def test_a_wall_of_digits_is_judged_and_not_pondered(text: str) -> None:
    assert isinstance(is_sensitive(text), bool)


IDENTITY_HASH = "AQAAAAIAAYagAAAAE" + "J4/+" * 16 + "Kw=="


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (IDENTITY_HASH, True),
        (f" {IDENTITY_HASH}\n", True),
        ("sha256$abc$def", True),
        ("SHA512$x", True),
        ("ssha512_crypt$x", True),
        (IDENTITY_HASH[:40], False),
        (f"see {IDENTITY_HASH}", False),
        (f"{IDENTITY_HASH} for Ana", False),
        ("AQAAAA is how they begin, and so does this long sentence about nothing at all", False),
        (IDENTITY_HASH.lower(), False),
        ("sha$1", False),
        ("sha256 costs 5$", False),
        ("5f4dcc3b5aa765d61d8327deb882cf99", False),
    ],
)
def test_more_forms_of_password_hashes(text: str, seen: bool) -> None:
    assert is_sensitive(text) is seen
    assert is_password_hash(text) is seen
