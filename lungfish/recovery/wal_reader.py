r"""Reading the log back: every record from a position on, and what is found where they end.

The lives of a log (see `wal_segments.py`) lie one behind the other, each from the start of a segment to where the restart after it
found it to end:

    life 1 [rrrrrrrrrr]x      life 2 [rrrrrrrrrrrrrrrr]......
                       \-------------/                \ the tail
              life 2's header: "life 1 ended here"

Of an earlier life every record up to that end must be there. Only the last life has a tail that nobody has judged yet, and where a
record is bad there, one of these is true:

    clean    nothing was written behind the last record (zeros, or the remains of a reused segment)
    torn     the crash caught a write: what is there was never acknowledged
    garbage  the same, but not even a header is left of it: bytes that nobody can tell from something else's
    gap      the bad place *had been synced*: a record behind it says so, or the checkpoint does. Acknowledged work is damaged

Telling torn from gap takes proof, as the disk may keep a later write and lose an earlier one of the same sync. The proof is
MARK: each sync appends one that names the position up to which the log had been synced before. If a valid MARK behind the bad place
names a position beyond it, the bad place was durable once. PostgreSQL and SQLite take every bad record for the end of the log.

Invariants:
1. No record is answered that does not lie at its LSN, check out, and belong to a life of this log.
2. Records are answered in order and without a hole: a reader stops at the first bad one.
3. Reading writes nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from lungfish import errors
from lungfish.recovery.wal_batch import RecordBatch, batch_at
from lungfish.recovery.wal_records import (
    BODY_SIZE_MAX,
    HEADER,
    MARK,
    Record,
    RecordType,
    checksum,
    format_lsn,
    record_seed,
)
from lungfish.recovery.wal_segments import HEADER_SIZE, Segment, SegmentFolder, SegmentHeader
from lungfish.storage.ids import LSN

PIECE_SIZE_DEFAULT = 8 << 20


class TailState(enum.Enum):
    """What was found behind the last record; see the module's table."""

    CLEAN = "clean"
    TORN = "torn"
    GARBAGE = "garbage"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of the log, as a reader found it."""

    state: TailState
    end: LSN
    discarded_bytes: int = 0
    # What was found there instead of a record, for GAP: acknowledged work may be among it.
    damaged: bytes = b""


@dataclass(frozen=True, slots=True)
class Life:
    """The segments of one life, and its extent."""

    generation: int
    start: LSN
    # Where the life before ended.
    previous_end: LSN
    # None for the last life.
    end: LSN | None
    headers: dict[int, SegmentHeader]


class LogReader:
    """Reads the log once, from `start`; then `tail` says how it ended.

    Raises CorruptLog where acknowledged work is damaged or missing. `tolerates_damage` stops there instead, with a GAP as the tail.
    """

    def __init__(
        self,
        folder: SegmentFolder,
        *,
        uuid: UUID,
        start: LSN,
        durable_lsn: LSN,
        tolerates_damage: bool = False,
        piece_size: int = PIECE_SIZE_DEFAULT,
    ) -> None:
        self._folder = folder
        self._uuid = uuid
        self._start = start
        # The log had been synced up to here: the checkpoint says so.
        self._durable_lsn = durable_lsn
        self._tolerates_damage = tolerates_damage
        # How much is read at once, but for a longer record; a multiple of 8.
        self._piece_size = piece_size
        self.segments = folder.survey(uuid)
        self.lives = lives_of(self.segments)
        self.tail = Tail(TailState.CLEAN, start)

    @property
    def generation(self) -> int:
        """The newest life of which there is a segment; 0 if there is none."""
        return self.lives[-1].generation if self.lives else 0

    def records(self) -> Iterator[Record]:
        """Every record, oldest first."""
        for batch in self.batches():
            yield from batch.records()

    def batches(self) -> Iterator[RecordBatch]:
        """Every record, oldest first, many at once."""
        at = self._start
        for segment in self.segments:
            if segment.is_damaged:
                self._stop(at, f"the header of segment {segment.number} is damaged", b"")
                return
        for life in self._lives_from_start():
            yield from self._batches_of_life(life, max(at, life.start))
            if self.tail.state is not TailState.CLEAN:
                return
            at = self.tail.end
        if at < self._durable_lsn:
            self._stop(at, "it ends before what the checkpoint knows to be durable", b"")

    def _lives_from_start(self) -> list[Life]:
        """The lives to be read. Stops (see `_stop`) if the log between the start and the first of them is missing."""
        start = self._start
        covering = [index for index, life in enumerate(self.lives) if life.start <= start]
        if covering:
            first = self.lives[covering[-1]]
            if first.end is not None and start > first.end:
                self._stop(start, f"the life before ended at {format_lsn(first.end)}", b"")
                return []
            return self.lives[covering[-1] :]
        if self.lives and self.lives[0].previous_end != start:
            found = format_lsn(self.lives[0].previous_end)
            self._stop(start, f"the oldest segment goes on from {found}", b"")
            return []
        return self.lives

    def _batches_of_life(self, life: Life, start: LSN) -> Iterator[RecordBatch]:
        """The records of one life; leaves the tail CLEAN if they go on to the life's known end."""
        seed = record_seed(self._uuid, life.generation)
        at = start
        while data := self._payload(life, at, self._piece_size):
            limit = None if life.end is None else life.end - at
            batch = batch_at(at, data, seed, limit=limit)
            if not batch.count:
                # A record that goes on behind what was read, or a bad one.
                whole = self._whole_record(life, at, data)
                batch = batch_at(at, whole, seed, limit=limit)
                if not batch.count:
                    break
            yield batch
            at = batch.end
        self._end_life(life, at, seed)

    def _whole_record(self, life: Life, at: LSN, data: memoryview) -> memoryview:
        """What the record at `at` claims to take, as far as there is so much; empty if there is no record."""
        data = self._at_least(life, at, data, HEADER.size)
        if len(data) < HEADER.size:
            return data
        length, _, lsn = HEADER.unpack_from(data)
        if lsn != at or not 0 < length < BODY_SIZE_MAX or length & 7:
            return data[:0]
        return self._at_least(life, at, data, HEADER.size + length)[: HEADER.size + length]

    def _at_least(self, life: Life, at: LSN, data: memoryview, size: int) -> memoryview:
        """What was read at `at`, with more behind it until it is so long, or the life ends."""
        parts = [data]
        have = len(data)
        while have < size and (part := self._payload(life, LSN(at + have), size - have)):
            parts.append(part)
            have += len(part)
        return memoryview(b"".join(parts)) if len(parts) > 1 else data

    def _end_life(self, life: Life, end: LSN, seed: int) -> None:
        if life.end is None:
            self._judge_tail(life, end, seed)
        elif end == life.end:
            self.tail = Tail(TailState.CLEAN, end)
        else:
            self._stop(end, f"the log is known to go on to {format_lsn(life.end)}", b"")

    def _judge_tail(self, life: Life, end: LSN, seed: int) -> None:
        """Say what lies behind the last record of the last life."""
        for number in range(end // self._capacity, max(life.headers)):
            if number not in life.headers:
                # A segment is durable before the next one is made.
                self._stop(end, f"segment {number} is missing", b"")
                return
        rest = self._rest_of_life(life, end)
        beyond = records_beyond(rest, end, seed)
        synced = self._durable_lsn
        for record in beyond:
            if record.body[0] == RecordType.MARK:
                synced = max(synced, LSN(MARK.unpack_from(record.body)[1]))
        if synced > end:
            reason = f"the log had been synced up to {format_lsn(synced)}"
            self._stop(end, reason, bytes(rest))
            return
        claimed = 0
        if len(rest) >= HEADER.size:
            length, _, lsn = HEADER.unpack_from(rest)
            if lsn == end:
                claimed = min(HEADER.size + length, len(rest))
        if claimed or beyond:
            furthest = max((record.end - end for record in beyond), default=0)
            self.tail = Tail(TailState.TORN, end, max(claimed, furthest))
            return
        used = np.flatnonzero(np.frombuffer(rest, np.uint8))
        header = life.headers.get(end // self._capacity)
        if len(used) and header is not None and not header.is_reused:
            size = int(used[-1]) + 1
            self.tail = Tail(TailState.GARBAGE, end, size)
        else:
            self.tail = Tail(TailState.CLEAN, end)

    def _stop(self, lsn: LSN, reason: str, damaged: bytes) -> None:
        """Meet damage: raise, or take it for the end if that was asked for."""
        if not self._tolerates_damage:
            raise errors.CorruptLog(
                f'the write-ahead log "{self._folder.path}" is damaged at {format_lsn(lsn)}: {reason}',
                hint="Nothing was changed. Put the missing files back, or restore from a backup.",
            )
        self.tail = Tail(TailState.GAP, lsn, len(damaged), damaged)

    @property
    def _capacity(self) -> int:
        header = next(iter(self.lives[-1].headers.values()))
        return header.capacity

    def _payload(self, life: Life, start: LSN, size_max: int) -> memoryview:
        """What lies from `start` on in its segment, at most so much; empty if the life has no such segment."""
        number, offset = divmod(start, self._capacity)
        if number not in life.headers:
            return memoryview(b"")
        file = self._folder.open(number)
        try:
            size = min(size_max, self._capacity - offset)
            return memoryview(file.read_at(HEADER_SIZE + offset, size))
        finally:
            file.close()

    def _rest_of_life(self, life: Life, start: LSN) -> memoryview:
        parts = []
        while part := self._payload(life, start, self._capacity):
            parts.append(part)
            start = LSN(start + len(part))
        return memoryview(b"".join(parts))


def lives_of(segments: list[Segment]) -> list[Life]:
    """The lives that the segments tell of, oldest first. A segment without a header counts for nothing: its making was cut off.

    Raises CorruptLog if generations fall (invariant 3 of `wal_segments.py`) or sizes differ.
    """
    lives: list[Life] = []
    headers = [each.header for each in segments if each.header is not None]
    for header in headers:
        if header.size != headers[0].size or (lives and header.generation < lives[-1].generation):
            raise errors.CorruptLog(f"segment {header.number} does not fit those before it")
        if lives and lives[-1].generation == header.generation:
            lives[-1].headers[header.number] = header
            continue
        if lives:
            lives[-1] = replace(lives[-1], end=header.previous_end)
        lives.append(
            Life(
                header.generation,
                header.life_start,
                header.previous_end,
                None,
                {header.number: header},
            )
        )
    return lives


def records_beyond(rest: memoryview, start: LSN, seed: int) -> list[Record]:
    """The valid records in what follows a bad place, found by their LSNs (invariant 3 of `wal_records.py`)."""
    words = np.frombuffer(rest[: len(rest) // 8 * 8], "<u8")
    # A header's second word is its LSN: at word i it would be the position of word i - 1.
    expected = np.arange(start - 8, start - 8 + 8 * len(words), 8, dtype=np.int64).astype(np.uint64)
    found = []
    for index in np.flatnonzero(words == expected).tolist():
        at = 8 * index - 8
        if at < 0:
            continue
        length, stored, _ = HEADER.unpack_from(rest, at)
        body = rest[at + HEADER.size : at + HEADER.size + length]
        if len(body) == length and length and checksum(body, seed) == stored:
            found.append(Record(LSN(start + at), LSN(start + at + HEADER.size + length), body))
    return found
