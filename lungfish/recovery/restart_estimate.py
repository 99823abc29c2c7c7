"""How long a restart would take: a model of what it costs, fitted to what past ones took.

    time = scale * (bytes of log * BYTE_MS + row records * RECORD_MS) + base

The two constants are the ratio of what a byte and a record cost (measured by bench/restart.py: a batch of 1,000 rows and a row of its own
lie at the two ends). `scale` is what this machine took by the last restarts in `lungfish.recovery_history` beside what the model
says, the newer ones counting more; `base` the least that any of them took. Without a past, the constants alone speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lungfish.recovery.history import RecoveryRecord

BYTE_MS = 4e-6
RECORD_MS = 7e-4
# How many of the last restarts count, and how much more each than the one before it.
SAMPLE_COUNT = 8
_NEWER_WEIGHT = 1.5
# Shorter logs say nothing about the speed of redo.
_SAMPLE_BYTES_MIN = 64 * 1024


@dataclass(frozen=True, slots=True)
class Prediction:
    """Milliseconds, and how far they can be trusted."""

    total_ms: float
    base_ms: float
    # Past restarts that it goes by.
    samples: int
    # From 0 to 1: grows with the samples, and shrinks with how far off past estimates were.
    confidence: float

    @property
    def replay_ms(self) -> float:
        """What grows with the log: reading it, redo, building indexes."""
        return self.total_ms - self.base_ms


def model_ms(log_bytes: int, record_count: int) -> float:
    """What replaying so much would take on the machine that the constants come from."""
    return log_bytes * BYTE_MS + record_count * RECORD_MS


def predict(past: Sequence[RecoveryRecord], *, log_bytes: int, record_count: int) -> Prediction:
    """How long a restart with so much log would take, by the past ones."""
    unclean = [each for each in past if not each.clean]
    samples = [each for each in unclean if each.wal_bytes >= _SAMPLE_BYTES_MIN][-SAMPLE_COUNT:]
    base_ms = min((each.total_ms - _replay_ms(each) for each in past), default=0.0)
    weights = [_NEWER_WEIGHT**number for number in range(len(samples))]
    modelled = sum(
        weight * model_ms(each.wal_bytes, each.records_applied + each.records_skipped)
        for weight, each in zip(weights, samples, strict=True)
    )
    taken = sum(weight * _replay_ms(each) for weight, each in zip(weights, samples, strict=True))
    scale = taken / modelled if modelled else 1.0
    total_ms = base_ms + scale * model_ms(log_bytes, record_count)
    return Prediction(total_ms, base_ms, len(samples), _confidence(samples))


def _replay_ms(record: RecoveryRecord) -> float:
    return record.analyze_ms + record.redo_ms + record.index_ms


def _confidence(samples: Sequence[RecoveryRecord]) -> float:
    if not samples:
        return 0.0
    errors = [min(1.0, abs(each.estimate_error)) for each in samples if each.estimate_error]
    accuracy = 1.0 - sum(errors) / len(errors) if errors else 1.0
    return accuracy * len(samples) / (len(samples) + 1)
