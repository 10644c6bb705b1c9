"""Restore: take removed accounts out of the recycle bin again, passwords included."""

from collections.abc import Iterable, Mapping

from idferry.errors import Stopped
from idferry.flows.end_early import telling_what_was_done
from idferry.flows.recycle import RecycleReport, chunks_of, ids_of
from idferry.ports import AccountRemover, Clock, ObservationLedger, Stop, never
from idferry.rules.account import Account
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.removal import has_removed_account, state_of_restored


def restore(
    *,
    people: Iterable[Entry],
    remover: AccountRemover,
    observations: ObservationLedger,
    clock: Clock,
    execute: bool,
    stop: Stop = never,
) -> RecycleReport:
    """Bring the removed accounts of `people` back, or say what would happen. Others are passed over.

    1. Look into the recycle bin, and for the others into the directory: they may have been restored already, by a
       call whose answer was lost or by an administrator. Leave alone what carries another legacyId now.
    2. Restore what lies in the bin.
    3. Record everybody who has an account again, with the state that the account shows.

    Raises:
        DirectoryError, LedgerError, Stopped: its `done` says how many were restored, once accounts were looked for.
    """
    report = RecycleReport()
    with telling_what_was_done(lambda: report.sentence("restored")):
        for chunk in chunks_of(filter(has_removed_account, people)):
            if stop():
                raise Stopped("stopped")
            binned = remover.deleted(ids_of(chunk))
            back_already = _live(remover, [one for one in ids_of(chunk) if one not in binned])
            accounts = {**back_already, **binned}
            ours = report.find(chunk, accounts)
            if execute and ours:
                in_bin = [one for one in ids_of(ours) if one in binned]
                restored = remover.restore(in_bin) if in_bin else {}
                back = report.settle(ours, {**dict.fromkeys(back_already, ""), **restored})
                observed = [_restored(entry, accounts[entry.object_id]) for entry in back]
                observations.observe(run="", observed=observed, at=clock.now())
    return report


def _live(remover: AccountRemover, object_ids: list[str]) -> Mapping[str, Account]:
    return remover.usage(object_ids) if object_ids else {}


def _restored(entry: Entry, account: Account) -> Observation:
    state = state_of_restored(entry, account)
    return Observation(entry.person_id, EventKind.RESTORED, state, object_id=entry.object_id)
