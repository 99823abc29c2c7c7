"""The checkpoint's contract: what the coordinator asks of each party, in which order, and how long it may take.

    begin      writers go on: say what is dirty and what it will cost
    prepare    inside the closed fence: hold still what belongs to the image, copy nothing large
    write      (`Prepared.write`) writers go on: bring what was held still into the image
    commit     the image is durable: let go of what only the one before needed
    abort      after any of the first three: go back, nothing is lost

Invariants:
1. `prepare` does no I/O and takes time by the number of its objects, not of their bytes.
2. What `prepare` answers is of one moment: the fence is closed, so pages, undo lists, sequences and the log's end agree.
3. `abort` loses nothing: the next checkpoint captures what this one would have. It bears being called twice, and before `begin`.
4. A dry run calls `begin`, `prepare` and `Prepared.rehearse`, then `abort`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from lungfish.recovery.checkpoint_facts import Facts
from lungfish.recovery.checkpoint_request import CheckpointRequest
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.image_builder import ImageBuilder

_NO_LSN = LSN(0)


def _never() -> None:
    """Nobody wants the checkpoint to stop."""


def _not_late() -> bool:
    return False


def _is_alone() -> bool:
    return True


@dataclass(slots=True)
class CheckpointContext:
    """One checkpoint under way, as its participants see it."""

    checkpoint_id: int
    request: CheckpointRequest
    # Raises QueryCanceled once the checkpoint is to stop: it was cancelled, or its time is over. For long writes.
    check: Callable[[], None] = _never
    # Whether its time is over. From the moment that `may_be_partial` is set `check` does not raise for it any more.
    is_late: Callable[[], bool] = _not_late
    may_be_partial: bool = False
    # To be called between short pieces of work, so that commits get the interpreter (`giving_way.py`). Not inside the fence.
    give_way: Callable[[], None] = _never
    # Whether nobody has committed for a while.
    is_alone: Callable[[], bool] = _is_alone
    # Indexes that the image has as of an earlier checkpoint (`index_marks.py`).
    left_out: list[RelationId] = field(default_factory=list)
    # When the phase that a participant is in must be over, by the clock's `monotonic_s`; None: it may take its time.
    deadline_s: float | None = None
    # Set inside the fence, before the first `prepare`.
    redo_lsn: LSN = _NO_LSN
    # Set by the first `prepare` of pages; the image takes what others have to keep with a relation.
    builder: ImageBuilder | None = None
    # Maps of free space by relation, for the image's relation states.
    free_space: dict[RelationId, bytes] = field(default_factory=dict)

    @property
    def image(self) -> ImageBuilder:
        """The image being built. Requires: the write phase."""
        assert self.builder is not None, "there is an image from `prepare` on"
        return self.builder


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a participant would have to write now."""

    pages: int = 0
    bytes: int = 0


def _write_nothing(context: CheckpointContext) -> None:
    """For a participant whose facts are all it has."""


def _nothing_to_write(context: CheckpointContext) -> Forecast:
    return Forecast()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a participant holds still for the image."""

    pages: int = 0
    # JSON values kept with the image under the participant's name, for restart.
    facts: Facts = field(default_factory=dict)
    # Called in the write phase, outside the fence.
    write: Callable[[CheckpointContext], None] = _write_nothing
    # What `write` would write, exactly: called instead of it in a dry run.
    rehearse: Callable[[CheckpointContext], Forecast] = _nothing_to_write
    # Of the changes held still: where the first began, and the last one; None: not known or none.
    min_rec_lsn: LSN | None = None
    high_water_lsn: LSN | None = None


class CheckpointParticipant(Protocol):
    """A party to every checkpoint; see the module's text for when each method is called."""

    @property
    def name(self) -> str:
        """Under which its facts are kept, and by which SQL shows it."""

    def begin(self, context: CheckpointContext) -> Forecast: ...

    def prepare(self, context: CheckpointContext) -> Prepared: ...

    def commit(self, context: CheckpointContext) -> None: ...

    def abort(self, context: CheckpointContext) -> None: ...


@dataclass(frozen=True, slots=True)
class PhaseDeadlines:
    """How many milliseconds a participant may take in each phase; None: as long as it needs.

    Late in `begin`, `prepare` or `write`, it aborts the checkpoint; late in `commit` or `abort` it is only noted. Nobody can
    stop a participant that does not come back, so a deadline is looked at when it has.
    """

    begin_ms: float | None = 1000.0
    # None: the request's FENCE_TIMEOUT, for writers wait meanwhile.
    prepare_ms: float | None = None
    write_ms: float | None = 60_000.0
    commit_ms: float | None = 1000.0
    abort_ms: float | None = 1000.0
