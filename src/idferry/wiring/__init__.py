"""The only place that picks a connector, a directory and a ledger, and turns settings into arguments.

Commands ask for what they need by these names and never see which adapter they got.
"""

from idferry.graph.directory import Directory
from idferry.ledger.opening import Ledger as LedgerParts
from idferry.ledger.wanted import wanted_drafts
from idferry.wiring.advice import advice_at_start
from idferry.wiring.directories import directory_of
from idferry.wiring.guard import check_lockouts, guard_if_any, guard_of, keyed_digest, submissions_of
from idferry.wiring.hash_store import (
    exported_at_of,
    hash_bounds_of,
    hash_descriptor_of,
    hash_store_if_any,
    hash_store_of,
)
from idferry.wiring.hashes import hash_cases_of, hash_rows_of, processors
from idferry.wiring.ledgers import (
    ledger_if_any,
    ledger_of,
    ledger_to_read,
    need_ledger,
    run_lock_of,
    run_test_of,
    scratch_of,
    steps_missed,
    survey_ledger_of,
)
from idferry.wiring.outside_status import outside_status_of
from idferry.wiring.password_right import password_rights_of
from idferry.wiring.rehearsal import Conditions, EmulatedStage, Spent
from idferry.wiring.rules import lasting_pace_of, plan_rules_of, quota_of, send_limits_of
from idferry.wiring.sources import corrected_source_of, exported_source_of, listed_keys, source_of
from idferry.wiring.spared_files import spared_files
from idferry.wiring.stepped_time import SteppedClock
from idferry.wiring.system import SystemClock, clock_of, random_below
from idferry.wiring.verifiers import VerifierSet, verifiers_of

__all__ = [
    "Conditions",
    "Directory",
    "EmulatedStage",
    "LedgerParts",
    "Spent",
    "SteppedClock",
    "SystemClock",
    "VerifierSet",
    "advice_at_start",
    "check_lockouts",
    "clock_of",
    "corrected_source_of",
    "directory_of",
    "exported_at_of",
    "exported_source_of",
    "guard_if_any",
    "guard_of",
    "hash_bounds_of",
    "hash_cases_of",
    "hash_descriptor_of",
    "hash_rows_of",
    "hash_store_if_any",
    "hash_store_of",
    "keyed_digest",
    "lasting_pace_of",
    "ledger_if_any",
    "ledger_of",
    "ledger_to_read",
    "listed_keys",
    "need_ledger",
    "outside_status_of",
    "password_rights_of",
    "plan_rules_of",
    "processors",
    "quota_of",
    "random_below",
    "run_lock_of",
    "run_test_of",
    "scratch_of",
    "send_limits_of",
    "source_of",
    "spared_files",
    "steps_missed",
    "submissions_of",
    "survey_ledger_of",
    "verifiers_of",
    "wanted_drafts",
]
