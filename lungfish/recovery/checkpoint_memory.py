"""What is known of past checkpoints and restarts, carried from one life of the database to the next."""

from __future__ import annotations

import threading
from collections import deque

from lungfish.recovery.checkpoint_facts import CheckpointFacts
from lungfish.recovery.checkpoint_party import PartyRow
from lungfish.recovery.history import (
    CHECKPOINT_HISTORY_ROWS,
    RECOVERY_HISTORY_ROWS,
    CheckpointRecord,
    History,
    RecoveryRecord,
)

# How many of the last checkpoints a prediction goes by.
_SAMPLE_COUNT = 8
# Of how many checkpoints the participants are shown.
_PARTIES_OF = 32


class CheckpointMemory:
    """The newest image's facts, and the two histories."""

    def __init__(self, facts: CheckpointFacts) -> None:
        self.facts = facts
        self.checkpoints: History[CheckpointRecord] = History(
            "checkpoint_id", CHECKPOINT_HISTORY_ROWS
        )
        self.recoveries: History[RecoveryRecord] = History("recovery_id", RECOVERY_HISTORY_ROWS)
        self.checkpoints.extend(facts.checkpoints)
        self.recoveries.extend(facts.recoveries)
        # How the participants of the last checkpoints fared, oldest first; not kept beyond the process.
        self.parties: deque[list[PartyRow]] = deque(maxlen=_PARTIES_OF)
        self._latch = threading.Lock()
        self._last_id = 0

    def take_checkpoint_id(self) -> int:
        """The next checkpoint's number. A dry run and a failed one use theirs up."""
        with self._latch:
            known = max(self.facts.checkpoint_id, self.checkpoints.last_id)
            self._last_id = max(self._last_id, known) + 1
            return self._last_id

    def remember_parties(self, rows: list[PartyRow]) -> None:
        """Keep how the participants of a checkpoint fared."""
        self.parties.append(rows)

    def predict_ms(self, byte_count: int) -> float | None:
        """How long writing so much would take by the last checkpoints' speed; None if there is nothing to go by."""
        taken = [
            (row.bytes_written, row.total_ms)
            for row in self.checkpoints.rows()
            if row.outcome == "complete" and row.bytes_written and row.total_ms is not None
        ][-_SAMPLE_COUNT:]
        if not taken:
            return None
        written = sum(bytes_written or 0 for bytes_written, _ in taken)
        spent = sum(total_ms or 0.0 for _, total_ms in taken)
        return spent * byte_count / written
