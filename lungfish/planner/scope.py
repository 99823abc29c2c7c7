"""The names visible at one point of a query, and how a name finds its column.

A `Scope` is one query level: the entries of its FROM, its aggregates and windows, the clause that is being bound. Names not
found go to the parent, an enclosing query: the column they find is then a correlated one, which shows only in that its
number is made outside (see logical.py).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lungfish import errors
from lungfish.catalog.objects import Table
from lungfish.planner.bind_state import BindState
from lungfish.planner.expression_tree import Mapper, columns_of, map_all, map_sort_keys
from lungfish.planner.expressions import (
    AggregateCall,
    BoundExpression,
    Call,
    ColumnRef,
    SortKey,
    WindowCall,
)
from lungfish.planner.logical import LogicalOutput, LogicalPlan
from lungfish.planner.name_hints import column_hint
from lungfish.planner.plan_tree import map_window_call
from lungfish.sql.ast.expressions import Expression, WindowDefinition
from lungfish.sql.ast.queries import CommonTableExpression, LockingClause
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import SqlType


class Clause(enum.Enum):
    """Where an expression stands, in the words of PostgreSQL's errors."""

    SELECT = "SELECT"
    FROM_FUNCTION = "functions in FROM"
    JOIN_ON = "JOIN conditions"
    WHERE = "WHERE"
    GROUP_BY = "GROUP BY"
    HAVING = "HAVING"
    ORDER_BY = "ORDER BY"
    DISTINCT_ON = "DISTINCT ON"
    FILTER = "FILTER"
    LIMIT = "LIMIT"
    OFFSET = "OFFSET"
    VALUES = "VALUES"
    WINDOW_PARTITION = "window PARTITION BY"
    WINDOW_ORDER = "window ORDER BY"
    WINDOW_FRAME = "window frame"
    UPDATE = "UPDATE"
    RETURNING = "RETURNING"
    MERGE_WHEN = "MERGE WHEN conditions"
    INSERT_VALUES = "INSERT"
    INSERT_TARGET = "INSERT targets"
    DEFAULT = "DEFAULT expressions"
    CHECK = "check constraints"
    GENERATED = "column generation expressions"
    INDEX = "index expressions"
    INDEX_PREDICATE = "index predicates"
    TRANSFORM = "transform expressions"
    PARTITION_KEY = "partition key expressions"
    PARTITION_BOUND = "partition bound"
    CALL = "CALL arguments"
    EXECUTE = "EXECUTE parameters"
    COPY_WHERE = "COPY FROM WHERE conditions"


# Those of PostgreSQL's tables that ours have not; `tableoid` is bound where a row's table is known.
_SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
AGGREGATES_ALLOWED = frozenset(
    {
        Clause.SELECT,
        Clause.HAVING,
        Clause.ORDER_BY,
        Clause.DISTINCT_ON,
        Clause.WINDOW_PARTITION,
        Clause.WINDOW_ORDER,
        Clause.WINDOW_FRAME,
    }
)
WINDOWS_ALLOWED = frozenset({Clause.SELECT, Clause.ORDER_BY, Clause.DISTINCT_ON})
SETS_ALLOWED = frozenset(
    {
        Clause.SELECT,
        Clause.ORDER_BY,
        Clause.GROUP_BY,
        Clause.DISTINCT_ON,
        Clause.FROM_FUNCTION,
        Clause.INSERT_VALUES,
    }
)


class RangeEntry:
    """What one item of FROM gives to the names: an alias and columns."""

    __slots__ = (
        "_by_name",
        "_first",
        "_refs",
        "alias",
        "beneath",
        "is_absent",
        "is_cte",
        "is_forbidden",
        "is_join",
        "is_scalar_function",
        "names",
        "nullable_side",
        "presence",
        "row_type",
        "schema",
        "shows_columns",
        "shows_name",
        "table",
        "table_oid",
        "types",
    )

    def __init__(
        self,
        alias: str,
        names: Sequence[str],
        *,
        types: Sequence[SqlType] = (),
        first: int = 0,
        refs: Sequence[BoundExpression] | None = None,
    ) -> None:
        """Over the columns `refs`, or over those numbered from `first` with `types`, whose references are made on demand.

        What a view computes, and what a rule's NEW is, are expressions in place of columns.
        """
        self.alias = alias
        self.schema: str | None = None
        self.table: Table | None = None
        # What `tableoid` is; None: the oid of `table`, if there is one.
        self.table_oid: BoundExpression | None = None
        self.names = names
        self.types = types
        # Whether `alias.x` and, by itself, `x` may find a column here.
        self.shows_name = bool(alias)
        self.shows_columns = True
        # Whether it is a WITH query.
        self.is_cte = False
        # Of a function that yields plain values the row is the value.
        self.is_scalar_function = False
        # Of a function whose rows have a named type: that type.
        self.row_type: SqlType | None = None
        # Whether there is never a row of it: NEW of a DELETE.
        self.is_absent = False
        # Of a row that there may not be, as OLD is of an INSERT: what tells whether there is one.
        self.presence: BoundExpression | None = None
        # Whether it is a join with an alias.
        self.is_join = False
        # Whether an outer join may make nulls of its columns.
        self.nullable_side: LogicalPlan | None = None
        # Whether it is in sight only to say that it may not be used: the target of UPDATE, for LATERAL items.
        self.is_forbidden = False
        # Of a rule's OLD: the other items of FROM of the statement that the rule is applied to.
        self.beneath: Sequence[RangeEntry] = ()
        self._first = first
        self._refs: list[BoundExpression | None] = (
            list(refs) if refs is not None else [None] * len(names)
        )
        self._by_name: dict[str, int] | None = None

    def ref(self, position: int) -> BoundExpression:
        """The column at that position."""
        found = self._refs[position]
        if found is None:
            found = ColumnRef(self._first + position, self.types[position], self.names[position])
            self._refs[position] = found
        return found

    def replace(self, position: int, ref: BoundExpression) -> None:
        """Let the column at that position be another."""
        self._refs[position] = ref

    def refs(self) -> list[BoundExpression]:
        """All columns in order."""
        return [self.ref(position) for position in range(len(self.names))]

    def column(self, position: int) -> ColumnRef:
        """The same where it is known to be a column: of a table, a join, a query."""
        found = self.ref(position)
        assert isinstance(found, ColumnRef), "items of FROM give columns"
        return found

    def columns(self) -> list[ColumnRef]:
        """Those of `refs` that are columns."""
        return [found for found in self.refs() if isinstance(found, ColumnRef)]

    def find(self, name: str) -> int | None:
        """The position of the column of that name; -1 if several have it."""
        if self._by_name is None:
            positions: dict[str, int] = {}
            for position, each in enumerate(self.names):
                positions[each] = -1 if each in positions else position
            self._by_name = positions
        return self._by_name.get(name)


def forbidden_entry(entry: RangeEntry, position: int) -> errors.Error:
    """The error for an entry that is there, but not for this place."""
    return errors.InvalidColumnReference(
        f'invalid reference to FROM-clause entry for table "{entry.alias}"',
        detail=f'There is an entry for table "{entry.alias}",'
        " but it cannot be referenced from this part of the query.",
    ).at(position)


@dataclass(slots=True)
class CteEntry:
    """A query of WITH as names find it. While a recursive one's own step is bound, `work_columns` are set."""

    definition: CommonTableExpression
    scope: Scope
    cte_id: int
    output: LogicalOutput | None = None
    column_names: tuple[str, ...] = ()
    is_recursive: bool = False
    is_modifying: bool = False
    # Uses columns of an enclosing query, or the rows of a recursion around it: then each reference gets a plan of its own.
    is_correlated: bool = False
    reference_count: int = 0
    work_columns: tuple[ColumnRef, ...] = ()
    # Whether the definition is being bound right now, inside of how many subquery expressions, and the places (by identity)
    # at which it met its own name.
    is_open: bool = False
    open_depth: int = 0
    self_references: set[int] = field(default_factory=set)


@frozen
class WindowSpecification:
    """PARTITION BY and ORDER BY of a window, bound."""

    partition_by: tuple[BoundExpression, ...]
    order_by: tuple[SortKey, ...]


class Scope:
    """One query level."""

    __slots__ = (
        "aggregates",
        "clause",
        "ctes",
        "entries",
        "has_set_calls",
        "is_in_aggregate",
        "is_in_window",
        "is_lateral_view",
        "last_set_call",
        "locking",
        "locks",
        "parent",
        "reads_own_recursion",
        "state",
        "used_windows",
        "window_definitions",
        "windows",
    )

    def __init__(
        self, state: BindState, parent: Scope | None, entries: list[RangeEntry] | None = None
    ) -> None:
        self.state = state
        self.parent = parent
        self.entries: list[RangeEntry] = [] if entries is None else entries
        self.clause = Clause.SELECT
        self.ctes: dict[str, CteEntry] = {}
        self.aggregates: list[tuple[ColumnRef, AggregateCall]] = []
        self.windows: list[tuple[ColumnRef, WindowCall, WindowSpecification]] = []
        self.window_definitions: dict[str, WindowDefinition] = {}
        # Those that a call has named.
        self.used_windows: set[str] = set()
        self.has_set_calls = False
        self.is_in_aggregate = False
        self.is_in_window = False
        # The set-returning call that was bound last: CASE and COALESCE see by it whether they hold one.
        self.last_set_call: Call | None = None
        # Set on the view that LATERAL items have of the FROM they stand in.
        self.is_lateral_view = False
        # Whether FROM reads the recursive query that it is the step of.
        self.reads_own_recursion = False
        # FOR UPDATE and the like: what is asked for, and the tables that it reached.
        self.locking: tuple[LockingClause, ...] = ()
        self.locks: list[tuple[Table, ColumnRef, str, str]] = []

    def bind(self, node: Expression) -> BoundExpression:
        """The expression bound here."""
        return self.state.bind_expression(node, self)

    def parent_or_empty(self) -> Scope:
        """What is around this query level."""
        return self.parent if self.parent is not None else Scope(self.state, None)

    def chain(self) -> Iterator[Scope]:
        """The scope itself and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def is_nested(self) -> bool:
        """Whether there are columns around this query that it may use."""
        scope = self.parent
        while scope is not None:
            if scope.entries:
                return True
            scope = scope.parent
        return False

    def find_cte(self, name: str) -> CteEntry | None:
        """The query of WITH that the name stands for here."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.ctes.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def find_column(self, name: str, position: int) -> tuple[BoundExpression, Scope] | None:
        """The column that an unqualified name stands for. Raises AmbiguousColumn."""
        scope: Scope | None = self
        while scope is not None:
            found: BoundExpression | None = None
            for entry in scope.entries:
                if not entry.shows_columns:
                    continue
                at = entry.find(name)
                if at is None:
                    continue
                if entry.is_forbidden:
                    raise forbidden_entry(entry, position)
                if found is not None or at < 0:
                    raise errors.AmbiguousColumn(f'column reference "{name}" is ambiguous').at(
                        position
                    )
                found = entry.ref(at)
            if found is not None:
                return found, scope
            scope = scope.parent
        return None

    def find_entry(self, alias: str, schema: str | None = None) -> tuple[RangeEntry, Scope] | None:
        """The item of FROM of that name. Raises AmbiguousAlias."""
        scope: Scope | None = self
        while scope is not None:
            matches = [
                entry
                for entry in scope.entries
                if entry.shows_name
                and entry.alias == alias
                and (schema is None or entry.schema == schema)
            ]
            if len(matches) > 1:
                raise errors.AmbiguousAlias(f'table reference "{alias}" is ambiguous')
            if matches:
                if matches[0].is_forbidden:
                    raise forbidden_entry(matches[0], -1)
                return matches[0], scope
            scope = scope.parent
        return None

    def finds_own_column(self, name: str) -> bool:
        """Whether FROM of this very query has a column of that name."""
        return any(entry.shows_columns and entry.find(name) is not None for entry in self.entries)

    def regroup_windows(self, change: Mapper) -> None:
        """Look at the window calls again, over grouped rows."""
        self.windows = [
            (
                column,
                map_window_call(call, change),
                WindowSpecification(
                    map_all(specification.partition_by, change),
                    map_sort_keys(specification.order_by, change),
                ),
            )
            for column, call, specification in self.windows
        ]

    def has_aggregate_in(self, node: BoundExpression) -> bool:
        """Whether one of this query's aggregates stands in the expression."""
        if not self.aggregates:
            return False
        used = columns_of(node)
        return any(column.index in used for column, _ in self.aggregates)

    def missing_column(
        self, name: str, position: int, *, qualifier: str | None = None
    ) -> errors.Error:
        """The error for a column that is not there, with the nearest names as its hint."""
        shown = f'"{name}"' if qualifier is None else f"{qualifier}.{name}"
        if name in _SYSTEM_COLUMNS and any(
            entry.table is not None and qualifier in (None, entry.alias)
            for scope in self.chain()
            for entry in scope.entries
        ):
            return errors.FeatureNotSupported(f"system column {shown} is not supported").at(
                position
            )
        candidates = [
            (entry.alias, each)
            for scope in self.chain()
            for entry in scope.entries
            if entry.alias
            for each in entry.names
        ]
        return errors.UndefinedColumn(
            f"column {shown} does not exist", hint=column_hint(name, qualifier, candidates)
        ).at(position)

    def missing_table(self, name: str, position: int) -> errors.Error:
        """The error for a qualifier that FROM does not have."""
        for scope in self.chain():
            for entry in scope.entries:
                if entry.table is not None and entry.table.name == name and entry.alias != name:
                    return errors.UndefinedTable(
                        f'invalid reference to FROM-clause entry for table "{name}"',
                        hint=f'Perhaps you meant to reference the table alias "{entry.alias}".',
                    ).at(position)
        return errors.UndefinedTable(f'missing FROM-clause entry for table "{name}"').at(position)
