"""Bound SQL/JSON as text, with the clauses that PostgreSQL writes: those that were left out are said where they are not the usual."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lungfish.functions.sql_json import (
    ArrayForm,
    IsJsonForm,
    ObjectForm,
    ParseForm,
    ReturningForm,
    ScalarForm,
    SerializeForm,
)
from lungfish.functions.sql_json_query import QueryForm
from lungfish.planner.expressions import BoundExpression, Call, CastTo, Constant
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.sql.unparse_json import wrapper_words
from lungfish.types.sql_type import SqlType, TypeKind

Write = Callable[[BoundExpression], str]


def write_json(node: Call, write: Write, returning: SqlType | None = None) -> str | None:
    """The text of a use of SQL/JSON; None for any other call. `returning` is the type that it is converted to behind it."""
    form = node.function.scalar
    match form:
        case ReturningForm():
            (made,) = node.arguments
            inner = made.operand if isinstance(made, CastTo) else made
            return write_json(inner, write, form.returning) if isinstance(inner, Call) else None
        case ObjectForm():
            return _object(form, node.arguments, write, returning or node.type)
        case ArrayForm():
            return _array(form, node.arguments, write, returning or node.type)
        case ParseForm():
            unique = " WITH UNIQUE KEYS" if form.has_unique_keys else ""
            return f"JSON({_value(node.arguments[0], form.has_format, write)}{unique})"
        case ScalarForm():
            return f"JSON_SCALAR({write(node.arguments[0])})"
        case SerializeForm():
            (value,) = node.arguments
            shown = _bare(value, write) if form.is_converted else write(value)
            words = " FORMAT JSON" if form.has_format else ""
            return f"JSON_SERIALIZE({shown}{words} RETURNING {returning})"
        case IsJsonForm():
            kind = "" if form.item_kind == "value" else f" {form.item_kind.upper()}"
            unique = " WITH UNIQUE KEYS" if form.has_unique_keys else ""
            return f"({write(_undecoded(node.arguments[0]))} IS JSON{kind}{unique})"
        case QueryForm():
            return _query(form, node, write)
    return None


def _bare(node: BoundExpression, write: Write) -> str:
    """A value without the conversion that the construct itself brings."""
    if isinstance(node, CastTo) and node.type.kind in (
        TypeKind.JSON,
        TypeKind.JSONB,
        TypeKind.TEXT,
    ):
        node = node.operand
    return write(_undecoded(node))


def _undecoded(node: BoundExpression) -> BoundExpression:
    """The bytea whose text a construct has read."""
    is_decoded = isinstance(node, Call) and node.function.name == "convert_from"
    return node.arguments[0] if is_decoded else node  # type: ignore[union-attr]


def _value(node: BoundExpression, has_format: bool, write: Write) -> str:
    return f"{_bare(node, write)} FORMAT JSON" if has_format else write(node)


def _key(node: BoundExpression, write: Write) -> str:
    """A literal stands without its type."""
    if isinstance(node, Constant) and isinstance(node.value, str):
        return quote_literal(node.value)
    return write(node)


def _object(
    form: ObjectForm, arguments: Sequence[BoundExpression], write: Write, returning: SqlType
) -> str:
    members = ", ".join(
        f"{_key(arguments[2 * place], write)} : {_value(arguments[2 * place + 1], has_format, write)}"
        for place, has_format in enumerate(form.formats)
    )
    members += " ABSENT ON NULL" * form.is_absent_on_null
    members += " WITH UNIQUE KEYS" * form.has_unique_keys
    return f"JSON_OBJECT({members} RETURNING {returning})"


def _array(
    form: ArrayForm, arguments: Sequence[BoundExpression], write: Write, returning: SqlType
) -> str:
    items = ", ".join(
        _value(argument, has_format, write)
        for argument, has_format in zip(arguments, form.formats, strict=True)
    )
    nulls = "" if form.is_absent_on_null or not arguments else " NULL ON NULL"
    return f"JSON_ARRAY({items}{nulls} RETURNING {returning})"


def _query(form: QueryForm, node: Call, write: Write) -> str:
    context, path, *rest = node.arguments
    formats = form.formats or (False,) * (1 + len(form.names))
    shown_path = _key(path, write)
    document = write(context) if isinstance(context, Constant) else _bare(context, write)
    text = f"{document}{' FORMAT JSON' * formats[0]}, {shown_path}"
    if form.names:
        passed = [
            f"{_value(value, has_format, write)} AS {quote_identifier(name)}"
            for name, value, has_format in zip(form.names, rest, formats[1:], strict=False)
        ]
        text += f" PASSING {', '.join(passed)}"
    if form.function != "exists":
        text += f" RETURNING {form.returning}"
    if form.function == "query":
        text += wrapper_words(form.wrapper, "omit" if form.omits_quotes else "keep")
    defaults = iter(rest[len(form.names) :])
    usual = "false" if form.function == "exists" else "null"
    for clause, kind in (("EMPTY", form.on_empty), ("ERROR", form.on_error)):
        default = f" {write(next(defaults))}" if kind == "default" else ""
        if kind != usual:
            text += f" {kind.upper()}{default} ON {clause}"
    return f"JSON_{form.function.upper()}({text})"
