"""Statements about kept images: DROP CHECKPOINT, SCRUB, and the options of CHECKPOINT that keep one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lungfish.catalog.objects import Index, Table
from lungfish.database.historical import forget_historical
from lungfish.database.scrub import Scrub
from lungfish.errors import (
    ActiveSqlTransaction,
    InvalidParameterValue,
    ReadOnlySqlTransaction,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.planner.expressions import OutputColumn
from lungfish.recovery.checkpoint_request import CheckpointRequest
from lungfish.session.results import StatementResult
from lungfish.sql.ast import utility
from lungfish.types.sql_type import INTERVAL, TEXT, TIMESTAMPTZ, Interval
from lungfish.types.text_parse import parse_value

if TYPE_CHECKING:
    from lungfish.session.session import Session

_SCRUB_COLUMNS = tuple(OutputColumn(name, TEXT) for name in ("object", "state", "details"))
# How long a month of KEEP is: an image is kept for so many days, not until a date.
_DAYS_OF_MONTH = 30
_US_OF_DAY = 86_400_000_000


def with_keep(request: CheckpointRequest, text: str, position: int) -> CheckpointRequest:
    """The request with KEEP 'interval'. Raises InvalidParameterValue for one that is not above zero."""
    kept: Interval = parse_value(text, INTERVAL)
    days = kept.months * _DAYS_OF_MONTH + kept.days
    keep_us = days * _US_OF_DAY + kept.microseconds
    if keep_us <= 0:
        raise InvalidParameterValue(
            f'KEEP must be an interval above zero, not "{text}"', position=position
        )
    return replace(request, keep_us=keep_us)


def check_named(request: CheckpointRequest, position: int) -> None:
    """Raise InvalidParameterValue where an option that is about a kept image stands without NAME."""
    if not request.name and (request.keep_us is not None or request.retains_log):
        option = "KEEP" if request.keep_us is not None else "RETAIN_WAL"
        raise InvalidParameterValue(
            f"CHECKPOINT ({option}) needs a NAME",
            position=position,
            hint="Only an image with a name is kept longer than until the next checkpoints.",
        )


def run_scrub(session: Session, statement: utility.Scrub) -> StatementResult:
    """SCRUB: a row for each thing that was read. Writers of a table wait while that table is held against its indexes."""
    if session.in_transaction:
        raise ActiveSqlTransaction(
            "SCRUB cannot run inside a transaction block", position=statement.position
        )
    scrub = Scrub(
        session.database,
        lock_timeout_s=session.settings.lock_timeout_s,
        look=session.cancellation.check,
    )
    match statement.target:
        case None:
            findings = [*scrub.images(), *scrub.log(), *scrub.tables()]
        case "images":
            findings = scrub.images()
        case "wal":
            findings = scrub.log()
        case target:
            findings = scrub.relation(_relation(session, target, statement.position))
    rows = [(each.object, each.state, each.details) for each in findings]
    return StatementResult(_SCRUB_COLUMNS, "SCRUB", len(rows), rows=rows)


def _relation(session: Session, target: str, position: int) -> Table | Index:
    schema, _, name = target.rpartition(".")
    path = session.settings.search_path
    found = session.catalog.find_relation(name, schema or None, path)
    index = session.catalog.find_index(name, schema or None, path)
    if index is not None:
        return index[1]
    if found is None:
        raise UndefinedTable(f'relation "{target}" does not exist', position=position)
    if not isinstance(found, Table):
        raise WrongObjectType(f'"{target}" is not a table or index', position=position)
    return found


def run_drop_checkpoint(session: Session, statement: utility.DropCheckpoint) -> StatementResult:
    """DROP CHECKPOINT: the names are gone, durably, when it returns; the space is free once nobody reads the images."""
    if session.in_transaction:
        raise ActiveSqlTransaction(
            "DROP CHECKPOINT cannot run inside a transaction block", position=statement.position
        )
    if session.is_read_only:
        raise ReadOnlySqlTransaction(
            "cannot execute DROP CHECKPOINT in a read-only session", position=statement.position
        )
    images = session.database.core.images
    if statement.name is not None:
        names = [statement.name]
    else:
        assert statement.before is not None
        moment = parse_value(statement.before, TIMESTAMPTZ, session.settings.text)
        names = images.names_before(moment)
    if names:
        forget_historical(session.database, names)
        with images.dropping(names):
            session.database.checkpoint(
                CheckpointRequest(
                    requested_by=session.description,
                    reason=f"drop checkpoint {', '.join(names)}",
                )
            )
    return StatementResult(None, "DROP CHECKPOINT", len(names))
