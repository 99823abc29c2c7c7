"""The name that a select list's expression gets without AS: PostgreSQL's FigureColname.

A name has a strength: that of a column or function is taken, that of a cast's type only if nothing inside has a better one.
"""

from __future__ import annotations

from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.json import (
    JsonAggregate,
    JsonArray,
    JsonArrayQuery,
    JsonObject,
    JsonParse,
    JsonQuery,
    JsonScalar,
    JsonSerialize,
)
from lungfish.sql.ast.queries import Query, Select

UNNAMED = "?column?"

# A type's inner name where it differs from the one that the syntax tree has.
_INNER_NAMES = {
    "integer": "int4",
    "bigint": "int8",
    "smallint": "int2",
    "real": "float4",
    "double precision": "float8",
    "boolean": "bool",
    '"char"': "char",
    "character": "bpchar",
    "character varying": "varchar",
    "bit varying": "varbit",
    "decimal": "numeric",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
}


def output_name(node: ast.Expression) -> str:
    """The name of an expression's column."""
    return _figure(node)[0]


def _figure(node: ast.Expression) -> tuple[str, int]:
    """The name and its strength: 0 none, 1 a type's or CASE's, 2 a real one."""
    match node:
        case ast.Name():
            return node.parts[-1], 2
        case ast.Star() if node.qualifier:
            return node.qualifier[-1], 2
        case ast.FunctionCall():
            return node.name[-1], 2
        case ast.FieldAccess():
            return node.field, 2
        case ast.Subscript() | ast.Collate():
            return _figure(node.operand)
        case ast.Cast():
            found = _figure(node.operand)
            if found[1] > 1:
                return found
            name = node.type_name.name
            return _INNER_NAMES.get(name, name), 1
        case ast.Case():
            found = (UNNAMED, 0) if node.default is None else _figure(node.default)
            return found if found[1] > 1 else ("case", 1)
        case ast.Subquery():
            return _of_query(node.query)
        case _:
            fixed = _FIXED.get(type(node))
            if fixed is not None:
                return fixed, 2
            if isinstance(node, JsonQuery):
                return f"json_{node.function}", 2
            if isinstance(node, JsonAggregate):
                return ("json_arrayagg" if node.key is None else "json_objectagg"), 2
            if isinstance(node, ast.Extreme):
                return ("greatest" if node.is_greatest else "least"), 2
            return UNNAMED, 0


_FIXED: dict[type, str] = {
    ast.Coalesce: "coalesce",
    ast.NullIf: "nullif",
    ast.Row: "row",
    ast.ArrayConstructor: "array",
    ast.ArraySubquery: "array",
    ast.Exists: "exists",
    ast.Grouping: "grouping",
    JsonArray: "json_array",
    JsonArrayQuery: "json_array",
    JsonObject: "json_object",
    JsonParse: "json",
    JsonScalar: "json_scalar",
    JsonSerialize: "json_serialize",
}


def _of_query(query: Query) -> tuple[str, int]:
    body = query.body
    while isinstance(body, Query):
        body = body.body
    if not isinstance(body, Select) or not body.items:
        return UNNAMED, 0
    first = body.items[0]
    if first.alias is not None:
        return first.alias, 2
    return _figure(first.expression)[0], 2
