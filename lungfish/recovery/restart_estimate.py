"""How long a restart would take: a model of what it costs, fitted to what past ones took.

    replay = scale * (bytes of log * BYTE_MS + records * RECORD_MS)

The two constants are what a byte and a record cost on the machine that bench/restart.py was run on: rows in batches and rows on their own lie
at the two ends. `scale` is what the last restarts in `lungfish.recovery_history` took beside what the model says, the newer ones
counting more. To that come undo and what every opening takes, as they were on average. Without a past, the constants alone speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungfish.recovery.gauges import wal_backlog
from lungfish.recovery.history import RecoveryRecord
from lungfish.recovery.view_rows import Columns
from lungfish.storage.ids import LSN
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER, PG_LSN, REAL, TEXT, TIMESTAMPTZ

if TYPE_CHECKING:
    from lungfish.recovery.core import StorageCore

BYTE_MS = 4e-6
RECORD_MS = 2e-4
# How many of the last restarts count, and how much more each than the one before it.
SAMPLE_COUNT = 8
_NEWER_WEIGHT = 1.5
# Shorter logs say nothing about the speed of redo.
_SAMPLE_BYTES_MIN = 64 * 1024
# How replay is divided while there is no past to say: analysis, redo, building indexes.
_SHARES_DEFAULT = (0.3, 0.6, 0.1)


@dataclass(frozen=True, slots=True)
class Prediction:
    """Milliseconds, and how far they can be trusted."""

    # Opening the file, reading the catalog, dropping orphans: what does not grow with the log.
    hydrate_ms: float
    undo_ms: float
    analyze_ms: float
    redo_ms: float
    index_ms: float
    # Past restarts that it goes by.
    samples: int
    # From 0 to 1: grows with the samples, and shrinks with how far off past estimates were.
    confidence: float

    @property
    def replay_ms(self) -> float:
        """What grows with the log."""
        return self.analyze_ms + self.redo_ms + self.index_ms

    @property
    def total_ms(self) -> float:
        """All of it."""
        return self.hydrate_ms + self.undo_ms + self.replay_ms


def model_ms(log_bytes: int, record_count: int) -> float:
    """What replaying so much would take on the machine that the constants come from."""
    return log_bytes * BYTE_MS + record_count * RECORD_MS


def predict(past: Sequence[RecoveryRecord], *, log_bytes: int, record_count: int) -> Prediction:
    """How long a restart with so much log would take, by the past ones."""
    recent = list(past)[-SAMPLE_COUNT:]
    samples = [each for each in past if not each.clean and each.wal_bytes >= _SAMPLE_BYTES_MIN]
    samples = samples[-SAMPLE_COUNT:]
    weights = [_NEWER_WEIGHT**number for number in range(len(samples))]
    phases = [
        sum(weight * spent(each) for weight, each in zip(weights, samples, strict=True))
        for spent in (_analyze_ms, _redo_ms, _index_ms)
    ]
    modelled = sum(
        weight * model_ms(each.wal_bytes, each.records_read)
        for weight, each in zip(weights, samples, strict=True)
    )
    expected = model_ms(log_bytes, record_count)
    if modelled and sum(phases):
        analyze_ms, redo_ms, index_ms = (phase / modelled * expected for phase in phases)
    else:
        analyze_ms, redo_ms, index_ms = (share * expected for share in _SHARES_DEFAULT)
    return Prediction(
        hydrate_ms=_mean([each.total_ms - _replay_ms(each) - each.undo_ms for each in recent]),
        undo_ms=_mean([each.undo_ms for each in samples]),
        analyze_ms=analyze_ms,
        redo_ms=redo_ms,
        index_ms=index_ms,
        samples=len(samples),
        confidence=_confidence(samples),
    )


def _analyze_ms(record: RecoveryRecord) -> float:
    return record.analyze_ms


def _redo_ms(record: RecoveryRecord) -> float:
    return record.redo_ms


def _index_ms(record: RecoveryRecord) -> float:
    return record.index_ms


def _replay_ms(record: RecoveryRecord) -> float:
    return record.analyze_ms + record.redo_ms + record.index_ms


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _confidence(samples: Sequence[RecoveryRecord]) -> float:
    misses = [min(1.0, abs(each.estimate_error)) for each in samples if each.estimate_error]
    return (1.0 - _mean(misses)) * len(samples) / (len(samples) + 1)


@dataclass(frozen=True, slots=True)
class RecoveryEstimate:
    """What a restart now would take: the row of `lungfish.recovery_estimate`. Times in milliseconds, sizes in bytes."""

    # Microseconds since 1970, UTC.
    as_of: int
    redo_lsn: LSN
    insert_lsn: LSN
    flush_lsn: LSN
    backlog_bytes: int
    backlog_records: int
    pages_to_hydrate: int
    est_hydrate_ms: float
    est_redo_ms: float
    est_undo_ms: float
    est_total_ms: float
    # None: nobody has set one.
    target_ms: float | None
    limiting_setting: str | None
    samples: int
    confidence: float
    advice: str | None


ESTIMATE_COLUMNS: Columns = (
    ("as_of", TIMESTAMPTZ),
    ("redo_lsn", PG_LSN),
    ("insert_lsn", PG_LSN),
    ("flush_lsn", PG_LSN),
    ("backlog_bytes", BIGINT),
    ("backlog_records", BIGINT),
    ("pages_to_hydrate", BIGINT),
    ("est_hydrate_ms", DOUBLE),
    ("est_redo_ms", DOUBLE),
    ("est_undo_ms", DOUBLE),
    ("est_total_ms", DOUBLE),
    ("target_ms", DOUBLE),
    ("limiting_setting", TEXT),
    ("samples", INTEGER),
    ("confidence", REAL),
    ("advice", TEXT),
)


def estimate_restart_ms(core: StorageCore, redo_lsn: LSN) -> float:
    """Milliseconds that a restart would take that reads the log from `redo_lsn` on: what the scheduler holds against its target."""
    backlog = max(0, core.log.end_lsn() - redo_lsn)
    records = _backlog_records(core, backlog)
    past = core.memory.recoveries.rows()
    return predict(past, log_bytes=backlog, record_count=records).total_ms


def estimate_restart(core: StorageCore, target_ms: float | None = None) -> RecoveryEstimate:
    """What a restart now would take, without reading the log: EXPLAIN RECOVERY does that."""
    prediction = _predict_now(core)
    total_ms = prediction.total_ms
    backlog = wal_backlog(core)
    return RecoveryEstimate(
        as_of=core.clock.utc_us(),
        redo_lsn=core.memory.facts.redo_lsn,
        insert_lsn=core.log.end_lsn(),
        flush_lsn=core.log.durable_lsn,
        backlog_bytes=backlog,
        backlog_records=_backlog_records(core, backlog),
        pages_to_hydrate=core.pool.figures().dirty_pages,
        est_hydrate_ms=prediction.hydrate_ms,
        est_redo_ms=prediction.replay_ms,
        est_undo_ms=prediction.undo_ms,
        est_total_ms=total_ms,
        target_ms=target_ms,
        limiting_setting="recovery_target_time_ms" if target_ms else "checkpoint_wal_bytes",
        samples=prediction.samples,
        confidence=prediction.confidence,
        advice=_advice(prediction, target_ms),
    )


def _predict_now(core: StorageCore) -> Prediction:
    backlog = wal_backlog(core)
    records = _backlog_records(core, backlog)
    return predict(core.memory.recoveries.rows(), log_bytes=backlog, record_count=records)


def _backlog_records(core: StorageCore, backlog: int) -> int:
    """How many records the backlog has, by their average size in this life of the log, and in the one that was replayed."""
    facts = core.driver.log_facts
    count = core.log.record_count + facts.record_count
    size = core.log.end_lsn() - core.log.start.life_start + facts.byte_count
    return backlog * count // size if size > 0 else 0


def _advice(prediction: Prediction, target_ms: float | None) -> str | None:
    total_ms = prediction.total_ms
    if target_ms and total_ms > target_ms:
        without_ms = total_ms - prediction.replay_ms
        return f"CHECKPOINT would bring it down to about {without_ms:.0f} ms, below the target of {target_ms:.0f} ms"
    return None
