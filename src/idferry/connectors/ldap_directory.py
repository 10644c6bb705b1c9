"""Asks an LDAP directory whether a password is right: search, exactly one hit, bind as that entry.

What somebody types is escaped before it becomes part of a filter (RFC 4515) and never part of a name. An empty password
would be an anonymous bind that succeeds (RFC 4513, 5.1.2), so it never leaves. Referrals are not followed: they would
hand the password to whoever is named there.
"""

import importlib
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from idferry.connectors.ldap_stream import NoStream, open_stream
from idferry.errors import SettingsError
from idferry.ports import Clock, Deadline, LegacyRef, Tell
from idferry.rules.happenings import LegacyAnswered
from idferry.rules.password import Password
from idferry.rules.verdict import (
    VERDICT_NAMES,
    CodeMeaning,
    Match,
    Mismatch,
    NoAnswer,
    NoSuchUser,
    Silence,
    Verdict,
)

PLACEHOLDERS = ("{sign_in_name}", "{key}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NO_ATTRIBUTES = ["1.1"]  # RFC 4511, 4.5.1.8
_PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"
_ACTIVE_DIRECTORY = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]{3,4})\b")
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._-+ ")

_ROWS: Sequence[tuple[str, str, str]] = (
    # https://learn.microsoft.com/windows/win32/debug/system-error-codes--1300-1699- ; which of them are told only to
    # whoever has the right password: https://ldapwiki.com/wiki/Wiki.jsp?page=Common%20Active%20Directory%20Bind%20Errors
    ("data 525", "no_such_user", "Active Directory: nobody of this name"),
    ("data 52e", "mismatch", "Active Directory: the password is wrong"),
    ("data 530", "barred_proven", "Active Directory: right, and not allowed at this time of day"),
    ("data 531", "barred_proven", "Active Directory: right, and not allowed from this machine"),
    ("data 532", "match_must_change", "Active Directory: right, and expired"),
    ("data 533", "barred_proven", "Active Directory: right, and the account is disabled"),
    ("data 701", "barred_proven", "Active Directory: right, and the account has expired"),
    ("data 773", "match_must_change", "Active Directory: right, and must be changed at the next sign-in"),
    ("data 775", "barred", "Active Directory: the account is locked"),
    # https://datatracker.ietf.org/doc/html/draft-behera-ldap-password-policy
    ("policy passwordExpired", "match_must_change", "right, and expired: the directory looks at that after the password"),
    ("policy changeAfterReset", "match_must_change", "right, and must be changed"),
    ("policy graceAuthNsRemaining", "match_must_change", "right, and expired; some sign-ins are left"),
    ("policy accountLocked", "barred", "the account is locked"),
    # https://www.rfc-editor.org/rfc/rfc4511#section-4.1.9
    ("0 success", "match", "the password is right"),
    ("49 invalidCredentials", "mismatch", "the password is wrong"),
    ("48 inappropriateAuthentication", "mismatch", "the entry has no password"),
    ("32 noSuchObject", "no_such_user", "the entry is gone"),
    ("19 constraintViolation", "barred", "locked after too many wrong passwords, where a directory says it so"),
    ("53 unwillingToPerform", "barred", "the account is inactive, where a directory says it so"),
    ("8 strongerAuthRequired", "no_answer_unsupported", "the directory wants an encrypted connection"),
    ("13 confidentialityRequired", "no_answer_unsupported", "the directory wants an encrypted connection"),
    ("10 referral", "no_answer_unsupported", "another directory has the entry; it is not followed"),
    ("50 insufficientAccessRights", "no_answer_unexpected", "the entry may not sign in here"),
    ("51 busy", "no_answer_throttled", "the directory has too much to do"),
    ("52 unavailable", "no_answer_unreachable", "the directory is not ready"),
    ("-1 serverDown", "no_answer_unreachable", "the connection broke off"),
)  # fmt: skip
CODES: Mapping[str, CodeMeaning] = MappingProxyType(
    {code: CodeMeaning(VERDICT_NAMES[verdict], meaning) for code, verdict, meaning in _ROWS}
)
"""What a bind may be answered, and what that proves."""
_BROKEN_OFF = "-1 serverDown"
_BY_RESULT = {int(code.partition(" ")[0]): code for code in CODES if code[0].isdigit() or code[0] == "-"}
_POLICY_ERRORS = {0: "passwordExpired", 1: "accountLocked", 2: "changeAfterReset"}


@dataclass(frozen=True, slots=True)
class DirectoryAddress:
    """Where the directory is and how people are found. `start_tls`: ldap:// and then encrypted."""

    url: str
    base: str
    filter: str
    start_tls: bool = False
    bind_dn: str = ""
    bind_password: str = field(default="", repr=False)


class LdapVerifier:
    """A ports.PasswordVerifier that binds to a directory; every check has a connection of its own."""

    def __init__(
        self, *, name: str, address: DirectoryAddress, tls: ssl.SSLContext, clock: Clock, tell: Tell
    ) -> None:
        """Raises SettingsError where the library is not installed."""
        self._name = name
        self._address = address
        self._tls = tls
        self._clock = clock
        self._tell = tell
        self._ldap = _library()

    @property
    def name(self) -> str:
        """The name of its [[verifier]] table."""
        return self._name

    def verify(self, who: LegacyRef, password: Password, deadline: Deadline) -> Verdict:
        """What the directory says."""
        # Directories overlook a NUL in a name, and libraries end a password there: what stands before may be empty.
        if not who.asked_name or not _is_text(who.asked_name):
            return NoSuchUser()
        if password.is_empty or not password.reveal_to(_is_text):
            return Mismatch()
        connection = _Connection(self._ldap, self._address, self._tls, self._clock, deadline)
        try:
            code, verdict = self._ask(connection, who, password)
        finally:
            connection.close()
        if code == _BROKEN_OFF and not deadline.seconds_left(self._clock):
            verdict = NoAnswer(Silence.TIMED_OUT, reached=True)
        self._tell(LegacyAnswered(self._name, code))
        return verdict

    def _ask(self, connection: "_Connection", who: LegacyRef, password: Password) -> tuple[str, Verdict]:
        ldap = self._ldap
        try:
            connection.open()
            names = connection.search(filled(self._address.filter, who))
        except NoStream as error:
            if error.timed_out:
                return "connect: no answer in time", NoAnswer(Silence.TIMED_OUT, reached=False)
            return "connect: no connection", NoAnswer(Silence.UNREACHABLE, reached=False)
        except (ldap.TIMEOUT, ldap.TIMELIMIT_EXCEEDED):
            return "search: no answer in time", NoAnswer(Silence.TIMED_OUT, reached=False)
        except (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.UNAVAILABLE, ldap.BUSY):
            return "search: no connection", NoAnswer(Silence.UNREACHABLE, reached=False)
        except ldap.LDAPError as error:
            # The search account, the base or the filter is wrong: nobody's password has left.
            return f"search: {_result_of(error)}", NoAnswer(Silence.UNEXPECTED, reached=False)
        match names:
            case []:
                return "search: no entry", NoSuchUser()
            case [name] if name:
                return self._bind(connection, name, password)
            case _:
                return "search: several entries", NoAnswer(Silence.UNSUPPORTED, reached=False)

    def _bind(self, connection: "_Connection", name: str, password: Password) -> tuple[str, Verdict]:
        ldap = self._ldap
        try:
            policy = password.reveal_to(lambda text: connection.bind(name, text))
        except ldap.TIMEOUT:
            return "bind: no answer in time", NoAnswer(Silence.TIMED_OUT, reached=True)
        except ldap.LDAPError as error:
            code = code_of(_result_of(error), _text_of(error), _policy_of(error))
            row = CODES.get(code)
            return code, row.verdict if row else NoAnswer(Silence.UNEXPECTED, reached=True)
        code = code_of(0, "", policy)
        row = CODES.get(code)
        return code, row.verdict if row else Match()


class _Connection:
    """One connection for one check; whatever waits ends at the deadline."""

    def __init__(
        self, ldap: Any, address: DirectoryAddress, tls: ssl.SSLContext, clock: Clock, deadline: Deadline
    ) -> None:
        self._ldap = ldap
        self._tls = tls
        self._address = address
        self._clock = clock
        self._deadline = deadline
        self._policy = importlib.import_module("ldap.controls.ppolicy")
        self._handle: Any = None

    def open(self) -> None:
        """Connect, encrypt, and prove ourselves. Raises NoStream, LDAPError."""
        ldap, address = self._ldap, self._address
        parts = urlsplit(address.url)
        stream = open_stream(
            address.url,
            start_tls=address.start_tls,
            tls=self._tls,
            clock=self._clock,
            deadline=self._deadline,
        )
        # For libldap it is a connection in clear that exists already.
        self._handle = handle = ldap.initialize(f"ldap://{parts.netloc}", fileno=stream)
        handle.set_option(ldap.OPT_PROTOCOL_VERSION, ldap.VERSION3)
        handle.set_option(ldap.OPT_REFERRALS, ldap.OPT_OFF)
        handle.set_option(ldap.OPT_DEREF, ldap.DEREF_NEVER)
        handle.set_option(ldap.OPT_TIMEOUT, self._left())
        if address.bind_dn:
            self._wait(handle.simple_bind(address.bind_dn, address.bind_password))

    def search(self, wanted: str) -> list[str]:
        """Names of the entries that a filter finds, two at most. Raises LDAPError."""
        ldap, handle = self._ldap, self._handle
        request = handle.search_ext(
            self._address.base, ldap.SCOPE_SUBTREE, wanted, _NO_ATTRIBUTES, timeout=self._left(), sizelimit=2
        )
        try:
            _, found, _, _ = self._wait(request)
        except ldap.SIZELIMIT_EXCEEDED:
            return ["", ""]
        except ldap.NO_SUCH_OBJECT as error:
            raise ldap.PARAM_ERROR({"result": 32, "desc": "no such base"}) from error
        # A continuation that leads to another directory has no name.
        return [name for name, _ in found if name is not None]

    def bind(self, name: str, password: str) -> str:
        """Bind as this entry; what the directory's password policy adds to success. Raises LDAPError."""
        control = self._policy.PasswordPolicyControl(criticality=False)
        request = self._handle.simple_bind(name, password.encode(), serverctrls=[control])
        _, _, _, controls = self._wait(request)
        return next((_policy_name(one) for one in controls if one.controlType == _PASSWORD_POLICY), "")

    def close(self) -> None:
        """Close it, whatever state it is in."""
        if self._handle is not None:
            try:
                self._handle.unbind_ext()
            except self._ldap.LDAPError:
                return

    def _wait(self, request: int) -> Any:
        return self._handle.result3(request, all=1, timeout=self._left())

    def _left(self) -> float:
        seconds = self._deadline.seconds_left(self._clock)
        if seconds <= 0:
            raise self._ldap.TIMEOUT({"desc": "the deadline has passed"})
        return seconds


def escaped(value: str) -> str:
    """A value as a filter holds it: everything but letters, digits and a few signs by its code (RFC 4515, 3)."""
    return "".join(chr(byte) if byte in _PLAIN else f"\\{byte:02x}" for byte in value.encode())


def filled(template: str, who: LegacyRef) -> str:
    """The filter for this person."""
    values = {"{sign_in_name}": who.asked_name, "{key}": who.key}
    return re.sub("|".join(map(re.escape, values)), lambda found: escaped(values[found[0]]), template)


def code_of(result: int, text: str, policy: str) -> str:
    """The code in the table for the answer to a bind: the most exact that there is."""
    if (found := _ACTIVE_DIRECTORY.search(text)) and result:
        return f"data {found[1]}"
    if policy and f"policy {policy}" in CODES:
        return f"policy {policy}"
    return _BY_RESULT.get(result, str(result))


def address_problem(*, url: str, start_tls: bool, template: str) -> str | None:
    """Why this cannot be an address of a directory, or None."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "url: not a URL"
    if parts.scheme not in ("ldap", "ldaps") or not parts.hostname:
        return "url: it begins with ldaps:// or ldap:// and a host"
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        return "url: it ends with the host and its port"
    if parts.scheme == "ldap" and not start_tls and parts.hostname not in _LOOPBACK:
        return "encryption: only this machine is asked without"
    if parts.scheme == "ldaps" and start_tls:
        return "encryption: ldaps:// is encrypted from the beginning"
    if not any(one in template for one in PLACEHOLDERS):
        return f"filter: it holds none of {', '.join(PLACEHOLDERS)}, and so would find the same entry for everybody"
    return None


def _policy_name(control: Any) -> str:
    if control.error is not None:
        return _POLICY_ERRORS.get(int(control.error), "")
    return "graceAuthNsRemaining" if control.graceAuthNsRemaining is not None else ""


def _policy_of(error: Any) -> str:
    """What the password policy adds to a refusal."""
    module = importlib.import_module("ldap.controls.ppolicy")
    for oid, _, value in _told(error).get("ctrls") or ():
        if oid == _PASSWORD_POLICY and value:
            control = module.PasswordPolicyControl()
            try:
                control.decodeControlValue(value)
            except Exception:  # noqa: BLE001  whatever pyasn1 raises about bytes from outside
                return ""
            return _policy_name(control)
    return ""


def _result_of(error: Any) -> int:
    told = _told(error).get("result")
    return told if isinstance(told, int) else int(getattr(error, "errnum", 80) or 80)


def _text_of(error: Any) -> str:
    """The directory's own words, to look for a code in; they go no further."""
    return str(_told(error).get("info") or "")


def _told(error: Any) -> dict[str, Any]:
    told = error.args[0] if error.args else {}
    return told if isinstance(told, dict) else {}


def _is_text(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _library() -> Any:
    try:
        return importlib.import_module("ldap")
    except ImportError as error:
        raise SettingsError(
            "a verifier of the kind ldap needs the package python-ldap", remedy="pip install 'idferry[ldap]'"
        ) from error
