"""How far a restart has got: told to a callback, kept for `lungfish.recovery_progress`, and written to a file for other processes.

While a database is opened nobody else can connect to it, so who waits for it looks at the callback, in the process that opens it, or at
the *status file* beside the database (`app.db-recovery`, a JSON object of the same members), which `lungfish info` reads. The file
is written once a restart has taken STATUS_AFTER_S, then every STATUS_INTERVAL_S, and removed at the end; after a kill it is left
over, and the next restart removes it.

Invariants:
1. What is told is only looked at: nothing of a restart depends on it, and the status file is never synced.
2. A restart can be cancelled at each `tell`, from the callback or from another thread. It raises QueryCanceled out of the opening; as a
   restart overwrites nothing (restart.py, invariant 1), the next opening begins it again.
"""

from __future__ import annotations

import contextlib
import enum
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from lungfish import errors
from lungfish.recovery.view_rows import Columns
from lungfish.recovery.wal_records import format_lsn
from lungfish.storage.clock import Clock
from lungfish.storage.disk import Disk
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER, PG_LSN, REAL, TEXT, TIMESTAMPTZ

STATUS_SUFFIX = "-recovery"
STATUS_AFTER_S = 0.25
STATUS_INTERVAL_S = 0.25
# A callback is called at each new phase, and in between no more often than this.
TELL_INTERVAL_S = 0.02


class RecoveryPhase(enum.Enum):
    """Where a restart is; the values are those of `lungfish.recovery_progress`."""

    LOCATE = "locate"
    ANALYZE = "analyze"
    HYDRATE = "hydrate"
    UNDO = "undo"
    REDO = "redo"
    INDEX_REPAIR = "index_repair"
    CHECKPOINT = "checkpoint"
    CLEANUP = "cleanup"
    DONE = "done"
    FAILED = "failed"


# Those that a restart goes through, in their order; the last two are how it ends.
_NUMBERED = [each for each in RecoveryPhase if each is not RecoveryPhase.FAILED]


def _do_nothing() -> None:
    """For a restart that is over."""


@dataclass(frozen=True, slots=True)
class RecoveryProgress:
    """One look at a restart. Moments in microseconds since 1970 (UTC), sizes in bytes, times in milliseconds."""

    recovery_id: int
    state: str
    phase_no: int
    phases_total: int
    # Of the phase.
    sofar: int
    total: int
    units: str
    percent: float | None
    eta_ms: float | None
    started_at: int
    phase_started_at: int
    current_lsn: int
    start_lsn: int
    end_lsn: int
    records_applied: int
    records_skipped: int
    pages_hydrated: int
    # Written anew by redo.
    pages_repaired: int
    losers_total: int
    losers_done: int
    mem_bytes: int
    mem_limit_bytes: int
    rate_bytes_s: int
    # Ends the restart: raises QueryCanceled where the database is being opened.
    cancel: Callable[[], None] = field(default=_do_nothing, compare=False, repr=False)

    @property
    def phase(self) -> RecoveryPhase:
        """The phase that `state` names."""
        return RecoveryPhase(self.state)


PROGRESS_COLUMNS: Columns = (
    ("recovery_id", BIGINT),
    ("state", TEXT),
    ("phase_no", INTEGER),
    ("phases_total", INTEGER),
    ("sofar", BIGINT),
    ("total", BIGINT),
    ("units", TEXT),
    ("percent", REAL),
    ("eta_ms", DOUBLE),
    ("started_at", TIMESTAMPTZ),
    ("phase_started_at", TIMESTAMPTZ),
    ("current_lsn", PG_LSN),
    ("start_lsn", PG_LSN),
    ("end_lsn", PG_LSN),
    ("records_applied", BIGINT),
    ("records_skipped", BIGINT),
    ("pages_hydrated", BIGINT),
    ("pages_repaired", BIGINT),
    ("losers_total", BIGINT),
    ("losers_done", BIGINT),
    ("mem_bytes", BIGINT),
    ("mem_limit_bytes", BIGINT),
    ("rate_bytes_s", BIGINT),
)
assert [name for name, _ in PROGRESS_COLUMNS] == [each.name for each in fields(RecoveryProgress)][:-1]  # fmt: skip


@dataclass(slots=True)
class ProgressFigures:
    """What the phases report as they go. Whoever works on a figure sets it, then calls `ProgressTracker.tell`."""

    recovery_id: int = 0
    sofar: int = 0
    total: int = 0
    units: str = ""
    current_lsn: int = 0
    start_lsn: int = 0
    end_lsn: int = 0
    records_applied: int = 0
    records_skipped: int = 0
    pages_hydrated: int = 0
    pages_repaired: int = 0
    losers_total: int = 0
    losers_done: int = 0
    mem_bytes: int = 0


class ProgressTracker:
    """Follows one restart. One thread works on it; `cancel` and `latest` may be used by any."""

    def __init__(
        self,
        *,
        disk: Disk,
        path: str,
        clock: Clock,
        memory_limit: int,
        on_progress: Callable[[RecoveryProgress], None] | None = None,
    ) -> None:
        self.figures = ProgressFigures()
        # Milliseconds in each phase so far.
        self.times: dict[RecoveryPhase, float] = {}
        self.started_at = clock.utc_us()
        self._disk = disk
        self._status_path = path + STATUS_SUFFIX
        self._clock = clock
        self._memory_limit = memory_limit
        self._on_progress = on_progress
        self._is_cancelled = threading.Event()
        self._phase = RecoveryPhase.LOCATE
        self._phase_started_at = self.started_at
        self._began_s = self._phase_began_s = clock.monotonic_s()
        self._told_s = self._written_s = self._began_s
        self._is_written = False
        self.latest = self._look()

    @contextlib.contextmanager
    def in_phase(self, phase: RecoveryPhase, *, total: int = 0, units: str = "") -> Iterator[None]:
        """Be in a phase, and count its time."""
        before = self._phase
        figures = replace(self.figures)
        began_at, began_s = self._phase_started_at, self._phase_began_s
        self._enter(phase, total=total, units=units)
        try:
            yield
        except BaseException:
            self._phase = RecoveryPhase.FAILED
            self.latest = self._look()
            self.remove_status()
            raise
        finally:
            took = (self._clock.monotonic_s() - self._phase_began_s) * 1000
            self.times[phase] = self.times.get(phase, 0.0) + took
        if phase is RecoveryPhase.CHECKPOINT:
            # It came in the middle of another phase, which goes on, and whose time this was not.
            self.times[before] = self.times.get(before, 0.0) - took
            self._phase, self._phase_started_at, self._phase_began_s = before, began_at, began_s
            self.figures.sofar, self.figures.total = figures.sofar, figures.total
            self.figures.units = figures.units
            self._show(self._clock.monotonic_s())
            self._check()

    def tell(self, *, sofar: int | None = None) -> None:
        """Say how far the phase is. Raises QueryCanceled if that was asked for."""
        if sofar is not None:
            self.figures.sofar = sofar
        now = self._clock.monotonic_s()
        if now - self._told_s >= TELL_INTERVAL_S:
            self._show(now)
        self._check()

    def finish(self) -> None:
        """The restart is over."""
        self._enter(RecoveryPhase.DONE)
        self.remove_status()

    def remove_status(self) -> None:
        """Remove the status file, also one that a killed restart has left."""
        with contextlib.suppress(errors.Error):
            if self._is_written or self._disk.exists(self._status_path):
                self._disk.remove(self._status_path)
        self._is_written = False

    def cancel(self) -> None:
        """Ask the restart to end."""
        self._is_cancelled.set()

    def _enter(self, phase: RecoveryPhase, *, total: int = 0, units: str = "") -> None:
        self._phase = phase
        self._phase_started_at = self._clock.utc_us()
        self._phase_began_s = self._clock.monotonic_s()
        self.figures.sofar, self.figures.total, self.figures.units = 0, total, units
        self._show(self._phase_began_s)
        self._check()

    def _check(self) -> None:
        if self._is_cancelled.is_set():
            raise errors.QueryCanceled(
                "recovery was canceled",
                detail=f"It was in its phase {self._phase.value}; nothing was overwritten.",
                hint="Open the database again: recovery begins anew.",
            )

    def _show(self, now: float) -> None:
        self._told_s = now
        self.latest = progress = self._look()
        if now - self._began_s >= STATUS_AFTER_S and now - self._written_s >= STATUS_INTERVAL_S:
            self._written_s = now
            self._write_status(progress)
        if self._on_progress is not None:
            self._on_progress(progress)

    def _look(self) -> RecoveryProgress:
        figures = self.figures
        spent_s = self._clock.monotonic_s() - self._phase_began_s
        share = min(1.0, figures.sofar / figures.total) if figures.total else None
        eta_ms = None
        if share:
            eta_ms = spent_s * 1000 * (1 - share) / share
        elif share is None and self._phase is RecoveryPhase.DONE:
            eta_ms = 0.0
        log_bytes = max(0, figures.current_lsn - figures.start_lsn)
        number = _NUMBERED.index(self._phase) + 1 if self._phase in _NUMBERED else len(_NUMBERED)
        return RecoveryProgress(
            recovery_id=figures.recovery_id,
            state=self._phase.value,
            phase_no=number,
            phases_total=len(_NUMBERED),
            sofar=figures.sofar,
            total=figures.total,
            units=figures.units,
            percent=None if share is None else share * 100,
            eta_ms=eta_ms,
            started_at=self.started_at,
            phase_started_at=self._phase_started_at,
            current_lsn=figures.current_lsn,
            start_lsn=figures.start_lsn,
            end_lsn=figures.end_lsn,
            records_applied=figures.records_applied,
            records_skipped=figures.records_skipped,
            pages_hydrated=figures.pages_hydrated,
            pages_repaired=figures.pages_repaired,
            losers_total=figures.losers_total,
            losers_done=figures.losers_done,
            mem_bytes=figures.mem_bytes,
            mem_limit_bytes=self._memory_limit,
            rate_bytes_s=int(log_bytes / spent_s) if spent_s > 0 else 0,
            cancel=self.cancel,
        )

    def _write_status(self, progress: RecoveryProgress) -> None:
        """In one write, so that a reader finds a whole object. What cannot be written is not missed (invariant 1)."""
        text = json.dumps(status_of(progress), indent=1) + "\n"
        with contextlib.suppress(errors.Error):
            file = self._disk.open(self._status_path, create=True)
            try:
                file.write_at(0, text.encode())
                file.truncate(len(text))
                self._is_written = True
            finally:
                file.close()


def status_of(progress: RecoveryProgress) -> dict[str, Any]:
    """The members of the status file."""
    return {
        name: format_lsn(getattr(progress, name)) if kind is PG_LSN else getattr(progress, name)
        for name, kind in PROGRESS_COLUMNS
    }


def read_status(disk: Disk, path: str) -> Mapping[str, Any] | None:
    """What a restart of the database at `path` says of itself just now; None if none does."""
    try:
        file = disk.open(path + STATUS_SUFFIX)
    except errors.Error:
        return None
    try:
        found = json.loads(file.read_at(0, file.size()))
    except (ValueError, errors.Error):
        return None
    finally:
        file.close()
    return found if isinstance(found, dict) else None
