"""What we intended and what we saw, on disk: the ledger of one tenant in one SQLite file.

It must never see a password, and no exception of sqlite3 leaves it: see `idferry.errors.LedgerError`.
"""

from idferry.ledger.locking import run_lock
from idferry.ledger.one_pass import OnePass, open_one_pass
from idferry.ledger.opening import Ledger, open_ledger, scratch_copy

__all__ = ["Ledger", "OnePass", "open_ledger", "open_one_pass", "run_lock", "scratch_copy"]
