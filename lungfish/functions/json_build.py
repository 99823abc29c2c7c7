"""JSON made of SQL values: to_json, to_jsonb, the builders of objects and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from lungfish.errors import ArraySubscriptError, InvalidParameterValue, NullValueNotAllowed
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.registry import Function, FunctionContext, Polymorphic, Volatility
from lungfish.types.array_value import ArrayValue
from lungfish.types.calendar import is_infinite_timestamp
from lungfish.types.json_text import JsonTree, jsonb_text, load_json, parse_json, quote_json
from lungfish.types.numerics import canonical
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import BOOLEAN, JSON, JSONB, TEXT, SqlType, TypeKind, array_of
from lungfish.types.text_format import format_value

K = TypeKind
_DATED = (K.DATE, K.TIMESTAMP, K.TIMESTAMPTZ)
_NUMBERS = (K.SMALLINT, K.INTEGER, K.BIGINT, K.REAL, K.DOUBLE, K.NUMERIC)


def _iso_settings(settings: TextSettings) -> TextSettings:
    """ISO 8601 whatever DateStyle says."""
    if settings.date_style == "ISO":
        return settings
    return TextSettings(
        settings.time_zone,
        settings.date_order,
        "ISO",
        settings.interval_style,
        settings.bytea_output,
    )


def _dated_text(value: Any, sql_type: SqlType, settings: TextSettings) -> str:
    text = format_value(value, sql_type, _iso_settings(settings))
    if sql_type.kind is K.DATE:
        return text
    if is_infinite_timestamp(value):
        return text
    text = text.replace(" ", "T", 1)
    if sql_type.kind is K.TIMESTAMPTZ:
        before, _, era = text.partition(" ")
        # An offset is always written with its minutes.
        if before[-3] in "+-":
            before += ":00"
        text = before + (f" {era}" if era else "")
    return text


def json_text(
    value: Any, sql_type: SqlType, settings: TextSettings, *, is_pretty: bool = False
) -> str:
    """The JSON text of a value, as type json writes it."""
    if value is None:
        return "null"
    kind = sql_type.kind
    if kind is K.BOOLEAN:
        return "true" if value else "false"
    if kind in (K.JSON, K.JSONB):
        return str(value)
    if kind is K.ARRAY:
        return _array_text(value, sql_type, settings, is_pretty)
    if kind is K.RECORD:
        return _record_text(value, sql_type, settings, is_pretty)
    if kind in _DATED:
        return quote_json(_dated_text(value, sql_type, settings))
    text = format_value(value, sql_type, settings)
    return text if kind in _NUMBERS and _is_number(text) else quote_json(text)


def _is_number(text: str) -> bool:
    return text not in ("NaN", "Infinity", "-Infinity")


def _array_text(
    value: ArrayValue, sql_type: SqlType, settings: TextSettings, is_pretty: bool
) -> str:
    assert sql_type.element is not None
    if not value.dimensions:
        return "[]"
    texts = [json_text(item, sql_type.element, settings) for item in value.elements]
    for depth, length in reversed(list(enumerate(value.dimensions))):
        # Only the outermost level is spread over lines.
        separator = ",\n " if is_pretty and depth == 0 else ","
        texts = [
            "[" + separator.join(texts[place : place + length]) + "]"
            for place in range(0, len(texts), length)
        ]
    return texts[0]


def _record_text(
    value: Sequence[Any], sql_type: SqlType, settings: TextSettings, is_pretty: bool
) -> str:
    pairs = [
        f"{quote_json(name)}:{json_text(item, field, settings)}"
        for name, item, field in zip(record_names(sql_type), value, sql_type.fields, strict=True)
    ]
    return "{" + (",\n " if is_pretty else ",").join(pairs) + "}"


def record_names(sql_type: SqlType) -> tuple[str, ...]:
    """The names of a record's fields; f1, f2, ... where it has none."""
    if len(sql_type.labels) == len(sql_type.fields):
        return sql_type.labels
    return tuple(f"f{number}" for number in range(1, len(sql_type.fields) + 1))


def json_tree(value: Any, sql_type: SqlType, settings: TextSettings) -> JsonTree:
    """The tree of a value, as type jsonb keeps it."""
    if value is None:
        return None
    kind = sql_type.kind
    if kind is K.BOOLEAN:
        return bool(value)
    if kind is K.JSONB:
        return load_json(value)
    if kind is K.JSON:
        return parse_json(value)
    if kind is K.ARRAY:
        assert sql_type.element is not None
        items = [json_tree(item, sql_type.element, settings) for item in value.elements]
        return ArrayValue(tuple(items), value.dimensions, value.lower_bounds).nested()
    if kind is K.RECORD:
        names = record_names(sql_type)
        return {
            name: json_tree(item, field, settings)
            for name, item, field in zip(names, value, sql_type.fields, strict=True)
        }
    if kind in _DATED:
        return _dated_text(value, sql_type, settings)
    text = format_value(value, sql_type, settings)
    if kind in _NUMBERS and _is_number(text):
        return canonical(Decimal(text))
    return text


def _to_json(context: FunctionContext, value: Any, *, types: Sequence[SqlType]) -> str:
    return json_text(value, types[0], text_settings(context))


def _to_json_lines(
    context: FunctionContext, value: Any, is_pretty: bool, *, types: Sequence[SqlType]
) -> str:
    return json_text(value, types[0], text_settings(context), is_pretty=is_pretty)


def _to_jsonb(context: FunctionContext, value: Any, *, types: Sequence[SqlType]) -> str:
    return jsonb_text(json_tree(value, types[0], text_settings(context)))


# Builders


def argument_types(values: Sequence[Any], types: Sequence[SqlType]) -> Sequence[SqlType]:
    """A type for each value; those spread out of a VARIADIC array share its element type."""
    is_array = bool(types) and types[-1].kind is K.ARRAY
    if len(types) == len(values) and not (
        is_array and values[-1] is not None and not isinstance(values[-1], ArrayValue)
    ):
        return types
    element = types[-1].element
    assert element is not None
    return [*types[:-1], *([element] * (len(values) - len(types) + 1))]


def key_text(value: Any, sql_type: SqlType, settings: TextSettings) -> str:
    """A value as an object's key. Raises 22023 for a container."""
    if sql_type.kind in (K.ARRAY, K.RECORD, K.JSON, K.JSONB):
        raise InvalidParameterValue("key value must be scalar, not array, composite, or json")
    if sql_type.kind is K.BOOLEAN:
        return "true" if value else "false"
    if sql_type.kind in _DATED:
        return _dated_text(value, sql_type, settings)
    return format_value(value, sql_type, settings)


def _pairs(
    name: str, values: Sequence[Any], types: Sequence[SqlType]
) -> list[tuple[Any, SqlType, Any, SqlType]]:
    if len(values) % 2:
        raise InvalidParameterValue(
            "argument list must have even number of elements",
            hint=f"The arguments of {name}() must consist of alternating keys and values.",
        )
    kinds = argument_types(values, types)
    return [(values[i], kinds[i], values[i + 1], kinds[i + 1]) for i in range(0, len(values), 2)]


def _build_object(context: FunctionContext, *values: Any, types: Sequence[SqlType] = ()) -> str:
    settings = text_settings(context)
    pieces = []
    for key, key_type, value, value_type in _pairs("json_build_object", values, types):
        if key is None:
            raise NullValueNotAllowed("null value not allowed for object key")
        name = quote_json(key_text(key, key_type, settings))
        pieces.append(f"{name} : {json_text(value, value_type, settings)}")
    return "{" + ", ".join(pieces) + "}"


def _build_array(context: FunctionContext, *values: Any, types: Sequence[SqlType] = ()) -> str:
    settings = text_settings(context)
    kinds = argument_types(values, types) if values else ()
    texts = (json_text(value, kind, settings) for value, kind in zip(values, kinds, strict=True))
    return "[" + ", ".join(texts) + "]"


def _build_object_b(context: FunctionContext, *values: Any, types: Sequence[SqlType] = ()) -> str:
    settings = text_settings(context)
    tree: dict[str, JsonTree] = {}
    for number, (key, key_type, value, value_type) in enumerate(
        _pairs("jsonb_build_object", values, types)
    ):
        if key is None:
            raise InvalidParameterValue(f"argument {2 * number + 1}: key must not be null")
        tree[key_text(key, key_type, settings)] = json_tree(value, value_type, settings)
    return jsonb_text(tree)


def _build_array_b(context: FunctionContext, *values: Any, types: Sequence[SqlType] = ()) -> str:
    settings = text_settings(context)
    kinds = argument_types(values, types) if values else ()
    return jsonb_text(
        [json_tree(value, kind, settings) for value, kind in zip(values, kinds, strict=True)]
    )


# Objects out of text arrays


def _text_pairs(array: ArrayValue) -> list[tuple[str, str | None]]:
    if not array.dimensions:
        return []
    if len(array.dimensions) > 2:
        raise ArraySubscriptError("wrong number of array subscripts")
    if len(array.dimensions) == 2 and array.dimensions[1] != 2:
        raise ArraySubscriptError("array must have two columns")
    if len(array.elements) % 2:
        raise ArraySubscriptError("array must have even number of elements")
    return _checked_pairs(array.elements[::2], array.elements[1::2])


def _checked_pairs(
    keys: Sequence[str | None], values: Sequence[str | None]
) -> list[tuple[str, str | None]]:
    found = []
    for key, value in zip(keys, values, strict=True):
        if key is None:
            raise NullValueNotAllowed("null value not allowed for object key")
        found.append((key, value))
    return found


def _two_arrays(keys: ArrayValue, values: ArrayValue) -> list[tuple[str, str | None]]:
    if len(keys.dimensions) > 1 or len(values.dimensions) > 1:
        raise ArraySubscriptError("wrong number of array subscripts")
    if len(keys) != len(values):
        raise ArraySubscriptError("mismatched array dimensions")
    return _checked_pairs(keys.elements, values.elements)


def _object_text(pairs: Sequence[tuple[str, str | None]]) -> str:
    written = [
        f"{quote_json(key)} : {'null' if value is None else quote_json(value)}"
        for key, value in pairs
    ]
    return "{" + ", ".join(written) + "}"


def _json_object(array: ArrayValue) -> str:
    return _object_text(_text_pairs(array))


def _json_object_of(keys: ArrayValue, values: ArrayValue) -> str:
    return _object_text(_two_arrays(keys, values))


def _jsonb_object(array: ArrayValue) -> str:
    return jsonb_text(dict(_text_pairs(array)))


def _jsonb_object_of(keys: ArrayValue, values: ArrayValue) -> str:
    return jsonb_text(dict(_two_arrays(keys, values)))


def _stable(name: str, arguments: Any, result: SqlType, scalar: Any, **options: Any) -> Function:
    return Function(
        name,
        arguments,
        result,
        scalar,
        volatility=Volatility.STABLE,
        needs_context=True,
        needs_types=True,
        **options,
    )


_ANY, _ELEMENT, _RECORD = Polymorphic.ANY, Polymorphic.ANYELEMENT, Polymorphic.RECORD
_TEXTS = array_of(TEXT)

FUNCTIONS: tuple[Function, ...] = (
    _stable("to_json", (_ELEMENT,), JSON, _to_json),
    _stable("to_jsonb", (_ELEMENT,), JSONB, _to_jsonb),
    _stable("row_to_json", (_RECORD,), JSON, _to_json),
    _stable("row_to_json", (_RECORD, BOOLEAN), JSON, _to_json_lines),
    _stable("array_to_json", (Polymorphic.ANYARRAY,), JSON, _to_json),
    _stable("array_to_json", (Polymorphic.ANYARRAY, BOOLEAN), JSON, _to_json_lines),
    *(
        _stable(name, arguments, result, scalar, is_strict=False, is_variadic=bool(arguments))
        for name, result, scalar in (
            ("json_build_object", JSON, _build_object),
            ("json_build_array", JSON, _build_array),
            ("jsonb_build_object", JSONB, _build_object_b),
            ("jsonb_build_array", JSONB, _build_array_b),
        )
        for arguments in ((), (_ANY,))
    ),
    Function("json_object", (_TEXTS,), JSON, _json_object),
    Function("json_object", (_TEXTS, _TEXTS), JSON, _json_object_of),
    Function("jsonb_object", (_TEXTS,), JSONB, _jsonb_object),
    Function("jsonb_object", (_TEXTS, _TEXTS), JSONB, _jsonb_object_of),
)
