"""`idferry survey`: look before anything leaps."""

from idferry.cli.options import JsonOption, NameOption, SettingsOption, SourceArgument
from idferry.cli.output import print_json, say, screen
from idferry.cli.plan_report import plan_document, print_plan
from idferry.cli.progress import progress
from idferry.cli.stopping import stop_on_signals
from idferry.flows import survey as flow
from idferry.settings import read_settings
from idferry.wiring import clock_of, plan_rules_of, source_of, survey_ledger_of


def survey(
    source: SourceArgument,
    name: NameOption = "",
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a legacy source and report what would be created, left out and refused, and why.

    Changes nothing, needs no tenant and no settings file.
    Formats: JSON Lines, CSV, and the UsersData.json of Microsoft's pre-migration sample.

    Example: idferry survey export/people.jsonl
    """
    read = read_settings(settings)
    clock = clock_of(read)
    legacy = source_of(read, source, name=name)
    with (
        stop_on_signals() as stop,
        survey_ledger_of(read, clock) as scratch,
        progress(clock, quiet=as_json) as tell,
    ):
        report = flow.survey(
            source=legacy,
            scratch=scratch,
            rules=plan_rules_of(read, clock),
            clock=clock,
            tell=tell,
            stop=stop,
        )
    if as_json:
        print_json(plan_document(report))
        return
    console = screen()
    say(console, f"Survey of {source} (source name: {legacy.name}). Nothing was changed.")
    console.print()
    print_plan(console, report)
