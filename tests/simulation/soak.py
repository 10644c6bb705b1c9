"""The long programme: every fault at every rate from many seeds, thousands of kills and power cuts, attacks, and the peer.

    make soak                               everything, from a seed that is printed
    make soak SEED=7                        the same stories again; what is done already is not played again
    make soak SEED=7 ONLY=F3@5              the faults of F3 at 5 %; ONLY=kills, power, liar, peer, or one story's name
    make soak SEED=7 ONLY='kills mode C'        a group of the stories of the service, see `service_programme`
    make soak SEED=7 ONLY='F3 batch 504 after@5#12'

Each story is drawn from the seed and its own name alone. Results are kept in `build/soak`, one line for each story, so
that an interrupted soak goes on where it stopped. The last page is a table; a violation makes the exit code 1.
"""

import argparse
import hashlib
import json
import multiprocessing
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.simulation.fault_table import FAULTS, RATES
from tests.simulation.fault_trials import fault_trial
from tests.simulation.kill_sign_ins import SignInStage
from tests.simulation.kill_story import kill_story
from tests.simulation.peer_story import peer_story
from tests.simulation.power_story import power_story
from tests.simulation.service_programme import service_programme
from tests.simulation.soak_table import table
from tests.simulation.stage import Stage, stage
from tests.support.forked_service import forked_services

FOLDER = Path("build") / "soak"
SEEDS_EACH = 20
# A few more than promised: a story may come to its end before its last kill or cut.
KILL_STORIES, KILL_PEOPLE, KILLS_EACH = 42, 1_000, 25
POWER_STORIES, CUTS_EACH = 64, 10
PEER_STORIES = 3

Play = Callable[[Any, int], Any]


@dataclass(frozen=True)
class Story:
    """One story of the programme: its name, and the group that it is counted in. `of_service`: which stage it needs."""

    name: str
    group: str
    play: Play
    of_service: bool = False

    def seed(self, soak_seed: int) -> int:
        """Drawn from the soak's seed and this name alone."""
        return int.from_bytes(hashlib.sha256(f"{soak_seed}/{self.name}".encode()).digest()[:4], "big")


def programme() -> Iterator[Story]:
    """Every story, so mixed that a soak that is interrupted has seen something of everything."""
    for number in range(PEER_STORIES):
        yield Story(f"peer#{number}", "peer", lambda on, seed: peer_story(on, seed=seed))
    for turn in range(SEEDS_EACH):
        for number in range(turn, KILL_STORIES, SEEDS_EACH):
            yield Story(f"kills#{number}", "kills", _kills)
        for number in range(turn, POWER_STORIES, SEEDS_EACH):
            yield Story(f"power#{number}", "power", lambda on, seed: power_story(on, "honest", seed=seed))
            yield Story(f"liar#{number}", "liar", lambda on, seed: power_story(on, "lying", seed=seed))
        yield from _fault_stories(turn)
    for name, group, play in service_programme():
        yield Story(name, group, play, of_service=True)


def _fault_stories(number: int) -> Iterator[Story]:
    for name in FAULTS:
        for rate in RATES:
            percent = round(rate * 100)
            yield Story(f"{name}@{percent}#{number}", f"{name.split()[0]}@{percent}", _fault(name, rate))


def _kills(on: Stage, seed: int) -> Any:
    return kill_story(on, people=KILL_PEOPLE, kills=KILLS_EACH, seed=seed)


def _fault(name: str, rate: float) -> Play:
    return lambda on, seed: fault_trial(on, FAULTS[name], rate=rate, seed=seed)


def wanted(story: Story, only: str) -> bool:
    """Whether ONLY names this story, its group, or its row of the fault table."""
    if not only:
        return True
    row, _, rest = only.partition("@")
    if rest and "#" not in rest:
        same_row = story.name.startswith((f"{row} ", f"{row}@"))
        return same_row and story.group.endswith(f"@{rest}")
    return story.name == only or story.group == only or story.name.startswith((f"{only} ", f"{only}@"))


def play(soak_seed: int, names: Sequence[str], folder: Path, results: Path) -> None:
    """Play these stories one after the other and note each result."""
    stories = {story.name: story for story in programme()}
    with ExitStack() as stack:
        notes = stack.enter_context(results.open("a", encoding="utf-8", buffering=1))
        import_stage = stack.enter_context(stage(folder))
        service_stage = None
        for name in names:
            story = stories[name]
            if story.of_service and service_stage is None:
                services = stack.enter_context(forked_services())
                service_stage = SignInStage(import_stage.emulator, import_stage.product, services, folder)
            on = service_stage if story.of_service else import_stage
            began = time.monotonic()
            note: dict[str, Any] = {"name": name, "group": story.group, "seed": story.seed(soak_seed)}
            try:
                note["figures"] = asdict(story.play(on, note["seed"]))
            except Exception:  # noqa: BLE001  a story that cannot be played is a violation as well
                note["violation"] = traceback.format_exc()[-4000:]
            notes.write(json.dumps({**note, "seconds": round(time.monotonic() - began, 2)}) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Play what is left of the programme, in a few processes, and print the table."""
    options = _options(arguments)
    seed = options.seed if options.seed is not None else secrets.randbelow(2**32)
    _say(f"SEED={seed}")
    folder = FOLDER / str(seed)
    folder.mkdir(parents=True, exist_ok=True)
    done = {note["name"] for note in _notes(folder) if "violation" not in note}
    names = [story.name for story in programme() if wanted(story, options.only) and story.name not in done]
    workers = _start(seed, names, folder, jobs=options.jobs)
    began = time.monotonic()
    while any(worker.is_alive() for worker in workers):
        workers[0].join(5.0)
        for worker in workers[1:]:
            worker.join(0.1)
        _progress(folder, len(names) + len(done), began)
    broken = [worker for worker in workers if worker.exitcode]
    notes = [note for note in _latest(folder) if wanted_name(note, options.only)]
    violations = [note for note in notes if "violation" in note]
    if broken:
        _say(
            "\nA process of the soak itself ended with an error; it stands above. Give the same command again."
        )
    for note in violations:
        _say(f"\nVIOLATION: make soak SEED={seed} ONLY='{note['name']}'\n{note['violation']}")
    text = table(notes, seed=seed)
    (folder / "table.md").write_text(text, encoding="utf-8")
    _say(f"\n{text}")
    return 1 if violations or broken else 0


def wanted_name(note: dict[str, Any], only: str) -> bool:
    """`wanted`, for a result that was noted."""
    return wanted(Story(note["name"], note["group"], lambda _on, _seed: None), only)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--seed", type=lambda text: int(text) if text else None)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args(arguments)


def _start(seed: int, names: Sequence[str], folder: Path, *, jobs: int) -> list[Any]:
    context = multiprocessing.get_context("spawn")
    workers = []
    for number in range(min(jobs, len(names))):
        kept = folder / f"kept-{number}"
        kept.mkdir(exist_ok=True)
        results = folder / f"results-{number}.jsonl"
        share = names[number::jobs]
        workers.append(context.Process(target=play, args=(seed, share, kept.absolute(), results.absolute())))
        workers[-1].start()
    return workers


def _notes(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("results-*.jsonl"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line) for line in lines if line.endswith("}")]


def _latest(folder: Path) -> list[dict[str, Any]]:
    """One result for each story: the one that ended well, if any did after a mend."""
    ordered = sorted(_notes(folder), key=lambda note: "violation" not in note)
    return list({note["name"]: note for note in ordered}.values())


def _progress(folder: Path, total: int, began: float) -> None:
    notes = _latest(folder)
    violations = sum("violation" in note for note in notes)
    _say(f"{len(notes)} of {total} stories, {violations} violations, {time.monotonic() - began:.0f} s")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
