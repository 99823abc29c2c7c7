"""What is known of past checkpoints and restarts, carried from one life of the database to the next."""

from __future__ import annotations

import threading
from collections import deque

from lungfish.recovery.checkpoint_facts import CheckpointFacts
from lungfish.recovery.checkpoint_party import PartyRow
from lungfish.recovery.history import (
    CHECKPOINT_HISTORY_ROWS_MAX,
    RECOVERY_HISTORY_ROWS,
    CheckpointRecord,
    History,
    RecoveryRecord,
)

# How many of the last checkpoints a prediction goes by.
_SAMPLE_COUNT = 8
# Until a checkpoint has shown better: what each costs at least, and bytes and milliseconds of writing, 100 MiB a second.
_FIXED_DEFAULT_MS = 10.0
_WRITING_DEFAULT = (100 << 20, 1000.0)

# Of how many checkpoints the participants are shown.
_PARTIES_OF = 32


class CheckpointMemory:
    """The newest image's facts, and the two histories."""

    def __init__(self, facts: CheckpointFacts) -> None:
        self.facts = facts
        self.checkpoints: History[CheckpointRecord] = History(
            "checkpoint_id", CHECKPOINT_HISTORY_ROWS_MAX
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

    def predict_ms(self, byte_count: int) -> float:
        """How long a checkpoint that writes so much would take, by the last ones: what each costs at least, and their writing's speed."""
        taken = [
            (row.bytes_written, row.total_ms, row.write_ms, row.throttled_ms or 0.0)
            for row in self.checkpoints.rows()
            if row.outcome == "complete"
        ][-_SAMPLE_COUNT:]
        fixed_ms, (written, spent_ms) = _FIXED_DEFAULT_MS, _WRITING_DEFAULT
        known = [
            (size, total_ms, write_ms, throttled_ms)
            for size, total_ms, write_ms, throttled_ms in taken
            if size and total_ms is not None and write_ms is not None
        ]
        if known:
            fixed_ms = sum(total - write for _, total, write, _ in known) / len(known)
            written = sum(size for size, *_ in known)
            spent_ms = sum(write - throttled for *_, write, throttled in known)
        return fixed_ms + byte_count * spent_ms / written
