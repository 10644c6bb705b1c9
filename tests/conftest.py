"""One emulator for each test process, reset before each test that asks for it; and what a run did not check, told loudly.

A skipped test is a criterion that nobody has looked at. Where everything that the tests need is there, as in `.ci/run`,
IDFERRY_TEST_COMPLETE=1 makes every skip a failure.
"""

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.support.emulator import EmulatedTenant, Emulator, running_emulator

COMPLETE_VARIABLE = "IDFERRY_TEST_COMPLETE"


@pytest.fixture(scope="session")
def process() -> Iterator[Emulator]:
    """The emulator of this test process."""
    with running_emulator() as running:
        yield running


@pytest.fixture
def emulator(process: Emulator) -> Emulator:
    """The emulator, as new."""
    process.reset()
    return process


@pytest.fixture(params=["b2c", "external"])
def tenant(request: pytest.FixtureRequest, emulator: Emulator) -> EmulatedTenant:
    """Each kind of tenant in turn."""
    return emulator.tenant(request.param)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps tests of one `xdist_group` on one worker, with their stands.

    pytest-xdist 3.8 writes the group behind a test's name where pytest 9.2 no longer reads it, and tells nobody.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        named = getattr(item, "_nodeid", item.nodeid)
        if named != item.nodeid:
            item._id = type(item._id).parse(named)  # type: ignore[attr-defined]
        if item.get_closest_marker("xdist_group") and "@" not in item.nodeid.rpartition("]")[2]:
            raise pytest.UsageError(f"{item.nodeid} would not stay with its group")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Lists each criterion that was not checked: the last thing that one reads."""
    yield
    criteria = _not_checked(terminalreporter)
    if not criteria:
        return
    complete = os.environ.get(COMPLETE_VARIABLE) == "1"
    terminalreporter.section("NOT CHECKED", red=complete, yellow=not complete, bold=True)
    for criterion, tests in sorted(criteria.items()):
        terminalreporter.line(f"{criterion} [{tests} test{'s' * (tests > 1)}]")
    if complete:
        terminalreporter.line(f"{COMPLETE_VARIABLE}=1: a run that leaves this unchecked has failed", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With IDFERRY_TEST_COMPLETE=1 a skip fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get(COMPLETE_VARIABLE) == "1" and reporter is not None and _not_checked(reporter):
        session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED


def _not_checked(reporter: pytest.TerminalReporter) -> Counter[str]:
    """Reason -> how many tests were skipped for it; what is expected to fail was not proven either."""
    reports = [one for kind in ("skipped", "xfailed") for one in reporter.stats.get(kind, [])]
    return Counter(_reason(one) for one in reports)


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ").removeprefix("NOT CHECKED: ")
    return f"{report.nodeid}: {getattr(report, 'wasxfail', '')}"
