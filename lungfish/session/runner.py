"""What DDL asks of the session: to run SQL inside its transaction, on the catalog as changed so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lungfish.catalog.names import type_text
from lungfish.catalog.objects import Column, Index, Oid, Table
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import DatatypeMismatch, IndeterminateCollation, ObjectInUse
from lungfish.executor import execute_batches, insert_batches, insert_rows
from lungfish.executor.exclusions import require_no_clashes
from lungfish.planner import (
    ExpressionFacts,
    bind_stored_expression,
    describe_query,
    describe_statement,
    may_assign,
    objects_used,
    output_collations,
    placed_in,
    resolve_type_name,
    routines_used,
    settle_default,
    settle_literals,
    stored_expression_facts,
    stored_names,
    stored_value_type,
)
from lungfish.planner.physical import PhysicalStatement
from lungfish.session.parameters import infer_values
from lungfish.session.prepared import argument_values, query_of
from lungfish.sql.ast.expressions import Cast, TypeName
from lungfish.sql.ast.queries import Query, Select
from lungfish.sql.ast.utility import Execute
from lungfish.sql.statements import parse
from lungfish.storage.lock_modes import LockMode, table_tag
from lungfish.storage.table_build import TellBuild
from lungfish.types.batch import Batch
from lungfish.types.collations import collation_of_type
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import to_values

if TYPE_CHECKING:
    from lungfish.session.results import StatementResult
    from lungfish.session.session import Session


class SessionRunner:
    """Implements `executor.ddl.context.StatementRunner`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of internal values."""
        (piece,) = parse(sql)
        assert isinstance(piece.statement, Query)
        return self._rows(piece.statement)

    def query_assigned(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows whose outermost casts are those of an assignment: what is too long for a column is an error."""
        (piece,) = parse(sql)
        assert isinstance(piece.statement, Query)
        assert isinstance(piece.statement.body, Select)
        items = tuple(
            replace(item, expression=replace(item.expression, is_assignment=True))
            if isinstance(item.expression, Cast)
            else item
            for item in piece.statement.body.items
        )
        body = replace(piece.statement.body, items=items)
        return self._rows(replace(piece.statement, body=body))

    def _rows(self, query: Query) -> list[tuple[Any, ...]]:
        cached = self._session.locked_plan(query, None, ())
        return list(internal_rows(self._session.run_plan(cached.plan, ())))

    def run_query(self, query: Query) -> tuple[tuple[tuple[str, SqlType], ...], Iterable[Batch]]:
        """The names and types of a query's columns, and its rows, which are made as they are asked for."""
        plan = self._session.locked_plan(query, None, ()).plan
        return _columns(plan), execute_batches(plan, self._session.execution_context())

    def run_execute(
        self, statement: Execute, *, with_rows: bool
    ) -> tuple[tuple[tuple[str, SqlType], ...], Iterable[Batch]]:
        """The names and types of a prepared query's columns, and its rows if these are asked for, as `run_query` has them."""
        session = self._session
        found = query_of(session, statement)
        values, types = argument_values(session, statement, found)
        plan = session.locked_plan(found.statement, None, types).plan
        if not with_rows:
            return _columns(plan), ()
        values = infer_values(values, types, plan.parameter_types, session.settings.text)
        return _columns(plan), execute_batches(plan, session.execution_context(values))

    def describe_query(
        self, query: Query
    ) -> tuple[tuple[tuple[str, SqlType], ...], frozenset[Oid]]:
        """The names and types of a query's columns, and the oids of the objects that it uses."""
        catalog, search_path = self._session.catalog, self._session.settings.search_path
        columns = describe_query(query, catalog, search_path)
        used = objects_used(query, catalog, search_path)
        if catalog.has_functions:
            used |= routines_used(query, catalog, search_path)
        return tuple((column.name, column.type) for column in columns), used

    def check_collations(
        self, query: Query | Execute, *, names: Sequence[str], what: str
    ) -> list[str | None]:
        """What COLLATE would say behind each column of a query."""
        catalog, search_path = self._session.catalog, self._session.settings.search_path
        types: Sequence[SqlType | None] = ()
        if isinstance(query, Execute):
            prepared = query_of(self._session, query)
            query, types = prepared.query, prepared.types
        found = output_collations(query, catalog, search_path, types)
        if found is None:
            return [None] * len(names)
        columns, _ = describe_statement(query, catalog, search_path, types)
        return [
            _declared_collation(name, column.type, collation, what)
            for name, column, collation in zip(names, columns, found, strict=True)
        ]

    def settled_query(self, text: str) -> str:
        """The text of a query that is stored; see `planner/settle_literals.py`."""
        session = self._session
        return settle_literals(
            text, session.catalog, session.settings.search_path, self._text_settings()
        )

    def stored_text(self, table: Table, text: str, *, what: str) -> str:
        """The text of an expression that is stored; see `planner/stored_names.py`."""
        catalog, path = self._session.catalog, self._session.settings.search_path
        return stored_names(text, table, (catalog, catalog), path, what=what)

    def settled_default(self, text: str, kind: SqlType) -> str:
        """The text of a default for a column of the type."""
        catalog = self._session.catalog
        path = self._session.settings.search_path
        return settle_default(text, type_text(catalog, kind), catalog, path, self._text_settings())

    def _text_settings(self) -> TextSettings:
        context = self._session.execution_context()
        settings: TextSettings = context.functions.session_fact("text_settings")
        return settings

    def insert_rows(
        self, table: Table, rows: Iterable[tuple[Any, ...]], *, expected_count: int = 0
    ) -> int:
        """Store whole rows, with the checks of all the table's constraints."""
        progress = None
        if expected_count:
            progress = self._session.cancellation.begin(f"rewriting {table.name}", expected_count)
        return insert_rows(table, rows, self._session.execution_context(), progress)

    def insert_batches(self, table: Table, batches: Iterable[Batch]) -> int:
        """`insert_rows` for rows that come by column."""
        return insert_batches(table, batches, self._session.execution_context())

    def check_expression(self, table: Table, text: str, *, what: str) -> SqlType:
        """Bind a stored expression over the table's columns and answer its type."""
        session = self._session
        with placed_in(text):
            bound = bind_stored_expression(
                text, table, session.catalog, session.settings.search_path, what=what
            )
        return bound.type

    def check_expression_facts(self, table: Table, text: str, *, what: str) -> ExpressionFacts:
        """Bind a stored expression over the table's columns and answer what it depends on."""
        session = self._session
        with placed_in(text):
            return stored_expression_facts(
                text, table, session.catalog, session.settings.search_path, what=what
            )

    def value_type(self, table: Table, text: str, *, what: str) -> SqlType:
        """The type of an expression before it is assigned to a column: unknown for a literal."""
        session = self._session
        with placed_in(text):
            return stored_value_type(
                text, table, session.catalog, session.settings.search_path, what=what
            )

    def check_assignable(self, column: Column, kind: SqlType, position: int) -> None:
        """Raise DatatypeMismatch unless the column's values can be assigned to that type."""
        if not may_assign(column.type, kind, self._session.catalog):
            raise DatatypeMismatch(
                f'column "{column.name}" cannot be cast automatically to type {kind}',
                position=position,
                hint=f'You might need to specify "USING {column.name}::{kind}".',
            )

    def resolve_type(self, type_name: TypeName) -> SqlType:
        """The type that a name in the text stands for."""
        return resolve_type_name(
            type_name, self._session.catalog, self._session.settings.search_path
        )

    def lock_table(self, table: Table, mode: str) -> None:
        """Lock a table until the transaction ends."""
        session = self._session
        session.database.transactions.locks.acquire(
            session._lock_owner, table_tag(table.oid), LockMode[mode.upper().replace(" ", "_")]
        )

    def check_unused(self, table: Table, command: str) -> None:
        """Raise ObjectInUse if an open cursor of the session reads the table, or checks of its rows are put off."""
        session = self._session
        if session.cursors.reads(table.oid):
            reason = "it is being used by active queries in this session"
        elif session.deferred_checks.has_any_of(table.oid, session.execution_context):
            reason = "it has pending trigger events"
        else:
            return
        raise ObjectInUse(f'cannot {command} "{table.name}" because {reason}')

    def begin_sequence(self, sequence: SequenceObject, value: int) -> None:
        """Let a new sequence, or one with a new `state_oid`, begin at a value, unless the transaction or its part is rolled back."""
        sequences = self._session.database.sequences
        transaction = self._session.transaction
        assert transaction is not None
        transaction.on_rollback.append(lambda: sequences.take_back(sequence))
        transaction.on_commit.append(lambda: sequences.settle(sequence))
        sequences.begin(sequence, value)

    @contextmanager
    def searching(self, search_path: tuple[str, ...]) -> Iterator[None]:
        """Names without a schema are looked for there meanwhile."""
        settings = self._session.settings
        before = settings.search_path
        settings.search_path = search_path
        try:
            yield
        finally:
            settings.search_path = before

    @property
    def checks_function_bodies(self) -> bool:
        """Whether CREATE FUNCTION looks at the body: a dump may make a function before what it uses."""
        return self._session.settings.get("check_function_bodies") == "on"

    @property
    def is_in_block(self) -> bool:
        """Whether other statements run in the same transaction."""
        return self._session.is_in_block

    def require_no_clashes(self, table: Table, index: Index) -> None:
        """Raise ExclusionViolation if rows of the table clash by the exclusion constraint of a new index."""
        require_no_clashes(table, index, self._session.execution_context())

    def begin_build(self, index: Index) -> TellBuild:
        """What tells the statement's progress how far the build of an index is; raises QueryCanceled if it is to stop."""
        cancellation, name = self._session.cancellation, index.name
        progress = cancellation.begin(f"building {name}", 0)

        def tell(step: str, done: int, total: int) -> None:
            cancellation.check()
            progress.phase = f"{step} {name}"
            progress.done, progress.total = done, total

        return tell

    def setting(self, name: str) -> str:
        """The value of a setting. Raises UndefinedObject."""
        return self._session.show(name)

    def checked_setting(self, name: str, value: str) -> str:
        """The value as the setting would keep it. Raises what SET would raise."""
        settings = self._session.settings
        before, local = settings.snapshot(), settings.locals()
        try:
            settings.set(name, value, is_local=True)
        finally:
            settings.restore(before, local)
        return value

    def notice(self, message: str, *, severity: str = "NOTICE") -> None:
        """Tell the client."""
        self._session.notice(message, severity=severity)


def _columns(plan: PhysicalStatement) -> tuple[tuple[str, SqlType], ...]:
    return tuple((column.name, column.type) for column in plan.root.columns)


def internal_rows(result: StatementResult) -> Iterator[tuple[Any, ...]]:
    """A result's rows as tuples of internal values."""
    if result.rows is not None:
        return iter(result.rows)
    return batches_rows(result.batches, [column.type for column in result.columns or ()])


def batches_rows(batches: Iterable[Batch], types: Sequence[SqlType]) -> Iterator[tuple[Any, ...]]:
    """The rows of batches with columns of these types, as they are asked for."""
    for batch in batches:
        if not types:
            yield from [()] * batch.row_count
            continue
        columns = [
            to_values(vector, kind) for vector, kind in zip(batch.columns, types, strict=True)
        ]
        yield from zip(*columns, strict=True)


def _declared_collation(name: str, kind: SqlType, collation: str | None, what: str) -> str | None:
    """What COLLATE would say behind a column of that collation, which None means could not be determined."""
    own = collation_of_type(kind)
    if own is None or collation == own:
        return None
    if collation is None:
        raise IndeterminateCollation(
            f'could not determine which collation to use for view column "{name}"'
            if what == "view"
            else f'no collation was derived for column "{name}" with collatable type {kind}',
            hint="Use the COLLATE clause to set the collation explicitly.",
        )
    return collation
