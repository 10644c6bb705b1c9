"""SIGKILL of the commands around sign-ins, `hash load` and `sweep`: given again, they come to what they would have come to.

After every kill the hash store is opened and the tenant is looked at; nothing in between is worse than before.
"""

import json
import secrets
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.simulation.kill_sign_ins import SignInStage
from tests.support.b2c_stand import LEDGER, PEOPLE, B2cStand, b2c_stand
from tests.support.crash_driver import KILLED
from tests.support.interference import Point
from tests.support.oracle import files_with, read_ledger
from tests.support.population import canary

from idferry.stores.hash_store import open_hash_store

KEY = "a key of the operator, of thirty-two characters"
LOAD = ("hash", "load", "shop", "--execute", "--json")
SWEEP = ("sweep", "--execute", "--json")
RESET_EACH = 3
CREATED_LONG_AGO_S = 120
TURNS_MAX = 4
_HASHES = f"""
[hashes]
key = "{KEY}"
[sources.shop]
path = "shop.jsonl"
hash = {{ scheme = "md5", template = "{{PASSWORD}}{{SALT}}" }}
[[verifier]]
name = "old"
kind = "hashes"
legacy_frozen_at = "2026-01-01T00:00:00Z"
"""


@dataclass
class UpkeepKills:
    """What a story came to: kills that struck, and runs that had ended before theirs."""

    people: int
    kills: int = 0
    ended_before: int = 0
    where: dict[str, int] = field(default_factory=dict)


Export = dict[str, str]
"""Key -> hash; empty for none."""


def kill_hash_load(on: SignInStage, *, kills: int, people: int, seed: int) -> UpkeepKills:
    """Two exports in turn, each load killed at a drawn moment; each row in the store is of one of the two, and opens."""
    on.emulator.reset()
    folder = Path(tempfile.mkdtemp(prefix=f"hashes-{seed}-", dir=on.folder))
    chance, figures = Random(seed), UpkeepKills(people)  # noqa: S311  it must be repeatable
    with b2c_stand(folder, on.emulator, {}, service="", verifier=_HASHES) as stand:
        exports = [_export(people, chance) for _ in range(2)]
        seconds = _load(on, stand, exports[0])
        loaded = exports[0]
        for turn in range(TURNS_MAX * kills):
            if figures.kills == kills:
                break
            wanted = exports[1 - turn % 2]
            _write_export(stand, wanted)
            ended = on.product.run(stand, *LOAD, kill_after_s=chance.uniform(0.01, 1.1 * seconds))
            figures.kills += ended.code == KILLED
            figures.ended_before += ended.code != KILLED
            rows = _rows(folder)
            allowed = {(key, value) for one in exports for key, value in one.items() if value}
            assert rows.items() <= allowed, "a row that stands in no export"
            if ended.code != KILLED:
                assert ended.code == 0, ended.err
                loaded = wanted
                assert rows == _taken(loaded)
        for last in exports:
            _load(on, stand, last)
            assert _rows(folder) == _taken(last)
        some = next(value for value in exports[1].values() if value)
        assert files_with(some.encode(), folder, but=folder / "shop.jsonl") == []
    shutil.rmtree(folder)
    return figures


def _export(people: int, chance: Random) -> Export:
    """Nine of ten have a hash."""
    return {
        str(number): f"{chance.getrandbits(128):032x}" if chance.random() < 0.9 else ""
        for number in range(people)
    }


def _taken(export: Export) -> Export:
    return {key: value for key, value in export.items() if value}


def _write_export(stand: B2cStand, export: Export) -> None:
    lines = []
    for key, value in export.items():
        record = {"key": key, "signInName": f"person{key}@example.com"}
        lines.append(json.dumps({**record, "passwordHash": value, "passwordSalt": key} if value else record))
    (stand.folder / "shop.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _load(on: SignInStage, stand: B2cStand, export: Export) -> float:
    """Without a kill; how long it took."""
    _write_export(stand, export)
    began = time.monotonic()
    ended = on.product.run(stand, *LOAD)
    assert ended.code == 0, ended.err
    return time.monotonic() - began


def _rows(folder: Path) -> Export:
    with open_hash_store(folder / "idferry.hashes", secret=KEY, random_bytes=secrets.token_bytes) as store:
        return {row.key: row.value for row in store.rows()}


def kill_sweeps(on: SignInStage, *, kills: int, seed: int) -> UpkeepKills:
    """People choose passwords of their own, and each sweep is killed: nobody else's flag falls, and no password changes."""
    on.emulator.reset()
    folder = Path(tempfile.mkdtemp(prefix=f"sweep-{seed}-", dir=on.folder))
    chance = Random(seed)  # noqa: S311  it must be repeatable
    people = RESET_EACH * TURNS_MAX * kills + 20
    known = {f"person{number}@example.com": canary(chance) for number in range(people)}
    figures = UpkeepKills(people)
    with b2c_stand(folder, on.emulator, known, service="") as stand:
        assert stand.run("premigrate", PEOPLE, "--execute")["failed"] == 0
        on.emulator.advance(CREATED_LONG_AGO_S)
        ids = {name: account["id"] for name, account in stand.accounts().items()}
        chosen: dict[str, str] = {}
        for _ in range(TURNS_MAX * kills):
            if figures.kills == kills:
                break
            for name in chance.sample([one for one in stand.names if one not in chosen], RESET_EACH):
                chosen[name] = canary(chance)
                on.emulator.self_service_reset(stand.tenant, ids[name], chosen[name])
            where, how = _moment(chance)
            ended = on.product.run(stand, *SWEEP, **how)
            if ended.code == KILLED:
                figures.kills += 1
                figures.where[where] = figures.where.get(where, 0) + 1
            else:
                assert ended.code == 0, ended.err
                figures.ended_before += 1
            _nothing_else_has_changed(stand, chosen)
        assert on.product.run(stand, *SWEEP).code == 0
        down = {name for name, flag in stand.flags().items() if flag is False}
        assert down == chosen.keys()
        _nothing_else_has_changed(stand, chosen)
        states = Counter(entry.state for entry in read_ledger(folder / LEDGER).entries.values())
        assert states == Counter(complete=len(chosen), awaiting_password=people - len(chosen)), states
    shutil.rmtree(folder)
    return figures


def _moment(chance: Random) -> tuple[str, dict[str, Any]]:
    match chance.choice(("call", "write", "time")):
        case "call":
            when = chance.choice(("before", "sent", "first byte", "last byte"))
            return f"call: {when}", {"point": Point("call", when, chance.randint(1, 8))}
        case "write":
            when = chance.choice(("before", "inside", "after"))
            return f"ledger: {when}", {"point": Point("write", when, chance.randint(1, 3))}
        case _:
            return "some time after the start", {"kill_after_s": chance.uniform(0.02, 0.3)}


def _nothing_else_has_changed(stand: B2cStand, chosen: dict[str, str]) -> None:
    flags = stand.flags()
    assert not [name for name, flag in flags.items() if flag is not True and name not in chosen]
    assert all(stand.opens(name, password) for name, password in chosen.items())
