"""Every operating error of idferry: something went wrong outside the program and a person can mend it.

Bugs are assertions and do not belong here. Each class has a stable `code` (scripts and the ledger keep it), a
message for this one case, and a `remedy`: what the operator does next. The tree:

    IdferryError
        UsageError                  usage                 the command line itself
            SettingsError           settings              idferry.toml, or the environment it names
        SourceError                 source                the export file as a whole
            SourceChanged           source_changed        ... differs from what was planned
        LedgerError                 ledger                the ledger file
            LedgerBusy              ledger_busy           another run is active on it
            LedgerForeign           ledger_foreign        it belongs to another tenant or project
            LedgerUnwritable        ledger_unwritable     read-only, or the disk is full
        DirectoryError              directory             Microsoft Graph, or the token endpoint
            TokenRefused            token_refused         wrong or expired secret, wrong tenant, wrong client
            Forbidden               forbidden             a permission or role is missing
            QuotaExceeded           quota_exceeded        the tenant may hold no more objects
            Conflict                conflict              another account holds a sign-in name of this person
                ConflictDeleted     conflict_deleted      ... and lies in the recycle bin
                ConflictUnseen      conflict_unseen       ... and the directory does not show which
                ConflictUndecided   conflict_undecided    ... or it is this person's own: nobody can tell
            InvalidValue            invalid_value         the directory refuses a value
            WeakPassword            weak_password_refused the directory refuses the password
            Throttled               throttled             more calls than the tenant grants
            Unreachable             unreachable           no connection, or no answer
            NotFound                not_found             no such account
            UnexpectedAnswer        unexpected_answer     an answer that no documentation explains
            TenantNotReady          tenant_not_ready      pre-flight found something that only a person can add
        StatusUnavailable           status_unavailable    where it stands who must reset cannot be asked
        GuardUnavailable            guard_unavailable     the guard that counts sign-in attempts cannot be used
        HashStoreUnavailable        hash_store_unavailable the file with the password hashes cannot be used
        Stopped                     stopped               interrupted; the same command continues

The exit code that ends the process with such an error is its `exit_code`. Some of these codes also become the reason
why one person failed while the run went on; what then helps is `remedy_for_people`, because a person who failed is
taken up again only when asked for.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

EXIT_DONE = 0
EXIT_PEOPLE_FAILED = 1
EXIT_USAGE = 2
EXIT_STOPPED = 3
EXIT_MEANINGS = MappingProxyType(
    {
        EXIT_DONE: "done",
        EXIT_PEOPLE_FAILED: "finished, but some people failed or differ",
        EXIT_USAGE: "wrong usage or settings",
        EXIT_STOPPED: "stopped before the end; the same command continues",
    }
)
"""A few words per exit code, for the overview of the commands and the generated reference page."""


class IdferryError(Exception):
    """An operating error: `str(error)` is one sentence on what happened, `error.remedy` what to do about it."""

    code: ClassVar[str] = "error"
    remedy_for_people: ClassVar[str] = (
        "Read the reason with `idferry person`, then run `idferry premigrate SOURCE --retry-failed --execute`."
    )
    default_remedy: ClassVar[str] = (
        "Set IDFERRY_DEBUG=1, run the same command again and report what it prints."
    )
    exit_code: int = EXIT_STOPPED

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy or self.default_remedy
        # What --json says beside the error; whoever words the error for people fills it.
        self.document: Mapping[str, object] = {}
        # A sentence on what was done before it, where that is known.
        self.done = ""
        # What people copy to mend it, such as lines of a settings file: ours alone, never anybody's data.
        self.to_copy: tuple[str, ...] = ()


class UsageError(IdferryError):
    """The command line asks for something that cannot be done."""

    code = "usage"
    default_remedy = "See the command's --help."
    exit_code = EXIT_USAGE


class SettingsError(UsageError):
    """The settings file, or a secret it names, is missing or wrong."""

    code = "settings"
    default_remedy = "Correct the settings file; `idferry init` writes a commented one to compare with."


class SourceError(IdferryError):
    """The export file as a whole cannot be read. Single bad records are reported and never raise."""

    code = "source"
    default_remedy = "Check the path and the format; `idferry survey --help` lists the formats."
    exit_code = EXIT_USAGE


class SourceChanged(SourceError):
    """The export file is not the one that was planned: passwords would go to the wrong people."""

    code = "source_changed"
    default_remedy = "Run the same command again: it says what has changed in the file, and how to go on with it as it is now."
    exit_code = EXIT_STOPPED

    def __init__(self, message: str, *, remedy: str | None = None, changes: object = None) -> None:
        super().__init__(message, remedy=remedy)
        # What differs, where that is known: a `rules.source_changes.SourceChanges`.
        self.changes = changes


class LedgerError(IdferryError):
    """The ledger file cannot be used."""

    code = "ledger"
    default_remedy = (
        "Restore the ledger and its .key file from a backup, or name another in [ledger] path; "
        "`idferry ledger rebuild` makes a new one out of the export and the directory."
    )


class LedgerBusy(LedgerError):
    """Another run holds the run lock of this ledger."""

    code = "ledger_busy"
    default_remedy = "Wait until the other run has ended, or stop it with Ctrl-C."
    exit_code = EXIT_USAGE


class LedgerForeign(LedgerError):
    """The ledger belongs to another tenant or project than the settings name."""

    code = "ledger_foreign"
    default_remedy = "Use one settings file and one ledger per tenant: name another file in [ledger] path."
    exit_code = EXIT_USAGE


class LedgerUnwritable(LedgerError):
    """Nothing can be written to the ledger, so nothing may be done in the directory."""

    code = "ledger_unwritable"
    default_remedy = "Free disk space or mend the permissions, then run the same command again: it continues."


class DirectoryError(IdferryError):
    """Microsoft Graph or the token endpoint refused, failed or could not be reached."""

    code = "directory"
    default_remedy = "Run the same command again; it continues where it stopped."


class TokenRefused(DirectoryError):
    """No access token: wrong or expired secret, unknown client, unknown tenant."""

    code = "token_refused"
    default_remedy = "Check id, client_id and secret in the settings: the secret's value, not its id."
    exit_code = EXIT_USAGE


class Forbidden(DirectoryError):
    """The application lacks a permission or a directory role."""

    code = "forbidden"
    default_remedy = (
        "Grant the application the permission it lacks (User.Read.All to read, User.ReadWrite.All for the rest), "
        "consent to it as administrator, wait 15 minutes, repeat."
    )


class QuotaExceeded(DirectoryError):
    """The tenant holds as many objects as it may: HTTP 403 Directory_QuotaExceeded."""

    code = "quota_exceeded"
    default_remedy = (
        "Ask Microsoft support for a larger object quota or purge deleted objects, then run again."
    )


class Conflict(DirectoryError):
    """Another account, not ours, holds a sign-in name of this person. Graph says it with HTTP 400."""

    code = "conflict"
    default_remedy = remedy_for_people = (
        "Look at the other account with `idferry find --id`; when it is deleted for good or has another sign-in name, "
        "run `idferry premigrate SOURCE --retry-failed --execute`."
    )


class ConflictDeleted(Conflict):
    """A deleted account still holds a sign-in name or address of this person; it does so for 30 days."""

    code = "conflict_deleted"
    default_remedy = remedy_for_people = (
        "Delete the account for good (`idferry purge` where this tool removed it, else in the portal: Deleted users), "
        "then run `idferry premigrate SOURCE --retry-failed --execute`."
    )


class ConflictUnseen(Conflict):
    """The directory says that a value is taken and shows no account that holds it."""

    code = "conflict_unseen"
    default_remedy = remedy_for_people = (
        "Wait some minutes, because the directory settles slowly, and run "
        "`idferry premigrate SOURCE --retry-failed --execute`."
    )


class ConflictUndecided(Conflict):
    """An account says that it is this person's, and something else speaks against it: found by `ledger rebuild`."""

    code = "conflict_undecided"
    default_remedy = remedy_for_people = (
        "Look at the accounts that `ledger rebuild` listed with `idferry find --id`: take the legacyId from those "
        "that are not the person's, or delete them, then run `idferry premigrate SOURCE --retry-failed --execute`."
    )


class InvalidValue(DirectoryError):
    """The directory refuses a value of this account, for good."""

    code = "invalid_value"
    default_remedy = remedy_for_people = (
        "Correct the value in the source and run `idferry premigrate SOURCE --retry-failed --execute`."
    )


class WeakPassword(DirectoryError):
    """The directory refuses the password as too weak or banned."""

    code = "weak_password_refused"
    default_remedy = remedy_for_people = (
        "Run `idferry premigrate SOURCE --password auto --retry-failed --execute`: whose password is refused gets a "
        "random one and the migration flag."
    )


class Throttled(DirectoryError):
    """The tenant answered 429 for longer than we are willing to repeat a call."""

    code = "throttled"
    default_remedy = (
        "Run the same command again later, when less other software uses the tenant: it continues."
    )


class Unreachable(DirectoryError):
    """No connection to the directory, or no answer that can be trusted."""

    code = "unreachable"
    default_remedy = "Check the network and the addresses in [tenant]; the same command continues."
    remedy_for_people = (
        "The directory gave no clear answer about these people, however often it was asked. Run "
        "`idferry premigrate SOURCE --retry-failed --execute` later."
    )


class NotFound(DirectoryError):
    """No account with this id."""

    code = "not_found"
    default_remedy = "A new account may need a minute to become visible; otherwise it was deleted."


class UnexpectedAnswer(DirectoryError):
    """An answer that no documentation explains: kept with its request-id, never guessed at."""

    code = "unexpected_answer"
    default_remedy = "Look the request-id up with Microsoft support, then run the same command again."
    remedy_for_people = (
        "Look the request-id up with Microsoft support (`idferry person` shows it), then run "
        "`idferry premigrate SOURCE --retry-failed --execute`."
    )


class TenantNotReady(DirectoryError):
    """Pre-flight found something missing that the application may not add by itself."""

    code = "tenant_not_ready"
    default_remedy = "Make the call that the message prints, as an administrator."
    exit_code = EXIT_USAGE


class StatusUnavailable(IdferryError):
    """The store of who must still reset the password gives no answer. Sign-ins go on as if nobody had to."""

    code = "status_unavailable"
    default_remedy = (
        "Check what [service] status_store names: network, credential, table. Running `idferry premigrate` once more "
        "completes what the store lacks."
    )


class GuardUnavailable(IdferryError):
    """The file in which sign-in attempts are booked cannot be used. No password is checked until it can."""

    code = "guard_unavailable"
    default_remedy = (
        "Free disk space or mend the permissions of what [guard] path names; nothing else needs doing."
    )


class HashStoreUnavailable(IdferryError):
    """The file with the password hashes cannot be used, or its key is another one. No hash is checked until it can."""

    code = "hash_store_unavailable"
    default_remedy = (
        "Check [hashes] path and key; a lost key opens nothing: destroy the file and load the hashes again."
    )


class Stopped(IdferryError):
    """Somebody stopped the run. What was answered is in the ledger."""

    code = "stopped"
    default_remedy = "Run the same command again: it continues."


def remedy_for_people(code: str) -> str:
    """What helps people who failed with this code, while the run went on; a general remedy for an unknown code."""
    return next(
        (cls.remedy_for_people for cls in every_error() if cls.code == code), IdferryError.remedy_for_people
    )


def error_in_a_run(code: str, message: str, *, remedy: str | None = None) -> "IdferryError":
    """An error of the class with this code, which ends a run that has begun: for codes that crossed a thread.

    Its exit code says "stopped, the same command continues", also for what would have been wrong settings before.
    """
    error = next((cls for cls in every_error() if cls.code == code), IdferryError)(message, remedy=remedy)
    error.exit_code = EXIT_STOPPED
    return error


def every_error() -> tuple[type[IdferryError], ...]:
    """Every class of the tree, parents first: for the generated reference page and for `remedy_for_people`."""

    def below(parent: type[IdferryError]) -> list[type[IdferryError]]:
        return [parent, *(found for child in parent.__subclasses__() for found in below(child))]

    return tuple(below(IdferryError))
