"""Statements that neither query nor define: settings, EXPLAIN, PREPARE, LOCK, CHECKPOINT and their kin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lungfish.catalog.catalog import Catalog, Relation
from lungfish.catalog.objects import Oid, Table
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import (
    ActiveSqlTransaction,
    FeatureNotSupported,
    InvalidSchemaName,
    NoActiveSqlTransaction,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.executor.ddl import execute_ddl
from lungfish.planner.expressions import OutputColumn
from lungfish.session.backup import run_backup, run_restore, run_verify_backup
from lungfish.session.checkpoint import (
    run_cancel_checkpoint,
    run_checkpoint,
    run_wal_checkpoint,
)
from lungfish.session.copying import run_copy
from lungfish.session.cursors import close_cursor, declare_cursor, fetch
from lungfish.session.explain import run_explain
from lungfish.session.explain_recovery import run_explain_recovery
from lungfish.session.images import run_drop_checkpoint, run_scrub
from lungfish.session.prepared import (
    deallocate,
    execute_prepared,
    prepare,
)
from lungfish.session.results import StatementResult
from lungfish.session.settings import shown_name
from lungfish.session.system_settings import (
    check_may_change,
    is_storage_setting,
    run_alter_system,
)
from lungfish.session.transaction_control import MODES, no_writing_there, set_mode, set_modes
from lungfish.session.upkeep import run_analyze, run_vacuum
from lungfish.sql.ast import ddl, dml, queries, routines, utility
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.quoting import quote_identifier
from lungfish.storage.lock_modes import LockMode
from lungfish.types.sql_type import TEXT

if TYPE_CHECKING:
    from lungfish.session.session import Session

# BEGIN, COMMIT and the like, which the session handles itself.
TRANSACTION_CONTROL = (
    utility.Begin,
    utility.Commit,
    utility.Rollback,
    utility.Savepoint,
    utility.Release,
)

# These run on their own, never inside a transaction: what they do is not undone by a rollback.
_OUTSIDE_TRANSACTION = (
    utility.AlterSystem,
    utility.CancelCheckpoint,
    utility.Checkpoint,
    utility.WalCheckpoint,
    utility.DropCheckpoint,
    utility.Scrub,
    utility.Backup,
    utility.VerifyBackup,
    utility.Restore,
    utility.ExplainRecovery,
)


# These see nothing of the database: before them it is not too late for SET TRANSACTION (PostgreSQL's PlannedStmtRequiresSnapshot).
_BLIND = frozenset(
    [
        utility.SetVariable,
        utility.ShowVariable,
        utility.SetTransaction,
        utility.SetConstraints,
        utility.LockTable,
        utility.Fetch,
    ]
)


def runs_outside_transaction(statement: object) -> bool:
    """Whether the statement needs no transaction of its own."""
    if isinstance(statement, utility.SetVariable):
        return is_storage_setting(statement.name)
    return isinstance(statement, _OUTSIDE_TRANSACTION)


def run_utility(session: Session, statement: Any) -> StatementResult:
    """Run the statement. Raises FeatureNotSupported (0A000) for those that are parsed but not done yet."""
    run = _UTILITIES.get(type(statement))
    if run is None:
        raise FeatureNotSupported(
            f"{_spell(type(statement).__name__)} is not supported", position=statement.position
        )
    if type(statement) not in _BLIND:
        session.has_queried = True
    return run(session, statement)


def _spell(name: str) -> str:
    """DeclareCursor -> DECLARE CURSOR."""
    return "".join(f" {letter}" if letter.isupper() else letter for letter in name).strip().upper()


def _text_rows(name: str, lines: Iterable[str], tag: str) -> StatementResult:
    rows = [(line,) for line in lines]
    return StatementResult((OutputColumn(name, TEXT),), tag, len(rows), rows=rows)


def _set_variable(session: Session, statement: utility.SetVariable) -> StatementResult:
    tag = "RESET" if statement.is_reset else "SET"
    if statement.name == "all":
        session.settings.reset_all()
        return StatementResult(None, tag)
    if is_storage_setting(statement.name) and not statement.is_local:
        check_may_change(session, f"SET {statement.name}", statement.position)
    values = statement.values
    if statement.name == "search_path":
        values = tuple(quote_identifier(each) for each in values)
    value = None if not values else ", ".join(values)
    if statement.name.lower() in MODES:
        set_mode(session, statement.name.lower(), value)
    else:
        session.settings.set(statement.name, value, is_local=statement.is_local)
    return StatementResult(None, tag)


def _show_variable(session: Session, statement: utility.ShowVariable) -> StatementResult:
    if statement.name.lower() == "all":
        names = session.settings.names()
        rows = [(name, session.show(name)) for name in names]
        columns = (OutputColumn("name", TEXT), OutputColumn("setting", TEXT))
        return StatementResult(columns, "SHOW", len(rows), rows=rows)
    value = session.show(statement.name)
    return _text_rows(shown_name(statement.name), [value], "SHOW")


def _set_transaction(session: Session, statement: utility.SetTransaction) -> StatementResult:
    if not statement.is_session:
        set_modes(
            session,
            isolation=statement.isolation,
            is_read_only=statement.is_read_only,
            is_deferrable=statement.is_deferrable,
            position=statement.position,
        )
        return StatementResult(None, "SET")
    if statement.is_read_only is False and session.database.is_historical:
        raise no_writing_there(statement.position)
    if statement.isolation is not None:
        session.settings.set("default_transaction_isolation", statement.isolation)
    if statement.is_read_only is not None:
        session.settings.set(
            "default_transaction_read_only", "on" if statement.is_read_only else "off"
        )
    return StatementResult(None, "SET")


def _require_lockable(session: Session, name: ObjectName, found: Relation | None) -> None:
    """Raise UndefinedTable, or WrongObjectType for what is neither a table nor a view."""
    kind = None
    if isinstance(found, SequenceObject):
        kind = "sequences"
    elif isinstance(found, Table) and found.materialized_query is not None:
        kind = "materialized views"
    elif found is None:
        path = session.settings.search_path
        if session.catalog.find_index(name.name, name.schema, path) is None:
            raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
        kind = "indexes"
    if kind is not None:
        raise WrongObjectType(
            f'cannot lock relation "{name.name}"',
            detail=f"This operation is not supported for {kind}.",
        )


def _lock_table(session: Session, statement: utility.LockTable) -> StatementResult:
    if not session.is_in_block:
        raise NoActiveSqlTransaction("LOCK TABLE can only be used in transaction blocks")
    mode = LockMode[statement.mode.upper().replace(" ", "_")]
    for name in statement.tables:
        found = session.catalog.find_relation(name.name, name.schema, session.settings.search_path)
        _require_lockable(session, name, found)
        assert found is not None, "what cannot be locked has been refused"
        session.lock_relation(found.name, found.oid, mode, is_nowait=statement.is_nowait)
    return StatementResult(None, "LOCK TABLE")


def _call(session: Session, statement: routines.Call) -> StatementResult:
    return session.routines.call(statement)


def _set_constraints(session: Session, statement: utility.SetConstraints) -> StatementResult:
    oids: list[Oid] | None = None
    if statement.names:
        oids = []
        for name in statement.names:
            oids += _constraints_named(session, name)
    deferred = session.deferred_checks
    deferred.set_mode(oids, is_deferred=statement.is_deferred)
    if not statement.is_deferred:
        deferred.run(session.execution_context(), only_immediate=True)
    return StatementResult(None, "SET CONSTRAINTS")


def _constraints_named(session: Session, name: queries.ObjectName) -> list[Oid]:
    """The deferrable constraints of that name, in the first schema that has any."""
    catalog = session.catalog
    schemas = [name.schema] if name.schema is not None else session.settings.search_path
    for schema in schemas:
        namespace = catalog.namespace(schema)
        if namespace is None:
            if name.schema is not None:
                raise InvalidSchemaName(f'schema "{schema}" does not exist', position=name.position)
            continue
        found = [
            item
            for table in catalog.tables()
            if table.namespace_oid == namespace.oid
            for item in table.constraints
            if item.name == name.name
        ]
        if found:
            if not all(item.is_deferrable for item in found):
                raise WrongObjectType(
                    f'constraint "{name.name}" is not deferrable', position=name.position
                )
            return _with_parts({item.oid for item in found}, catalog)
    raise UndefinedObject(f'constraint "{name}" does not exist', position=name.position)


def _with_parts(oids: set[Oid], catalog: Catalog) -> list[Oid]:
    """The constraints, and what stands for them on partitions at all depths."""
    constraints = [item for table in catalog.tables() for item in table.constraints]
    found: set[Oid] = set()
    while oids:
        found |= oids
        oids = {item.oid for item in constraints if item.parent_oid in oids}
    return sorted(found)


def _discard(session: Session, statement: utility.Discard) -> StatementResult:
    if statement.kind == "all":
        if session.is_in_block:
            raise ActiveSqlTransaction("DISCARD ALL cannot run inside a transaction block")
        session.prepared.clear()
        session.cursors.close_all()
        session.settings.reset_all()
    if statement.kind in ("all", "sequences"):
        session.functions.forget_sequences()
    if statement.kind in ("all", "temp"):
        names = tuple(
            queries.ObjectName(item.name, "pg_temp")
            for item in session.catalog.temporaries()
            if isinstance(item, Table)
        )
        if names:
            execute_ddl(session.ddl_context(), ddl.Drop("table", names, is_cascade=True))
    return StatementResult(None, f"DISCARD {statement.kind.upper()}")


_UTILITIES: dict[type[Any], Callable[[Session, Any], StatementResult]] = {
    utility.SetVariable: _set_variable,
    utility.ShowVariable: _show_variable,
    utility.SetTransaction: _set_transaction,
    utility.Explain: run_explain,
    utility.Prepare: prepare,
    utility.Execute: execute_prepared,
    utility.Deallocate: deallocate,
    utility.LockTable: _lock_table,
    utility.Analyze: run_analyze,
    utility.Vacuum: run_vacuum,
    utility.ExplainRecovery: run_explain_recovery,
    utility.AlterSystem: run_alter_system,
    utility.CancelCheckpoint: run_cancel_checkpoint,
    utility.Checkpoint: run_checkpoint,
    utility.WalCheckpoint: run_wal_checkpoint,
    utility.DropCheckpoint: run_drop_checkpoint,
    utility.Scrub: run_scrub,
    utility.Discard: _discard,
    utility.Backup: run_backup,
    utility.VerifyBackup: run_verify_backup,
    utility.Restore: run_restore,
    dml.Copy: run_copy,
    utility.DeclareCursor: declare_cursor,
    utility.Fetch: fetch,
    utility.CloseCursor: close_cursor,
    utility.SetConstraints: _set_constraints,
    routines.Call: _call,
}
