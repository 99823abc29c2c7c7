"""CREATE AGGREGATE, in both of its forms: the parser's tree to ours. What else CREATE may define so is unsupported."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish.sql.ast.operators import CreateOperator
from lungfish.sql.ast.routines import AggregateOption, CreateAggregate
from lungfish.sql.libpg import Node
from lungfish.sql.lower_functions import lower_parameter
from lungfish.sql.lower_operators import lower_create_operator
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    find_position,
    name_without_catalog,
    object_name_of,
    raise_unsupported,
)

_OTHERS: Mapping[str, str] = {
    "OBJECT_COLLATION": "CREATE COLLATION",
    "OBJECT_TSCONFIGURATION": "CREATE TEXT SEARCH CONFIGURATION",
    "OBJECT_TSDICTIONARY": "CREATE TEXT SEARCH DICTIONARY",
    "OBJECT_TSPARSER": "CREATE TEXT SEARCH PARSER",
    "OBJECT_TSTEMPLATE": "CREATE TEXT SEARCH TEMPLATE",
    "OBJECT_TYPE": "CREATE TYPE of a base type",
}


def _lower_define(fields: Node, lowering: Lowering) -> CreateAggregate | CreateOperator:
    kind = fields["kind"]
    position = find_position(fields)
    if kind == "OBJECT_OPERATOR":
        return lower_create_operator(fields, position)
    if kind != "OBJECT_AGGREGATE":
        raise_unsupported(_OTHERS[kind], position)
    parameters = None
    if not fields.get("oldstyle", False):
        listed, direct = fields["args"]
        if direct["Integer"].get("ival", 0) >= 0:
            raise_unsupported("an ordered-set aggregate", position)
        nodes = listed.get("List", {}).get("items", ())
        parameters = tuple([lower_parameter(node["FunctionParameter"], lowering) for node in nodes])
    return CreateAggregate(
        object_name_of(name_without_catalog(fields["defnames"]), position),
        parameters,
        tuple([_option(node["DefElem"]) for node in fields.get("definition", ())]),
        or_replace=fields.get("replace", False),
        position=position,
    )


def _option(fields: Node) -> AggregateOption:
    name, position = fields["defname"], fields.get("location", -1)
    argument = fields.get("arg")
    if argument is None:
        return AggregateOption(name, None, None, position)
    ((tag, detail),) = argument.items()
    match tag:
        case "TypeName":
            kind = lower_type(detail)
            return AggregateOption(name, kind, kind.name, position)
        case "String":
            return AggregateOption(name, None, detail.get("sval", ""), position)
        case "Integer":
            return AggregateOption(name, None, str(detail.get("ival", 0)), position)
        case "Float":
            return AggregateOption(name, None, detail["fval"], position)
    return AggregateOption(name, None, ".".join(name_without_catalog(detail["items"])), position)


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType({"DefineStmt": _lower_define})
