"""A legacy system that knows passwords, and says beside a right one what it demands: a script, and the settings that read it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.scripted_server import Piece, Seen, answer

RIGHT, MUST_CHANGE, SECOND_FACTOR, CLOSED = "password_match", "must_change", "second_factor", "closed"
ANSWERS = f"""answers = [
  {{ status = 200, path = "status", equals = "{RIGHT}", verdict = "match" }},
  {{ status = 200, path = "status", equals = "{MUST_CHANGE}", verdict = "match_must_change" }},
  {{ status = 200, path = "status", equals = "{SECOND_FACTOR}", verdict = "match_second_factor" }},
  {{ status = 200, path = "status", equals = "{CLOSED}", verdict = "barred_proven" }},
  {{ status = 403, verdict = "mismatch" }},
]
"""
"""A line of its `[[verifier]]` table."""


@dataclass
class LegacyShop:
    """`passwords`: name -> the right one. `demands`: name -> what a right one is answered. `down`: nothing works.

    `late_s`: how long it thinks.
    """

    passwords: dict[str, str]
    demands: dict[str, str] = field(default_factory=dict)
    down: bool = False
    late_s: float = 0.0

    def script(self, seen: Seen) -> Sequence[Piece]:
        """What is answered."""
        if self.down:
            return answer(503)
        name, password = seen.json["identifier"], seen.json["password"]
        if self.passwords.get(name) != password:
            return [self.late_s, *answer(403)]
        return [self.late_s, *answer(200, {"status": self.demands.get(name, RIGHT)})]
