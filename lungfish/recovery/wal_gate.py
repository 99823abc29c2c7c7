"""`wal_max_size`: writers wait for a checkpoint rather than let the log outgrow its limit.

The scheduler begins a checkpoint when a third of the limit was logged; this is for writers that are faster than it. They pass here before their
first change and each time that the log's memory was written out, so the log exceeds the mark by no more than that memory.

    |<-------------------------- wal_max_size -------------------------->|
    | segments kept ...    | a third: a checkpoint begins | mark: wait  | room for what is under way

If a checkpoint does not help (a backup, a pin or `wal_keep_size` keeps the log), `wal_full_policy` decides: `checkpoint` lets writers
go on, with a look at each further segment; `refuse_writes` refuses new changes (53400) and names who keeps the log.
"""

from __future__ import annotations

import contextlib
import threading

from lungfish import errors
from lungfish.recovery.checkpoint import CheckpointCoordinator
from lungfish.recovery.checkpoint_request import CheckpointRequest, CheckpointTrigger
from lungfish.recovery.retention import REMEDIES, WalRetentionManager
from lungfish.recovery.settings import StorageSettings
from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_records import format_lsn
from lungfish.storage.ids import LSN

REQUESTED_BY = "wal_max_size"
# A limit must leave room to work in.
SEGMENTS_MIN = 4
# Room left for what is appended before a writer passes here again: the log's memory, but no more than this part of the limit.
_HEADROOM_BYTES = 8 << 20
_HEADROOM_SHARE = 0.25
# The first lets go of the image before the newest, the second of the log that the first still needs.
_CHECKPOINTS = 2
_NEVER = LSN(2**63 - 1)


class WalGate:
    """Where writers of one log wait."""

    def __init__(
        self,
        checkpoints: CheckpointCoordinator,
        *,
        log: WriteAheadLog,
        retention: WalRetentionManager,
        settings: StorageSettings,
    ) -> None:
        self._checkpoints = checkpoints
        self._log = log
        self._retention = retention
        self._settings = settings
        self._turn = threading.Lock()
        # Up to here the log may grow before anybody looks.
        self._mark = _NEVER
        settings.checks["wal_max_size"] = self._check_limit
        settings.on_change.append(self._set_mark)
        self._set_mark()

    def admit(self) -> None:
        """Let a transaction begin to write. Outside fence and latches. Raises ConfigurationLimitExceeded (53400)."""
        if self._log.end_lsn() >= self._mark:
            self._make_room()
            if self._is_over() and self._settings.word("wal_full_policy") == "refuse_writes":
                raise self._refusal()

    def slow_down(self) -> None:
        """Let a transaction go on writing. Outside fence and latches."""
        if self._log.end_lsn() >= self._mark:
            self._make_room()

    def _make_room(self) -> None:
        """Take a checkpoint, or wait for the one that another thread takes."""
        with self._turn:
            self._set_mark()
            if self._log.end_lsn() < self._mark:
                return
            for _ in range(_CHECKPOINTS):
                # What it fails of stands in the history; the policy says what then.
                with contextlib.suppress(errors.Error):
                    self._checkpoints.run(
                        CheckpointRequest(
                            trigger=CheckpointTrigger.WAL_BYTES,
                            requested_by=REQUESTED_BY,
                            fence_timeout_ms=self._settings.number("fence_timeout_ms"),
                        )
                    )
                self._set_mark()
                if not self._is_over():
                    return
            if self._settings.word("wal_full_policy") == "checkpoint":
                self._mark = LSN(self._log.end_lsn() + self._log.start.segment_size)

    def _is_over(self) -> bool:
        return self._log.end_lsn() >= self._limit_lsn()

    def _set_mark(self) -> None:
        self._mark = self._limit_lsn()

    def _limit_lsn(self) -> LSN:
        """Where the log reaches its limit, the headroom left out."""
        limit = self._settings.number("wal_max_size")
        if not limit:
            return _NEVER
        start = self._log.start
        lowest = min((each.pinned_lsn for each in self._retention.holders()), default=LSN(0))
        first = max(lowest, start.life_start) // start.capacity
        headroom = min(_HEADROOM_BYTES, limit * _HEADROOM_SHARE) + start.segment_size
        segments = max(1, int((limit - headroom) // start.segment_size))
        return LSN((first + segments) * start.capacity)

    def _check_limit(self, value: float | str) -> None:
        least = SEGMENTS_MIN * self._log.start.segment_size
        if isinstance(value, float) and 0 < value < least:
            raise errors.InvalidParameterValue(
                f'"wal_max_size" must be at least {SEGMENTS_MIN} times the size of a segment',
                detail=f"A segment has {self._log.start.segment_size} bytes.",
            )

    def _refusal(self) -> errors.Error:
        binding = self._retention.binding()
        detail = hint = None
        if binding is not None:
            remedy, sql = REMEDIES[binding.kind]
            detail = (
                f'{binding.kind.value} "{binding.id}" of {binding.owner} keeps the log '
                f"from {format_lsn(binding.pinned_lsn)} on."
            )
            hint = f"To go on, {remedy}" + (f": {sql}." if sql else ".")
        return errors.ConfigurationLimitExceeded(
            "the write-ahead log has reached wal_max_size", detail=detail, hint=hint
        )
