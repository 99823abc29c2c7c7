"""Whether the records of each segment are what was written: `crc_ok` of `lungfish.wal_segments`.

A record belongs to the segment in which it begins; where the first one begins is known from the segment before, or found by the LSN that
its header names. A sealed segment is looked at once and its verdict kept; the one that is written to is looked at each time, up to where
it is durable. At most `LOOK_BYTES` are read for one query: what was not come to has no verdict yet, and is looked at by the next.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from lungfish import errors
from lungfish.recovery.wal_batch import batch_at
from lungfish.recovery.wal_reader import Life, lives_of, records_beyond
from lungfish.recovery.wal_records import BODY_SIZE_MAX, HEADER, record_seed
from lungfish.recovery.wal_segments import HEADER_SIZE, Segment, SegmentFolder
from lungfish.storage.ids import LSN

LOOK_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What was found of one segment."""

    is_sound: bool
    # Where its last record ends, mostly in the next segment; None: not known.
    end: LSN | None


class SegmentChecks:
    """The verdicts on the segments of one log."""

    def __init__(self, folder: SegmentFolder) -> None:
        self._folder = folder
        self._latch = threading.Lock()
        # By number and generation.
        self._kept: dict[tuple[int, int], _Verdict] = {}

    def verdicts(self, segments: list[Segment], durable_lsn: LSN) -> dict[int, bool | None]:
        """For each segment with a header whether its records are sound; None: not looked at yet. None at all if the segments do not fit."""
        try:
            lives = lives_of(segments)
        except errors.CorruptLog:
            return {}
        found: dict[int, bool | None] = {}
        kept: dict[tuple[int, int], _Verdict] = {}
        left = LOOK_BYTES
        with self._latch:
            for life in lives:
                limit = durable_lsn if life.end is None else life.end
                at: LSN | None = life.start
                for number, header in sorted(life.headers.items()):
                    key = number, life.generation
                    verdict = self._kept.get(key)
                    if verdict is None:
                        if left <= 0:
                            found[number], at = None, None
                            continue
                        left -= header.capacity
                        begin = at if at is not None and at >= header.start else None
                        try:
                            verdict = self._look(life, number, begin, limit)
                        except errors.UndefinedFile:
                            # Removed meanwhile.
                            found[number], at = None, None
                            continue
                    if header.end <= limit:
                        kept[key] = verdict
                    found[number], at = verdict.is_sound, verdict.end
            self._kept = kept
        return found

    def _look(self, life: Life, number: int, begin: LSN | None, limit: LSN) -> _Verdict:
        header = life.headers[number]
        seed = record_seed(header.uuid, life.generation)
        data = memoryview(self._folder.content(number))[: header.capacity]
        end = min(header.end, limit)
        at = begin
        if at is None:
            first = next(iter(records_beyond(data, header.start, seed)), None)
            at = end if first is None else first.lsn
        if at >= end:
            # The record that fills it begins before, or nothing in it is durable.
            return _Verdict(True, begin)
        batch = batch_at(at, data[at - header.start :], seed, limit=limit - at)
        at = batch.end
        if at < end:
            # The last one goes on in the next segment.
            rest = self._whole_record(life, at, data[at - header.start :])
            last = batch_at(at, rest, seed, limit=limit - at)
            if not last.count:
                return _Verdict(False, None)
            at = LSN(at + int(last.ends[0]))
        return _Verdict(True, at)

    def _whole_record(self, life: Life, at: LSN, start: memoryview) -> memoryview:
        """The record at `at`, of which this is the beginning, with what of it lies in the next segments, as far as they are there."""
        data = bytes(start)
        capacity = next(iter(life.headers.values())).capacity
        while (missing := _claimed_size(data) - len(data)) > 0:
            number, offset = divmod(at + len(data), capacity)
            if number not in life.headers:
                break
            file = self._folder.open(number)
            try:
                part = file.read_at(HEADER_SIZE + offset, min(missing, capacity - offset))
            finally:
                file.close()
            if not part:
                break
            data += part
        return memoryview(data)


def _claimed_size(data: bytes) -> int:
    """How long a record says it is, as far as its beginning is known."""
    if len(data) < HEADER.size:
        return HEADER.size
    length: int = HEADER.unpack_from(data)[0]
    return HEADER.size + min(length, BODY_SIZE_MAX)
