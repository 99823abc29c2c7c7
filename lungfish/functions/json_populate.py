"""JSON read into rows: json_populate_record, json_to_record and their sets, and jsonb's.

Works on JSON texts, so that a field of type json keeps its spelling; jsonb's text is one like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

from lungfish.errors import (
    DataError,
    DatatypeMismatch,
    FeatureNotSupported,
    IntegrityError,
    InvalidParameterValue,
    InvalidTextRepresentation,
    SyntaxError,
)
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.json_scan import check_escapes, elements_of, kind_of, members_of, text_of
from lungfish.functions.registry import Function, FunctionContext, Polymorphic, Volatility
from lungfish.types.array_value import ArrayValue, array_value
from lungfish.types.casts import coerce_length
from lungfish.types.json_text import normalize_jsonb
from lungfish.types.sql_type import BOOLEAN, JSON, JSONB, SqlType, TypeKind
from lungfish.types.text_parse import parse_value

K = TypeKind
Row = tuple[Any, ...]


def read_value(text: str | None, sql_type: SqlType, context: FunctionContext) -> Any:
    """The value of a type that a JSON value stands for, None for a member that is not there.

    Raises 22P02, 22023, what the type's text input raises and what a domain's checks do.
    """
    if sql_type.domain is not None:
        value = read_value(text, sql_type.base, context)
        context.check_domain(value, sql_type)
        return value
    if text is None:
        return None
    kind = kind_of(text)
    if sql_type.kind is K.JSON:
        return text
    if sql_type.kind is K.JSONB:
        return normalize_jsonb(text)
    if kind == "null":
        return None
    if sql_type.kind is K.ARRAY and kind != "string":
        return _read_array(text, sql_type, context)
    if sql_type.kind is K.RECORD and kind != "string":
        return _read_row(text, sql_type, None, context)
    spelled = text_of(text)
    assert spelled is not None, "null was seen to"
    settings = text_settings(context)
    return coerce_length(parse_value(spelled, sql_type.unmodified, settings), sql_type)


def check_domains(value: Any, sql_type: SqlType, context: FunctionContext) -> None:
    """Raise if the value is of a domain that does not allow it; parts of a value were checked where they were read."""
    if sql_type.domain is not None:
        context.check_domain(value, sql_type)


def _read_row(
    text: str, sql_type: SqlType, base: Row | None, context: FunctionContext, name: str = ""
) -> Row:
    """An object as a row; fields that it does not have are those of `base`."""
    kind = kind_of(text)
    if kind != "object":
        shown = "an array" if kind == "array" else "a scalar"
        raise InvalidParameterValue(f"cannot call {_shown_name(name)} on {shown}")
    check_escapes(text)
    given = dict(members_of(text))
    row: list[Any] = []
    for index, (label, field) in enumerate(zip(sql_type.labels, sql_type.fields, strict=True)):
        part = given.get(label)
        if part is None and base is not None:
            row.append(base[index])
        elif part is not None and kind_of(part) == "null":
            row.append(read_value(None, field, context))
        else:
            row.append(read_value(part, field, context))
    return tuple(row)


def _shown_name(name: str) -> str:
    """Who reads one row is PostgreSQL's populate_composite, whatever was called."""
    return name if name.endswith("set") else "populate_composite"


def _read_array(text: str, sql_type: SqlType, context: FunctionContext) -> ArrayValue:
    element = sql_type.element
    assert element is not None
    if kind_of(text) != "array":
        raise InvalidTextRepresentation("expected JSON array")
    dimensions: list[int] = []
    items: list[Any] = []

    def read(part: str, depth: int) -> None:
        parts = list(elements_of(part))
        if depth == len(dimensions):
            dimensions.append(len(parts))
        elif dimensions[depth] != len(parts):
            raise InvalidTextRepresentation(
                "malformed JSON array",
                detail="Multidimensional arrays must have sub-arrays with matching dimensions.",
            )
        for each in parts:
            is_nested = kind_of(each) == "array" and element.kind not in (K.JSON, K.JSONB)
            if is_nested and not (items and depth + 1 == len(dimensions)):
                read(each, depth + 1)
            elif is_nested or depth + 1 != len(dimensions):
                raise InvalidTextRepresentation("expected JSON array")
            else:
                items.append(read_value(each, element, context))

    read(text, 0)
    if not items:
        return array_value(())
    return ArrayValue(tuple(items), tuple(dimensions), (1,) * len(dimensions))


def _populate(
    context: FunctionContext,
    base: Row | None,
    text: str | None,
    *,
    types: Sequence[SqlType],
    name: str,
) -> Row | None:
    _require_fields(types[0], name)
    if text is None:
        return base
    return _read_row(text, types[0], base, context, name)


def _is_populated(
    context: FunctionContext, base: Row | None, text: str | None, *, types: Sequence[SqlType]
) -> bool | None:
    """Whether jsonb_populate_record would raise no error of the data."""
    name = "jsonb_populate_record_valid"
    _require_fields(types[0], name)
    if text is None:
        return None
    try:
        _read_row(text, types[0], base, context, name)
    except (DataError, IntegrityError):
        return False
    return True


def _populate_set(
    context: FunctionContext,
    base: Row | None,
    text: str | None,
    *,
    types: Sequence[SqlType],
    name: str,
) -> Iterator[Row]:
    _require_fields(types[0], name)
    if text is not None:
        yield from _rows(text, types[0], base, context, name)


def _require_fields(sql_type: SqlType, name: str) -> None:
    if sql_type.kind is not K.RECORD:
        raise DatatypeMismatch(f"first argument of {name} must be a row type")
    if not sql_type.fields:
        raise FeatureNotSupported(
            f"could not determine row type for result of {name}",
            hint="Provide a non-null record argument, or call the function in the FROM clause using a column definition list.",
        )


def _rows(
    text: str, sql_type: SqlType, base: Row | None, context: FunctionContext, name: str
) -> Iterator[Row]:
    kind = kind_of(text)
    if kind != "array":
        shown = "an object" if kind == "object" else "a scalar"
        raise InvalidParameterValue(f"cannot call {name} on {shown}")
    check_escapes(text)
    for element in elements_of(text):
        if kind_of(element) != "object":
            raise InvalidParameterValue(f"argument of {name} must be an array of objects")
        yield _read_row(element, sql_type, base, context, name)


# json_to_record and the like: the row's type is written behind the call.


def _without_definition(*arguments: Any) -> Any:
    raise SyntaxError('a column definition list is required for functions returning "record"')


@lru_cache(maxsize=256)
def reader_of(name: str, sql_type: SqlType) -> Function | None:
    """The function of that name, made for the row type of its column definition list; None if it is not one of these."""
    if name not in _READERS:
        return None
    argument, is_set = _READERS[name]

    def read(context: FunctionContext, text: str) -> Any:
        if is_set:
            return list(_rows(text, sql_type, None, context, name))
        return _read_row(text, sql_type, None, context, name)

    return Function(
        name,
        (argument,),
        sql_type,
        read,
        volatility=Volatility.STABLE,
        needs_context=True,
        returns_set=is_set,
    )


_READERS = {
    f"{kind}_to_record{'set' * is_set}": (argument, is_set)
    for kind, argument in (("json", JSON), ("jsonb", JSONB))
    for is_set in (False, True)
}
_RECORD = SqlType(K.RECORD)

FUNCTIONS: tuple[Function, ...] = (
    Function(
        "jsonb_populate_record_valid",
        (Polymorphic.ANYELEMENT, JSONB),
        BOOLEAN,
        _is_populated,
        volatility=Volatility.STABLE,
        is_strict=False,
        needs_context=True,
        needs_types=True,
    ),
    *(
        Function(name, (argument,), _RECORD, _without_definition, returns_set=is_set)
        for name, (argument, is_set) in _READERS.items()
    ),
    *(
        Function(
            name,
            (Polymorphic.ANYELEMENT, argument),
            Polymorphic.ANYELEMENT,
            partial(_populate_set if is_set else _populate, name=name),
            volatility=Volatility.STABLE,
            is_strict=False,
            returns_set=is_set,
            needs_context=True,
            needs_types=True,
        )
        for kind, argument in (("json", JSON), ("jsonb", JSONB))
        for is_set in (False, True)
        for name in (f"{kind}_populate_record{'set' * is_set}",)
    ),
)
