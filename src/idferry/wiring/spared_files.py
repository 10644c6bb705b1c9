"""The files that a command works from: no result may take their place, whatever the command line says.

It only lists them; it must not touch them.
"""

from collections.abc import Iterable
from pathlib import Path

from idferry.ledger.key_file import key_path
from idferry.ledger.locking import lock_path
from idferry.rules.entry import Run
from idferry.settings import Settings

_DATABASE_SUFFIXES = ("-wal", "-shm", "-journal")  # https://www.sqlite.org/tempfiles.html
_CORRECTIONS = " --corrections "  # the last option in a run's command


def spared_files(settings: Settings, *, runs: Iterable[Run], sources: Iterable[str] = ()) -> dict[Path, str]:
    """File -> what it is: settings, ledger and what lies beside it, sources and corrections. Not all need exist.

    `sources` are paths from the command line; the ones of the settings and of `runs` come with them.
    """
    ledger = settings.ledger_path
    found = {settings.file: "the settings file"} if settings.file else {}
    found[ledger] = "the ledger"
    beside = [key_path(ledger), lock_path(ledger)]
    beside += [ledger.with_name(ledger.name + suffix) for suffix in _DATABASE_SUFFIXES]
    found |= dict.fromkeys(beside, "a file of the ledger")
    hashes = settings.folder / settings.hashes.path
    beside = [hashes, *(hashes.with_name(hashes.name + suffix) for suffix in _DATABASE_SUFFIXES)]
    found |= dict.fromkeys(beside, "a file of the hash store")
    places = [str(settings.folder / one.path) for one in settings.sources.values()]
    runs = list(runs)
    places += [run.place for run in runs if run.place]
    found |= {Path(place): "a source" for place in (*places, *sources) if place}
    corrections = {run.command.partition(_CORRECTIONS)[2] for run in runs} - {""}
    for one in corrections:
        # A run notes the path as it was typed: it counts from the folder of then, most likely one of these.
        found |= dict.fromkeys(
            (Path(one), settings.folder / one), "a file of corrections that a run has used"
        )
    return found
