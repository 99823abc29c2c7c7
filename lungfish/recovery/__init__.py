"""What survives: the write-ahead log, checkpoints, and restart.

    wal*.py          the log: records, segments, group commit, reading back
    retention.py     who needs the log, and from where
    checkpoint*.py   the coordinator, its participants, what it keeps
    restart*.py      analyse, undo, redo
    core.py          the parts wired together beneath the catalog: open, close, crash
    views.py         what the system views show

Start at `StorageCore`. What was acknowledged is there after any crash; what was not is there wholly or not at all. Nothing that a restart
finds is overwritten by it, so a crash in a restart only begins it again. tests/crash shows it, operation by operation.
"""

from lungfish.recovery.checkpoint import CheckpointCoordinator
from lungfish.recovery.checkpoint_contract import (
    CheckpointContext,
    CheckpointParticipant,
    Forecast,
    PhaseDeadlines,
    Prepared,
)
from lungfish.recovery.checkpoint_request import (
    RESULT_COLUMNS,
    CheckpointKind,
    CheckpointMode,
    CheckpointOutcome,
    CheckpointRequest,
    CheckpointResult,
    CheckpointTrigger,
)
from lungfish.recovery.core import CoreOptions, StorageCore
from lungfish.recovery.restart_progress import RecoveryPhase, RecoveryProgress
from lungfish.recovery.restart_relations import RestartCatalog, TableRelations
from lungfish.recovery.restart_report import RecoveryReport
from lungfish.recovery.telemetry import StorageTelemetryRegistry
from lungfish.recovery.view_rows import Columns, Row, row_of
from lungfish.recovery.views import STORAGE_VIEWS

__all__ = [
    "RESULT_COLUMNS",
    "STORAGE_VIEWS",
    "CheckpointContext",
    "CheckpointCoordinator",
    "CheckpointKind",
    "CheckpointMode",
    "CheckpointOutcome",
    "CheckpointParticipant",
    "CheckpointRequest",
    "CheckpointResult",
    "CheckpointTrigger",
    "Columns",
    "CoreOptions",
    "Forecast",
    "PhaseDeadlines",
    "Prepared",
    "RecoveryPhase",
    "RecoveryProgress",
    "RecoveryReport",
    "RestartCatalog",
    "Row",
    "StorageCore",
    "StorageTelemetryRegistry",
    "TableRelations",
    "row_of",
]
