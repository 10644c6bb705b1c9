"""`docs/reference/glossary.md`: one word for one thing, and the words that are not used for it.

A word is checked mechanically where it can be: `test_words.py` looks for the patterns in `AVOIDED`.
"""

from dataclasses import dataclass

from tests.docs.markdown import page, table


@dataclass(frozen=True)
class Word:
    """A word, what it means here, and what it is not called."""

    word: str
    meaning: str
    avoid: str = ""


WORDS = (
    Word("person", "Somebody of flesh and blood. One person may own several legacy users.", "customer"),
    Word("legacy source", "What records are read from: an export file.", "old system, feed"),
    Word("legacy IdP", "The system people signed in to before, where it still checks passwords."),
    Word("legacy user", "One entry of one legacy source.", "user, where it is unclear which"),
    Word("key", "The source's own id of a legacy user. It never changes."),
    Word(
        "`legacyId`", "The extension attribute `<project>:<source>:<key>`. By it an account says whose it is."
    ),
    Word("account", "The user object in the directory.", "profile, B2C user"),
    Word("account draft", "An account before it exists: what planning decided that it should be."),
    Word(
        "identity",
        "One entry of the account's `identities`: kind, issuer and the id at that issuer.",
        "a word for person or account",
    ),
    Word("sign-in name", "What the person types to sign in: an e-mail address or a user name.", "login"),
    Word(
        "compared form",
        "A sign-in name as it is compared with others: trimmed, composed (NFC), in lower case. It is never sent.",
    ),
    Word("local account", "Sign-in name and password lie in the tenant."),
    Word(
        "federated account",
        "Another identity provider vouches for the person. There is no password in the tenant.",
        "social account, outside of tutorials",
    ),
    Word(
        "attribute, extension attribute",
        "A property of an account; one that somebody added: `extension_<app>_<name>` on the wire, its short name everywhere else.",
        "custom property",
    ),
    Word("claim", "A value in a token or in a custom policy.", "attribute"),
    Word("premigrate, pre-migration", "To create accounts before anybody signs in.", "import, sync"),
    Word(
        "just-in-time migration",
        "At the first sign-in the legacy IdP vouches for the password, and it is set then.",
        "lazy",
    ),
    Word(
        "migration flag",
        "The boolean extension attribute `requiresMigration` (another name may be set). Up: the account awaits its person's password.",
        "status flag",
    ),
    Word("left out", "Stays behind by rule: a duplicate, somebody removed before.", "skipped"),
    Word(
        "refused", "Storing the person would be wrong, or the directory would certainly refuse it.", "skipped"
    ),
    Word("failed", "An error. It may be retried.", "skipped"),
    Word(
        "run",
        "One execution of a command that acts, with its continuations. It stays open until everybody has an answer.",
    ),
    Word("cohort", "A label for some people, given when they are planned."),
    Word("plan", "What would happen. Every command that acts plans unless it is told to `--execute`."),
    Word(
        "ledger, entry, event",
        "The durable record of intent and observation; a person's row in it; one line of the person's story.",
        "log, tracking table",
    ),
    Word(
        "adopt",
        "To recognise an account as one that an earlier call of ours created: it carries exactly the person's "
        "`legacyId` and one of the person's identities.",
    ),
    Word(
        "stranger",
        "An account that stands in a person's way and is not ours: another `legacyId`, or none, or none of the "
        "person's identities. It is never touched.",
    ),
    Word("directory", "The user store people move to.", "target"),
    Word("tenant, tenant kind", "The Azure AD B2C or External ID instance; which of the two.", "instance"),
    Word("emulator", "The imitation of a tenant that comes with the tool.", "mock, sandbox"),
    Word("test tenant", "A real tenant that is used for trials.", "sandbox"),
    Word("lockout", "Refusing one sign-in name for a while.", "rate limiting"),
    Word("throttling", "The directory answering 429: too many calls.", "rate limiting"),
    Word("pacing", "Our own limit on calls, so that the directory need not throttle.", "rate limiting"),
    Word("password policy", "Rules on strength and expiry.", "policy alone"),
    Word("custom policy", "Identity Experience Framework XML that describes a sign-in.", "policy alone"),
    Word("removal", "Deleting what this tool created.", "clean-up"),
    Word(
        "recycle bin",
        "Where the directory keeps deleted accounts for 30 days. `restore` takes them out, `purge` empties it of ours.",
    ),
    Word("pre-flight", "What is checked before the first account: token, permissions, attributes, room."),
    Word("sign in (verb), sign-in (noun)", "As Microsoft writes it.", "login, logon"),
)

AVOIDED = {
    r"log-?ins?|log-?ons?|logged in|log in": "sign in, sign-in, sign-in name",
    r"customers?": "person",
    r"skipped|skipping": "left out, refused or failed",
    r"mock(s|ed)?|sandbox(es)?": "emulator, or test tenant",
    r"lazy migration": "just in time",
    r"status flag": "migration flag",
    r"custom propert(y|ies)": "extension attribute",
    r"tracking table": "ledger",
    r"rate[- ]limit(s|ed|ing)?": "lockout, throttling or pacing",
    r"old system": "legacy source or legacy IdP",
    r"B2C users?": "account",
    r"sync|synchroni[sz]e": "premigrate",
    r"harvest(s|ed|ing)?": "capture",
    r"whitelist|blacklist": "allow-list, deny-list",
}


def render() -> str:
    """The page."""
    rows = [(one.word, one.meaning, one.avoid) for one in WORDS]
    return page(
        "Glossary",
        "One word for one thing, in code, messages and pages alike.",
        table(["word", "meaning", "not"], rows),
    )
