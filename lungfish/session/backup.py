"""BACKUP, VERIFY BACKUP and RESTORE: their options to a request, the outcome to a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.database.restore import restore_database
from lungfish.errors import ActiveSqlTransaction
from lungfish.planner.expressions import OutputColumn
from lungfish.recovery.backup import BackupRequest
from lungfish.recovery.backup_verify import verify_backup
from lungfish.recovery.restore import RestoreRequest, RestoreTarget
from lungfish.recovery.view_rows import Columns, row_of
from lungfish.recovery.wal_records import parse_lsn
from lungfish.session.results import StatementResult
from lungfish.sql.ast import utility
from lungfish.types.sql_type import (
    BIGINT,
    INTEGER,
    PG_LSN,
    TEXT,
    TIMESTAMPTZ,
    array_of,
)
from lungfish.types.text_parse import parse_value

if TYPE_CHECKING:
    from lungfish.session.session import Session

BACKUP_COLUMNS: Columns = (
    ("path", TEXT),
    ("kind", TEXT),
    ("backup_id", TEXT),
    ("base_path", TEXT),
    ("checkpoint_id", BIGINT),
    ("redo_lsn", PG_LSN),
    ("end_lsn", PG_LSN),
    ("unit_count", BIGINT),
    ("image_unit_count", BIGINT),
    ("log_bytes", BIGINT),
    ("bytes", BIGINT),
    ("started_at", TIMESTAMPTZ),
    ("finished_at", TIMESTAMPTZ),
)
VERIFY_COLUMNS: Columns = (
    ("path", TEXT),
    ("backups", INTEGER),
    ("database_id", TEXT),
    ("checkpoint_id", BIGINT),
    ("redo_lsn", PG_LSN),
    ("end_lsn", PG_LSN),
    ("pages", BIGINT),
    ("bytes", BIGINT),
    ("problems", array_of(TEXT)),
)
RESTORE_COLUMNS: Columns = (
    ("backup_path", TEXT),
    ("target_path", TEXT),
    ("outcome", TEXT),
    ("backups", INTEGER),
    ("checkpoint_id", BIGINT),
    ("redo_lsn", PG_LSN),
    ("restored_lsn", PG_LSN),
    ("available_lsn", PG_LSN),
    ("last_commit_at", TIMESTAMPTZ),
    ("transactions", BIGINT),
    ("segments", INTEGER),
    ("image_bytes", BIGINT),
    ("log_bytes", BIGINT),
    ("warnings", array_of(TEXT)),
)


def run_backup(session: Session, statement: utility.Backup) -> StatementResult:
    """Run BACKUP and answer its one row. Raises ActiveSqlTransaction inside a transaction."""
    _refuse_in_transaction(session, "BACKUP", statement.position)
    options = dict(statement.options)
    database = session.database
    report = database.backup(
        BackupRequest(
            path=statement.path,
            base_path=statement.incremental_from or "",
            is_overwriting=bool(options.get("overwrite", False)),
            requested_by=session.description,
        )
    )
    if options.get("verify"):
        verify_backup(database.outside_disk, statement.path).require_sound()
    return _one_row("BACKUP", report, BACKUP_COLUMNS)


def run_verify_backup(session: Session, statement: utility.VerifyBackup) -> StatementResult:
    """Run VERIFY BACKUP and answer its one row."""
    report = verify_backup(session.database.outside_disk, statement.path)
    return _one_row("VERIFY BACKUP", report, VERIFY_COLUMNS)


def run_restore(session: Session, statement: utility.Restore) -> StatementResult:
    """Run RESTORE and answer its one row. Raises ActiveSqlTransaction inside a transaction, but for a dry run."""
    if not statement.is_dry_run:
        _refuse_in_transaction(session, "RESTORE", statement.position)
    options = dict(statement.options)
    request = RestoreRequest(
        backup_path=statement.path,
        target_path=statement.target_path,
        target=_target(session, statement),
        archive_path=str(options.get("archive", "")),
        wal_path=str(options.get("wal", "")),
        is_dry_run=statement.is_dry_run,
        is_overwriting=bool(options.get("overwrite", False)),
    )
    report = restore_database(request, options=session.database.options)
    return _one_row("RESTORE", report, RESTORE_COLUMNS)


def _target(session: Session, statement: utility.Restore) -> RestoreTarget:
    match statement.target_kind:
        case "lsn":
            return RestoreTarget(lsn=parse_lsn(statement.target))
        case "time":
            time_us = parse_value(statement.target, TIMESTAMPTZ, session.settings.text)
            return RestoreTarget(time_us=time_us)
        case "name":
            return RestoreTarget(name=statement.target)
        case _:
            return RestoreTarget()


def _refuse_in_transaction(session: Session, name: str, position: int) -> None:
    if session.in_transaction:
        raise ActiveSqlTransaction(
            f"{name} cannot run inside a transaction block", position=position
        )


def _one_row(tag: str, report: object, columns: Columns) -> StatementResult:
    described = tuple(OutputColumn(name, kind) for name, kind in columns)
    return StatementResult(described, tag, 1, rows=[row_of(report, columns)])
