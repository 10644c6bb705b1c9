"""`python -m tools.probe_tenant --settings FILE --test-tenant DOMAIN`: ask, print a table or JSON, remove what was made.

Exit codes: 0 everything was asked and removed, 1 something was not, 2 it was not confirmed or cannot begin.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx2

from idferry.errors import IdferryError
from idferry.rules.attributes import LEGACY_ID
from idferry.settings import Settings, read_settings
from idferry.wiring import clock_of
from tools.probe_tenant.access import Access, Unclear, access_of
from tools.probe_tenant.accounts import Accounts
from tools.probe_tenant.questions import QUESTIONS, Bench, Seen

EXIT_INCOMPLETE, EXIT_NOT_BEGUN = 1, 2
NO_ANSWER = "no_answer"
PATIENCE_S = 180.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask the tenant of the settings; the exit code."""
    asked = _parse(arguments)
    try:
        settings = read_settings(asked.settings)
        tenant = settings.need_tenant()
        if asked.test_tenant != tenant.domain:
            sys.stderr.write(
                f"The settings name the tenant {tenant.domain}. The probe makes some sixty accounts there, changes "
                "passwords of these alone, and deletes them again. Say that it is a tenant for trials: "
                f"--test-tenant {tenant.domain}\n"
            )
            return EXIT_NOT_BEGUN
        return _probe(settings, asked)
    except IdferryError as error:
        sys.stderr.write(f"{error}\n{error.remedy}\n")
        return EXIT_NOT_BEGUN


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.probe_tenant", description=__doc__)
    parser.add_argument("--settings", type=Path, help="idferry.toml of the test tenant")
    parser.add_argument("--test-tenant", default="", metavar="DOMAIN", help="confirm which tenant is probed")
    parser.add_argument("--only", nargs="+", choices=list(QUESTIONS), metavar="ID", help="these questions")
    parser.add_argument("--patience", type=float, default=PATIENCE_S, metavar="SECONDS")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def _probe(settings: Settings, asked: argparse.Namespace) -> int:
    tenant = settings.need_tenant()
    access = access_of(settings, clock_of(settings))
    with access.http:
        accounts = Accounts(access, tenant.domain, is_b2c=tenant.kind == "b2c")
        attribute = _legacy_id_attribute(access, tenant.extension_app_id)
        bench = Bench(access, accounts, attribute, asked.patience)
        seen: dict[str, Seen] = {}
        try:
            for name in asked.only or QUESTIONS:
                seen[name] = _asked(name, bench)
                if not asked.json:
                    _say(f"{name:<26} {seen[name].answer:<16} {seen[name].detail}")
        finally:
            accounts.remove_all()
    if asked.json:
        _say(json.dumps(_document(tenant.kind, tenant.domain, seen, accounts)))
    else:
        _say(f"\n{accounts.removed} accounts removed; left behind: {', '.join(accounts.left) or 'none'}")
    complete = not accounts.left and all(one.answer != NO_ANSWER for one in seen.values())
    return 0 if complete else EXIT_INCOMPLETE


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _asked(name: str, bench: Bench) -> Seen:
    try:
        return QUESTIONS[name](bench)
    except httpx2.HTTPError as error:
        return Seen(NO_ANSWER, type(error).__name__)
    except Unclear as error:
        return Seen(NO_ANSWER, str(error))


def _legacy_id_attribute(access: Access, extension_app_id: str) -> str:
    """The full name of `legacyId` where the tenant has it."""
    if not extension_app_id:
        where = "startswith(displayName,'b2c-extensions-app')"
        found = access.ask("GET", f"/applications?$filter={where}&$select=appId").rows
        extension_app_id = str(found[0].get("appId")) if len(found) == 1 else ""
    if not extension_app_id:
        return ""
    rows = access.ask("GET", f"/applications(appId='{extension_app_id}')/extensionProperties").rows
    name = f"extension_{extension_app_id.replace('-', '')}_{LEGACY_ID}"
    return name if any(one.get("name") == name for one in rows) else ""


def _document(kind: str, domain: str, seen: dict[str, Seen], accounts: Accounts) -> dict[str, object]:
    questions = [
        {"id": name, "answer": one.answer, "detail": one.detail, "asked": str(QUESTIONS[name].__doc__)}
        for name, one in seen.items()
    ]
    return {
        "tenant": {"kind": kind, "domain": domain},
        "questions": questions,
        "removed": accounts.removed,
        "left": accounts.left,
    }


if __name__ == "__main__":
    sys.exit(main())
