"""Expressions as they stand in the text: names not yet looked up, types not yet known.

Every node has `position`, the 0-based character offset of the place that an error should mark, or -1.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from lungfish.sql.ast.json import JsonExpression
from lungfish.types.frozen import frozen

if TYPE_CHECKING:
    from lungfish.sql.ast.queries import OrderItem, Query


@frozen
class TypeName:
    """A type as written: `numeric(10,2)`, `text[]`, `interval day to second(3)`, `public.mood`."""

    # Folded to lower case, PostgreSQL's inner names undone (int4 is "integer", bpchar "character").
    name: str
    schema: str | None = None
    modifiers: tuple[int, ...] = ()
    array_dimensions: int = 0
    # "year to month" and the like, for INTERVAL.
    interval_fields: str | None = None
    is_setof: bool = False
    position: int = -1
    # Of `table.column%TYPE`: the table's name; `name` is the column's.
    column_of: tuple[str, ...] = ()


@frozen
class Literal:
    """A constant. `text` is the number as written, the string's content, or "true"/"false"."""

    class Kind(enum.Enum):
        """What the text is."""

        NULL = "null"
        BOOLEAN = "boolean"
        # Digits only; the binder chooses integer, bigint or numeric by size.
        INTEGER = "integer"
        # With a point or an exponent: numeric.
        DECIMAL = "decimal"
        STRING = "string"
        # B'101' (text holds the digits) and X'1F' (hexadecimal digits, prefixed by x).
        BIT_STRING = "bit string"

    kind: Kind
    text: str = ""
    position: int = -1


@frozen
class Parameter:
    """A place for a value, `$1` (index 0). Other spellings were rewritten to this before parsing."""

    index: int
    position: int = -1


@frozen
class Name:
    """A possibly qualified name in an expression: column, table.column, schema.table.column, or a whole row."""

    parts: tuple[str, ...]
    position: int = -1


@frozen
class Star:
    """`*` or `t.*` in a select list, in RETURNING or as a row value."""

    qualifier: tuple[str, ...] = ()
    position: int = -1


@frozen
class Unary:
    """A prefix operator: `-`, `+`, `~`, `@`, `|/` and the like."""

    operator: str
    operand: Expression
    position: int = -1
    # That of OPERATOR(schema.symbol).
    schema: str | None = None


@frozen
class Binary:
    """An infix operator by its symbol. LIKE, ILIKE, SIMILAR TO keep theirs: `~~`, `!~~`, `~~*`, `!~~*`; see `PatternMatch`."""

    operator: str
    left: Expression
    right: Expression
    position: int = -1
    # That of OPERATOR(schema.symbol).
    schema: str | None = None


@frozen
class PatternMatch:
    """LIKE, ILIKE or SIMILAR TO, with its optional ESCAPE."""

    kind: str  # "like", "ilike" or "similar to"
    operand: Expression
    pattern: Expression
    escape: Expression | None
    is_negated: bool
    position: int = -1


@frozen
class And:
    operands: tuple[Expression, ...]
    position: int = -1


@frozen
class Or:
    operands: tuple[Expression, ...]
    position: int = -1


@frozen
class Not:
    operand: Expression
    position: int = -1


@frozen
class IsNull:
    operand: Expression
    is_negated: bool
    position: int = -1


@frozen
class IsBoolean:
    """IS [NOT] TRUE, FALSE or UNKNOWN (`value` None)."""

    operand: Expression
    value: bool | None
    is_negated: bool
    position: int = -1


@frozen
class IsDistinct:
    """IS [NOT] DISTINCT FROM."""

    left: Expression
    right: Expression
    is_negated: bool
    position: int = -1


@frozen
class Between:
    operand: Expression
    low: Expression
    high: Expression
    is_symmetric: bool
    is_negated: bool
    position: int = -1


@frozen
class InList:
    operand: Expression
    items: tuple[Expression, ...]
    is_negated: bool
    position: int = -1


@frozen
class Cast:
    """CAST. `is_assignment`: as a value is cast that is stored in a column, which cuts nothing off."""

    operand: Expression
    type_name: TypeName
    position: int = -1
    is_assignment: bool = False


@frozen
class CaseBranch:
    condition: Expression
    result: Expression


@frozen
class Case:
    """CASE; with an `operand` each branch's condition is compared to it by `=`."""

    operand: Expression | None
    branches: tuple[CaseBranch, ...]
    default: Expression | None
    position: int = -1


@frozen
class Coalesce:
    operands: tuple[Expression, ...]
    position: int = -1


@frozen
class NullIf:
    left: Expression
    right: Expression
    position: int = -1


@frozen
class Extreme:
    """GREATEST or LEAST."""

    is_greatest: bool
    operands: tuple[Expression, ...]
    position: int = -1


@frozen
class FrameBound:
    """`kind`: unbounded preceding, preceding, current row, following, unbounded following."""

    kind: str
    offset: Expression | None = None


@frozen
class WindowFrame:
    """`unit`: rows, range or groups. `exclude`: no others, current row, group or ties."""

    unit: str
    start: FrameBound
    end: FrameBound
    exclude: str = "no others"
    # Whether it was written as BETWEEN start AND end, not as its start alone.
    is_between: bool = True


@frozen
class WindowDefinition:
    """OVER (...) or one of WINDOW's definitions; `base` names the definition it extends or, alone, is."""

    name: str | None
    base: str | None
    partition_by: tuple[Expression, ...]
    order_by: tuple[OrderItem, ...]
    frame: WindowFrame | None
    position: int = -1


@frozen
class FunctionCall:
    """A call by name, of a plain function, an aggregate or a window function; only the binder can tell them apart.

    The keyword spellings arrive here under PostgreSQL's own names: `substring(x from 2)` is substring(x, 2),
    `extract(year from x)` is extract('year', x), `position(a in b)` is position(b, a), `trim(both)` is btrim,
    `x at time zone z` is timezone(z, x), CURRENT_DATE is current_date().
    """

    name: tuple[str, ...]
    arguments: tuple[Expression, ...]
    # Named arguments: (name, index into arguments).
    argument_names: tuple[tuple[str, int], ...] = ()
    is_star: bool = False
    is_distinct: bool = False
    is_variadic: bool = False
    order_by: tuple[OrderItem, ...] = ()
    is_within_group: bool = False
    filter: Expression | None = None
    window: WindowDefinition | None = None
    # Whether it was written with keywords: EXTRACT(year FROM x), TRIM(BOTH FROM x), x AT TIME ZONE z.
    is_sql_syntax: bool = False
    # "ignore nulls" and the like are not PostgreSQL's.
    position: int = -1


@frozen
class Subquery:
    """(SELECT ...) as a value."""

    query: Query
    position: int = -1


@frozen
class Exists:
    query: Query
    position: int = -1


@frozen
class ArraySubquery:
    """ARRAY(SELECT ...)."""

    query: Query
    position: int = -1


@frozen
class QuantifiedSubquery:
    """`x op ANY (SELECT ...)` or ALL; IN is `= ANY`, NOT IN is `<> ALL`."""

    operand: Expression
    operator: str
    is_all: bool
    query: Query
    position: int = -1
    # Whether it was written as NOT IN.
    is_not_in: bool = False


@frozen
class QuantifiedArray:
    """`x op ANY (array)` or ALL."""

    operand: Expression
    operator: str
    is_all: bool
    array: Expression
    position: int = -1


@frozen
class Row:
    """ROW(a, b) or (a, b)."""

    items: tuple[Expression, ...]
    position: int = -1


@frozen
class ArrayConstructor:
    """ARRAY[a, b]."""

    items: tuple[Expression, ...]
    position: int = -1


@frozen
class Subscript:
    """x[i] or, as a slice, x[i:j] (a bound may be missing)."""

    operand: Expression
    index: Expression | None
    upper: Expression | None
    is_slice: bool
    position: int = -1
    # Whether it goes on with the operand's own subscripts, as in x[i][j]; (x[i])[j] begins anew.
    is_joined: bool = False


@frozen
class FieldAccess:
    """(row).field, or (row).* with the field `*`."""

    operand: Expression
    field: str
    position: int = -1


@frozen
class Collate:
    operand: Expression
    collation: tuple[str, ...]
    position: int = -1


@frozen
class Grouping:
    """GROUPING(a, b)."""

    operands: tuple[Expression, ...]
    position: int = -1


@frozen
class Default:
    """DEFAULT as a value in INSERT or UPDATE."""

    position: int = -1


@frozen
class CurrentOf:
    """WHERE CURRENT OF cursor."""

    cursor: str
    position: int = -1


Expression = (
    Literal
    | Parameter
    | Name
    | Star
    | Unary
    | Binary
    | PatternMatch
    | And
    | Or
    | Not
    | IsNull
    | IsBoolean
    | IsDistinct
    | Between
    | InList
    | Cast
    | Case
    | Coalesce
    | NullIf
    | Extreme
    | FunctionCall
    | Subquery
    | Exists
    | ArraySubquery
    | QuantifiedSubquery
    | QuantifiedArray
    | Row
    | ArrayConstructor
    | Subscript
    | FieldAccess
    | Collate
    | Grouping
    | Default
    | CurrentOf
    | JsonExpression
)
