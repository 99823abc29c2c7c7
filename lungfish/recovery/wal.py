"""The write-ahead log: the write side. Implements `storage.log.Log`.

Appending copies a record into memory under a short latch and answers the position after it. `flush_to` makes durable, for all who
wait at once (`wal_group.py`). The records are in `wal_records.py`, the files in `wal_segments.py`, the way back in `wal_reader.py`.

    positions   ... <= durable <= written <= taken <= end
                synced^    handed to the disk^   ^in flight    ^appended

Invariants:
1. Records lie one behind the other, in the order of their appending; a record's position is its LSN.
2. `flush_to(lsn)` returns only after a sync of every file that holds a part of the log before `lsn`.
3. Each sync's batch ends with a MARK that names what had been synced before it: the proof by which damage is told from a torn tail.
4. After a failed write or sync the log is poisoned for ever: nobody knows what of the batch is on the disk, and the system may
   report the next sync of the same pages as done (Rebello et al., "Can Applications Recover from fsync Failures?", 2020).
5. A batch that an exception from outside (Ctrl-C) cuts off is kept and written again, the same bytes to the same place.
6. A full disk poisons nothing: what of the batch was written is cut off again, durably, and the batch is kept in memory for the next
   try. A commit in it that was refused is taken back (`take_back`) before its transaction is rolled back, so it never comes to the disk.
7. A life writes no file before its first record is flushed: a database that is only read gets no log.
"""

from __future__ import annotations

import contextlib
import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from xxhash import xxh3_64_intdigest

from lungfish import errors
from lungfish.recovery.native import quick_flush
from lungfish.recovery.telemetry import StorageTelemetryRegistry
from lungfish.recovery.wal_group import GroupSync
from lungfish.recovery.wal_records import (
    ABSENT,
    BODY_SIZE_MAX,
    CHECKSUM_MASK,
    COMMIT,
    COMMIT_SIZE,
    END_OF_TRANSACTION,
    HEADER,
    MARK,
    PADDING,
    ROW,
    SEQUENCE,
    NoteKind,
    RecordType,
    checksum,
    encode_note,
    encode_rows,
    record_seed,
)
from lungfish.recovery.wal_segments import LogStart, SegmentFolder
from lungfish.recovery.wal_writer import SegmentWriter
from lungfish.storage.clock import Clock
from lungfish.storage.failpoints import Failpoints
from lungfish.storage.fence import Fence
from lungfish.storage.ids import LSN, RelationId, TransactionId, TupleId

# A batch of rows is logged in records of about this size, so that a reader needs no more memory than that.
BATCH_SIZE_MAX = 4 << 20
# Memory that records may take before they are handed to the disk without waiting for a commit.
BUFFER_SIZE_MAX = 4 << 20
# Memory that records may take while the disk is full; beyond it they are refused.
BACKLOG_SIZE_MAX = 32 << 20


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What became of the segments that nobody needs any more."""

    removed_count: int
    recycled_count: int
    freed_bytes: int


class WriteAheadLog:
    """One life of the log, open for appending. storage/native_tables.pyx also does what `append_row` does, with the same attributes."""

    # Those that it looks at each time, and all others.
    __slots__ = ("__dict__", "__weakref__", "_chunks", "_durable", "_end", "_failure", "_full", "_in_flight", "_taken", "_written")  # fmt: skip

    def __init__(
        self,
        folder: SegmentFolder,
        start: LogStart,
        *,
        clock: Clock,
        previous_generation: int = 0,
        fence: Fence | None = None,
        telemetry: StorageTelemetryRegistry | None = None,
        buffer_size_max: int = BUFFER_SIZE_MAX,
        on_first_segment: Callable[[], None] | None = None,
        failpoints: Failpoints | None = None,
    ) -> None:
        """`on_first_segment`: called once the life's first segment is durable, before a record is in it."""
        registry = telemetry if telemetry is not None else StorageTelemetryRegistry()
        self.start = start
        self._folder = folder
        # Of the life before, if there are segments of it still.
        self._previous_generation = previous_generation
        self._failpoints = points = failpoints if failpoints is not None else Failpoints()
        self.writer = SegmentWriter(
            folder, start, clock=clock, failpoints=points, on_first_segment=on_first_segment
        )
        self._clock = clock
        self._fence = fence
        self._seed = record_seed(start.uuid, start.generation)
        self._buffer_size_max = buffer_size_max
        self._latch = threading.Lock()
        # Guarded by the latch: what is appended and not yet taken by a leader, and where it ends.
        self._chunks: list[bytes] = []
        self._end = self._taken = self.writer.life_start
        # Changed by the leader only; `_durable` may be read by anyone.
        self._in_flight = b""
        self._written = self._durable = self.writer.life_start
        self._failure: errors.Error | None = None
        # The disk was full at the last try.
        self._full: errors.DiskFull | None = None
        # Told of what poisons the log, and of a disk that has become full; from the thread that met it, with no latch held.
        self.on_trouble: Callable[[errors.Error], None] | None = None
        # Commits that are being, or have been, taken back, and those of which the transaction manager knows it.
        self._take_backs_begun = self._take_backs_settled = 0
        self._is_closed = False
        # Called by whoever has relieved, with no latch held: where a log that grows too fast holds its writers back.
        self.after_relief: Callable[[], None] | None = None
        self._group = GroupSync(self._write_and_sync)
        self._group.quick = quick_flush(self, self._group)
        self.records = registry.counter("wal_records", unit="records", help="records appended")
        self.bytes = registry.counter("wal_bytes", unit="bytes", help="bytes handed to the disk")
        early = "times that records had to be written before a commit asked for it"
        self.buffers_full = registry.counter("wal_buffers_full", unit="", help=early)
        self._syncs = registry.histogram("wal_sync", unit="ms", help="write and sync of a batch")

    # Appending

    def append_row(
        self,
        transaction_id: TransactionId,
        relation_id: RelationId,
        address: TupleId,
        before: bytes | None,
        after: bytes | None,
    ) -> LSN:
        """Log one change of one row; answers the record's end. Raises IoError once the log is poisoned."""
        # The hot path of every write (bench/: insert and update in a transaction), so `encode_row` and `_append` are in line.
        if before is None:
            size_before, before = ABSENT, b""
        else:
            size_before = len(before)
        if after is None:
            size_after, after = ABSENT, b""
        else:
            size_after = len(after)
        body = b"".join(
            (
                ROW.pack(1, relation_id, transaction_id, address, size_before, size_after),
                before,
                after,
                PADDING[-(len(before) + len(after)) & 7],
            )
        )
        size = len(body)
        if size >= BODY_SIZE_MAX:
            raise _too_long(size)
        stored = xxh3_64_intdigest(body, self._seed) & CHECKSUM_MASK
        with self._latch:
            if self._failure is not None:
                self._refuse()
            lsn = self._end
            if self._full is not None and lsn - self._written > BACKLOG_SIZE_MAX:
                raise self._full
            end = LSN(lsn + 16 + size)
            header = HEADER.pack(size, stored, lsn)
            # No call from here on: nothing from outside comes between the two (invariant 1).
            self._chunks += (header, body)
            self._end = end
        if end - self._taken > self._buffer_size_max:
            self._ask_for_relief()
        return end

    def append_rows(
        self,
        transaction_id: TransactionId,
        relation_id: RelationId,
        addresses: Sequence[TupleId],
        after: Sequence[bytes],
    ) -> LSN:
        """Log a batch of inserts, in as few records as their size allows; answers the last one's end."""
        totals = list(accumulate(map(len, after)))
        first, size, end = 0, 0, self._end
        while first < len(totals):
            last = max(bisect_right(totals, size + BATCH_SIZE_MAX), first + 1)
            part = slice(first, last)
            end = self._append(
                encode_rows(transaction_id, relation_id, addresses[part], after[part])
            )
            first, size = last, totals[last - 1]
        return end

    def append_commit(self, transaction_id: TransactionId, first_lsn: LSN) -> LSN:
        """Log that the transaction has committed, when, and from where on its records lie. Raises ObjectInUse (see `GroupSync`)."""
        self._group.refuse_finalizer()
        if self._failpoints.is_on:
            self._failpoints.reach("wal.append.commit")
        now = self._clock.utc_us()
        return self._append(COMMIT.pack(RecordType.COMMIT, transaction_id, now, first_lsn))

    def take_back(self, end: LSN) -> bool:
        """Turn the COMMIT that ends at `end` into an ABORT; False if it was handed to the disk meanwhile, and so is to be flushed.

        For a commit that `flush_to` refused because the disk is full. Whoever got True makes the transaction a running one again
        inside the fence and calls `settle_take_back` there: a checkpoint that saw it as committed must not be published.
        """
        self._take_backs_begun += 1
        changed: list[bool] = []
        self._group.run_alone(lambda: changed.append(self._abort_in_memory(end)))
        if not changed[0]:
            self._take_backs_settled += 1
        return changed[0]

    def settle_take_back(self) -> None:
        """See `take_back`."""
        self._take_backs_settled += 1

    def take_backs(self) -> int | None:
        """How many commits were taken back so far; None while one of them is not settled."""
        begun = self._take_backs_begun
        return begun if begun == self._take_backs_settled else None

    def append_abort(self, transaction_id: TransactionId) -> LSN:
        """Log that the transaction was rolled back. Only a courtesy to readers: without a commit record it counts as such."""
        if self._full is not None:
            # Whoever is refused rolls back, and so finds out whether there is room again.
            self._ask_for_relief()
            return self._end
        now = self._clock.utc_us()
        return self._append(END_OF_TRANSACTION.pack(RecordType.ABORT, transaction_id, now))

    def append_sequence(self, sequence_oid: int, last_value: int, is_called: bool) -> LSN:
        """Log a sequence's state. It holds whether or not any transaction commits."""
        return self._append(SEQUENCE.pack(RecordType.SEQUENCE, is_called, sequence_oid, last_value))

    def append_note(self, kind: NoteKind, payload: bytes) -> LSN:
        """Log what a checkpoint or a restart did, for those who read later."""
        return self._append(encode_note(kind, payload))

    @property
    def record_count(self) -> int:
        """How many records this life has handed to the disk, marks too."""
        return int(self.records.value)

    def end_lsn(self) -> LSN:
        """The position after the last appended record."""
        return self._end

    # Durability

    @property
    def durable_lsn(self) -> LSN:
        """The position up to which the log is known to be on disk."""
        return self._durable

    @property
    def is_full(self) -> bool:
        """Whether the disk was full at the last try to write: commits are refused until one succeeds."""
        return self._full is not None

    @property
    def failure(self) -> errors.Error | None:
        """What poisoned the log, or None."""
        return self._failure

    def flush_to(self, lsn: LSN) -> None:
        """Return once everything before `lsn` is on disk.

        Raises IoError (58030) if that failed, now or ever before; DiskFull (53100) if there is no room: call again once there is.
        """
        if self._failure is not None:
            self._refuse()
        if lsn > self._durable:
            assert lsn <= self._end, "nothing was appended there"
            self._group.sync_to(lsn)

    def relieve(self) -> None:
        """Hand what is appended to the disk, without a sync, if it has room. Requires: no latch is held."""
        if self._group.is_led_here():
            return
        # Whoever relieves need not be the one who filled the disk: the next commit is told.
        with contextlib.suppress(errors.DiskFull):
            self._group.run_alone(self._write_if_sound)
        if self.after_relief is not None:
            self.after_relief()

    def seal(self) -> LSN:
        """Fill the current segment up, so that the log goes on in the next one; answers the log's end. An empty one stays."""
        capacity = self.start.capacity
        with self._latch:
            if self._failure is not None:
                self._refuse()
            missing = -self._end % capacity
            if missing and self._end > self.writer.life_start:
                # A MARK with zeros behind it; where there is no room for one, it reaches into the next segment.
                size = max(MARK.size, missing - HEADER.size)
                body = MARK.pack(RecordType.MARK, self._durable).ljust(size, b"\0")
                self._append_under_latch(body, checksum(body, self._seed))
            return self._end

    def prune(self, floor: LSN) -> PruneReport:
        """Remove the segments that end before `floor`, but for the newest one, which says which life is the last.

        Requires: `floor` is the retention manager's. One thread at a time.
        """
        needless = self._needless(floor)
        removed, recycled = self._folder.remove(needless, keeps_free=True)
        return PruneReport(removed, recycled, len(needless) * self.start.segment_size)

    def would_prune(self, floor: LSN) -> PruneReport:
        """What `prune` would do with that floor, all counted as removed. Changes nothing."""
        needless = self._needless(floor)
        return PruneReport(len(needless), 0, len(needless) * self.start.segment_size)

    def _needless(self, floor: LSN) -> list[int]:
        capacity = self.start.capacity
        return [each for each in self._folder.numbers()[:-1] if (each + 1) * capacity <= floor]

    @property
    def newest_generation(self) -> int:
        """The newest life of which there are segments; 0 if there is no log on disk."""
        is_made = self.writer.segment_number is not None
        return self.start.generation if is_made else self._previous_generation

    @property
    def segments_made(self) -> int:
        """How many segments this life has made so far."""
        return self.writer.segments_made

    def close(self) -> None:
        """Flush and let go of the files; a poisoned log is only let go of. Twice is harmless."""
        if self._is_closed:
            return
        if self._failure is None:
            self.flush_to(self._end)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files as a killed process would: what is appended and not yet written is lost."""
        self._is_closed = True
        with self._latch:
            if self._failure is None:
                self._failure = errors.IoError("the write-ahead log is closed")
            self._chunks = []
        self.writer.close()

    # Below: the leader's work, one thread at a time (`GroupSync`).

    def _append(self, body: bytes) -> LSN:
        size = len(body)
        if size >= BODY_SIZE_MAX:
            raise _too_long(size)
        stored = checksum(body, self._seed)
        with self._latch:
            if self._failure is not None:
                self._refuse()
            if self._full is not None and self._end - self._written > BACKLOG_SIZE_MAX:
                raise self._full
            end = self._append_under_latch(body, stored)
        if end - self._taken > self._buffer_size_max:
            self._ask_for_relief()
        return end

    def _append_under_latch(self, body: bytes, stored: int) -> LSN:
        end = LSN(self._end + HEADER.size + len(body))
        header = HEADER.pack(len(body), stored, self._end)
        self._chunks += (header, body)  # As in `append_row`: no call between the two.
        self._end = end
        return end

    def _ask_for_relief(self) -> None:
        """Let the next writer that leaves the fence, and so holds no latch, write for all."""
        if self._fence is not None and self._fence.relief is None:
            self._fence.relief = self.relieve
            self.buffers_full.add()

    def _write_and_sync(self) -> LSN:
        if self._failure is not None:
            self._refuse()
        began = self._clock.monotonic_s()
        body = MARK.pack(RecordType.MARK, self._durable)
        with self._latch:
            if self._end > self._durable:
                self._append_under_latch(body, checksum(body, self._seed))
        self._write()
        try:
            self.writer.sync()
        except errors.Error as error:
            self.poison(error)
        self._failpoints.reach("wal.flush.after_sync")
        self._durable = self._written
        self._syncs.observe((self._clock.monotonic_s() - began) * 1000)
        return self._durable

    def _write_if_sound(self) -> None:
        if self._failure is None:
            self._write()

    def _write(self) -> None:
        """Hand everything appended to the disk. What was in flight when an exception came is written first (invariant 5)."""
        if self._in_flight:
            self._write_in_flight()
        with self._latch:
            chunks = self._chunks
            # One statement, so that no exception from outside finds a part of it done.
            self._in_flight, self._chunks, self._taken = b"".join(chunks), [], self._end
        self.records.add(len(chunks) // 2)
        if self._in_flight:
            self._write_in_flight()

    def _write_in_flight(self) -> None:
        data = self._in_flight
        try:
            self.writer.write(self._written, data)
        except errors.Error as error:
            self.give_up_write(error)
        self._full = None
        self._written, self._in_flight = LSN(self._written + len(data)), b""
        self.bytes.add(len(data))

    def give_up_write(self, error: errors.Error) -> None:
        """Raise; if the disk is full, once what of the batch was written is taken away (invariant 6)."""
        if not isinstance(error, errors.DiskFull):
            self.poison(error)
        try:
            self.writer.cut_back(self._written)
        except errors.Error as failure:
            self.poison(failure)
        was_full = self._full is not None
        self._full = errors.DiskFull(
            "could not write to the write-ahead log: no space left on device",
            detail=error.message,
            hint="Free some space: the next commit goes on by itself. Nothing committed is lost.",
        )
        if self.on_trouble is not None and not was_full:
            self.on_trouble(self._full)
        raise self._full from error

    def _abort_in_memory(self, end: LSN) -> bool:
        """Make an ABORT of the COMMIT that ends there, if it is still in memory only."""
        if end <= self._written or self._failure is not None:
            return False
        start = end - COMMIT_SIZE
        if end <= self._taken:
            at = start - self._written
            record = self._aborted(self._in_flight[at : at + COMMIT_SIZE])
            data = self._in_flight
            self._in_flight = b"".join((data[:at], record, data[at + COMMIT_SIZE :]))
            return True
        with self._latch:
            at = self._taken
            for index in range(0, len(self._chunks), 2):
                if at == start:
                    record = self._aborted(self._chunks[index] + self._chunks[index + 1])
                    self._chunks[index : index + 2] = record[: HEADER.size], record[HEADER.size :]
                    return True
                at += len(self._chunks[index]) + len(self._chunks[index + 1])
        raise errors.InternalError("no record ends where a commit was appended")

    def _aborted(self, record: bytes) -> bytes:
        """The record of a COMMIT as that of an ABORT, of the same size."""
        size, _, lsn = HEADER.unpack_from(record)
        body = bytes([RecordType.ABORT]) + record[HEADER.size + 1 :]
        assert record[HEADER.size] == RecordType.COMMIT, "only a commit is taken back"
        return HEADER.pack(size, checksum(body, self._seed), lsn) + body

    def poison(self, error: errors.Error) -> None:
        """Refuse everything from now on (invariant 4)."""
        with self._latch:
            is_first = self._failure is None
            if is_first:
                self._failure = error
        if is_first and self.on_trouble is not None:
            self.on_trouble(error)
        self._refuse()

    def _refuse(self) -> None:
        assert self._failure is not None
        raise errors.IoError(
            "the write-ahead log accepts no more records since it could not be written",
            detail=self._failure.message,
            hint="Close the database and open it again.",
        ) from self._failure


def _too_long(size: int) -> errors.Error:
    return errors.ProgramLimitExceeded(
        f"a change of {size} bytes is too long for the write-ahead log",
        detail=f"A record may have {BODY_SIZE_MAX - 1} bytes.",
    )
