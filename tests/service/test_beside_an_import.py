"""The running service and a ledger that somebody else writes to: no answer is older than the last commit."""

import sqlite3
from pathlib import Path

import httpx2
from tests.support.any_ledger import counting_bytes, move, person, plan
from tests.support.ledger_records import AT, PROJECT, TENANT, wanted
from tests.support.service_process import running_service
from tests.support.service_stage import SECRET, STATUS

from idferry.ledger import open_ledger
from idferry.rules.lifecycle import State

SETTINGS = f"""
project = "{PROJECT}"
[tenant]
id = "{TENANT}"
domain = "contoso.onmicrosoft.com"
authority = "https://localhost:1"
graph = "https://localhost:1"
[ledger]
path = "contoso.ledger"
[service]
trusted_proxies = ["127.0.0.1"]
[[service.caller]]
name = "policy"
kind = "basic"
user = "policy"
secrets = ["{SECRET}"]
"""
UPDATED = STATUS.rpartition("/")[0] + "/PasswordUpdated"
PEOPLE = 20


def test_every_answer_is_as_true_as_the_last_commit(tmp_path: Path) -> None:
    """Also between two requests of one connection, and never of what is not committed yet."""
    path = tmp_path / "contoso.ledger"
    (tmp_path / "idferry.toml").write_text(SETTINGS, encoding="utf-8")
    names = [f"{number}@example.com" for number in range(PEOPLE)]
    with (
        open_ledger(path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT) as ledger,
        running_service(tmp_path) as running,
        httpx2.Client(base_url=running.address, auth=("policy", SECRET), trust_env=False) as http,
    ):
        plan(ledger, *(wanted(str(number), name) for number, name in enumerate(names)))
        other = sqlite3.connect(path, isolation_level=None)

        def asked(name: str, *, path: str = STATUS) -> int:
            return http.post(path, json={"email": name}).status_code

        for number, name in enumerate(names):
            heard = [asked(name)]
            move(ledger, str(number), State.AWAITING_PASSWORD)
            heard.append(asked(name))
            if number % 2:
                heard += [asked(name, path=UPDATED), asked(name)]
            else:
                other.execute("BEGIN IMMEDIATE")
                other.execute("UPDATE person SET state = 'complete' WHERE key = ?", (str(number),))
                heard.append(asked(name))
                other.execute("COMMIT")
                heard.append(asked(name))
            assert heard == ([200, 409, 200, 200] if number % 2 else [200, 409, 409, 200])
            assert person(ledger, str(number)).state is State.COMPLETE
        other.close()
