"""What an operator should look at: the kinds that `idferry_alerts_total` counts and the log names, with their meaning.

The page of endpoints is generated from here.
"""

from collections.abc import Mapping
from types import MappingProxyType

ALERTS: Mapping[str, str] = MappingProxyType(
    {
        "bug": "A request was answered with 500; the log names the place. Report it.",
        "capture_dropped": "More passwords waited to be captured than may, or one waited for longer than 30 seconds. It is taken "
        "at the person's next sign-in.",
        "capture_failed": "A captured password could not be written. The account's flag is up where it could be raised.",
        "capture_refused": "A captured password is weak or banned. The person is listed for cut-over: `idferry status`.",
        "clock_skew": "This machine's clock and the directory's are more than 30 seconds apart. Set the clock: tokens are refused, "
        "and resets are taken for older or newer than they are.",
        "conflicting_submission": "One nonce came with two passwords or two people. It was refused, and nobody was asked.",
        "connections_full": "More connections were open than may be (512 at a listener), and the one that had been silent for longest "
        "was ended. Many of these: somebody opens connections and sends nothing.",
        "context_refused": "Entra's caller sent a password that none of our keys opens, or one that was not made for us.",
        "hashes_kept": "The hash store did not delete the hashes of people who have their password now; the log names the cause. "
        "`idferry verify` deletes them.",
        "keys_unread": "The keys that sign a caller's tokens could not be read; the log names the cause. Known ones stay in use.",
        "late_answer": "A negative answer left later than its fixed time, and could be told from the others.",
        "ledger_silent": "The ledger could not be read, so that nobody knew who signs in. The sign-in was refused.",
        "malformed": "Entra's caller sent what is no event for this service.",
        "not_ours": "An account carries another `legacyId` than the ledger says. Nothing was written to it.",
        "notes_lost": "What was seen at sign-ins could not be noted in the ledger. `verify` finds it again.",
        "overloaded": "Every thread was busy, and as many calls waited as may or as could still be answered in time; or so many "
        "retries waited for one check. Answered with 503, a sign-in with the text of an outage.",
        "password_changed_here": "A legacy password was right, but somebody has chosen another one here. Nothing was written "
        "over it, and the flag goes down. Many of these: run `idferry sweep` oftener.",
        "password_right_missing": "Mode B or capture is set, and the application lacks the permission or the directory role to set "
        "passwords. The log names what to grant.",
        "reset_not_recorded": "A new password was announced and could not be recorded now. It heals itself.",
        "second_look_failed": "The directory could not say whether somebody has reset already; the store's word counted.",
        "status_address_limit": "One address asked about more people than `status_per_address` in 10 minutes.",
        "status_bug": "A store of the reset status broke; everybody could go on. The log names the kind.",
        "status_global_limit": "More people had to reset in a minute than `status_conflicts_per_minute`.",
        "status_unavailable": "The store of the reset status gave no answer within 2 seconds; everybody could go on.",
        "timer_failed": "Something that is done from time to time failed; it is done again.",
        "token_elsewhere": "One bearer token came from two networks (/16, for IPv6 /32). It may have been stolen: look at the log, "
        "and replace the caller's credential if the second network is not the tenant's.",
        "too_late": "A sign-in was not decided before its deadline; the person was told to try again.",
    }
)
"""Kind -> what happened, and what to do where there is something to do."""
