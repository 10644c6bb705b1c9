"""Published test vectors of password hashes: values only, each with its source, and those that we made ourselves.

Sources: hashcat (https://hashcat.net/wiki/doku.php?id=example_hashes, by mode), Ory Kratos (hash/hasher_test.go),
dotnet/aspnetcore (PasswordHasherTest.cs), Django (tests/auth_tests/test_hashers.py), firebase/scrypt (README), the
phpass and Drupal tests of zitadel/passwap, Okta's and Clerk's documentation. "self" means made with the system's own
library or formula, because nobody publishes one.
"""

from typing import Any, NamedTuple

HASHCAT = "hashcat"


class Vector(NamedTuple):
    """A value, its password, the scheme that reads it, what must be configured, and the user name as hashed."""

    source: str
    scheme: str
    value: str
    password: str = HASHCAT
    configured: dict[str, Any] = {}  # noqa: RUF012  never changed
    name: str = ""


KEYCLOAK_ARGON2 = (
    '{"secretData":"{\\"value\\":\\"%s\\",\\"salt\\":\\"%s\\",\\"additionalParameters\\":{}}",'
    '"credentialData":"{\\"hashIterations\\":%d,\\"algorithm\\":\\"argon2\\",\\"additionalParameters\\":'
    '{\\"version\\":[\\"1.3\\"],\\"type\\":[\\"id\\"],\\"hashLength\\":[\\"32\\"],\\"memory\\":[\\"1024\\"],'
    '\\"parallelism\\":[\\"1\\"]}}"}'
)
SALT16 = "AAECAwQFBgcICQoLDA0ODw=="
FIREBASE = {
    "scheme": "firebase-scrypt",
    "salt": "42xEC+ixf3L2lw==",
    "separator": "Bw==",
    "block_size": 8,
    "cost": 14,
    "key": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
}
KRATOS_SALT, KRATOS_HASH, KRATOS_KEY = (
    "sPtDhWcd1MfdAw==",
    "xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2/k4SsbOu73wlKe1A==",
    "YE0dO4bwD4JnJafh6lZZfkp1MtKzuKAXQcDCJNJNyeCHairWHKENOkbh3dzwaCdizzOspwr/FITUVlnOAwPKyw==",
)
FIREBASE_PASSWORD = "8x4WjoDbSxJZdR"
MAGENTO_SALT = "0123456789abcdef0123456789abcdef"


def configured(scheme: str, **more: Any) -> dict[str, Any]:
    return {"scheme": scheme, **more}


def digest(algorithm: str, value: str, salt: str, template: str, **more: Any) -> Vector:
    """A salted digest by descriptor, from hashcat's list."""
    said = configured("digest", algorithm=algorithm, salt=salt, template=template, **more)
    return Vector("hashcat", "digest", value, configured=said)


BCRYPT = [
    Vector("facts", "bcrypt", "$2a$12$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6", "test"),
    Vector("facts", "bcrypt", "$2y$04$mIJxfrCaEI3GukZe11CiXublhEFanu5.ododkll1WphfSp6pn4zIu", "test"),
    Vector("facts", "bcrypt", "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K", "hello"),
    Vector(
        "clerk",
        "bcrypt",
        "$2b$10$U4C0ZY8OG8y41F9LusfKyu3HRMBL0rCZcKBVsXhgr.n8Ou6FPhzO2",
        "Kk4aPMeiaRpAs2OeX1NE",
    ),
    Vector("hashcat 3200", "bcrypt", "$2a$05$LhayLxezLhK1LhWvKxCyLOj0j1u.Kj0jZ0pEmm134uzrQlFvQJLF6"),
    Vector(
        "self",
        "bcrypt-split",
        "e7WioG73cE72MdmPnBltkHfQZI9xMsG",
        configured=configured("bcrypt-split", salt="abcdefghijklmnopqrstuu", cost=5),
    ),
    Vector(
        "hashcat 25600",
        "bcrypt-md5",
        "$2a$05$/VT2Xs2dMd8GJKfrXhjYP.DkTjOVrY12yDN7/6I8ZV0q/1lEohLru",
        configured=configured("bcrypt-md5"),
    ),
    Vector(
        "hashcat 30600",
        "bcrypt-sha256",
        "$2b$10$FxDtpTNaL303lLcWtd6LFO2U6Gc63VJ07qycHcfqbQQ71GhO/qSzu",
        configured=configured("bcrypt-sha256"),
    ),
    Vector(
        "hashcat 30600",
        "django-bcrypt-sha256",
        "bcrypt_sha256$$2b$10$FxDtpTNaL303lLcWtd6LFO2U6Gc63VJ07qycHcfqbQQ71GhO/qSzu",
    ),
    Vector(
        "hashcat 28400",
        "bcrypt-sha512",
        "$2a$12$KhivLhCuLhSyMBOxLxCyLu78x4z2X/EJdZNfS3Gy36fvRt56P2jbS",
        configured=configured("bcrypt-sha512"),
    ),
    Vector(
        "self",
        "bcrypt-sha512",
        "$2b$04$abcdefghijklmnopqrstuuyx3Ab538hW63e0uofH0MBSYT16aGvC2",
        configured=configured("bcrypt-sha512", prehash="sha512-base64"),
    ),
    Vector(
        "self",
        "django-bcrypt",
        "bcrypt$$2b$04$tJQOqIhLK3w9QLcCQ9o4beMnd0aXxhu/cPktS6igbaCQvbG8VF8/G",
        "lètmein",
    ),
    Vector(
        "self",
        "django-bcrypt-sha256",
        "bcrypt_sha256$$2b$04$GnDcelpZIPJ2mh6zoayQJuicpnWIF8cQATD3NbKsJHQDPpOPVAKd.",
        "lètmein",
    ),
    Vector(
        "self",
        "wordpress-bcrypt",
        "$wp$2y$04$abcdefghijklmnopqrstuujv/86KBUqWwIdPp0uRATkCcvgptl1Pm",
        "correct horse",
    ),
    Vector(
        "self",
        "wordpress-bcrypt",
        "$wp$2y$04$abcdefghijklmnopqrstuujv/86KBUqWwIdPp0uRATkCcvgptl1Pm",
        "  correct horse\n",
    ),
]
ARGON2 = [
    Vector(
        "facts", "argon2", "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw", "test"
    ),
    Vector(
        "facts",
        "argon2",
        "$argon2i$v=19$m=65536,t=3,p=4$kk51rW/vxIVCYn+EG4kTSg$NyT88uraJ6im6dyha/M5jhXvpqlEdlS/9fEm7ScMb8c",
        "test",
    ),
    Vector(
        "facts",
        "argon2",
        "$argon2i$m=8,t=1,p=1$c29tZXNhbHQ$gwQOXSNhxiOxPOA0+PY10P9QFO4NAYysnqRt1GSQLE55m+2GYDt9FEjPMHhP2Cuf0nOEXXMocVrsJAtNSsKyfg",
        "secret",
    ),
    Vector(
        "logto",
        "argon2",
        "$argon2i$v=19$m=8192,t=8,p=1$bG9ndG8tZGVjb3ktc2FsdA$mH8wiuxK7kCjJZJRxvXCN5BxUczufmGgV1stRYErj6w",
        "logto-decoy-do-not-use",
    ),
    Vector(
        "self",
        "django-argon2",
        "argon2$argon2id$v=19$m=1024,t=2,p=1$WWNuSXhlOE5hbXVRRUpYakZ6NjcyTw$d/bB9MeNHdTLYOgD0keyfz72ZA8H1h/kJiSaccPelTk",
        "lètmein",
    ),
    Vector("self", "keycloak", KEYCLOAK_ARGON2 % ("iKZdsDsEufBmpjNVDs8nMAdJib25E2p+i8XjQnKOUoU=", SALT16, 3)),
]
PBKDF2 = [
    *(
        Vector("aspnetcore", "aspnet-identity", value, "my password")
        for value in (
            "ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A==",
            "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==",
            "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
            "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
            "AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw==",
            "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M",
            "AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=",
        )
    ),
    Vector(
        "django",
        "django-pbkdf2",
        "pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=",
        "lètmein",
    ),
    Vector(
        "hashcat 10000",
        "django-pbkdf2",
        "pbkdf2_sha256$10000$1135411628$bFYX62rfJobJ07VwrUMXfuffLfj2RDM2G6/BrTrUWkE=",
    ),
    Vector(
        "hashcat 10000",
        "django-pbkdf2",
        "pbkdf2_sha256$20000$H0dPx8NeajVu$GiC4k5kqbbR9qWBlsRgDywNqC2vd9kqfk7zdorEnNas=",
    ),
    Vector(
        "hashcat 20400",
        "passlib-pbkdf2",
        "$pbkdf2-sha256$29000$x9h7j/Ge8x6DMEao1VqrdQ$kra3R1wEnY8mPdDWOpTqOTINaAmZvRMcYd8u5OBQP9A",
    ),
    Vector(
        "kratos",
        "pbkdf2-phc",
        "$pbkdf2-sha256$i=100000,l=32$1jP+5Zxpxgtee/iPxGgOz0RfE9/KJuDElP1ley4VxXc$QJxzfvdbHYBpydCbHoFg3GJEqMFULwskiuqiJctoYpI",
        "test",
    ),
    Vector(
        "kratos",
        "kratos-pbkdf2",
        "$pbkdf2-sha224$i=100000,l=32$A2nzbFd+wwzPSb+TqkF5Pw$9M4GM2yOYw/fZvsvQbF/0Ec8JO2u9O1MYRTfrDimX6o",
        "test",
        configured("kratos-pbkdf2"),
    ),
    Vector(
        "self",
        "keycloak",
        '{"secretData":{"value":"jbFJIHgNb1U59iFVna4cruFMYp3vhvTg+KwMOXP2XW2Ot+29FiCUUed2OEekYGs1BvWWE2UeLp4J2pDFaEmCQg==",'
        f'"salt":"{SALT16}"}},"credentialData":{{"hashIterations":27500,"algorithm":"pbkdf2-sha256"}}}}',
    ),
    Vector(
        "self",
        "clerk-pbkdf2",
        f"pbkdf2_sha256$1000${SALT16}$41t67iG56WfQv9Vu27wpEfkSgNcfP7oJnvqIpvUmgAM=",
        configured=configured("clerk-pbkdf2"),
    ),
    Vector(
        "self",
        "clerk-pbkdf2",
        f"pbkdf2_sha1$1000${SALT16}$ed31d54df6dbd2a409a32e2aa7b75a92c6e4a0e7",
        configured=configured("clerk-pbkdf2"),
    ),
    Vector(
        "self",
        "werkzeug-pbkdf2",
        "pbkdf2:sha256:1000$SUBfmr1jFHt5uwcl$a6583fc33e9f7aa77886ccfbee63e0050038cfda73216fc471df96985bbbd61d",
        "idferry: self-made",
    ),
    Vector(
        "hashcat 21600", "web2py", "pbkdf2(1000,20,sha512)$744943$c5f8cdef76e3327c908d8d96d4abdb3d8caba14c"
    ),
    Vector(
        "self",
        "mediawiki-pbkdf2",
        f":pbkdf2:sha512:1000:64:{SALT16}:R7Q8tYZS87boEs9WkdUpniGGCJlLoRRVEj0sNAqmLK05KmRShwM6eQ0xsckzogEmsTcXLUjsSz4YELrVzJDeSQ==",
    ),
    Vector(
        "hashcat 10900", "pbkdf2-colons", "sha256:1000:MTc3MTA0MTQwMjQxNzY=:PYjCU215Mi57AYPKva9j7mvF4Rc5bCnt"
    ),
    Vector(
        "hashcat 11900", "pbkdf2-colons", "md5:1000:MTg1MzA=:Lz84VOcrXd699Edsj34PP98+f4f3S0rTZ4kHAIHoAjs="
    ),
    Vector("hashcat 12000", "pbkdf2-colons", "sha1:1000:MzU4NTA4MzIzNzA1MDQ=:19ofiY+ahBXhvkDsp0j2ww=="),
    Vector("hashcat 12100", "pbkdf2-colons", "sha512:1000:ODQyMDEwNjQyODY=:MKaHNWXUsuJB3IEwBHbm3w=="),
    Vector(
        "hashcat 10900",
        "pbkdf2",
        "PYjCU215Mi57AYPKva9j7mvF4Rc5bCnt",
        configured=configured(
            "pbkdf2", algorithm="sha256", iterations=1000, salt="MTc3MTA0MTQwMjQxNzY=", length=24
        ),
    ),
    Vector(
        "hashcat 12001",
        "atlassian",
        "{PKCS5S2}NTczNTY0NDY2NjQyNzU1Mx8gGiRGobaZYwumctGHbn2ZOHB8LkwzH+Z1gkWfy1zD",
    ),
    Vector(
        "self",
        "ldap-pbkdf2",
        "{PBKDF2-SHA256}1000$M8a4N2aMUQohxFhL6d177w$ZXs1n12.ayr5aAeEeDkKoLmNqzT4qHZxgfz1vGRvP.c",
    ),
    Vector("self", "ldap-pbkdf2", "{PBKDF2}1000$z5mzdi6FkDLmvJeytnaOMQ$mNGmcvoKofSp.RvfLK7hOrmRMUA"),
    Vector(
        "self",
        "ldap-pbkdf2",
        "{PBKDF2-SHA512}1000$aU2JsZay1ro3xpgzBgDg/A$aoA8pzaHwBQrkDba86IuMzc7QmkJPpLM7.DC2Y.AfCo8nqBlIH3E1LGeniNgWvJ/pl0KM1I7XTnmbAx9MbQIOg",
    ),
    Vector(
        "self",
        "forgerock",
        "{PBKDF2-HMAC-SHA256}10:zOKiQH02KLfEdhRjXWcCsAsnZXzxc5FvtswZ17G5olAAAQIDBAUGBwgJCgsMDQ4P",
    ),
    Vector(
        "hashcat 10901",
        "389ds",
        "{PBKDF2_SHA256}AAAgADkxMjM2NTIzMzgzMjQ3MjI4MDAwNTk5OTAyOTk4NDI2MjkyMzAzNjg0NjQwOTMxNjI3OTMzNjg0MDI0OTY5NTe5ULagRTYpLaUoeqJMg8x9W/DXu+9VTFaVhaYvebYrY+sOqn1ZMRnws22C1uAkiE2tFM8qN+xw5xe7OmCPZ203NuruK4oB33QlsKIEz4ppm0TR94JB9PJx7lIQwFHD3FUNUNryj4jk6UYyJ4+V1Z9Ug/Iy/ylQBJgfs5ihzgxHYZrfp1wUCXFzlZG9mxmziPm8VFnAhaX4+FBAZvLAx33jpbKOwEg7TmwP2VJ8BNFLQRqwYdlqIjQlAhncXH+dqIF9VdM4MonAA0hx76bMvFTP7LF5VO1IqVmcuYz7YG9v4KKRjnvoUUqOj6okUBQTay3EzsdFVnUW1FemYOccJd5q",
    ),
]
SCRYPT = [
    Vector(
        "passwap",
        "scrypt-phc",
        "$scrypt$ln=16,r=8,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ",
        "password",
    ),
    Vector(
        "kratos",
        "scrypt-phc",
        "$scrypt$ln=16384,r=8,p=1$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE=",
        "test",
    ),
    Vector(
        "kratos",
        "scrypt",
        "MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE=",
        "test",
        configured("scrypt", cost=16384, salt="2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=", length=32),
    ),
    Vector(
        "kratos",
        "scrypt",
        "MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE=",
        "test",
        configured(
            "scrypt",
            cost=16384,
            salt="2npRo7P03Mt8keSoMbyD_tKFWyUzjiQf2svUaNDSrhA=",
            salt_encoding="base64url",
        ),
    ),
    Vector(
        "django",
        "django-scrypt",
        "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==",
        "lètmein",
    ),
    Vector(
        "self",
        "werkzeug-scrypt",
        "scrypt:1024:8:1$Nbk3iG0Jl7D3vQ51$ebb26e3d8a3fc3dbac7ca4c8a6786a5695b34144fde0fbd9fcae26b8ea8a3e6bb73ee3fbbfdd888ab5d73f9bf7b443605acf98ea2b40630be0adda43b8f8a15a",
        "idferry: self-made",
    ),
    Vector(
        "firebase",
        "firebase-scrypt",
        "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
        "user1password",
        FIREBASE,
    ),
    Vector(
        "firebase",
        "firebase-scrypt",
        "70k8Vg5B3_OrvJOiqusnasv0dLcBHoDAqJrJr7TRLBfMw4MitWx51YXJYFdGiyMbMeKtWtLf5HiBDcN0SUOm4A==",
        "hunter2",
        FIREBASE,
    ),
    Vector(
        "kratos",
        "kratos-firebase",
        f"$firescrypt$ln=14,r=8,p=1${KRATOS_SALT}${KRATOS_HASH}$Bw==${KRATOS_KEY}",
        FIREBASE_PASSWORD,
    ),
    Vector(
        "self",
        "gotrue-firebase",
        f"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={KRATOS_KEY}${KRATOS_SALT}${KRATOS_HASH}",
        FIREBASE_PASSWORD,
    ),
    Vector(
        "self",
        "supertokens-firebase",
        f"$f_scrypt${KRATOS_HASH}${KRATOS_SALT}$m=14$r=8$s=Bw==",
        FIREBASE_PASSWORD,
        {"key": KRATOS_KEY},
    ),
    Vector(
        "self",
        "workos-firebase",
        f"$firebase-scrypt$hash={KRATOS_HASH}$salt={KRATOS_SALT}$sk={KRATOS_KEY}$ss=Bw==$r=8$m=14",
        FIREBASE_PASSWORD,
    ),
]
CRYPT = [
    Vector("hashcat 500", "md5-crypt", "$1$38652870$DUjsu4TTlTsOe/xxZ05uf/"),
    Vector("kratos", "md5-crypt", "$md5-crypt$TVEiiKNb$SN6/pUaRQS/E8Jh46As2C/", "test"),
    Vector("kratos", "md5-crypt", "$md5-crypt$$whuMjZj.HMFoaTaZRRtkO0", "test"),
    Vector("kratos", "md5-crypt", "$md5-crypt$xWMlm2eL$GGTOpgZu4p2k6ORprAu3b.", "ory"),
    Vector("hashcat 1600", "apr1", "$apr1$62722340$zGjeAwVP2KwY6MtumUI1N/"),
    Vector("hashcat 7400", "sha256-crypt", "$5$7777657035274252$XftMj84MW.New1/ViLY5V4CM4Y7EBvfETaZsCW9vcJ8"),
    Vector(
        "kratos",
        "sha256-crypt",
        "$sha256-crypt$rounds=535000$05R.9KB6UC2kLI3w$Q/zslzx./JjkAVPTwp6th7nW5l7JU91Gte/UmIh.U78",
        "test",
    ),
    Vector(
        "hashcat 1800",
        "sha512-crypt",
        "$6$72820166$U4DVzpcYxgw7MVVDGGvB2/H5lRistD5.Ah4upwENR5UtffLR4X4SxSzfREv8z6wVl0jRFX40/KnYVvK4829kD1",
    ),
    Vector("hashcat 1500", "des-crypt", "24leDr0hHfb3A", configured=configured("des-crypt")),
    Vector("hashcat 12400", "bsdi-crypt", "_GW..8841inaTltazRsQ"),
    Vector("hashcat 400", "phpass", "$P$946647711V1klyitUYhtB8Yw5DMA/w."),
    Vector("passwap", "phpass", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"),
    Vector("passwap", "phpass", "$H$9PE8jEklgZhgLmZl5.HYJAzfGCQtzi1", "123456"),
    Vector("passwap", "phpass", "$P$7JaFQsPzJSuenezefD/3jHgt5hVfNH0", ""),
    Vector("hashcat 7900", "drupal7", "$S$C20340258nzjDWpoQthrdNTR02f0pmev0K/5/Nx80WSkOQcPEQRh"),
    Vector("hashcat 7900", "drupal7", "$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf"),
    Vector("facts", "drupal7", "$S$ErandomsaOpYrAZqwxGynirQbWYCb3ejW4BwGH81LJcOzbzeVd02", "password"),
    Vector("passwap", "drupal7", "$S$ECiTwp95d.CM.PorExdDeWcec0F1SeaEsf3Yon9RUcrhQy4Q7XX1", "test1234"),
    Vector("self", "ldap-crypt", "{CRYPT}$1$38652870$DUjsu4TTlTsOe/xxZ05uf/"),
    Vector("self", "ldap-crypt", "{crypt}24leDr0hHfb3A"),
    Vector(
        "self", "ldap-crypt", "{CRYPT}$2y$04$mIJxfrCaEI3GukZe11CiXublhEFanu5.ododkll1WphfSp6pn4zIu", "test"
    ),
    Vector(
        "self",
        "ldap-argon2",
        "{ARGON2}$argon2id$v=19$m=1024,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$vDe9hC8vtIPcmK9nWmXxEyKtC3/1mbsCl4yLmYS3dN0",
    ),
]
DIGESTS = [
    Vector("hashcat 0", "md5", "8743b52063cd84097a65d1633f5c74f5", configured=configured("md5")),
    Vector("hashcat 100", "sha1", "b89eaac7e61417341b710b727768294d0e6a277b", configured=configured("sha1")),
    Vector(
        "hashcat 1400",
        "sha256",
        "127e6fbfe24a750e72930c220a8e138275656b8e5d8f48a98c3c92df2caba935",
        configured=configured("sha256"),
    ),
    Vector(
        "hashcat 1700",
        "sha512",
        "82a9dda829eb7f8ffe9fbe49e45d47d2dad9664fbb7adf72492e3c81ebd3e29134d9bc12212bf83c6840f10e8246b9db54a4859b7ccd0123d86e5872c1e5082f",
        configured=configured("sha512"),
    ),
    digest("md5", "01dfae6e5d4d90d9892622325959afbe", "7050461", "{PASSWORD}{SALT}"),
    digest("md5", "f0fda58630310a6dd91a7d8f0a4ceda2", "4225637426", "{SALT}{PASSWORD}"),
    digest(
        "md5", "b31d032cfdcf47a399990a71e43c5d2a", "144816", "{PASSWORD}{SALT}", password_encoding="utf16le"
    ),
    digest(
        "md5",
        "d63d0e21fdc05f618d55ef306c54af82",
        "13288442151473",
        "{SALT}{PASSWORD}",
        password_encoding="utf16le",
    ),
    digest("sha1", "2fc5a684737ce1bf7b3b239df432416e0dd07357", "2014", "{PASSWORD}{SALT}"),
    digest("sha1", "cac35ec206d868b7d7cb0b55f31d9425b075082b", "5363620024", "{SALT}{PASSWORD}"),
    digest(
        "sha1",
        "c57f6ac1b71f45a07dbd91a59fa47c23abcd87c2",
        "631225",
        "{PASSWORD}{SALT}",
        password_encoding="utf16le",
    ),
    digest(
        "sha1",
        "5db61e4cd8776c7969cfd62456da639a4c87683a",
        "8763434884872",
        "{SALT}{PASSWORD}",
        password_encoding="utf16le",
    ),
    digest(
        "sha256",
        "c73d08de890479518ed60cf670d17faa26a4a71f995c1dcc978165399401a6c4",
        "53743528",
        "{PASSWORD}{SALT}",
    ),
    digest(
        "sha256",
        "eb368a2dfd38b405f014118c7d9747fcc97f4f0ee75c05963cd9da6ee65ef498",
        "560407001617",
        "{SALT}{PASSWORD}",
    ),
    digest(
        "sha256",
        "4cc8eb60476c33edac52b5a7548c2c50ef0f9e31ce656c6f4b213f901bc87421",
        "890128",
        "{PASSWORD}{SALT}",
        password_encoding="utf16le",
    ),
    digest(
        "sha256",
        "a4bd99e1e0aba51814e81388badb23ecc560312c4324b2018ea76393ea1caca9",
        "12345678",
        "{SALT}{PASSWORD}",
        password_encoding="utf16le",
    ),
    digest(
        "sha512",
        "e5c3ede3e49fb86592fb03f471c35ba13e8d89b8ab65142c9a8fdafb635fa2223c24e5558fd9313e8995019dcbec1fb584146b7bb12685c7765fc8c0d51379fd",
        "6352283260",
        "{PASSWORD}{SALT}",
    ),
    digest(
        "sha512",
        "976b451818634a1e2acba682da3fd6efa72adf8a7a08d7939550c244b237c72c7d42367544e826c0c83fe5c02f97c0373b6b1386cc794bf0d21d2df01bb9c08a",
        "2613516180127",
        "{SALT}{PASSWORD}",
    ),
    Vector(
        "hashcat 160",
        "hmac",
        "d89c92b4400b15c39e462a8caa939ab40c3aeeea",
        configured=configured("hmac", algorithm="sha1", key="1234"),
    ),
    Vector(
        "hashcat 1460",
        "hmac",
        "8efbef4cec28f228fa948daaf4893ac3638fbae81358ff9020be1d7a9a509fc6",
        configured=configured("hmac", algorithm="sha256", salt="1234"),
    ),
    *(
        Vector("kratos", "kratos-digest", value, password)
        for value, password in (
            ("$sha1$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==$2qU2SGWP8viTM1md3FiI3+rjWXQ=", "test"),
            (
                "$sha1$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==$99h9net4BXl7qdTRaiGUobLROxM=",
                "BwS^514g^cv@Z",
            ),
            (
                "$sha1$pf=Pz9zdGF0aWNQcmVmaXg/P3tTQUxUfXtQQVNTV09SRH0=$NW9wbWtnejAzcg==$SAAxMUn7jxckQXkBmsVF0nHwqso=",
                "test",
            ),
            ("$sha1$pf=e1BBU1NXT1JEfSUle1NBTFR9$NW9wbWtnejAzcg==$YX0AW8/MW5ojUlnzTaR43ucHCog=", "test"),
            ("$sha1$pf=JHtQQVNTV09SRH0ke1NBTFR9JA==$NW9wbWtnejAzcg==$iE5n1yjX3oAdxRHwZ4u57I4LpQo=", "test"),
            (
                "$sha256$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==$0gfRVLCvtBCk20udLDEY5vNhujWx7RGjwRIS1ebMsLY=",
                "test",
            ),
            (
                "$sha512$pf=e1NBTFR9JCR7UEFTU1dPUkR9$NW9wbWtnejAzcg==$1F9BPW8UtdJkZ9Dhlf+D4X4dJ9xfuH8y04EfuCP2k4aGPPq/aWxU9/xe3LydHmYW1/K3zu3NFO9ETVrZettz3w==",
                "test",
            ),
            ("$md5$CY9rzUYh03PK3k6DJie09g==", "test"),
            ("$md5$pf=e1NBTFR9e1BBU1NXT1JEfQ==$MTIz$q+RdKCgc+ipCAcm5ChQwlQ==", "test"),
            ("$md5$pf=e1BBU1NXT1JEfXtTQUxUfSQ/$MTIzNDU2Nzg5$8PhwWanVRnpJAFK4NUjR0w==", "ory"),
        )
    ),
    *(
        Vector("kratos", "kratos-hmac", f"$hmac-{algorithm}${payload}$MTIzNDU=", "test")
        for algorithm, payload in (
            ("md4", "MWQ5ZTI4Nzc2Zjg4YmE2MTQ5YjQ0OTMyOGE4NWU4YjA="),
            ("md5", "ZmU4Njk3Zjc0MmQwODA0MDVkMTI3MGU2MTYzMzE2Zjk="),
            ("sha1", "NDMyNjcxZTUyY2Y2YTBmYjZjZDE2NjQxYjAwNjFiZjAwOGEzNWM5MA=="),
            (
                "sha256",
                "ZTAzMWJhMWMyOTM4YjFkMjgzZjkxOWExZGY5YWM2NmMxOTJhN2RkNzQ0MzJkNWZkNGFkYTI5OTk0MWJhMTA5Zg==",
            ),
        )
    ),
    Vector("kratos", "ldap-digest", "{SSHA}JFZFs0oHzxbMwkSJmYVeI8MnTDy/276a", "test123"),
    Vector("kratos", "ldap-digest", "{SSHA256}czO44OTV17PcF1cRxWrLZLy9xHd7CWyVYplr1rOhuMlx/7IK", "test123"),
    Vector(
        "kratos",
        "ldap-digest",
        "{ssha-512}xPUl/px+1cG55rUH4rzcwxdOIPSB2TingLpiJJumN2xyDWN4Ix1WQG3ihnvHaWUE8MYNkvMi5rf0C9NYixHsE6Yh59M=",
        "test123",
    ),
    Vector("hashcat 101", "ldap-digest", "{SHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s="),
    Vector("hashcat 111", "ldap-digest", "{SSHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng=="),
    Vector("self", "cleartext", "{CLEARTEXT}hashcat"),
    Vector(
        "self",
        "casdoor",
        "1011b151f28166112f8d09fec1ff6fa7937a771f1f46cd279315a8de83b9129d",
        configured=configured("casdoor", salt="pepper"),
    ),
    Vector(
        "self",
        "fusionauth-digest",
        "lI/VOkbnuliC/EtkgpV4jqpw841lQrWtheFEHruE5fs=",
        configured=configured("fusionauth-digest", algorithm="sha256", salt=SALT16, iterations=1000),
    ),
]
APPLICATIONS = [
    Vector(
        "hashcat 141",
        "aspnet-membership",
        "utkfN0EOgljbv5FoZ6+AcZD5iLk",
        configured=configured("aspnet-membership", salt="bEtiVGhPNlZpcUN4a3ExTg=="),
    ),
    Vector(
        "facts",
        "aspnet-membership",
        "ZUgAmuaYTqAvisD0A427FA3oaWU",
        configured=configured("aspnet-membership", salt="MjEwNA=="),
    ),
    Vector(
        "hashcat 1441",
        "aspnet-membership",
        "8BFCg/YJBAuZs/wjbH3OWKe69BLr5Lao26ybpnD48Zk",
        configured=configured("aspnet-membership", salt="NDg1NTIz"),
    ),
    Vector("hashcat 24800", "umbraco", "8uigXlGMNI7BzwLCJlDbcKR2FP4=", configured=configured("umbraco")),
    Vector(
        "hashcat 1731",
        "mssql-2012",
        "0x02003788006711b2e74e7d8cb4be96b1d187c962c5591a02d5a6ae81b3a4a094b26b7877958b26733e45016d929a756ed30d0a5ee65d3ce1970f9b7bf946e705c595f07625b1",
    ),
    Vector("hashcat 1000", "ntlm", "b4b9b02e6f09a9bd760f388b67351e2b", configured=configured("ntlm")),
    Vector(
        "hashcat 11",
        "joomla-md5",
        "b78f863f2c67410c41e617f724e22f34:89384528665349271307465505333378",
        configured=configured("joomla-md5"),
    ),
    Vector(
        "self",
        "joomla-sha256",
        "{SHA256}38800d934742c0a8d0937b447b7b6845993f6ed21cc0343cd8088485b674b66b:salt",
    ),
    Vector(
        "hashcat 21", "oscommerce", "e983672a03adcc9767b24584338eb378:00", configured=configured("oscommerce")
    ),
    Vector(
        "hashcat 2611",
        "vbulletin",
        "28f9975808ae2bdc5847b1cda26033ea:308",
        configured=configured("vbulletin"),
    ),
    Vector("hashcat 2811", "mybb", "022f7e02b3314f7d0968f73c00ba759f:67588", configured=configured("mybb")),
    Vector(
        "hashcat 13900",
        "opencart",
        "058c1c3773340c8563421e2b17e60eb7c916787e:827500576",
        configured=configured("opencart"),
    ),
    Vector(
        "hashcat 8400",
        "opencart",
        "8084df19a6dc81e2597d051c3d8b400787e2d5a9:6755045315424852185115352765375338838643",
        configured=configured("opencart"),
    ),
    Vector(
        "hashcat 4521",
        "redmine",
        "c18e826af2a78c7b9b7261452613233417e65817:28246535720688452723483475753333",
        configured=configured("redmine"),
    ),
    Vector(
        "hashcat 4522",
        "redmine",
        "9038129c474caa3f0de56f38db84033d0fe1d4b8",
        configured=configured("redmine", salt="365563602032"),
    ),
    Vector(
        "hashcat 20711",
        "authme",
        "$SHA$7218532375810603$bfede293ecf6539211a7305ea218b9f3f608953130405cda9eaba6fb6250f824",
    ),
    Vector(
        "hashcat 20711",
        "xenforo",
        "bfede293ecf6539211a7305ea218b9f3f608953130405cda9eaba6fb6250f824:7218532375810603",
        configured=configured("xenforo"),
    ),
    Vector(
        "hashcat 19500",
        "restful-authentication",
        "d7d5ea3e09391da412b653ae6c8d7431ec273ea2:238769868762:8962783556527653675",
        configured=configured("restful-authentication"),
    ),
    Vector(
        "hashcat 19500",
        "restful-authentication",
        "d7d5ea3e09391da412b653ae6c8d7431ec273ea2:238769868762",
        configured=configured("restful-authentication", key="8962783556527653675"),
    ),
    Vector(
        "hashcat 11000",
        "prestashop",
        "f22cade043e7214200206dbffca49fd9:27167508161455764247627144160038845437138252877014827848",
        configured=configured("prestashop"),
    ),
    Vector(
        "hashcat 121",
        "smf",
        "ecf076ce9d6ed3624a9332112b1cd67b236fdd11",
        name="17782686",
        configured=configured("smf"),
    ),
    Vector("hashcat 3711", "mediawiki", "$B$2152187716$8c8b39c3602b194eeeb6cac78eea2742"),
    Vector("hashcat 3711", "mediawiki", ":B:2152187716:8c8b39c3602b194eeeb6cac78eea2742"),
    Vector("hashcat 0", "mediawiki", ":A:8743b52063cd84097a65d1633f5c74f5"),
    Vector(
        "hashcat 1421",
        "hmailserver",
        "8fe7ca27a17adc337cd892b1d959b4e487b8f0ef09e32214f44fb1b07e461c532e9ec3",
        configured=configured("hmailserver"),
    ),
    Vector("hashcat 20710", "dollar-digest", "md5$84143$7f51edecfa6fb401a0b5e63d33fc8c0e"),
    Vector(
        "facts",
        "dollar-digest",
        "sha256$70108387805$8b9472281c36c3a693703de0e0f1ffab8fc0ecdd3bc5ead04c76dd74ef431e49",
    ),
    Vector("django", "dollar-digest", "sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8", "lètmein"),
    Vector("django", "dollar-digest", "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3", "lètmein"),
    Vector("hashcat 124", "dollar-digest", "sha1$fe76b$02d5916550edf7fc8c886f044887f4b1abf9b013"),
    Vector(
        "self",
        "symfony",
        "h1IfaRHNs8D4jVd2OlmbYzcnZm8QzWXhLuKbjKbbqT2yDqLbXt+O3dkx5AxqnET2JYOvF5uJI49XtjrBEvOJiw==",
        configured=configured("symfony", salt="abc"),
    ),
    Vector(
        "self",
        "magento2",
        f"ab4771543fa3068847f77078922b9d8ccc75b0083f658bf11d9620a263fdc54c:{MAGENTO_SALT}:1",
    ),
    Vector(
        "self",
        "magento2",
        f"ab4771543fa3068847f77078922b9d8ccc75b0083f658bf11d9620a263fdc54c:{MAGENTO_SALT}",
        configured=configured("magento2"),
    ),
    Vector(
        "self",
        "magento2",
        f"522f22894c154fe4233bd1e77701c73b4545bc677d1383d1daf7c51875120108:{MAGENTO_SALT}:0:1",
    ),
    Vector(
        "self",
        "magento2",
        f"36d0acc6e50072e6108fe7ed5f9559383b0c3bd79fed6eb270719208b18c1d7a:{MAGENTO_SALT}:2",
    ),
    Vector(
        "self",
        "magento2",
        f"c97be9e9a2a2c4b5f515c3a8ffa02c1876107f49f1d49a5751bc8703ef04fd54:{MAGENTO_SALT}:1:3_32_2_1048576",
    ),
    *(
        Vector("self", "wordpress", value, password, configured("wordpress"))
        for value, password in (
            ("$wp$2y$04$abcdefghijklmnopqrstuujv/86KBUqWwIdPp0uRATkCcvgptl1Pm", " correct horse "),
            ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345 "),
            ("8743b52063cd84097a65d1633f5c74f5", "\thashcat"),
            ("$2y$04$mIJxfrCaEI3GukZe11CiXublhEFanu5.ododkll1WphfSp6pn4zIu", "test"),
        )
    ),
]
VECTORS = [*BCRYPT, *ARGON2, *PBKDF2, *SCRYPT, *CRYPT, *DIGESTS, *APPLICATIONS]
