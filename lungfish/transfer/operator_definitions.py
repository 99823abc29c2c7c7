"""CREATE OPERATOR and CREATE CAST, with their comments, as a dump writes them."""

from __future__ import annotations

from lungfish.catalog.aggregate_parts import SupportFunction
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.names import type_text
from lungfish.catalog.objects import Oid, SqlFunction
from lungfish.catalog.operator_objects import OperatorName, UserCast, UserOperator
from lungfish.sql.quoting import quote_identifier, quote_literal, quote_qualified


def create_operator(catalog: Catalog, item: UserOperator) -> str:
    """The statement, and its COMMENT."""
    schema = catalog.namespace_name(item.namespace_oid)
    parts = [f"FUNCTION = {_function_name(catalog, item.function)}"]
    if item.left is not None:
        parts.append(f"LEFTARG = {type_text(catalog, item.left)}")
    parts.append(f"RIGHTARG = {type_text(catalog, item.right)}")
    for word, other in (("COMMUTATOR", item.commutator), ("NEGATOR", item.negator)):
        if other is not None:
            parts.append(f"{word} = {_operator_name(other, schema)}")
    for word, name in (("RESTRICT", item.restrict), ("JOIN", item.join)):
        if name is not None:
            parts.append(f"{word} = {name}")
    parts += ["HASHES"] if item.can_hash else []
    parts += ["MERGES"] if item.can_merge else []
    name = f"{quote_identifier(schema)}.{item.name}"
    left = "NONE" if item.left is None else type_text(catalog, item.left)
    operands = f"({left}, {type_text(catalog, item.right)})"
    text = f"CREATE OPERATOR {name} ({', '.join(parts)});"
    return text + _comment(f"OPERATOR {name} {operands}", item.comment)


def create_cast(catalog: Catalog, item: UserCast) -> str:
    """The statement, and its COMMENT."""
    ends = f"({type_text(catalog, item.source)} AS {type_text(catalog, item.target)})"
    match item.method:
        case "inout":
            how = "WITH INOUT"
        case "binary":
            how = "WITHOUT FUNCTION"
        case _:
            assert item.function is not None, "such a cast has a function"
            how = f"WITH FUNCTION {_function_with_types(catalog, item.function, item)}"
    context = "" if item.context == "explicit" else f" AS {item.context.upper()}"
    return f"CREATE CAST {ends} {how}{context};" + _comment(f"CAST {ends}", item.comment)


def _comment(what: str, text: str | None) -> str:
    return "" if text is None else f"\n\nCOMMENT ON {what} IS {quote_literal(text)};"


def _operator_name(other: OperatorName, schema: str) -> str:
    return f"OPERATOR({quote_identifier(other.schema or schema)}.{other.name})"


def _function_name(catalog: Catalog, function: SupportFunction) -> str:
    found = catalog.object(Oid(function.oid)) if function.oid else None
    if not isinstance(found, SqlFunction):
        return quote_qualified("pg_catalog", function.name)
    return quote_qualified(catalog.namespace_name(found.namespace_oid), found.name)


def _function_with_types(catalog: Catalog, function: SupportFunction, cast: UserCast) -> str:
    found = catalog.object(Oid(function.oid)) if function.oid else None
    types = found.parameter_types if isinstance(found, SqlFunction) else (cast.source,)
    shown = ", ".join(type_text(catalog, kind) for kind in types)
    return f"{_function_name(catalog, function)}({shown})"
