r"""A database as plain SQL that psql loads into PostgreSQL 18, and `lungfish load` into Lungfish.

    settings                 search path and texts as the dump was written under
    schemas, types, functions that tables need, sequences, tables
    rows                     COPY ... FROM stdin, and the sequences' values
    indexes, keys, checks    then foreign keys, when all that they refer to is there
    views, other functions   each behind what it uses
    comments, REFRESH        of materialised views that have rows

All of it is one snapshot: a transaction of REPEATABLE READ, with the tables locked against change of their form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TextIO, TypeGuard

import lungfish.transfer.definitions as made
from lungfish.catalog import Catalog
from lungfish.catalog.catalog import BUILT_IN_NAMESPACES, is_temporary
from lungfish.catalog.names import qualified
from lungfish.catalog.objects import (
    PUBLIC_OID,
    CatalogObject,
    Constraint,
    Namespace,
    Rule,
    SqlFunction,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.connection.connection import Connection
from lungfish.connection.result_rows import iter_text_rows
from lungfish.errors import FeatureNotSupported
from lungfish.executor.ddl.exclude import needs_extension
from lungfish.executor.system_views.texts import index_definition, view_definition
from lungfish.planner import Deparsing
from lungfish.session import Session
from lungfish.session.copy_lines import format_lines
from lungfish.session.copy_options import CopyOptions
from lungfish.sql import parse_one
from lungfish.sql.ast.queries import Query
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.transfer.operator_definitions import create_cast, create_operator
from lungfish.transfer.order import Dependencies, in_order
from lungfish.transfer.rights import DumpedRights
from lungfish.transfer.selection import select_tables
from lungfish.transfer.table_options import table_options
from lungfish.types.sql_type import TypeKind

_HEADER = """\
--
-- Lungfish database dump: load it with psql into PostgreSQL 18, or with `lungfish load`
--

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET client_min_messages = warning;
SET search_path = public;
"""
# The texts of values that every loader reads back as they were.
_TEXT_SETTINGS = (
    "SET LOCAL DateStyle = 'ISO, MDY'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
)
# What the header sets.
_USUAL_PATH: tuple[str, ...] = ("public",)
_ROWS_BETWEEN_CALLS = 10_000

# Called with the table's name, the rows written of it and how many it has.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class DumpOptions:
    """What is dumped. `tables`: names or patterns (`s.t*`); none means everything."""

    has_schema: bool = True
    has_data: bool = True
    tables: tuple[str, ...] = ()


@dataclass(slots=True)
class DumpReport:
    """What a dump wrote."""

    table_count: int = 0
    row_count: int = 0
    # What a dump of chosen tables could not take along, in words.
    left_out: list[str] = field(default_factory=list)


def dump(
    connection: Connection,
    out: TextIO,
    options: DumpOptions | None = None,
    *,
    progress: Progress | None = None,
) -> DumpReport:
    """Write the database as SQL. Raises UndefinedTable for a name or pattern in the options that no table has."""
    with connection.transaction(isolation="repeatable read"):
        session = connection._session
        for statement in _TEXT_SETTINGS:
            session.execute(statement)
        return _Dump(session, out, options or DumpOptions(), progress).run()


class _Dump:
    """One run. Its steps, in order, are `run`."""

    def __init__(
        self, session: Session, out: TextIO, options: DumpOptions, progress: Progress | None
    ) -> None:
        self._session = session
        self._out = out
        self._options = options
        self._progress = progress
        self.report = DumpReport()
        # The search path that the header sets, and that views change.
        self._path = _USUAL_PATH
        self._catalog = _locked_catalog(session)
        items = [item for item in self._catalog.objects() if _is_dumped(item)]
        chosen: list[CatalogObject] = items
        if options.tables:
            chosen = select_tables(self._catalog, items, options.tables)
        needs = Dependencies(self._catalog)
        # Tables and what they cannot do without come before the rows, everything else behind them.
        tables = [item for item in chosen if not _waits_for_rows(item)]
        self._first = [item for item in in_order(tables, needs) if _is_dumped(item)]
        early = {item.oid for item in self._first}
        self._last = [
            item for item in in_order(chosen, needs) if item.oid not in early and _is_dumped(item)
        ]

    def run(self) -> DumpReport:
        self._write(_HEADER.rstrip())
        for is_wanted, step in (
            (self._options.has_schema, self._write_tables),
            (self._options.has_data, self._write_rows),
            (self._options.has_data, self._write_sequence_values),
            (self._options.has_schema, self._write_constraints),
            (self._options.has_schema, self._write_views),
            (self._options.has_schema, self._write_table_options),
            (self._options.has_schema, self._write_rules),
            (self._options.has_schema, self._write_comments),
            (self._options.has_data, self._write_refreshes),
            (self._options.has_schema and not self._options.tables, self._write_rights),
        ):
            if is_wanted:
                step()
        self.report.table_count = len(self._tables)
        self._write("--\n-- Lungfish database dump complete\n--")
        return self.report

    @property
    def _tables(self) -> list[Table]:
        return [
            item for item in self._first if isinstance(item, Table) and not item.materialized_query
        ]

    def _write(self, statement: str) -> None:
        self._out.write(f"{statement}\n\n")

    # Before the rows.

    def _write_tables(self) -> None:
        if any(needs_extension(table) for table in self._tables):
            self._write("CREATE EXTENSION IF NOT EXISTS btree_gist;")
        identities = {
            column.sequence_oid
            for table in self._tables
            for column in table.columns
            if column.identity is not None
        }
        for item in self._first:
            if item.oid not in identities:
                self._create(item)
        for table in self._tables:
            attached = made.attach_partition(self._catalog, table)
            for statement in (*made.inherited_columns(self._catalog, table), attached):
                if statement is not None:
                    self._write(statement)
        for item in self._first:
            if isinstance(item, SequenceObject) and item.oid not in identities:
                owner = made.own_sequence(self._catalog, item)
                if owner is not None:
                    self._write(owner)

    def _create(self, item: CatalogObject) -> None:
        catalog = self._catalog
        self._search(item.search_path if _is_view(item) or _is_bound(item) else _USUAL_PATH)
        match item:
            case Namespace():
                if item.oid != PUBLIC_OID:
                    self._write(made.create_schema(catalog, item))
            case UserType() if item.base is None and item.type.kind is TypeKind.MULTIRANGE:
                # Came with its range type.
                pass
            case UserType():
                self._write(made.create_type(catalog, item))
            case SqlFunction():
                self._write(made.create_function(catalog, item))
            case UserOperator():
                self._write(create_operator(catalog, item))
            case UserCast():
                self._write(create_cast(catalog, item))
            case SequenceObject():
                self._write(made.create_sequence(catalog, item))
            case Table() if item.materialized_query is None:
                self._write(made.create_table(catalog, item))
            case Table() | View():
                self._write(made.create_view(catalog, item, self._query_of(item)))
                if isinstance(item, View):
                    for statement in made.view_defaults(catalog, item):
                        self._write(statement)

    def _search(self, path: tuple[str, ...]) -> None:
        """Have what comes next read under this search path."""
        if path != self._path:
            self._path = path
            names = ", ".join(quote_identifier(name) for name in path)
            self._write(f"SET search_path = {names or quote_literal('')};")

    # The rows.

    def _write_rows(self) -> None:
        for table in self._tables:
            if table.partition_key is not None:
                # Its rows are those of its partitions.
                continue
            name = qualified(self._catalog, table)
            columns = [
                quote_identifier(column.name)
                for column in table.columns
                if column.generated is None
            ]
            listed = ", ".join(columns)
            between = f"({listed}) " if columns else ""
            self._out.write(f"COPY {name} {between}FROM stdin;\n")
            count = self._copy_rows(name, listed)
            self._out.write("\\.\n\n")
            self.report.row_count += count

    def _copy_rows(self, name: str, columns: str) -> int:
        (result,) = self._session.execute(f"SELECT {columns} FROM ONLY {name}")
        rows = iter_text_rows(result, self._session.settings.text)
        count = 0
        for line in format_lines(rows, CopyOptions(), ()):
            self._out.write(line)
            count += 1
            if self._progress is not None and count % _ROWS_BETWEEN_CALLS == 0:
                self._progress(name, count, result.row_count)
        if self._progress is not None:
            self._progress(name, count, count)
        return count

    def _write_sequence_values(self) -> None:
        for item in (*self._first, *self._last):
            if isinstance(item, SequenceObject):
                state = self._session.database.sequences.state(item)
                if state is not None:
                    name = quote_literal(qualified(self._catalog, item))
                    called = "true" if state.is_called else "false"
                    self._write(f"SELECT pg_catalog.setval({name}, {state.last_value}, {called});")

    # Behind the rows.

    def _write_constraints(self) -> None:
        self._search(_USUAL_PATH)
        later: list[tuple[Table, Constraint]] = []
        for table in self._tables:
            for index in made.plain_indexes(table):
                self._write(f"{index_definition(self._catalog, table, index, is_whole=True)};")
            for constraint in table.constraints:
                if not made.is_own_constraint(self._catalog, table, constraint):
                    continue
                if constraint.kind == "foreign key":
                    later.append((table, constraint))
                else:
                    self._write(made.add_constraint(self._catalog, table, constraint))
        there = {table.oid for table in self._tables}
        for table, constraint in later:
            if constraint.referenced_table_oid in there:
                self._write(made.add_constraint(self._catalog, table, constraint))
            else:
                self._leave_out(
                    f"foreign key {constraint.name} of {qualified(self._catalog, table)}:"
                    " the table that it refers to is not in this dump"
                )

    def _write_table_options(self) -> None:
        relations = [item for item in (*self._first, *self._last) if isinstance(item, Table)]
        for table in relations:
            for statement in table_options(self._catalog, table):
                self._write(statement)

    def _leave_out(self, what: str) -> None:
        self.report.left_out.append(what)
        self._write(f"-- Left out: {what}")

    def _write_views(self) -> None:
        for item in self._last:
            self._create(item)
            if isinstance(item, Table):
                self._search(_USUAL_PATH)
                for index in item.indexes:
                    self._write(f"{index_definition(self._catalog, item, index, is_whole=True)};")

    def _write_rules(self) -> None:
        """Behind everything: a rule may use any relation."""
        relations = [
            item for item in (*self._first, *self._last) if isinstance(item, (Table, View))
        ]
        there = {item.oid for item in (*self._first, *self._last)}
        for relation in relations:
            for rule in self._catalog.rules_of(relation.oid):
                if not rule.depends_on <= there:
                    self._leave_out(
                        f"rule {rule.name} of {qualified(self._catalog, relation)}:"
                        " what it uses is not in this dump"
                    )
                    continue
                self._search(rule.search_path)
                for statement in made.create_rule(self._catalog, relation, rule):
                    self._write(statement)
        self._search(_USUAL_PATH)

    def _query_of(self, item: View | Table) -> str:
        """The view's query. One that cannot be written back is given as it is kept; with a star it may by now give more columns than
        the view has: those that it has are then named."""
        try:
            return view_definition(self._catalog, item, Deparsing()).removesuffix(";")
        except FeatureNotSupported:
            pass
        text = item.query
        query = parse_one(text).statement
        assert isinstance(query, Query), "a view's text is a query"
        settings = self._session.settings
        before = settings.search_path
        settings.search_path = item.search_path
        try:
            found = len(self._session.plan(query, None, ()).plan.root.columns)
        finally:
            settings.search_path = before
        if found <= len(item.columns):
            return text
        names = [f"column{number}" for number in range(1, found + 1)]
        shown = ", ".join(names[: len(item.columns)])
        return f"SELECT {shown} FROM ({text}) AS view_rows({', '.join(names)})"

    def _write_comments(self) -> None:
        for item in (*self._first, *self._last):
            for comment in made.comments(self._catalog, item):
                self._write(comment)

    def _write_refreshes(self) -> None:
        for item in (*self._first, *self._last):
            if isinstance(item, Table) and item.materialized_query and item.is_populated:
                self._write(f"REFRESH MATERIALIZED VIEW {qualified(self._catalog, item)};")

    def _write_rights(self) -> None:
        rights = DumpedRights(self._catalog)
        for statement in rights.statements():
            self._write(statement)
        self.report.left_out += rights.left_out


def _is_dumped(item: CatalogObject) -> bool:
    if isinstance(item, (SystemView, Rule)):
        # Rules come with their relations.
        return False
    return not (item in BUILT_IN_NAMESPACES or is_temporary(item))


def _is_bound(item: CatalogObject) -> TypeGuard[SqlFunction]:
    """Whether it is a routine whose names mean what they meant when it was made."""
    return isinstance(item, SqlFunction) and item.is_standard


def _is_view(item: CatalogObject) -> TypeGuard[View | Table]:
    return isinstance(item, View) or (
        isinstance(item, Table) and item.materialized_query is not None
    )


def _waits_for_rows(item: CatalogObject) -> bool:
    """Whether it comes behind the rows unless a table needs it."""
    return isinstance(item, SqlFunction) or _is_view(item)


def _locked_catalog(session: Session) -> Catalog:
    """The catalog, with its tables locked so that none is dropped or changed meanwhile."""
    while True:
        catalog = session.catalog
        for name in _lock_names(catalog):
            session.execute(f"LOCK TABLE {name} IN ACCESS SHARE MODE")
        if session.catalog is catalog:
            return catalog


def _lock_names(catalog: Catalog) -> Iterator[str]:
    for table in catalog.tables():
        if table.materialized_query is None and not is_temporary(table):
            yield qualified(catalog, table)


__all__ = ["DumpOptions", "DumpReport", "Progress", "dump"]
