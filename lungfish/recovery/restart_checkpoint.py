"""A checkpoint in the middle of redo, so that a crash in a long restart does not make the next one begin from the start.

    image N   |======== log ========|======== redone so far ========|======== still to redo ========| end
                                                                    ^ W: the new image's mark and redo LSN

After a window of the log has been redone, every table stands where the committed records before W have it: that is an image like any
other, complete up to W. The next restart reads the log from there.

Invariants:
1. Undo is done before redo begins, and only rows of transactions that have a commit record, before W or behind it, were redone: so
   the image carries no old versions, although the transactions of some of its rows commit behind W.
2. The catalog's own tables are complete up to the log's end, as they are redone first; their mark says so.
3. Indexes that are built at the end are marked as unsettled: the next restart builds them, whatever it finds of them.
4. What the log before W has noted (settings, integrity events) is in the image, as the next restart does not read it again.
5. Nothing is removed from the log: the image before is kept too, and needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from lungfish.recovery.checkpoint_facts import CheckpointFacts, Facts, encode_facts
from lungfish.recovery.checkpoint_images import CheckpointImageStore
from lungfish.recovery.checkpoint_memory import CheckpointMemory
from lungfish.recovery.checkpoint_participants import SEQUENCES, TRANSACTIONS
from lungfish.recovery.history import CheckpointRecord
from lungfish.recovery.relation_state import (
    RelationState,
    decode_relation_state,
    encode_relation_state,
)
from lungfish.recovery.restart_relations import RestartTables
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.clock import Clock
from lungfish.storage.ids import LSN, RelationId

# How much of the log is redone between two images: a few seconds' work.
RESTART_CHECKPOINT_BYTES_DEFAULT = 1 << 30


@dataclass(frozen=True, slots=True)
class LogPlace:
    """What an image says of the log that it belongs to."""

    # The newest life of which there are segments.
    generation: int
    segment_size: int
    # Where it ends: up to there the catalog is complete.
    end: LSN


class RestartCheckpoints:
    """Takes the images of one restart."""

    def __init__(
        self,
        *,
        pool: BufferPool,
        images: CheckpointImageStore,
        memory: CheckpointMemory,
        clock: Clock,
        noted: Callable[[], dict[str, Facts]],
        interval_bytes: int = RESTART_CHECKPOINT_BYTES_DEFAULT,
    ) -> None:
        self._pool = pool
        self._images = images
        self._memory = memory
        self._clock = clock
        # What participants have of image and notes together (invariant 4).
        self._noted = noted
        self._interval_bytes = interval_bytes
        self.taken = 0

    def is_due(self, since: LSN, at: LSN) -> bool:
        """Whether so much was redone since the last image that another is worth its while."""
        return at - since >= self._interval_bytes

    def take(
        self,
        at: LSN,
        tables: RestartTables,
        *,
        place: LogPlace,
        catalog: Collection[RelationId],
        next_transaction_id: int,
        sequences: dict[int, tuple[int, bool]],
    ) -> None:
        """Make what was redone up to `at` the current image. Raises IoError, DiskFull; then the one before is."""
        begun = _Begun(self._clock.utc_us(), self._clock.monotonic_s())
        frozen = self._pool.freeze()
        try:
            for page in frozen:
                frozen.write(page)
            states = _states(self._pool, tables)
            for relation_id in frozen.builder.relation_ids:
                mark = place.end if relation_id in catalog else at
                state = states.get(relation_id, RelationState())
                frozen.builder.set_relation(
                    relation_id, mark_lsn=mark, payload=encode_relation_state(state)
                )
            record = self._record(begun, at, place, frozen.page_count)
            participants: dict[str, Facts] = {
                **self._memory.facts.participants,
                **self._noted(),
                TRANSACTIONS: {"next_id": next_transaction_id},
                SEQUENCES: {str(oid): list(each) for oid, each in sequences.items()},
            }
            facts = self._facts(record, place, participants)
            frozen.builder.set_payload(encode_facts(facts))
            frozen.publish()
        except BaseException:
            frozen.abort()
            raise
        self._memory.facts = facts
        self._memory.checkpoints.add(record)
        self._images.hold_log()
        self.taken += 1

    def _record(self, begun: _Begun, at: LSN, place: LogPlace, page_count: int) -> CheckpointRecord:
        return CheckpointRecord(
            checkpoint_id=self._memory.take_checkpoint_id(),
            kind="incremental",
            mode="fast",
            trigger="recovery",
            requested_by="recovery",
            name=None,
            outcome="complete",
            started_at=begun.at,
            finished_at=self._clock.utc_us(),
            total_ms=(self._clock.monotonic_s() - begun.s) * 1000,
            redo_lsn=at,
            checkpoint_lsn=at,
            end_lsn=place.end,
            pages_dirty=page_count,
            pages_written=page_count,
        )

    def _facts(
        self, record: CheckpointRecord, place: LogPlace, participants: dict[str, Facts]
    ) -> CheckpointFacts:
        assert record.redo_lsn is not None
        return replace(
            self._memory.facts,
            checkpoint_id=record.checkpoint_id,
            redo_lsn=LSN(record.redo_lsn),
            log_generation=place.generation,
            segment_size=place.segment_size,
            is_clean=False,
            taken_at=record.started_at,
            keep_until=0,
            retains_log=False,
            participants=participants,
            checkpoints=(*self._memory.checkpoints.rows(), record),
            recoveries=tuple(self._memory.recoveries.rows()),
        )


@dataclass(frozen=True, slots=True)
class _Begun:
    """When: microseconds since 1970 (UTC), and on the clock that times are measured with."""

    at: int
    s: float


def _states(pool: BufferPool, tables: RestartTables) -> dict[RelationId, RelationState]:
    """What the image says of each relation beside its pages (invariants 1 and 3)."""
    states = {
        relation_id: replace(decode_relation_state(image.payload), retained_bytes=b"")
        for relation_id, image in pool.store.image.relations.items()
    }
    for heap in tables.opened():
        for pages, free_space in (
            (heap.pages, heap.free_space),
            (heap.overflow.pages, heap.overflow.free_space),
        ):
            states[pages.relation_id] = RelationState(free_space.encode())
    for relation_id in tables.built_at_the_end():
        states[relation_id] = RelationState(is_unsettled=True)
    return states
