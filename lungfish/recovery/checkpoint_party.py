"""Calling the participants of one checkpoint: in their order, each with its deadline, noting how it went for `checkpoint_participants`.

Built-in parties are trusted to raise our own errors. What code registered by a user raises is turned into ExternalRoutineException
(38000), so that no exception of another kind comes out of a SQL statement; KeyboardInterrupt and its like pass through.

A party says no by raising ObjectNotInPrerequisiteState (55000): the row's status is then `vetoed`, and the checkpoint is aborted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from lungfish import errors
from lungfish.recovery.checkpoint_contract import (
    CheckpointContext,
    CheckpointParticipant,
    Forecast,
    PhaseDeadlines,
    Prepared,
)
from lungfish.recovery.checkpoint_request import CheckpointKind
from lungfish.storage.clock import Clock
from lungfish.storage.ids import LSN

OK = "ok"
FAILED = "failed"
TIMED_OUT = "timed_out"
VETOED = "vetoed"
SKIPPED = "skipped"
# A built-in party is as fast as it can be: stopping it would only repeat it.
NO_DEADLINES = PhaseDeadlines(None, None, None, None, None)

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Party:
    """A participant as the coordinator knows it."""

    participant: CheckpointParticipant
    deadlines: PhaseDeadlines = NO_DEADLINES
    is_foreign: bool = False


@dataclass(slots=True)
class PartyRow:
    """How one participant fared in one checkpoint: a row of `lungfish.checkpoint_participants`. Times in milliseconds."""

    checkpoint_id: int
    participant: str
    # The last one that it was called for.
    phase: str = ""
    status: str = SKIPPED
    begin_ms: float | None = None
    prepare_ms: float | None = None
    write_ms: float | None = None
    commit_ms: float | None = None
    abort_ms: float | None = None
    pages: int | None = None
    bytes: int | None = None
    min_rec_lsn: LSN | None = None
    high_water_lsn: LSN | None = None
    detail: str | None = None


@dataclass(slots=True)
class RollCall:
    """The participants of one checkpoint."""

    parties: Sequence[Party]
    context: CheckpointContext
    clock: Clock
    rows: list[PartyRow] = field(default_factory=list)
    prepared: dict[str, Prepared] = field(default_factory=dict)
    # What went wrong where nothing is raised.
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = [
            PartyRow(self.context.checkpoint_id, each.participant.name) for each in self.parties
        ]

    def begin(self) -> Forecast:
        """Ask everybody what is dirty; answers the sum."""
        pages = size = 0
        for party, row in zip(self.parties, self.rows, strict=True):
            forecast = self._call(party, row, "begin", party.participant.begin)
            row.pages, row.bytes = forecast.pages, forecast.bytes
            pages += forecast.pages
            size += forecast.bytes
        return Forecast(pages, size)

    def prepare(self) -> None:
        """Let everybody hold still what belongs to the image. Inside the closed fence."""
        for party, row in zip(self.parties, self.rows, strict=True):
            prepared = self._call(party, row, "prepare", party.participant.prepare)
            self.prepared[row.participant] = prepared
            row.pages = prepared.pages
            row.min_rec_lsn, row.high_water_lsn = prepared.min_rec_lsn, prepared.high_water_lsn

    def write(self) -> None:
        """Let everybody bring it into the image."""
        for party, row in zip(self.parties, self.rows, strict=True):
            self._call(party, row, "write", self.prepared[row.participant].write)

    def rehearse(self) -> Forecast:
        """What `write` would write."""
        pages = size = 0
        for party, row in zip(self.parties, self.rows, strict=True):
            forecast = self._call(party, row, "write", self.prepared[row.participant].rehearse)
            row.pages, row.bytes = forecast.pages, forecast.bytes
            pages += forecast.pages
            size += forecast.bytes
        return Forecast(pages, size)

    def commit(self) -> None:
        """The image is durable, so nobody can fail it any more: what goes wrong is a warning."""
        for party, row in zip(self.parties, self.rows, strict=True):
            self._call_quietly(party, row, "commit", party.participant.commit)

    def abort(self) -> None:
        """Let everybody go back, whatever others do. Raises only what comes from outside, once all have been called."""
        interrupts = []
        for party, row in zip(self.parties, self.rows, strict=True):
            try:
                self._call_quietly(party, row, "abort", party.participant.abort)
            except BaseException as interrupt:
                interrupts.append(interrupt)
        if interrupts:
            raise interrupts[0]

    def _call_quietly(
        self,
        party: Party,
        row: PartyRow,
        phase: str,
        action: Callable[[CheckpointContext], object],
    ) -> None:
        before = row.status, row.detail, row.phase
        try:
            self._call(party, row, phase, action)
        except errors.Error as error:
            self.warnings.append(f"{row.participant} could not {phase}: {error.message}")
        if phase == "abort" and before[0] not in (OK, SKIPPED):
            # Why the checkpoint was aborted is worth more than how.
            row.status, row.detail, row.phase = before

    def _call(
        self,
        party: Party,
        row: PartyRow,
        phase: str,
        action: Callable[[CheckpointContext], _Answer],
    ) -> _Answer:
        limit_ms = self._limit_ms(party, phase)
        began = self.clock.monotonic_s()
        self.context.deadline_s = None if limit_ms is None else began + limit_ms / 1000
        row.phase, row.status = phase, FAILED
        try:
            answer = action(self.context)
        except errors.Error as error:
            if isinstance(error, errors.ObjectNotInPrerequisiteState):
                row.status = VETOED
            row.detail = error.message
            raise
        except BaseException as error:
            row.detail = f"{type(error).__name__}: {error}"
            if party.is_foreign and isinstance(error, Exception):
                raise errors.ExternalRoutineException(
                    f'checkpoint participant "{row.participant}" failed in {phase}: {row.detail}'
                ) from error
            raise
        finally:
            took_ms = (self.clock.monotonic_s() - began) * 1000
            setattr(row, f"{phase}_ms", took_ms)
        if limit_ms is not None and took_ms > limit_ms:
            row.status = TIMED_OUT
            row.detail = f"{took_ms:.1f} ms in {phase}, where {limit_ms:g} ms are allowed"
            raise errors.QueryCanceled(
                f'checkpoint participant "{row.participant}" was late', detail=row.detail
            )
        row.status = OK
        return answer

    def _limit_ms(self, party: Party, phase: str) -> float | None:
        if self.context.request.kind is CheckpointKind.FINAL:
            # Nobody is held up by the last one any more.
            return None
        limit: float | None = getattr(party.deadlines, f"{phase}_ms")
        if limit is None and phase == "prepare" and party.is_foreign:
            return self.context.request.fence_timeout_ms
        return limit
