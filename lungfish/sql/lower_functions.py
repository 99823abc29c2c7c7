"""CREATE FUNCTION and DROP FUNCTION, of functions written in SQL. Other languages, and what an expression cannot be, are unsupported."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.ddl import CreateFunction, DropFunction, FunctionParameter
from lungfish.sql.libpg import Node
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    find_position,
    name_without_catalog,
    object_name_of,
    raise_unsupported,
    require_only,
)
from lungfish.sql.unparse_queries import unparse_expression

_CREATE_FIELDS = frozenset(
    {"funcname", "parameters", "returnType", "options", "sql_body", "replace"}
)
_PARAMETER_FIELDS = frozenset({"name", "argType", "mode", "location"})
# Options that change nothing about what an inlined expression gives.
_IGNORABLE = frozenset({"parallel", "cost", "leakproof", "security", "window"})


def _lower_create_function(fields: Node, lowering: Lowering) -> CreateFunction:
    position = find_position(fields)
    if fields.get("is_procedure"):
        raise_unsupported("CREATE PROCEDURE", position)
    require_only(fields, _CREATE_FIELDS, position=position)
    if "returnType" not in fields:
        raise_unsupported("CREATE FUNCTION without RETURNS", position)
    result = lower_type(fields["returnType"])
    if result.is_setof:
        raise_unsupported("RETURNS SETOF", result.position)
    options = {node["DefElem"]["defname"]: node["DefElem"] for node in fields.get("options", ())}
    language = options.pop("language", {}).get("arg", {}).get("String", {}).get("sval", "sql")
    if language.lower() != "sql":
        raise_unsupported(f"LANGUAGE {language}", position)
    volatility = (
        options.pop("volatility", {}).get("arg", {}).get("String", {}).get("sval", "volatile")
    )
    is_strict = options.pop("strict", {}).get("arg", {}).get("Boolean", {}).get("boolval", False)
    body = _body_text(options.pop("as", None), fields.get("sql_body"), lowering, position)
    for name, option in options.items():
        if name not in _IGNORABLE:
            raise_unsupported(
                f"the option {name.upper()} of CREATE FUNCTION", option.get("location", -1)
            )
    return CreateFunction(
        name=object_name_of(name_without_catalog(fields["funcname"]), position),
        parameters=tuple(
            [_parameter(node["FunctionParameter"]) for node in fields.get("parameters", ())]
        ),
        result=result,
        body=body,
        volatility=volatility,
        is_strict=is_strict,
        or_replace=fields.get("replace", False),
        position=position,
    )


def _parameter(fields: Node) -> FunctionParameter:
    position = fields.get("location", -1)
    require_only(fields, _PARAMETER_FIELDS, position=position)
    if fields["mode"] not in ("FUNC_PARAM_DEFAULT", "FUNC_PARAM_IN"):
        raise_unsupported("OUT, INOUT, VARIADIC and TABLE parameters", position)
    return FunctionParameter(fields.get("name"), lower_type(fields["argType"]))


def _body_text(source: Node | None, body: Node | None, lowering: Lowering, position: int) -> str:
    """The text of the function's query."""
    if body is not None:
        if "ReturnStmt" not in body:
            raise_unsupported("BEGIN ATOMIC", position)
        expression = lowering.expression(body["ReturnStmt"]["returnval"])
        return f"SELECT {unparse_expression(expression)}"
    if source is None:
        raise errors.InvalidFunctionDefinition("no function body specified", position=position)
    items = source["arg"]["List"]["items"]
    return str(items[0]["String"].get("sval", ""))


_DROP_FIELDS = frozenset({"objects", "removeType", "behavior", "missing_ok"})


def lower_drop_function(fields: Node) -> DropFunction:
    """DROP FUNCTION of one function; `parameters` None where the text gave no types."""
    require_only(fields, _DROP_FIELDS)
    if len(fields["objects"]) > 1:
        raise_unsupported("DROP FUNCTION of several functions")
    detail = fields["objects"][0]["ObjectWithArgs"]
    is_open = detail.get("args_unspecified", False)
    types = tuple([lower_type(node["TypeName"]) for node in detail.get("objargs", ())])
    return DropFunction(
        name=object_name_of(name_without_catalog(detail["objname"])),
        parameters=None if is_open else types,
        if_exists=fields.get("missing_ok", False),
    )


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {"CreateFunctionStmt": _lower_create_function}
)
