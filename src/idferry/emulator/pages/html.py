"""The HTML of the sign-in pages: every page, its style, and the headers that keep it to itself.

Pure: values in, responses out; every value is escaped. No script, no image, nothing from elsewhere. The words stand in
`password_submit.texts`.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Literal
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from idferry.emulator.password_submit import texts

_STYLE = """
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;justify-content:center;
padding:24px 16px;background:#eef2f7;color:#16202c;font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{width:100%;max-width:420px;padding:36px 32px;background:#fff;border:1px solid #d5dde7;border-radius:12px;
box-shadow:0 8px 28px rgba(22,32,44,.10)}
.tenant{margin:0 0 18px;color:#42536a;font-size:14px;overflow-wrap:anywhere}
h1{margin:0 0 18px;font-size:24px;line-height:1.25}
p{margin:0 0 16px;overflow-wrap:anywhere}
label{display:block;margin:0 0 6px;font-weight:600}
input[type=text],input[type=password],input[type=email]{width:100%;min-height:46px;margin:0 0 18px;padding:8px 12px;
border:1px solid #66768b;border-radius:8px;background:#fff;color:inherit;font:inherit}
input[aria-invalid=true]{border-color:#a4262c;border-width:2px}
button{width:100%;min-height:46px;padding:8px 16px;border:0;border-radius:8px;background:#0b5cad;color:#fff;
font:inherit;font-weight:600;cursor:pointer}
button:hover{background:#084a8c}
a{color:#0b5cad;overflow-wrap:anywhere}
:focus-visible{outline:3px solid #f2a900;outline-offset:2px}
.error{padding:10px 14px;border-left:4px solid #a4262c;border-radius:4px;background:#fdf1f1;color:#7d1a20}
.who{display:flex;flex-wrap:wrap;gap:4px 12px;justify-content:space-between;padding:10px 14px;border-radius:8px;
background:#eef2f7}
.who span{overflow-wrap:anywhere}
.more{margin:18px 0 0}
table{width:100%;border-collapse:collapse;font-size:14px}
th,td{padding:8px 12px 8px 0;border-bottom:1px solid #d5dde7;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th,strong{white-space:nowrap}
footer{max-width:420px;margin-top:18px;color:#42536a;font-size:13px;text-align:center}
@media (max-width:480px){main{padding:28px 22px}}
@media (prefers-color-scheme:dark){
body{background:#10161e;color:#e8edf3}
main{background:#19222d;border-color:#33414f;box-shadow:none}
.tenant,footer{color:#a9b7c6}
input[type=text],input[type=password],input[type=email]{background:#10161e;border-color:#8596a8}
.who{background:#10161e}
a{color:#79b8f5}
.error{background:#3a1d20;color:#ffc9cc}
th,td{border-color:#33414f}
}
"""
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_FOOTER = "An emulated tenant on this machine: passwords typed here guard nothing, and codes lie in /control/mailbox."
CodeFor = Literal["reset", "sign-up"]
_CODE_FIELDS: Mapping[CodeFor, str] = {"reset": "reset", "sign-up": "sign_up"}


class SignInPages:
    """The pages of one sign-in.

    Args:
        tenant: the tenant's domain, for the head. path: `/{tenant}`. flow: the sign-in's name.
        redirect_uri: where the browser goes in the end.
    """

    def __init__(self, *, tenant: str, path: str, flow: str, redirect_uri: str) -> None:
        self._tenant = tenant
        self._path = path
        self._flow = flow
        self._redirect_uri = redirect_uri

    def name(self, *, user_name: str, error: str = "", with_password: bool = False) -> HTMLResponse:
        """Who are you; on the same page the password, where the tenant asks for both at once."""
        wrong = bool(error) and not with_password
        fields = [
            _input(
                "sign_in_name",
                "E-mail address or user name",
                value=user_name,
                kind="username",
                invalid=wrong,
            )
        ]
        if with_password:
            fields.append(_input("password", "Password", kind="current-password"))
        body = _error(error) + self._form("sign-in", fields, button="Sign in" if with_password else "Next")
        up = f'<p class="more">No account? {self._link("sign-up", "Create one")}</p>'
        return self._page("Sign in", body + self._forgot() + up, error=error)

    def password(self, *, user_name: str, error: str = "") -> HTMLResponse:
        """The password of this name."""
        back = self._link("sign-in", "Use another name")
        who = f'<p class="who"><span>{escape(user_name)}</span>{back}</p>'
        fields = [
            _hidden("sign_in_name", user_name),
            _input("password", "Password", kind="current-password", invalid=bool(error)),
        ]
        body = who + _error(error) + self._form("sign-in", fields, button="Sign in")
        return self._page("Enter your password", body + self._forgot(), error=error)

    def reset_name(self, *, user_name: str, error: str = "") -> HTMLResponse:
        """Whose password is to be reset."""
        fields = [
            _hidden("step", "send"),
            _input("sign_in_name", "E-mail address or user name", value=user_name, kind="username"),
        ]
        body = _error(error) + self._form("reset", fields, button="Send a code")
        return self._page("Reset your password", body + self._back(), error=error)

    def code(
        self, action: CodeFor, *, name: str, sent: str, reason: str = "", error: str = ""
    ) -> HTMLResponse:
        """The code from the e-mail; `name` is that of the reset or sign-up, `sent` says where the code went."""
        fields = [
            _hidden("step", "prove"),
            _hidden(_CODE_FIELDS[action], name),
            _input("code", "Code", kind="one-time-code", invalid=bool(error)),
        ]
        head = f"<p>{escape(reason)}</p>" if reason else ""
        body = f"{head}<p>{escape(sent)}</p>{_error(error)}"
        body += self._form(action, fields, button="Go on")
        return self._page("Prove that it is you", body + self._back(), error=error)

    def reset_password(self, *, reset: str, error: str = "") -> HTMLResponse:
        """The new password, twice."""
        fields = [
            _hidden("step", "set"),
            _hidden("reset", reset),
            _input("password", "New password", kind="new-password", invalid=bool(error)),
            _input("again", "New password again", kind="new-password", invalid=bool(error), focus=False),
        ]
        body = f"<p>{escape(texts.PASSWORD_WEAK)}</p>{_error(error)}"
        body += self._form("reset", fields, button="Change the password")
        return self._page("Choose a new password", body, error=error)

    def reset_done(self) -> HTMLResponse:
        """The new password holds."""
        body = f'<p role="status">{escape(texts.SIGN_IN_AGAIN)}</p>{self._link("sign-in", "Sign in")}'
        return self._page(texts.PASSWORD_CHANGED, body)

    def sign_up_address(self, *, error: str = "") -> HTMLResponse:
        """The e-mail address of somebody new."""
        fields = [
            _hidden("step", "send"),
            _input("address", "E-mail address", kind="email", invalid=bool(error)),
        ]
        body = _error(error) + self._form("sign-up", fields, button="Send a code")
        return self._page("Create an account", body + self._back(), error=error)

    def sign_up_details(self, *, sign_up: str, display_name: str = "", error: str = "") -> HTMLResponse:
        """A name, and a password twice."""
        fields = [
            _hidden("step", "create"),
            _hidden("sign_up", sign_up),
            _input("display_name", "Name", kind="name", value=display_name),
            _input("password", "Password", kind="new-password", invalid=bool(error)),
            _input("again", "Password again", kind="new-password", invalid=bool(error), focus=False),
        ]
        body = f"<p>{escape(texts.PASSWORD_WEAK)}</p>{_error(error)}"
        body += self._form("sign-up", fields, button="Create the account")
        return self._page("Create an account", body, error=error)

    def ended(self, *, title: str, text: str) -> HTMLResponse:
        """The sign-in goes no further."""
        return self._page(title, f'<p role="alert">{escape(text)}</p>{self._back()}', error=title)

    def handing_over(self, answer: Mapping[str, str]) -> HTMLResponse:
        """The answer for an application that wants it posted; one button, because there is no script."""
        fields = [_hidden(name, value) for name, value in answer.items()]
        body = f'<form method="post" action="{escape(self._redirect_uri)}">{"".join(fields)}'
        return self._page("You are signed in", f'{body}<button type="submit">Go on</button></form>')

    def _form(self, action: str, fields: Iterable[str], *, button: str) -> str:
        inside = _hidden("flow", self._flow) + "".join(fields)
        return (
            f'<form method="post" action="{escape(self._path)}/{action}" novalidate>{inside}'
            f'<button type="submit">{escape(button)}</button></form>'
        )

    def _link(self, action: str, text: str) -> str:
        return f'<a href="{escape(self._path)}/{action}?flow={escape(self._flow)}">{escape(text)}</a>'

    def _forgot(self) -> str:
        return f'<p class="more">{self._link("reset", "Forgot your password?")}</p>'

    def _back(self) -> str:
        return f'<p class="more">{self._link("sign-in", "Back to sign-in")}</p>'

    def _page(self, title: str, body: str, *, error: str = "") -> HTMLResponse:
        parts = urlsplit(self._redirect_uri)
        # Browsers hold a form's redirects to this list too.
        return page(
            title,
            f'<p class="tenant">{escape(self._tenant)}</p><h1>{escape(title)}</h1>{body}',
            head=f"{'Error: ' if error else ''}{title}",
            form_targets=f"'self' {parts.scheme}://{parts.netloc}",
        )


def page(
    title: str, body: str, *, status: int = 200, head: str = "", form_targets: str = "'none'"
) -> HTMLResponse:
    """A whole page; `body` is HTML already, `form_targets` where its forms may lead."""
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(head or title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main><footer>{escape(_FOOTER)}</footer></body></html>"
    )
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; form-action {form_targets}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return HTMLResponse(document, status, headers)


def error_page(text: str, *, status: int = 400) -> HTMLResponse:
    """A page for a request that belongs to no sign-in."""
    return page(
        texts.FAILED, f'<h1>Sorry</h1><p role="alert">{escape(text)}</p>', status=status, head="Sorry"
    )


def signed_in_page(who: Mapping[str, str]) -> HTMLResponse:
    """The page of the emulator's own application: who has signed in."""
    rows = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in who.items()
    )
    title = "You are signed in"
    return page(title, f"<h1>{title}</h1><table><tbody>{rows}</tbody></table>")


def mailbox_page(letters: Iterable[tuple[str, str, str]]) -> HTMLResponse:
    """The emulator's mailbox: to whom, the code, when."""
    rows = "".join(
        f"<tr><td>{escape(to)}</td><td><strong>{escape(code)}</strong></td><td>{escape(sent)}</td></tr>"
        for to, code, sent in letters
    )
    table = (
        "<table><thead><tr><th scope=col>To</th><th scope=col>Code</th><th scope=col>Sent</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    return page("Mailbox", f"<h1>Mailbox</h1>{table if rows else '<p>Nothing was sent.</p>'}")


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def _input(
    name: str, label: str, *, kind: str, value: str = "", invalid: bool = False, focus: bool = True
) -> str:
    """One labelled field; `kind` is its autocomplete value, from which its type follows."""
    secret = kind in ("current-password", "new-password")
    digits = ' inputmode="numeric"' if kind == "one-time-code" else ""
    shown = "" if secret else f' value="{escape(value)}"'
    wrong = ' aria-invalid="true" aria-describedby="error"' if invalid else ""
    # The first field that is still empty is where typing goes on.
    focused = " autofocus" if focus and not value else ""
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{"password" if secret else "text"}" autocomplete="{kind}"'
        f'{digits} autocapitalize="none" spellcheck="false" required{shown}{wrong}{focused}>'
    )


def _error(text: str) -> str:
    return f'<p class="error" id="error" role="alert">{escape(text)}</p>' if text else ""
