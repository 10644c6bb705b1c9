"""`docs/reference/password-hashes.md`: every scheme of the registry, the descriptor's fields and the bounds."""

from dataclasses import fields

from tests.docs.markdown import code, page, table

from idferry.hashes import BOUNDS, LARGEST, SCHEMES, Descriptor, Proof
from idferry.hashes.preparation import PASSWORD_ENCODINGS, PREHASHES

INTRODUCTION = """
Which password hashes of legacy systems idferry checks. A scheme comes from the configuration, or from a mark that only
one scheme writes; it is never guessed. `idferry hash check` tries rows with passwords that you know, `idferry hash prove`
finds the descriptor of a value that nothing here names: [check password hashes](../how-to/check-password-hashes.md).

bcrypt takes 72 bytes: what a longer password has behind them was ignored by those who wrote the hash, and is ignored
here. Password bytes are never trimmed, folded or normalised, except where the source did so.
"""
PROOFS = {
    Proof.PUBLISHED: "test vectors that others published",
    Proof.SELF_MADE: "values made with the system's own library or published formula, because nobody publishes vectors",
    Proof.UNPROVEN: "the formula is general knowledge: try it with a known password before you rely on it",
    Proof.UNSUPPORTED: "known by its looks, and not checked",
}
FIELDS = {
    "scheme": "name of a scheme; where it is missing, the value's own mark decides",
    "algorithm": "digest: `md4`, `md5`, `sha1`, `sha224`, `sha256`, `sha384`, `sha512`, `sha3-256`, `sha3-512`, `ripemd160`",
    "encoding": "how the value is spelled: `hex`, `base64` (with or without padding), `base64url`, `utf8`",
    "salt": "the row's salt",
    "salt_encoding": "how the salt is spelled; `utf8` is the text itself",
    "salt_position": "`prefix` or `suffix`: short for a template",
    "template": "what is hashed: `{SALT}`, `{PASSWORD}`, `{KEY}`, `{NAME}` (user name in small letters), and any other text",
    "password_encoding": ", ".join(f"`{one}`" for one in PASSWORD_ENCODINGS),
    "prehash": "what the password was hashed with before: " + ", ".join(f"`{one}`" for one in PREHASHES),
    "trim": "blanks at both ends of the password are cut; as typed it is tried after that",
    "pepper": "a secret behind the password",
    "key": "signer key of Firebase, key of an HMAC, secret of a site",
    "key_encoding": "how the key is spelled",
    "separator": "salt separator of Firebase",
    "iterations": "rounds of PBKDF2 or of a digest",
    "length": "bytes of the result, where it is to be checked",
    "cost": "bcrypt: its cost; scrypt: N; Firebase: `mem_cost`",
    "block_size": "scrypt: r; Firebase: `rounds`",
    "parallelism": "scrypt: p",
    "wrapping": "`base64`: the whole value is in Base64 once more, as LDIF writes it",
}
BOUNDED = {
    "bcrypt_cost": "bcrypt",
    "argon2_memory_kib": "Argon2, memory in KiB",
    "argon2_iterations": "Argon2, passes",
    "argon2_parallelism": "Argon2, lanes",
    "argon2_work": "Argon2, KiB of memory times passes",
    "pbkdf2_iterations": "PBKDF2, iterations of all blocks of the result together",
    "scrypt_n": "scrypt, N",
    "scrypt_block_size": "scrypt, r",
    "scrypt_parallelism": "scrypt, p",
    "scrypt_work": "scrypt, N times r times p",
    "firebase_memory_log2": "Firebase, `mem_cost`",
    "crypt_rounds": "SHA-crypt and BSDi, rounds",
    "phpass_log2": "phpass and Drupal 7, rounds as a power of 2",
    "digest_rounds": "digests, rounds",
}


def render() -> str:
    """The page."""
    families = dict.fromkeys(one.family for one in SCHEMES)
    sections = [_family(family) for family in families]
    proofs = table(["proof", "what shows that it is right"], [(code(one), PROOFS[one]) for one in Proof])
    said = table(["field", "meaning"], [(code(name), FIELDS[name]) for name in _fields()])
    bounds = table(
        ["bound", "of", "at most", "can be raised to"],
        [
            (
                code(one.name),
                BOUNDED[one.name],
                f"{getattr(BOUNDS, one.name):,}",
                f"{getattr(LARGEST, one.name):,}",
            )
            for one in fields(BOUNDS)
        ],
    )
    return page(
        "Password hashes",
        INTRODUCTION,
        "## Proof",
        proofs,
        "## Schemes\n\n*Mark*: a value is known by its looks alone.",
        *sections,
        "## Descriptor\n\nWhat a source's `hash` table, or a row of `idferry hash check`, may say.",
        said,
        "## Bounds\n\nA hash that costs more is refused when it is loaded and when it is checked, and the bound is named. "
        "Up to there one check takes about a second of one core, so that it ends in time for Entra External ID. "
        "`[hashes] bounds = { bcrypt_cost = 15 }` changes them, downwards or upwards; `idferry hash forecast` says what "
        "they mean on this machine. The last column is Ory Kratos' number where it has one. All checks together take at "
        "most `[hashes] memory_mib`.",
        bounds,
    )


def _fields() -> list[str]:
    names = [one.name for one in fields(Descriptor)]
    names.insert(names.index("template"), "salt_position")
    return names


def _family(family: str) -> str:
    rows = [
        (
            code(one.name),
            one.systems,
            code(one.layout) if "`" not in one.layout else one.layout,
            "yes" if one.marks else "",
            one.proof.value + (f"; {one.note}" if one.note else ""),
        )
        for one in SCHEMES
        if one.family == family
    ]
    return f"### {family}\n\n" + table(["scheme", "systems", "looks like", "mark", "proof"], rows)
