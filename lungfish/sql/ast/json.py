"""SQL/JSON as it stands in the text: constructors, IS JSON, the query functions and JSON_TABLE.

None of these is a call in PostgreSQL's grammar; each has clauses of its own, which are kept here as they were written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.types.frozen import frozen

if TYPE_CHECKING:
    from lungfish.sql.ast.expressions import Expression, TypeName, WindowDefinition
    from lungfish.sql.ast.queries import OrderItem, Query


@frozen
class JsonFormat:
    """FORMAT JSON [ENCODING name]; the encoding's name in capitals, None if none was written."""

    encoding: str | None = None
    position: int = -1


@frozen
class JsonValue:
    """An expression with what may stand behind it: FORMAT JSON."""

    expression: Expression
    format: JsonFormat | None = None


@frozen
class JsonReturning:
    """RETURNING type [FORMAT JSON]."""

    type_name: TypeName
    format: JsonFormat | None = None


@frozen
class JsonBehavior:
    """What stands before ON EMPTY or ON ERROR.

    `kind`: null, error, empty array, empty object, true, false, unknown, or default with its expression.
    """

    kind: str
    expression: Expression | None = None
    position: int = -1


@frozen
class JsonMember:
    """`key: value` or `key VALUE value`."""

    key: Expression
    value: JsonValue


@frozen
class JsonObject:
    """JSON_OBJECT(...)."""

    members: tuple[JsonMember, ...]
    is_absent_on_null: bool = False
    has_unique_keys: bool = False
    returning: JsonReturning | None = None
    position: int = -1


@frozen
class JsonArray:
    """JSON_ARRAY(value, ...)."""

    items: tuple[JsonValue, ...]
    is_absent_on_null: bool = True
    returning: JsonReturning | None = None
    position: int = -1


@frozen
class JsonArrayQuery:
    """JSON_ARRAY(SELECT ...)."""

    query: Query
    format: JsonFormat | None = None
    returning: JsonReturning | None = None
    position: int = -1


@frozen
class JsonAggregate:
    """JSON_OBJECTAGG, which has a key, and JSON_ARRAYAGG."""

    key: Expression | None
    value: JsonValue
    is_absent_on_null: bool = False
    has_unique_keys: bool = False
    returning: JsonReturning | None = None
    order_by: tuple[OrderItem, ...] = ()
    filter: Expression | None = None
    window: WindowDefinition | None = None
    position: int = -1


@frozen
class JsonParse:
    """JSON(value [WITH UNIQUE KEYS])."""

    value: JsonValue
    has_unique_keys: bool = False
    position: int = -1


@frozen
class JsonScalar:
    """JSON_SCALAR(value)."""

    operand: Expression
    position: int = -1


@frozen
class JsonSerialize:
    """JSON_SERIALIZE(value [RETURNING type])."""

    value: JsonValue
    returning: JsonReturning | None = None
    position: int = -1


@frozen
class IsJson:
    """IS JSON [VALUE | OBJECT | ARRAY | SCALAR] [WITH UNIQUE KEYS]; IS NOT JSON is NOT around it."""

    operand: JsonValue
    item_kind: str = "value"
    has_unique_keys: bool = False
    position: int = -1


@frozen
class JsonQuery:
    """JSON_EXISTS, JSON_VALUE or JSON_QUERY; `function` is exists, value or query.

    `wrapper`: "", none, conditional or unconditional; `quotes`: "", keep or omit; empty where nothing was written.
    """

    function: str
    context: JsonValue
    path: Expression
    passing: tuple[tuple[str, JsonValue], ...] = ()
    returning: JsonReturning | None = None
    wrapper: str = ""
    quotes: str = ""
    on_empty: JsonBehavior | None = None
    on_error: JsonBehavior | None = None
    position: int = -1


@frozen
class JsonTableColumn:
    """A column of JSON_TABLE. `kind`: ordinality, regular, formatted, exists, or nested with its own `columns`.

    `path_name` is the name that AS gives a nested path.
    """

    kind: str
    name: str
    type_name: TypeName | None = None
    path: str | None = None
    path_name: str | None = None
    format: JsonFormat | None = None
    wrapper: str = ""
    quotes: str = ""
    on_empty: JsonBehavior | None = None
    on_error: JsonBehavior | None = None
    columns: tuple[JsonTableColumn, ...] = ()
    position: int = -1


@frozen
class JsonTable:
    """JSON_TABLE(...) in FROM."""

    context: JsonValue
    path: str
    path_name: str | None
    passing: tuple[tuple[str, JsonValue], ...]
    columns: tuple[JsonTableColumn, ...]
    on_error: JsonBehavior | None
    alias: str | None
    column_aliases: tuple[str, ...] = ()
    is_lateral: bool = False
    position: int = -1


JsonExpression = (
    JsonObject
    | JsonArray
    | JsonArrayQuery
    | JsonAggregate
    | JsonParse
    | JsonScalar
    | JsonSerialize
    | IsJson
    | JsonQuery
)
