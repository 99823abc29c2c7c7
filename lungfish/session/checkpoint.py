"""The CHECKPOINT statement: its options to a request, the outcome to a row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lungfish.errors import ActiveSqlTransaction, FeatureNotSupported, ReadOnlySqlTransaction
from lungfish.planner.expressions import OutputColumn
from lungfish.recovery.checkpoint_request import (
    RESULT_COLUMNS,
    CheckpointKind,
    CheckpointMode,
    CheckpointRequest,
)
from lungfish.recovery.view_rows import row_of
from lungfish.session.images import check_named, with_keep
from lungfish.session.results import StatementResult
from lungfish.sql.ast import utility

if TYPE_CHECKING:
    from lungfish.session.session import Session

_KINDS = {
    "auto": CheckpointKind.INCREMENTAL,
    "incremental": CheckpointKind.INCREMENTAL,
    "full": CheckpointKind.FULL,
}
_COLUMNS = tuple(OutputColumn(name, kind) for name, kind in RESULT_COLUMNS)


def run_checkpoint(session: Session, statement: utility.Checkpoint) -> StatementResult:
    """Run CHECKPOINT and answer its one row. Raises ActiveSqlTransaction inside a transaction, but for a dry run."""
    request = CheckpointRequest(requested_by=session.description)
    for name, value in statement.options:
        request = _with_option(request, name, value, statement.position)
    check_named(request, statement.position)
    if session.in_transaction and not request.is_dry_run:
        raise ActiveSqlTransaction(
            "CHECKPOINT cannot run inside a transaction block", position=statement.position
        )
    if session.is_read_only:
        raise ReadOnlySqlTransaction(
            "cannot execute CHECKPOINT in a read-only session", position=statement.position
        )
    result = session.database.checkpoint(request)
    return StatementResult(_COLUMNS, "CHECKPOINT", 1, rows=[row_of(result, RESULT_COLUMNS)])


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
        case "fence_timeout":
            return replace(request, fence_timeout_ms=float(str(value)))
        case "reason":
            return replace(request, reason=str(value))
        case "timeout":
            # As everywhere in PostgreSQL, 0 is no limit.
            return replace(request, timeout_ms=float(str(value)) or None)
        case "name":
            return replace(request, name=str(value))
        case "keep":
            return with_keep(request, str(value), position)
        case "retain_wal":
            return replace(request, retains_log=bool(value))
        case "archive":
            return replace(request, archives=bool(value))
        case "wait" if value:
            return request
        case "flush_unlogged":
            # There are no unlogged tables: nothing is left out either way.
            return request
        case _:
            raise FeatureNotSupported(
                f"CHECKPOINT ({name.upper()}) is not supported", position=position
            )
