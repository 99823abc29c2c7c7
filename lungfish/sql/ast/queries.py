"""Queries as they stand in the text: SELECT, VALUES, set operations, WITH, and what may stand in FROM."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from lungfish.sql.ast.expressions import Expression, WindowDefinition
from lungfish.sql.ast.json import JsonTable
from lungfish.types.frozen import frozen

if TYPE_CHECKING:
    from lungfish.sql.ast.dml import Delete, Insert, Merge, Update


@frozen
class ObjectName:
    """A possibly qualified name of a table, view, index, type, ..."""

    name: str
    schema: str | None = None
    position: int = -1

    def __str__(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"


@frozen
class SelectItem:
    """One expression of a select list or of RETURNING."""

    expression: Expression
    alias: str | None = None
    position: int = -1


@frozen
class OrderItem:
    """`nulls_first` None: last when ascending, first when descending."""

    expression: Expression
    is_descending: bool = False
    nulls_first: bool | None = None
    # ORDER BY x USING <
    using_operator: str | None = None
    position: int = -1


@frozen
class TableSample:
    method: str
    arguments: tuple[Expression, ...]
    seed: Expression | None
    position: int = -1


@frozen
class TableReference:
    """A table, view or common table expression by name."""

    name: ObjectName
    alias: str | None = None
    column_aliases: tuple[str, ...] = ()
    sample: TableSample | None = None
    is_only: bool = False
    position: int = -1


@frozen
class SubqueryReference:
    """(SELECT ...) AS t in FROM."""

    query: Query
    alias: str | None
    column_aliases: tuple[str, ...] = ()
    is_lateral: bool = False
    position: int = -1


@frozen
class ColumnDefinitionItem:
    """A column of `AS t(a int, b text)` behind a function that returns records."""

    name: str
    type_name: object  # TypeName; spelled object to keep this module free of a cycle.


@frozen
class FunctionReference:
    """A function in FROM, or what looks like one (coalesce, CAST); several stand for ROWS FROM (...)."""

    calls: tuple[Expression, ...]
    alias: str | None
    column_aliases: tuple[str, ...] = ()
    column_definitions: tuple[ColumnDefinitionItem, ...] = ()
    # Those inside of ROWS FROM, for each call; empty where there are none at all.
    call_definitions: tuple[tuple[ColumnDefinitionItem, ...], ...] = ()
    with_ordinality: bool = False
    is_lateral: bool = False
    position: int = -1


class JoinKind(enum.Enum):
    INNER = "inner"
    LEFT = "left"
    RIGHT = "right"
    FULL = "full"
    CROSS = "cross"


@frozen
class Join:
    """Two items of FROM joined; `condition` or `using` is empty for CROSS and NATURAL."""

    kind: JoinKind
    left: FromItem
    right: FromItem
    condition: Expression | None = None
    using: tuple[str, ...] = ()
    # JOIN ... USING (...) AS alias
    using_alias: str | None = None
    is_natural: bool = False
    # (a JOIN b) AS alias (column_aliases)
    alias: str | None = None
    column_aliases: tuple[str, ...] = ()
    position: int = -1


@frozen
class RuleSource:
    """OLD and NEW of a rule: the rows that a statement is about to change. No text has it; the planner makes it."""

    statement: Insert | Update | Delete
    # The relation whose rule it is: the one that the statement names, or one beneath that view.
    relation_oid: int
    # Where the statement's names are looked for.
    search_path: tuple[str, ...]
    # Whether the rows that are there are wanted even if the statement's own conditions do not speak of them.
    uses_old: bool
    position: int = -1


FromItem = TableReference | SubqueryReference | FunctionReference | Join | JsonTable | RuleSource


@frozen
class GroupingSet:
    """`kind`: empty, simple (a list that counts as one), rollup, cube or sets (holding other sets)."""

    kind: str
    items: tuple[Expression | GroupingSet, ...]
    position: int = -1


@frozen
class CommonTableExpression:
    name: str
    query: Query | Insert | Update | Delete | Merge
    column_aliases: tuple[str, ...] = ()
    # MATERIALIZED, NOT MATERIALIZED or neither.
    is_materialized: bool | None = None
    search: SearchClause | None = None
    cycle: CycleClause | None = None
    position: int = -1


@frozen
class SearchClause:
    is_breadth_first: bool
    columns: tuple[str, ...]
    sequence_column: str
    position: int = -1


@frozen
class CycleClause:
    columns: tuple[str, ...]
    mark_column: str
    mark_value: Expression | None
    mark_default: Expression | None
    path_column: str
    position: int = -1


@frozen
class With:
    is_recursive: bool
    expressions: tuple[CommonTableExpression, ...]
    position: int = -1


@frozen
class LockingClause:
    """FOR UPDATE and its kin. `strength`: update, no key update, share, key share; `wait`: block, nowait, skip locked."""

    strength: str
    tables: tuple[str, ...]
    wait: str
    position: int = -1


@frozen
class Select:
    """One SELECT without its set operations."""

    items: tuple[SelectItem, ...]
    from_items: tuple[FromItem, ...] = ()
    where: Expression | None = None
    group_by: tuple[Expression | GroupingSet, ...] = ()
    is_group_distinct: bool = False
    having: Expression | None = None
    windows: tuple[WindowDefinition, ...] = ()
    is_distinct: bool = False
    distinct_on: tuple[Expression, ...] = ()
    position: int = -1


@frozen
class Values:
    rows: tuple[tuple[Expression, ...], ...]
    position: int = -1


@frozen
class SetOperation:
    """`kind`: union, intersect or except."""

    kind: str
    is_all: bool
    left: Query
    right: Query
    position: int = -1


@frozen
class Query:
    """A whole query: a body with what may stand before and behind it."""

    body: Select | Values | SetOperation | Query
    with_clause: With | None = None
    order_by: tuple[OrderItem, ...] = ()
    limit: Expression | None = None
    offset: Expression | None = None
    has_ties: bool = False
    locking: tuple[LockingClause, ...] = ()
    # SELECT ... INTO t; AS OF CHECKPOINT 'x'
    into: ObjectName | None = None
    position: int = -1
