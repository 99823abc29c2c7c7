"""A query as PostgreSQL keeps it after its analysis: names resolved, casts explicit, nothing yet made simpler.

This stands between what the binder made of a stored text (`translate_*`) and the text that pg_get_viewdef gives (`write_*`). The
nodes are those of PostgreSQL's query trees as far as ruleutils.c tells them apart, because where it puts parentheses depends on
them.

A `RangeItem` is an entry of a query's range table; a `Column` names one by identity, whichever query level it is used in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lungfish.planner.deparse.json_table_nodes import JsonTableNode
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import SqlType

# Expressions.


@frozen
class Column:
    """Column `position` of an entry of a range table; the whole row where that is None."""

    item: RangeItem
    position: int | None
    type: SqlType


@frozen
class SystemColumn:
    """`tableoid` of a table."""

    item: RangeItem
    name: str


@frozen
class Const:
    """A constant; `text` instead of the value where a cast to its own type cuts it (`'abcd'::varchar(2)`)."""

    value: Any
    type: SqlType
    text: str | None = None


@frozen
class Param:
    """`$1`."""

    index: int


@frozen
class Word:
    """CURRENT_DATE and its kin, and whatever else is written as it stands."""

    text: str


@frozen
class Mixed:
    """What has a syntax of its own: texts, expressions, types, an ORDER BY's items or a window, one after the other."""

    parts: tuple[str | Node | SqlType | tuple[SortItem, ...] | Window, ...]


@frozen
class Func:
    """A call. `names` are those of the last arguments; `is_sql_syntax`: with keywords."""

    name: str
    arguments: tuple[Node, ...]
    names: tuple[str, ...] = ()
    is_variadic: bool = False
    is_sql_syntax: bool = False
    # Of a function that somebody made.
    oid: int = 0


@frozen
class Cast:
    """`source` is the operand's type."""

    operand: Node
    type: SqlType
    source: SqlType
    is_implicit: bool


@frozen
class Op:
    """An operator before one operand or between two."""

    symbol: str
    operands: tuple[Node, ...]


@frozen
class Distinct:
    """IS DISTINCT FROM."""

    left: Node
    right: Node


@frozen
class NullIf:
    operands: tuple[Node, ...]


@frozen
class ArrayOp:
    """`left symbol ANY (right)` or ALL."""

    symbol: str
    left: Node
    right: Node
    is_all: bool
    # The array's type where `right` is a subquery, which must not be taken for one of rows.
    type: SqlType


@frozen
class Bool:
    """`kind`: and, or, not."""

    kind: str
    operands: tuple[Node, ...]


@frozen
class Sublink:
    """`kind`: exists, any, all, row, scalar or array; `left` is compared with the rows by `symbol`."""

    kind: str
    query: QueryTree
    left: tuple[Node, ...] = ()
    symbol: str = ""


@frozen
class Field:
    operand: Node
    name: str


@frozen
class Subscript:
    """Each subscript is (lower, upper, whether it is a slice); a missing bound is None."""

    operand: Node
    subscripts: tuple[tuple[Node | None, Node | None, bool], ...]


@frozen
class CaseNode:
    operand: Node | None
    branches: tuple[tuple[Node, Node], ...]
    default: Node


@frozen
class ArrayNode:
    items: tuple[Node, ...]
    type: SqlType


@frozen
class RowNode:
    """`type` where the row was cast to a named one."""

    items: tuple[Node, ...]
    type: SqlType | None = None


@frozen
class RowCompare:
    symbol: str
    left: tuple[Node, ...]
    right: tuple[Node, ...]


@frozen
class Listed:
    """COALESCE, GREATEST and LEAST: a word before a list."""

    word: str
    operands: tuple[Node, ...]


@frozen
class NullTest:
    operand: Node
    is_negated: bool


@frozen
class BooleanTest:
    """IS [NOT] TRUE, FALSE or UNKNOWN; `words` says which."""

    operand: Node
    words: str


@frozen
class CollateNode:
    operand: Node
    collation: str


@frozen
class AggregateNode:
    """`direct` are the arguments, of an ordered-set aggregate those before WITHIN GROUP."""

    name: str
    direct: tuple[Node, ...]
    order_by: tuple[SortItem, ...] = ()
    condition: Node | None = None
    is_distinct: bool = False
    is_star: bool = False
    is_within_group: bool = False
    is_variadic: bool = False


@frozen
class Window:
    """A window's definition; `base` is the window that it goes on from."""

    name: str | None
    base: str | None
    partition_by: tuple[Node, ...]
    order_by: tuple[SortItem, ...]
    frame: Frame | None


@frozen
class Frame:
    """A frame as written: see `sql.ast.expressions.WindowFrame`."""

    unit: str
    start: tuple[str, Node | None]
    end: tuple[str, Node | None]
    exclude: str
    is_between: bool


@frozen
class WindowNode:
    """A call over a window, which is named or written out."""

    name: str
    arguments: tuple[Node, ...]
    window: Window
    condition: Node | None = None
    is_star: bool = False


@frozen
class GroupingNode:
    operands: tuple[Node, ...]


@frozen
class SortItem:
    """An item of ORDER BY; `number` is the output column's where a set operation is sorted."""

    expression: Node
    is_descending: bool = False
    nulls_first: bool = False
    number: int | None = None


Node = (
    Column
    | SystemColumn
    | Const
    | Param
    | Word
    | Mixed
    | Func
    | Cast
    | Op
    | Distinct
    | NullIf
    | ArrayOp
    | Bool
    | Sublink
    | Field
    | Subscript
    | CaseNode
    | ArrayNode
    | RowNode
    | RowCompare
    | Listed
    | NullTest
    | BooleanTest
    | CollateNode
    | AggregateNode
    | WindowNode
    | GroupingNode
)


# Range tables.


@dataclass(slots=True, eq=False)
class RangeItem:
    """What an item of FROM is, and the names that were chosen for it (see range_names.py).

    `kind`: relation, subquery, function, values, cte, json_table or join.
    """

    kind: str
    # What the user called it and its columns; None and nothing where he did not.
    alias: str | None = None
    column_aliases: tuple[str, ...] = ()
    # Its own name: a relation's, a query's of WITH, what the parser called a function.
    name: str = ""
    # The names of its columns when the text was read, and what they are called now: None for one that was dropped. Columns
    # beyond the end of the first were added since.
    old_names: list[str] = field(default_factory=list)
    real_names: list[str | None] = field(default_factory=list)
    relation_oid: int = 0
    is_only: bool = False
    sample: Sample | None = None
    query: QueryTree | None = None
    rows: tuple[tuple[Node, ...], ...] = ()
    calls: tuple[Node, ...] = ()
    # AS f(a int): the types of a function's columns.
    definitions: tuple[SqlType, ...] = ()
    with_ordinality: bool = False
    is_lateral: bool = False
    json_table: JsonTableNode | None = None
    join: JoinFacts | None = None
    # The join that it is a side of.
    parent: RangeItem | None = None
    # What it is called here, unique in sight; and the names of its columns, by their old places.
    reference: str | None = None
    names: list[str | None] = field(default_factory=list)
    new_names: list[str] = field(default_factory=list)
    is_new: list[bool] = field(default_factory=list)
    prints_columns: bool = False
    parent_using: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class JoinFacts:
    """Of a join: its sides and where its columns come from.

    Column i is column `left_columns[i]` of the left side and `right_columns[i]` of the right one, None for neither; a merged column
    has both. `sources[i]` is the column below that it is; None where it is computed of both.
    """

    kind: str
    left: RangeItem
    right: RangeItem
    using: tuple[str, ...] = ()
    condition: Node | None = None
    using_alias: str | None = None
    left_columns: list[int | None] = field(default_factory=list)
    right_columns: list[int | None] = field(default_factory=list)
    sources: list[Column | None] = field(default_factory=list)
    using_names: list[str] = field(default_factory=list)


@frozen
class Sample:
    """TABLESAMPLE."""

    method: str
    arguments: tuple[Node, ...]
    seed: Node | None


# Queries.


@frozen
class TargetNode:
    name: str
    expression: Node


@frozen
class GroupingSetNode:
    """`kind`: empty, simple, rollup, cube or sets."""

    kind: str
    items: tuple[Node | GroupingSetNode, ...]


@frozen
class CteNode:
    """A query of WITH, with its clauses SEARCH and CYCLE as text."""

    name: str
    column_aliases: tuple[str, ...]
    is_materialized: bool | None
    query: QueryTree
    clauses: str = ""


@frozen
class SetTree:
    """A set operation; a leaf is a query."""

    kind: str
    is_all: bool
    left: SetTree | QueryTree
    right: SetTree | QueryTree


@frozen
class Lock:
    """FOR UPDATE of one item."""

    strength: str
    item: RangeItem
    wait: str


@dataclass(slots=True, eq=False)
class QueryTree:
    """One query level."""

    ctes: tuple[CteNode, ...] = ()
    is_recursive: bool = False
    # The range table in PostgreSQL's order, and what of it stands in FROM.
    items: list[RangeItem] = field(default_factory=list)
    from_items: tuple[RangeItem, ...] = ()
    targets: tuple[TargetNode, ...] = ()
    is_distinct: bool = False
    distinct_on: tuple[Node, ...] = ()
    where: Node | None = None
    group_by: tuple[Node | GroupingSetNode, ...] = ()
    is_group_distinct: bool = False
    having: Node | None = None
    windows: tuple[Window, ...] = ()
    set_operation: SetTree | None = None
    order_by: tuple[SortItem, ...] = ()
    limit: Node | None = None
    offset: Node | None = None
    has_ties: bool = False
    locks: tuple[Lock, ...] = ()
