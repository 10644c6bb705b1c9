"""Names and passwords that end a quote, a parameter, a header or a filter where somebody pastes them into text.

`NASTY` are whole attempts, written by hand; `EVERY_NASTY` adds every character that means something somewhere, alone and
at every place of a text.
"""

from collections.abc import Iterator
from string import punctuation

NASTY = [
    "'",
    '"',
    "''",
    '"; DROP TABLE users; --',
    "' OR '1'='1",
    "a&grant_type=client_credentials",
    "x&password=other&username=admin",
    "a=b",
    "a+b",
    "a b",
    " leading and trailing ",
    "100%",
    "%00",
    "%0d%0aX-Injected: 1",
    "%s%s%n",
    "{password}",
    "{sign_in_name}",
    "${jndi:ldap://localhost/a}",
    "$(id)",
    "`id`",
    "|id",
    ";id",
    "\\",
    "\\\\",
    "\\u0022",
    "\\x00",
    "a\\",
    "</password>",
    "<script>alert(1)</script>",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]>",
    "]]>",
    '{"$gt": ""}',
    '", "admin": true, "x": "',
    "[]",
    "null",
    "true",
    "0",
    "1e1000",
    "*",
    "(",
    ")",
    "*)(uid=*",
    "*)(|(uid=*)",
    "admin)(&)",
    "a)(objectClass=*",
    "\\2a",
    "cn=admin,dc=example,dc=com",
    "a,dc=com",
    "#comment",
    "/etc/passwd",
    "../../admin",
    "..",
    ".",
    "a/b",
    "a?b=c",
    "a#b",
    "a:b",
    "user@example.com:443",
    "\t",
    "\r\nHost: elsewhere",
    "line\nbreak",
    "\x01\x02\x1b[31m",
    "\x7f\x80\x9f",
    "naïve",
    "ﬁ ligature",
    "e\u0301 and é",
    "İstanbul ı",
    "straße",
    "пароль",
    "密码",
    "كلمة",
    "\u202eabc\u202c",
    "\u200b\u200d\ufeff",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\U0001f600",
    "Ω≈ç√∫˜µ≤≥÷",
    "ｆｕｌｌｗｉｄｔｈ",
    "a\u0000b",
    "x" * 200,
]
"""Made for these tests. Half of them are names that nobody has; all of them may be typed."""
_PLACES = ("{}", "a{}", "{}b", "a{}b", "{0}{0}", "a{0}b{0}c")
_BEYOND_ASCII = "\x80\x85\x9b\u00a0\u00ad\u00b4\u0130\u0131\u1680\u2018\u2019\u201c\u2028\u2029\u202e\u3000\ufeff\uff07\uff1b\ufffd\U000e0001"
"""Blanks, ends of lines and quotes of Unicode, letters that change their length with their case, and what nobody sees."""


def _everywhere() -> Iterator[str]:
    control = "".join(map(chr, (*range(0x20), 0x20, 0x7F)))
    for one in control + punctuation + _BEYOND_ASCII:
        for place in _PLACES:
            yield place.format(one)


EVERY_NASTY = list(dict.fromkeys([*NASTY, *_everywhere()]))
EVERY_NASTY_MIN = 515
"""S9 asks for so many, which is what the best known list of others has; these are our own."""
assert len(EVERY_NASTY) >= EVERY_NASTY_MIN
