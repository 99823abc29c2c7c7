"""The figures that are read off the running parts rather than counted: sizes, positions, ages, what the pool and the disk did."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lungfish.recovery.telemetry import Labels, Reading
from lungfish.storage.measured_disk import IoFigures

if TYPE_CHECKING:
    from lungfish.recovery.core import StorageCore


def register_gauges(core: StorageCore) -> None:
    """Give the core's telemetry all of them."""
    _register_log(core)
    _register_pages(core)
    _register_transactions(core)
    for (purpose, kind), figures in core.io.figures.items():
        _register_io(core, (("backend_type", purpose), ("object", kind)), figures)


def _register_log(core: StorageCore) -> None:
    log = core.log
    gauge, counter = partial(_reading, core, "gauge"), partial(_reading, core, "counter")
    counter("wal_insert_position", "bytes", "where the log ends", log.end_lsn)
    counter("wal_durable_position", "bytes", "how far it is on disk", lambda: log.durable_lsn)
    gauge("wal_backlog", "bytes", "log that a restart now would read", lambda: wal_backlog(core))
    gauge("wal_poisoned", "", "1 once a write or sync has failed", lambda: log.failure is not None)
    gauge("checkpoint_age", "s", "age of the newest image", lambda: checkpoint_age_s(core))
    gauge(
        "checkpoint_queue",
        "requests",
        "requests that wait for the next checkpoint",
        lambda: core.checkpoints.waiting_count,
    )
    gauge("fence_waiting", "writers", "writers held by the fence", lambda: core.fence.waiting)


def _register_pages(core: StorageCore) -> None:
    figures, usage = core.pool.figures, core.store.usage
    for name, kind, unit, text in _POOL_FIGURES:
        _reading(core, kind, f"pool_{name}", unit, text, _Attribute(figures, name))
    for name, text in _STORE_FIGURES:
        _reading(core, "gauge", f"store_{name}", "bytes", text, _Attribute(usage, name))


_POOL_FIGURES = (
    ("used_bytes", "gauge", "bytes", "memory that pages take"),
    ("budget_bytes", "gauge", "bytes", "memory that pages may take"),
    ("resident_pages", "gauge", "pages", "pages in memory"),
    ("dirty_pages", "gauge", "pages", "pages changed since they were last written"),
    ("hits", "counter", "", "accesses that found their page in memory"),
    ("misses", "counter", "", "accesses that had to read their page"),
    ("evictions", "counter", "", "pages that had to leave memory"),
    ("early_writes", "counter", "", "dirty pages written to make room"),
)
_STORE_FIGURES = (
    ("file_bytes", "size of the database file"),
    ("used_bytes", "part of the file that images and pages take"),
    ("free_bytes", "part of the file that is free to be used again"),
)


def _register_transactions(core: StorageCore) -> None:
    transactions, locks = core.transactions, core.transactions.locks
    gauge, counter = partial(_reading, core, "gauge"), partial(_reading, core, "counter")
    gauge("transactions", "", "open transactions", lambda: len(transactions.facts()))
    gauge(
        "oldest_transaction_age",
        "s",
        "age of the oldest open transaction",
        lambda: oldest_transaction_age_s(core),
    )
    gauge("lock_waiting", "sessions", "sessions that wait", lambda: locks.waiting_count)
    counter("lock_waits", "", "waits for locks so far", lambda: locks.wait_count)
    counter("deadlocks", "", "deadlocks found so far", lambda: locks.deadlock_count)


_IO_FIGURES = (
    ("io_reads", "reads", "", "read operations"),
    ("io_read", "read_bytes", "bytes", "bytes read"),
    ("io_writes", "writes", "", "writes over what was there"),
    ("io_written", "write_bytes", "bytes", "bytes written over what was there"),
    ("io_extends", "extends", "", "writes that made a file longer"),
    ("io_extended", "extend_bytes", "bytes", "bytes that made a file longer"),
    ("io_syncs", "syncs", "", "syncs"),
    ("io_sync_time", "sync_ms", "ms", "time in syncs"),
)


def _register_io(core: StorageCore, labels: Labels, figures: IoFigures) -> None:
    for name, attribute, unit, text in _IO_FIGURES:
        read = _Attribute(lambda: figures, attribute)
        core.telemetry.register(Reading(name, "counter", unit, text, labels, read))


class _Attribute:
    """Reads one attribute of what `owner` answers."""

    def __init__(self, owner: Callable[[], object], name: str) -> None:
        self._owner = owner
        self._name = name

    def __call__(self) -> float:
        return float(getattr(self._owner(), self._name))


def _reading(
    core: StorageCore, kind: str, name: str, unit: str, text: str, read: Callable[[], float]
) -> None:
    core.telemetry.register(Reading(name, kind, unit, text, (), read))


def wal_backlog(core: StorageCore) -> int:
    """Bytes of log that a restart now would have to read."""
    return max(0, core.log.end_lsn() - core.memory.facts.redo_lsn)


def checkpoint_age_s(core: StorageCore) -> float:
    """Seconds since the image that a restart now would start from was taken."""
    return max(0.0, (core.clock.utc_us() - core.memory.facts.taken_at) / 1_000_000)


def oldest_transaction_age_s(core: StorageCore) -> float:
    """Seconds since the oldest open transaction began; 0 if there is none."""
    begun = min((facts.begun_at for facts in core.transactions.facts()), default=None)
    return 0.0 if begun is None else max(0.0, (core.clock.utc_us() - begun) / 1_000_000)
