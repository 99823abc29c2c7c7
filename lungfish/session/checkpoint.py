"""The CHECKPOINT statement and its kin: options to a request, the outcome to a row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lungfish.errors import (
    ActiveSqlTransaction,
    FeatureNotSupported,
    InvalidParameterValue,
    LockNotAvailable,
    ReadOnlySqlTransaction,
)
from lungfish.planner.expressions import OutputColumn
from lungfish.recovery.checkpoint_request import (
    RESULT_COLUMNS,
    CheckpointKind,
    CheckpointMode,
    CheckpointOutcome,
    CheckpointRequest,
    CheckpointResult,
)
from lungfish.recovery.view_rows import row_of
from lungfish.session.images import check_named, with_keep
from lungfish.session.results import StatementResult
from lungfish.session.system_settings import check_database_name
from lungfish.sql.ast import utility
from lungfish.types.sql_type import INTEGER

if TYPE_CHECKING:
    from lungfish.session.session import Session

_KINDS = {
    "auto": CheckpointKind.INCREMENTAL,
    "incremental": CheckpointKind.INCREMENTAL,
    "full": CheckpointKind.FULL,
}
_COLUMNS = tuple(OutputColumn(name, kind) for name, kind in RESULT_COLUMNS)
_SQLITE_COLUMNS = tuple(OutputColumn(name, INTEGER) for name in ("busy", "log", "checkpointed"))
# SQLite counts frames of the log: pages. Here a frame is so many bytes.
_FRAME_BYTES = 4096


def run_checkpoint(session: Session, statement: utility.Checkpoint) -> StatementResult:
    """Run CHECKPOINT and answer its one row."""
    result = take_checkpoint(session, statement.options, statement.position)
    return StatementResult(_COLUMNS, "CHECKPOINT", 1, rows=[row_of(result, RESULT_COLUMNS)])


def take_checkpoint(
    session: Session, options: tuple[tuple[str, object], ...], position: int = -1
) -> CheckpointResult:
    """Take a checkpoint with options by their names in SQL, in lower case.

    Raises ActiveSqlTransaction inside a transaction and ReadOnlySqlTransaction in a read-only session, but for a dry run;
    InvalidParameterValue, FeatureNotSupported; and what `CheckpointCoordinator.run` raises.
    """
    core = session.database.core
    request = CheckpointRequest(
        requested_by=session.description,
        fence_timeout_ms=core.settings.number("fence_timeout_ms"),
    )
    for name, value in options:
        if name == "database":
            check_database_name(session, str(value), position)
        else:
            request = _with_option(request, name, value, position)
    check_named(request, position)
    if session.in_transaction and not request.is_dry_run:
        raise ActiveSqlTransaction(
            "CHECKPOINT cannot run inside a transaction block", position=position
        )
    if session.is_read_only:
        raise ReadOnlySqlTransaction(
            "cannot execute CHECKPOINT in a read-only session", position=position
        )
    session.cancellation.reset()
    return session.database.checkpoint(request, session.cancellation.check)


def run_cancel_checkpoint(session: Session, statement: utility.CancelCheckpoint) -> StatementResult:
    """CANCEL CHECKPOINT: the one under way stops before its image counts; whoever waits for it gets 57014."""
    if not session.database.core.checkpoints.cancel():
        session.notice(
            "there is no checkpoint in progress that could be canceled", severity="WARNING"
        )
    return StatementResult(None, "CANCEL CHECKPOINT")


def run_wal_checkpoint(session: Session, statement: utility.WalCheckpoint) -> StatementResult:
    """SQLite's PRAGMA: busy, frames in the log, frames checkpointed. Unlike there, busy is 1 whenever the last two differ."""
    core = session.database.core
    before = core.memory.facts.redo_lsn
    mode = "passive" if statement.mode == "passive" else "fast"
    try:
        result = take_checkpoint(session, (("mode", mode),), statement.position)
    except LockNotAvailable:
        logged, checkpointed = core.log.end_lsn() - before, 0
    else:
        is_done = result.outcome is CheckpointOutcome.COMPLETE and result.redo_lsn is not None
        checkpointed = result.redo_lsn - before if is_done and result.redo_lsn else 0
        # What the log has grown by since counts if it is changes, not notes of the checkpoint's own.
        is_quiet = is_done and not core.pool.figures().dirty_pages
        logged = checkpointed if is_quiet else core.log.end_lsn() - before
    behind = -(-(logged - checkpointed) // _FRAME_BYTES)
    done = -(-checkpointed // _FRAME_BYTES)
    row = (int(behind > 0), done + behind, done)
    return StatementResult(_SQLITE_COLUMNS, "PRAGMA", 1, rows=[row])


def _with_option(
    request: CheckpointRequest, name: str, value: object, position: int
) -> CheckpointRequest:
    match name:
        case "mode":
            return replace(request, mode=CheckpointMode(str(value)))
        case "type":
            return replace(request, kind=_KINDS[str(value)])
        case "dry_run":
            return replace(request, is_dry_run=bool(value))
        case "wait":
            return replace(request, waits=bool(value))
        case "fence_timeout":
            return replace(request, fence_timeout_ms=_number(value))
        case "timeout":
            # As everywhere in PostgreSQL, 0 is no limit.
            return replace(request, timeout_ms=_number(value) or None)
        case "io_rate":
            return replace(request, io_rate=_number(value) or None)
        case "verify":
            return replace(request, verifies=bool(value))
        case "reason":
            return replace(request, reason=str(value))
        case "name":
            return replace(request, name=str(value))
        case "keep":
            return with_keep(request, str(value), position)
        case "retain_wal":
            return replace(request, retains_log=bool(value))
        case "archive":
            return replace(request, archives=bool(value))
        case "flush_unlogged":
            # There are no unlogged tables: nothing is left out either way.
            return request
        case _:
            raise FeatureNotSupported(
                f"CHECKPOINT ({name.upper()}) is not supported", position=position
            )


def _number(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    raise InvalidParameterValue(f"a number of at least 0 is needed, not {value!r}")
