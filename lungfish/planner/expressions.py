"""Bound expressions: names and functions resolved, every node typed, columns by position.

This is what the binder makes of `sql.ast.expressions`, what rules rewrite, and what the executor evaluates. Casts have been
made explicit: the arguments of a call have exactly the types that its signature asks for.

`ColumnRef(i)` is column i of the operator's input; above a join the left side's columns come first. `OuterRef(level, i)`
is column i of the current row of an enclosing query's (level 1: the nearest) or of a lateral join's left side.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from lungfish.functions.registry import Aggregate, Function, WindowFunction
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import BIGINT, BOOLEAN, SqlType

if TYPE_CHECKING:
    from lungfish.planner.logical import LogicalPlan
    from lungfish.planner.physical import PhysicalPlan


@frozen
class Constant:
    """An internal value; None is NULL."""

    value: Any
    type: SqlType
    # Where a literal stands, for the error of whoever reads it as a type.
    position: int = field(default=-1, compare=False)


@frozen
class ColumnRef:
    index: int
    type: SqlType
    name: str = field(default="", compare=False)


@frozen
class OuterRef:
    level: int
    index: int
    type: SqlType
    name: str = field(default="", compare=False)


@frozen
class ParameterRef:
    """A statement parameter; `type` was inferred from its use, or given by the value."""

    index: int
    type: SqlType


@frozen
class DatedLiteral:
    """A literal whose value depends on the session's settings; no expression, but what is kept of one beside it."""

    text: str
    type: SqlType
    position: int


@frozen
class Call:
    """A function or operator applied. `position` marks the place for run-time errors."""

    function: Function
    arguments: tuple[BoundExpression, ...]
    type: SqlType
    # The last argument was given as VARIADIC array.
    is_variadic_array: bool = False
    position: int = field(default=-1, compare=False)


@frozen
class CastTo:
    """A cast from the operand's type to `type`, done by `types.casts`. Explicit casts truncate where others raise."""

    operand: BoundExpression
    type: SqlType
    is_explicit: bool
    position: int = field(default=-1, compare=False)


@frozen
class DomainCheck:
    """One condition of a domain over ColumnRef(0), the value; NOT NULL where `condition` is None."""

    domain: str
    name: str
    condition: BoundExpression | None
    # Where the domain's values are inside of the whole one: the position of a row's field, or None for every element of an array.
    path: tuple[int | None, ...] = ()


@frozen
class DomainExpr:
    """The operand made a value of `type`, a domain or what holds values of domains: it goes through unchanged, or a check raises."""

    operand: BoundExpression
    type: SqlType
    checks: tuple[DomainCheck, ...]
    position: int = field(default=-1, compare=False)


@frozen
class AndAll:
    operands: tuple[BoundExpression, ...]
    type: SqlType = BOOLEAN


@frozen
class OrAny:
    operands: tuple[BoundExpression, ...]
    type: SqlType = BOOLEAN
    # Whether it is what (a, b) < (c, d) means.
    is_row_order: bool = field(default=False, compare=False)


@frozen
class NotExpr:
    operand: BoundExpression
    type: SqlType = BOOLEAN


@frozen
class IsNullExpr:
    operand: BoundExpression
    is_negated: bool
    type: SqlType = BOOLEAN


@frozen
class IsBooleanExpr:
    """IS [NOT] TRUE / FALSE / UNKNOWN (`value` None)."""

    operand: BoundExpression
    value: bool | None
    is_negated: bool
    type: SqlType = BOOLEAN


@frozen
class IsDistinctExpr:
    """`equals` is the `=` operator for the operands' common type."""

    left: BoundExpression
    right: BoundExpression
    equals: Function
    is_negated: bool
    type: SqlType = BOOLEAN


@frozen
class CaseExpr:
    """Branches are (condition, result); a branch is evaluated only for rows that reach it."""

    branches: tuple[tuple[BoundExpression, BoundExpression], ...]
    default: BoundExpression
    type: SqlType


@frozen
class CoalesceExpr:
    operands: tuple[BoundExpression, ...]
    type: SqlType


@frozen
class ExtremeExpr:
    """GREATEST or LEAST: nulls are passed over."""

    is_greatest: bool
    operands: tuple[BoundExpression, ...]
    type: SqlType


@frozen
class InListExpr:
    """`operand IN (items)`; `equals` is the `=` operator, the items have the operand's type."""

    operand: BoundExpression
    items: tuple[BoundExpression, ...]
    equals: Function
    is_negated: bool
    type: SqlType = BOOLEAN


@frozen
class ArrayExpr:
    items: tuple[BoundExpression, ...]
    type: SqlType


@frozen
class RowExpr:
    """ROW(...): an internal value of it is a tuple."""

    items: tuple[BoundExpression, ...]
    type: SqlType


@frozen
class QuantifiedArrayExpr:
    """`operand op ANY (array)` or ALL; `operator` compares the operand with an element."""

    operand: BoundExpression
    array: BoundExpression
    operator: Function
    is_all: bool
    type: SqlType = BOOLEAN


@frozen
class SubqueryExpr:
    """A subquery in an expression that no rule has turned into a join.

    `kind`: "scalar" (more than one row raises 21000), "exists", "any", "all", "array". For any and all, `operands` are
    compared with the subquery's columns by `operators` (a row comparison has several). "member", which a rule makes, is an uncorrelated
    any of equalities within types that is false where it would be null; no row of its plan has a null. The binder puts a
    logical plan here, the physical planner replaces it by a physical one.
    """

    kind: str
    plan: LogicalPlan | PhysicalPlan
    type: SqlType
    operands: tuple[BoundExpression, ...] = ()
    operators: tuple[Function, ...] = ()
    # Whether the plan holds an OuterRef that leaves it: without one it is run once a statement.
    is_correlated: bool = False
    # What the plan uses of the rows outside of it, seen from where this expression stands (ColumnRef for the row at hand,
    # OuterRef for those further out): the result depends on these values only, so they are a memo's key.
    outer_columns: tuple[BoundExpression, ...] = ()


@frozen
class SortKey:
    expression: BoundExpression
    is_descending: bool
    nulls_first: bool


@frozen
class AggregateCall:
    """An aggregate in an Aggregate or Window node; never inside another expression once bound."""

    aggregate: Aggregate
    arguments: tuple[BoundExpression, ...]
    type: SqlType
    is_distinct: bool = False
    filter: BoundExpression | None = None
    order_by: tuple[SortKey, ...] = ()


@frozen
class BoundFrame:
    """A window frame with bound offsets; see `sql.ast.expressions.WindowFrame` for the words."""

    unit: str
    start_kind: str
    start_offset: BoundExpression | None
    end_kind: str
    end_offset: BoundExpression | None
    exclude: str
    # For RANGE with an offset: value - offset and value + offset on the one sort key's type.
    subtract: Function | None = None
    add: Function | None = None


@frozen
class WindowCall:
    """A window function, or an aggregate over a window, in a Window node."""

    callee: WindowFunction | Aggregate
    arguments: tuple[BoundExpression, ...]
    type: SqlType
    frame: BoundFrame
    filter: BoundExpression | None = None


BoundExpression = (
    Constant
    | ColumnRef
    | OuterRef
    | ParameterRef
    | Call
    | CastTo
    | DomainExpr
    | AndAll
    | OrAny
    | NotExpr
    | IsNullExpr
    | IsBooleanExpr
    | IsDistinctExpr
    | CaseExpr
    | CoalesceExpr
    | ExtremeExpr
    | InListExpr
    | ArrayExpr
    | RowExpr
    | QuantifiedArrayExpr
    | SubqueryExpr
)


# What a plan yields: a name and a type a column.
@frozen
class OutputColumn:
    name: str
    type: SqlType


TUPLE_ID_COLUMN = OutputColumn("ctid", BIGINT)
