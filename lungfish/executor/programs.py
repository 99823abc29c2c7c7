"""Compiled statements and the rules of tables, kept as long as they are in use.

A plan is frozen and cached by the session, so the plan object itself is the key: what was compiled for it is found by its
identity. The entry holds the plan, which keeps the identity from being given to another object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Table
from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.expressions.makers import ROW_MAKERS, VECTOR_MAKERS
from lungfish.executor.operators import OPERATOR_MAKERS
from lungfish.executor.partition_router import PartitionRouter, make_partition_router
from lungfish.executor.row_pipeline import RowPipeline, make_row_pipeline
from lungfish.executor.table_reads import reads_while_writing
from lungfish.executor.table_rules import TableRules, make_table_rules
from lungfish.planner.physical import PhysicalStatement

_PROGRAMS_MAX = 1024
_TABLES_MAX = 1024

Key = TypeVar("Key")
Value = TypeVar("Value")


class IdentityCache(Generic[Key, Value]):
    """Values by the identity of their key; the oldest half goes when it is full. Safe to use from many threads."""

    def __init__(self, entry_count_max: int) -> None:
        self._entry_count_max = entry_count_max
        self._entries: dict[int, tuple[Key, Value]] = {}

    def get(self, key: Key) -> Value | None:
        """The value kept for this very object."""
        found = self._entries.get(id(key))
        return None if found is None else found[1]

    def put(self, key: Key, value: Value) -> Value:
        """Keep a value; answers it."""
        if len(self._entries) >= self._entry_count_max:
            entries = list(self._entries.items())
            self._entries = dict(entries[len(entries) // 2 :])
        self._entries[id(key)] = (key, value)
        return value


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled statement: operators, and where there is one the short way for single rows."""

    # None where `pipeline` does it all.
    root: Operator | None
    ctes: tuple[tuple[int, Operator], ...]
    pipeline: RowPipeline | None
    # Whether the statement reads tables after its first change: see own_changes.py.
    needs_own_changes: bool


class Programs:
    """The compiled statements of a database."""

    def __init__(self) -> None:
        self._statements: IdentityCache[PhysicalStatement, Program] = IdentityCache(_PROGRAMS_MAX)

        self._rules: IdentityCache[Table, TableRules] = IdentityCache(_TABLES_MAX)
        self._routers: IdentityCache[Table, PartitionRouter] = IdentityCache(_TABLES_MAX)

    def rules(self, table: Table, catalog: Catalog) -> TableRules:
        """The rules of a table, as the catalog has them."""
        found = self._rules.get(table)
        if found is not None and found.catalog_version == catalog.version:
            return found
        return self._rules.put(table, make_table_rules(table, catalog, new_compiler()))

    def router(self, table: Table, catalog: Catalog) -> PartitionRouter:
        """The router of a partitioned table, as the catalog has it."""
        found = self._routers.get(table)
        if found is not None and found.catalog_version == catalog.version:
            return found
        return self._routers.put(table, make_partition_router(table, catalog, new_compiler()))

    def program(self, statement: PhysicalStatement) -> Program:
        """The statement's program, compiled now if it has not been."""
        found = self._statements.get(statement)
        if found is not None:
            return found
        return self.keep(statement, compile_statement(statement, new_compiler()))

    def keep(self, statement: PhysicalStatement, program: Program) -> Program:
        """Use this program for the statement from now on; answers it."""
        return self._statements.put(statement, program)


def new_compiler() -> Compiler:
    """A compiler of plans as they are, without measurement."""
    return Compiler(OPERATOR_MAKERS, VECTOR_MAKERS, ROW_MAKERS)


def compile_statement(statement: PhysicalStatement, compiler: Compiler) -> Program:
    """Compile a statement: to a row pipeline where there is one, else to operators."""
    pipeline = None if statement.routines else make_row_pipeline(statement, compiler)
    if pipeline is not None:
        return Program(None, (), pipeline, needs_own_changes=False)
    return compile_operators(statement, compiler)


def compile_operators(statement: PhysicalStatement, compiler: Compiler) -> Program:
    """Compile a statement with its WITH queries to operators."""
    return Program(
        root=compiler.operator(statement.root),
        ctes=tuple((cte_id, compiler.operator(plan)) for cte_id, plan in statement.ctes),
        pipeline=None,
        needs_own_changes=bool(statement.modifying_ctes)
        or statement.routines == "volatile"
        or (bool(statement.routines) and not statement.is_read_only)
        or reads_while_writing(statement.root),
    )
