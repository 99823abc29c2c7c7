"""What all of SQL/JSON binds alike: values with FORMAT JSON, and RETURNING."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.functions import resolve_function
from lungfish.functions.sql_json import ReturningForm, json_form
from lungfish.planner.bind_type import find_type
from lungfish.planner.coerce import coerce_explicit, resolve_unknown
from lungfish.planner.expressions import BoundExpression, Call, Constant
from lungfish.planner.scope import Scope
from lungfish.sql.ast.json import JsonFormat, JsonReturning, JsonValue
from lungfish.types.sql_type import BYTEA, JSON, JSONB, TEXT, SqlType, TypeKind

STRING_KINDS = frozenset(
    {TypeKind.TEXT, TypeKind.VARCHAR, TypeKind.CHAR, TypeKind.NAME, TypeKind.UNKNOWN}
)
JSON_KINDS = frozenset({TypeKind.JSON, TypeKind.JSONB})


def bind_value(value: JsonValue, scope: Scope) -> BoundExpression:
    """A value; what has FORMAT JSON becomes json, unless it is json or jsonb already. Raises 42804."""
    position = value.expression.position
    bound = resolve_unknown(scope.bind(value.expression), scope.state, position)
    if value.format is None or bound.type.kind in JSON_KINDS:
        return bound
    return coerce_explicit(text_of_json(bound, value.format, position), JSON, scope.state, position)


def text_of_json(bound: BoundExpression, written: JsonFormat, position: int) -> BoundExpression:
    """A text or bytes with FORMAT JSON behind it, as text. Raises 42804, 0A000."""
    kind = bound.type.kind
    if kind is TypeKind.BYTEA:
        return decoded(bound, position)
    if kind not in STRING_KINDS:
        raise errors.DatatypeMismatch(
            "cannot use non-string types with explicit FORMAT JSON clause"
        ).at(position)
    if written.encoding is not None:
        raise errors.DatatypeMismatch(
            "JSON ENCODING clause is only allowed for bytea input type"
        ).at(position)
    return bound


def decoded(bound: BoundExpression, position: int) -> Call:
    """Bytes in UTF-8 as text."""
    found = resolve_function("convert_from", [BYTEA, TEXT])
    return Call(found.callee, (bound, Constant("UTF8", TEXT)), TEXT, position=position)


def returned_type(returning: JsonReturning | None, default: SqlType, scope: Scope) -> SqlType:
    """The type that RETURNING names. Raises 0A000 for types that it cannot name."""
    if returning is None:
        return default
    name = returning.type_name
    if name.is_setof:
        raise errors.FeatureNotSupported(
            "returning SETOF types is not supported in SQL/JSON functions"
        ).at(name.position)
    if name.name in _PSEUDO_TYPES and name.schema is None:
        raise errors.FeatureNotSupported(
            "returning pseudo-types is not supported in SQL/JSON functions"
        ).at(name.position)
    target = find_type(name, scope.state)
    _check_encoding(returning, target)
    return target


_PSEUDO_TYPES = frozenset(
    {
        "record",
        "cstring",
        "void",
        "trigger",
        "internal",
        "anyelement",
        "anyarray",
        "any",
        "anyrange",
    }
)


def _check_encoding(returning: JsonReturning, target: SqlType) -> None:
    written = returning.format
    if written is None or written.encoding is None:
        return
    if target.kind is not TypeKind.BYTEA:
        raise errors.FeatureNotSupported("cannot set JSON encoding for non-bytea output types").at(
            written.position
        )
    if written.encoding != "UTF8":
        raise errors.FeatureNotSupported(
            "unsupported JSON encoding", hint="Only UTF8 JSON encoding is supported."
        ).at(written.position)


def default_type(arguments: Sequence[BoundExpression]) -> SqlType:
    """What a constructor gives where RETURNING says nothing: jsonb if it is made of any."""
    return JSONB if any(each.type.kind is TypeKind.JSONB for each in arguments) else JSON


def constructed_type(returning: SqlType) -> SqlType:
    """What is made first, for a result of the type."""
    return JSONB if returning.kind is TypeKind.JSONB else JSON


def convert_returned(
    made: BoundExpression, name: str, returning: SqlType, scope: Scope, position: int
) -> BoundExpression:
    """What a constructor made, as the type that it returns. Raises 42846."""
    if returning.kind in JSON_KINDS:
        return coerce_explicit(made, returning, scope.state, position)
    base = returning.base
    if base.kind not in STRING_KINDS and base.kind is not TypeKind.BYTEA:
        raise errors.CannotCoerce(f"cannot cast type {made.type} to {returning.unmodified}").at(
            position
        )
    form = ReturningForm(base)
    call = Call(json_form(name, form, (made.type,), base), (made,), base, position=position)
    return coerce_explicit(call, returning, scope.state, position)
