"""Writes the generated pages again: `python -m tests.docs.generate`, which `make docs` calls.

It writes what the code says and nothing that depends on the machine or the day; a test compares the result with the
files and so finds pages that are stale.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.docs import (
    cli_page,
    emulator_coverage,
    endpoints_page,
    errors_pages,
    hashes_page,
    json_page,
    ledger_page,
    ports_page,
    rules_pages,
    settings_page,
    verifier_pages,
    words,
)

ROOT = Path(__file__).parents[2]

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/cli.md": cli_page.render,
    "docs/reference/settings.md": settings_page.render,
    "docs/reference/states.md": rules_pages.states,
    "docs/reference/outcomes.md": rules_pages.outcomes_page,
    "docs/reference/password-hashes.md": hashes_page.render,
    "docs/reference/errors.md": errors_pages.errors_page,
    "docs/reference/exit-codes.md": errors_pages.exit_codes_page,
    "docs/reference/json-output.md": json_page.render,
    "docs/reference/ledger.md": ledger_page.render,
    "docs/reference/glossary.md": words.render,
    "docs/reference/endpoints.md": endpoints_page.render,
    "docs/reference/emulator-coverage.md": emulator_coverage.render,
    "docs/contribute/ports.md": ports_page.render,
    **verifier_pages.renderers(),
}


def main() -> None:
    """Write every page whose text has changed, and say which."""
    for path, render in PAGES.items():
        file, text = ROOT / path, render()
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
