"""Type names: PostgreSQL's inner names and bit masks back to what a person would write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.libpg import Node
from lungfish.sql.lowering import object_name_of, raise_unsupported, require_only, strings
from lungfish.types.type_names import is_built_in_type

# The values are those of types.TypeKind, which are format_type's names.
TYPE_NAMES: Mapping[str, str] = {
    "bool": "boolean",
    "bpchar": "character",
    "char": '"char"',
    "float4": "real",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial2": "smallserial",
    "serial4": "serial",
    "serial8": "bigserial",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}
# Names that the grammar knows, and pg_type does not.
SPELT_TYPES = frozenset({*TYPE_NAMES.values(), "dec", "decimal", "float", "int"})

_TYPE_FIELDS = frozenset({"names", "typmods", "typemod", "arrayBounds", "setof", "location"})

# PostgreSQL's INTERVAL_MASK bits (utils/timestamp.h).
_YEAR, _MONTH, _DAY, _HOUR, _MINUTE, _SECOND = 1 << 2, 1 << 1, 1 << 3, 1 << 10, 1 << 11, 1 << 12
_FULL_RANGE = 0x7FFF
INTERVAL_FIELDS: Mapping[int, str | None] = {
    _FULL_RANGE: None,
    _YEAR: "year",
    _MONTH: "month",
    _DAY: "day",
    _HOUR: "hour",
    _MINUTE: "minute",
    _SECOND: "second",
    _YEAR | _MONTH: "year to month",
    _DAY | _HOUR: "day to hour",
    _DAY | _HOUR | _MINUTE: "day to minute",
    _DAY | _HOUR | _MINUTE | _SECOND: "day to second",
    _HOUR | _MINUTE: "hour to minute",
    _HOUR | _MINUTE | _SECOND: "hour to second",
    _MINUTE | _SECOND: "minute to second",
}


def lower_type(fields: Node) -> TypeName:
    """A TypeName node."""
    position = fields.get("location", 0)
    require_only(fields, _TYPE_FIELDS, position=position)
    parts = strings(fields["names"])
    if len(parts) == 2 and parts[0] == "pg_catalog" and is_built_in_type(parts[1]):
        parts = parts[1:]
    modifiers = _modifiers(fields.get("typmods", ()), position)
    interval_fields = None
    if parts == ("interval",) and modifiers:
        interval_fields = INTERVAL_FIELDS[modifiers[0]]
        modifiers = modifiers[1:]
    if len(parts) == 1:
        name, schema = TYPE_NAMES.get(parts[0], parts[0]), None
    else:
        qualified = object_name_of(parts, position)
        name, schema = qualified.name, qualified.schema
    return TypeName(
        name=name,
        schema=schema,
        modifiers=modifiers,
        array_dimensions=len(fields.get("arrayBounds", ())),
        interval_fields=interval_fields,
        is_setof=fields.get("setof", False),
        position=position,
    )


def _modifiers(nodes: Sequence[Node], position: int) -> tuple[int, ...]:
    values = []
    for node in nodes:
        constant = node.get("A_Const", {}).get("ival")
        if constant is None:
            raise_unsupported("a type modifier that is not a small integer", position)
        values.append(constant.get("ival", 0))
    return tuple(values)
