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
from lungfish.recovery.wal_damage import (
    Damage,
    WalRecoveryMode,
    damaged_log,
    describe_loss,
    torn_tail,
    torn_transactions,
)
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
    # What was found in the log and is not used; with GAP, acknowledged work may be among it.
    damage: tuple[Damage, ...] = ()


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

    Raises CorruptLog where acknowledged work is damaged or missing, unless the mode accepts that (see `wal_damage.py`).
    """

    def __init__(
        self,
        folder: SegmentFolder,
        *,
        uuid: UUID,
        start: LSN,
        durable_lsn: LSN,
        least_generation: int = 0,
        mode: WalRecoveryMode = WalRecoveryMode.TAIL,
        piece_size: int = PIECE_SIZE_DEFAULT,
    ) -> None:
        # There was a life of the number `least_generation`: a log without it is not the one to read.
        self._least_generation = least_generation
        self._mode = mode
        self._folder = folder
        self._uuid = uuid
        self._start = start
        # The log had been synced up to here: the checkpoint says so.
        self._durable_lsn = durable_lsn
        # How much is read at once, but for a longer record; a multiple of 8.
        self._piece_size = piece_size
        self.segments = folder.survey(uuid)
        self.lives = lives_of(self.segments)
        self.tail = Tail(TailState.CLEAN, start)
        # What was passed over, up to where (salvage), and the transactions whose commits lie behind it and do not count.
        self._passed: list[Damage] = []
        self._passed_to = LSN(0)
        self.lost_transactions: set[int] = set()

    @property
    def generation(self) -> int:
        """The newest life of which there is a segment; 0 if there is none."""
        return self.lives[-1].generation if self.lives else 0

    @property
    def extent(self) -> LSN:
        """Behind the last byte that the segments could hold: the log ends there or before."""
        ends = [each.header.end for each in self.segments if each.header is not None]
        return max(ends, default=self._start)

    def records(self) -> Iterator[Record]:
        """Every record, oldest first."""
        for batch in self.batches():
            yield from batch.records()

    def batches(self) -> Iterator[RecordBatch]:
        """Every record, oldest first, many at once. Those of `lost_transactions` are among them."""
        at = self._start
        if not self._is_there():
            return
        for life in self._lives_from_start():
            yield from self._batches_and_beyond(life, LSN(max(at, life.start)))
            if self.tail.state is not TailState.CLEAN:
                break
            at = self.tail.end
        else:
            if at < self._durable_lsn:
                self._stop(at, "it ends before what the checkpoint knows to be durable", None)
                self._pass(self.tail, self._durable_lsn)
        if self._passed:
            damage = (*self._passed, *self.tail.damage)
            size = sum(len(each.data) for each in damage)
            self.tail = Tail(TailState.GAP, self.tail.end, size, damage)

    def _is_there(self) -> bool:
        """Whether the log is the one to read, with whole headers. Stops (see `_stop`) if not."""
        if self.generation < self._least_generation:
            self._stop(self._start, "it is missing, or an older one", None)
            return False
        for segment in self.segments:
            if not segment.is_damaged or segment.number < self._start // self._capacity:
                continue
            reason = f"the header of segment {segment.number} is damaged"
            if not self._mode.accepts_damage:
                self._stop(self._start, reason, None)
            # For those who read on it is a segment that is missing.
            place = LSN(segment.number * self._capacity)
            self._passed.append(Damage(place, reason, self._folder.content(segment.number)))
        return True

    def _lives_from_start(self) -> list[Life]:
        """The lives to be read. Stops (see `_stop`) if the log between the start and the first of them is missing."""
        start = self._start
        covering = [index for index, life in enumerate(self.lives) if life.start <= start]
        following = self.lives
        if covering:
            first = self.lives[covering[-1]]
            if first.end is None or start <= first.end:
                return self.lives[covering[-1] :]
            reason = f"the life before ended at {format_lsn(first.end)}"
            following = self.lives[covering[-1] + 1 :]
        elif self.lives and self.lives[0].previous_end != start:
            reason = f"the oldest segment goes on from {format_lsn(self.lives[0].previous_end)}"
        else:
            return self.lives
        self._stop(start, reason, None)
        return (
            following if self._pass(self.tail, following[0].start if following else start) else []
        )

    def _batches_and_beyond(self, life: Life, start: LSN) -> Iterator[RecordBatch]:
        """The records of one life; in salvage also those behind damage."""
        at: LSN | None = start
        while at is not None:
            for batch in self._batches_of_life(life, at):
                if self._passed:
                    self.lost_transactions |= torn_transactions(batch, self._passed_to)
                yield batch
            at = None
            if self.tail.state is TailState.GAP and self._mode is WalRecoveryMode.SALVAGE:
                at = self._find_beyond(life, self.tail)

    def _find_beyond(self, life: Life, tail: Tail) -> LSN | None:
        """Salvage: pass over damage. Where the next whole record of the life lies; None if there is none, and the tail is CLEAN."""
        seed = record_seed(self._uuid, life.generation)
        start, last = tail.end, max(life.headers)
        while start // self._capacity <= last:
            rest = self._rest_of_life(life, start)
            beyond = records_beyond(rest, start, seed)
            if beyond and (life.end is None or beyond[0].end <= life.end):
                self._pass(tail, beyond[0].lsn, self._rest_of_life(life, tail.end))
                return beyond[0].lsn
            # Behind a segment that is missing.
            start = LSN(((start + len(rest)) // self._capacity + 1) * self._capacity)
        end = LSN(max(tail.end, life.end or 0))
        self._pass(tail, end, self._rest_of_life(life, tail.end))
        self.tail = Tail(TailState.CLEAN, end)
        return None

    def _pass(self, tail: Tail, end: LSN, found: memoryview | None = None) -> bool:
        """Salvage: note damage that reaches up to `end`, and go on there; False in any other mode."""
        if self._mode is not WalRecoveryMode.SALVAGE:
            return False
        data = b"" if found is None else bytes(found[: end - tail.end])
        self._passed.append(Damage(tail.end, tail.damage[0].reason, data))
        self._passed_to = LSN(max(self._passed_to, end))
        self.tail = Tail(TailState.CLEAN, end)
        return True

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
            self._stop(end, f"the log is known to go on to {format_lsn(life.end)}", life)

    def _judge_tail(self, life: Life, end: LSN, seed: int) -> None:
        """Say what lies behind the last record of the last life."""
        for number in range(end // self._capacity, max(life.headers)):
            if number not in life.headers:
                # A segment is durable before the next one is made.
                self._stop(end, f"segment {number} is missing", life)
                return
        rest = self._rest_of_life(life, end)
        beyond = records_beyond(rest, end, seed)
        synced = self._durable_lsn
        for record in beyond:
            if record.body[0] == RecordType.MARK:
                synced = max(synced, LSN(MARK.unpack_from(record.body)[1]))
        if synced > end:
            self._stop(end, f"the log had been synced up to {format_lsn(synced)}", life)
            return
        claimed = 0
        if len(rest) >= HEADER.size:
            length, _, lsn = HEADER.unpack_from(rest)
            if lsn == end:
                claimed = min(HEADER.size + length, len(rest))
        if claimed or beyond:
            furthest = max((record.end - end for record in beyond), default=0)
            self._end_torn(TailState.TORN, end, rest[: max(claimed, furthest)])
            return
        used = np.flatnonzero(np.frombuffer(rest, np.uint8))
        header = life.headers.get(end // self._capacity)
        if len(used) and header is not None and not header.is_reused:
            self._end_torn(TailState.GARBAGE, end, rest[: int(used[-1]) + 1])
        else:
            self.tail = Tail(TailState.CLEAN, end)

    def _end_torn(self, state: TailState, end: LSN, data: memoryview) -> None:
        """Take a torn tail for the end, unless the mode is strict."""
        if self._mode is WalRecoveryMode.STRICT:
            raise torn_tail(self._folder.path, self._place(end), len(data))
        damage = Damage(end, "the last write was cut off", bytes(data), is_torn=True)
        self.tail = Tail(state, end, len(data), (damage,))

    def _stop(self, lsn: LSN, reason: str, life: Life | None) -> None:
        """Meet damage inside a life, or (None) between two: raise, or make it the tail if the mode accepts that."""
        rest = memoryview(b"") if life is None else self._rest_of_life(life, lsn)
        if not self._mode.accepts_damage:
            beyond: list[Record] = []
            if life is not None:
                beyond = records_beyond(rest, lsn, record_seed(self._uuid, life.generation))
            place, loss = self._place(lsn), describe_loss(beyond)
            raise damaged_log(self._folder.path, place, reason, loss)
        found = [Damage(lsn, reason, bytes(rest))]
        if self._mode is WalRecoveryMode.POINT_IN_TIME:
            for later in self.lives:
                if later.start > lsn:
                    rest = self._rest_of_life(later, later.start)
                    found.append(Damage(later.start, "a later part of the log", bytes(rest)))
        size = sum(len(each.data) for each in found)
        self.tail = Tail(TailState.GAP, lsn, size, tuple(found))

    def _place(self, lsn: LSN) -> str:
        """Where a position is, in words."""
        if not self.lives:
            return f"at {format_lsn(lsn)}"
        number, offset = divmod(lsn, self._capacity)
        path = self._folder.path_of(number)
        return f'at {format_lsn(lsn)}, in file "{path}" at offset {HEADER_SIZE + offset}'

    @property
    def _capacity(self) -> int:
        if not self.lives:
            return 1
        return next(iter(self.lives[-1].headers.values())).capacity

    def _payload(self, life: Life, start: LSN, size_max: int) -> memoryview:
        """What lies from `start` on in its segment, at most so much; empty if the life has no such segment."""
        number, offset = divmod(start, self._capacity)
        if number not in life.headers:
            return memoryview(b"")
        file = self._folder.open(number)
        try:
            size = min(size_max, self._capacity - offset)
            # Not `read_at`, which copies once more; nor a bytearray, which is filled with zeros first.
            data = np.empty(size, np.uint8).data
            return data[: file.read_into(HEADER_SIZE + offset, data)]
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
