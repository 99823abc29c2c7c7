"""Parts of json and jsonb: the operators -> ->> #> #>>, elements, members and keys as rows, kinds and lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from lungfish.errors import InvalidParameterValue
from lungfish.functions.json_scan import (
    check_escapes,
    elements_of,
    kind_of,
    members_of,
    path_index,
    text_of,
)
from lungfish.functions.registry import Function
from lungfish.types.array_value import ArrayValue
from lungfish.types.json_text import JsonTree, jsonb_text, load_json
from lungfish.types.numerics import numeric_text
from lungfish.types.sql_type import INTEGER, JSON, JSONB, TEXT, SqlType, TypeKind, array_of

# What a lookup answers where there is nothing: not the same as JSON's null.
_MISSING = object()


# jsonb


def tree_kind(tree: JsonTree) -> str:
    """object, array, string, number, boolean or null."""
    if tree is None:
        return "null"
    if isinstance(tree, bool):
        return "boolean"
    if isinstance(tree, str):
        return "string"
    if isinstance(tree, Decimal):
        return "number"
    return "array" if isinstance(tree, list) else "object"


def tree_text(tree: JsonTree) -> str | None:
    """A part of jsonb as text: a string as it is, null as None."""
    if tree is None or isinstance(tree, str):
        return tree
    return numeric_text(tree) if isinstance(tree, Decimal) else jsonb_text(tree)


def _field(tree: JsonTree, key: str) -> Any:
    return tree.get(key, _MISSING) if isinstance(tree, dict) else _MISSING


def _element(tree: JsonTree, index: int) -> Any:
    if not isinstance(tree, list):
        # A scalar is kept as an array of one.
        is_scalar = not isinstance(tree, dict)
        return tree if is_scalar and index in (0, -1) else _MISSING
    if -len(tree) <= index < len(tree):
        return tree[index]
    return _MISSING


def _step(tree: JsonTree, step: str | None) -> Any:
    if step is None:
        return _MISSING
    if isinstance(tree, dict):
        return _field(tree, step)
    if isinstance(tree, list):
        index = path_index(step)
        return _MISSING if index is None else _element(tree, index)
    return _MISSING


def _at_path(value: str, path: Sequence[str | None]) -> Any:
    tree = load_json(value)
    for step in path:
        tree = _step(tree, step)
        if tree is _MISSING:
            return _MISSING
    return tree


def _shown(found: Any) -> str | None:
    return None if found is _MISSING else jsonb_text(found)


def _shown_text(found: Any) -> str | None:
    return None if found is _MISSING else tree_text(found)


def _b_field(value: str, key: str) -> str | None:
    return _shown(_field(load_json(value), key))


def _b_field_text(value: str, key: str) -> str | None:
    return _shown_text(_field(load_json(value), key))


def _b_element(value: str, index: int) -> str | None:
    return _shown(_element(load_json(value), index))


def _b_element_text(value: str, index: int) -> str | None:
    return _shown_text(_element(load_json(value), index))


def _b_path(value: str, path: ArrayValue) -> str | None:
    return _shown(_at_path(value, path.elements))


def _b_path_text(value: str, path: ArrayValue) -> str | None:
    return _shown_text(_at_path(value, path.elements))


def _b_extract_path(value: str, *path: str) -> str | None:
    return _shown(_at_path(value, path))


def _b_extract_path_text(value: str, *path: str) -> str | None:
    return _shown_text(_at_path(value, path))


def _b_subscript(value: str, key: str) -> str | None:
    return _shown(_step(load_json(value), key))


def _b_subscript_index(value: str, index: int) -> str | None:
    """Unlike `->`, a subscript takes no scalar for an array of one, and is a key where the value is an object."""
    kind = kind_of(value)
    if kind == "object":
        return _b_subscript(value, str(index))
    return _b_element(value, index) if kind == "array" else None


# json


def _j_field(value: str, key: str) -> str | None:
    check_escapes(value)
    found = None
    if kind_of(value) == "object":
        # Of equal keys the last one counts.
        for name, text in members_of(value):
            if name == key:
                found = text
    return found


def _j_element(value: str, index: int) -> str | None:
    check_escapes(value)
    if kind_of(value) != "array":
        return None
    elements = list(elements_of(value))
    return elements[index] if -len(elements) <= index < len(elements) else None


def _j_step(value: str, step: str | None) -> str | None:
    if step is None:
        return None
    kind = kind_of(value)
    if kind == "object":
        return _j_field(value, step)
    index = path_index(step) if kind == "array" else None
    return None if index is None else _j_element(value, index)


def _j_at_path(value: str, path: Sequence[str | None]) -> str | None:
    check_escapes(value)
    found: str | None = value.strip(" \t\n\r")
    for step in path:
        if found is None:
            return None
        found = _j_step(found, step)
    return found


def _as_text(found: str | None) -> str | None:
    return None if found is None else text_of(found)


def _j_path(value: str, path: ArrayValue) -> str | None:
    return _j_at_path(value, path.elements)


def _j_path_text(value: str, path: ArrayValue) -> str | None:
    return _as_text(_j_at_path(value, path.elements))


def _j_extract_path(value: str, *path: str) -> str | None:
    return _j_at_path(value, path)


def _j_extract_path_text(value: str, *path: str) -> str | None:
    return _as_text(_j_at_path(value, path))


# Rows


def _with_article(kind: str) -> str:
    if kind not in ("array", "object"):
        return "a scalar"
    return f"an {kind}"


def _b_elements(value: str) -> list[JsonTree]:
    tree = load_json(value)
    if isinstance(tree, list):
        return tree
    kind = "an object" if isinstance(tree, dict) else "a scalar"
    raise InvalidParameterValue(f"cannot extract elements from {kind}")


def _b_elements_rows(value: str) -> Iterator[str]:
    return map(jsonb_text, _b_elements(value))


def _b_elements_text(value: str) -> Iterator[str | None]:
    return map(tree_text, _b_elements(value))


def _b_members(value: str, name: str) -> list[tuple[str, JsonTree]]:
    tree = load_json(value)
    if not isinstance(tree, dict):
        raise InvalidParameterValue(f"cannot call {name} on a non-object")
    # load_json keeps the order of the text, which is jsonb's own.
    return list(tree.items())


def _b_each(value: str) -> Iterator[tuple[str, str]]:
    return ((key, jsonb_text(item)) for key, item in _b_members(value, "jsonb_each"))


def _b_each_text(value: str) -> Iterator[tuple[str, str | None]]:
    return ((key, tree_text(item)) for key, item in _b_members(value, "jsonb_each_text"))


def _b_keys(value: str) -> list[str]:
    tree = load_json(value)
    if not isinstance(tree, dict):
        kind = tree_kind(tree)
        raise InvalidParameterValue(f"cannot call jsonb_object_keys on {_with_article(kind)}")
    return list(tree)


def _j_require(value: str, wanted: str, name: str) -> None:
    kind = kind_of(value)
    if kind != wanted:
        if name == "json_each" or name == "json_each_text":
            problem = "an array as an object" if kind == "array" else "a scalar"
            raise InvalidParameterValue(f"cannot deconstruct {problem}")
        raise InvalidParameterValue(f"cannot call {name} on {_with_article(kind)}")


def _j_elements(value: str) -> Iterator[str]:
    _j_require(value, "array", "json_array_elements")
    return elements_of(value)


def _j_elements_text(value: str) -> Iterator[str | None]:
    _j_require(value, "array", "json_array_elements_text")
    check_escapes(value)
    return map(text_of, elements_of(value))


def _j_each(value: str) -> Iterator[tuple[str, str]]:
    _j_require(value, "object", "json_each")
    check_escapes(value)
    return members_of(value)


def _j_each_text(value: str) -> Iterator[tuple[str, str | None]]:
    _j_require(value, "object", "json_each_text")
    check_escapes(value)
    return ((key, text_of(text)) for key, text in members_of(value))


def _j_keys(value: str) -> Iterator[str]:
    _j_require(value, "object", "json_object_keys")
    check_escapes(value)
    return (key for key, _ in members_of(value))


def _b_length(value: str) -> int:
    tree = load_json(value)
    if isinstance(tree, list):
        return len(tree)
    kind = "non-array" if isinstance(tree, dict) else "scalar"
    raise InvalidParameterValue(f"cannot get array length of a {kind}")


def _j_length(value: str) -> int:
    kind = kind_of(value)
    if kind == "array":
        return sum(1 for _ in elements_of(value))
    shown = "non-array" if kind == "object" else "scalar"
    raise InvalidParameterValue(f"cannot get array length of a {shown}")


def _b_typeof(value: str) -> str:
    return tree_kind(load_json(value))


def _text_after(scalar: Callable[..., str | None]) -> Callable[..., str | None]:
    return lambda value, key: _as_text(scalar(value, key))


def _columns(value_type: SqlType) -> tuple[tuple[str, SqlType], ...]:
    return (("key", TEXT), ("value", value_type))


def _each(name: str, argument: SqlType, value_type: SqlType, scalar: Any) -> Function:
    result = SqlType(TypeKind.RECORD, labels=("key", "value"), fields=(TEXT, value_type))
    return Function(
        name, (argument,), result, scalar, returns_set=True, output_columns=_columns(value_type)
    )


_TEXTS = array_of(TEXT)

FUNCTIONS: tuple[Function, ...] = (
    *(Function(name, (JSONB, TEXT), JSONB, _b_field) for name in ("->", "jsonb_object_field")),
    *(
        Function(name, (JSONB, INTEGER), JSONB, _b_element)
        for name in ("->", "jsonb_array_element")
    ),
    *(
        Function(name, (JSONB, TEXT), TEXT, _b_field_text)
        for name in ("->>", "jsonb_object_field_text")
    ),
    *(
        Function(name, (JSONB, INTEGER), TEXT, _b_element_text)
        for name in ("->>", "jsonb_array_element_text")
    ),
    Function("#>", (JSONB, _TEXTS), JSONB, _b_path),
    Function("#>>", (JSONB, _TEXTS), TEXT, _b_path_text),
    Function("jsonb_extract_path", (JSONB, TEXT), JSONB, _b_extract_path, is_variadic=True),
    Function(
        "jsonb_extract_path_text", (JSONB, TEXT), TEXT, _b_extract_path_text, is_variadic=True
    ),
    Function("jsonb_subscript", (JSONB, TEXT), JSONB, _b_subscript),
    Function("jsonb_subscript", (JSONB, INTEGER), JSONB, _b_subscript_index),
    *(Function(name, (JSON, TEXT), JSON, _j_field) for name in ("->", "json_object_field")),
    *(Function(name, (JSON, INTEGER), JSON, _j_element) for name in ("->", "json_array_element")),
    *(
        Function(name, (JSON, TEXT), TEXT, _text_after(_j_field))
        for name in ("->>", "json_object_field_text")
    ),
    *(
        Function(name, (JSON, INTEGER), TEXT, _text_after(_j_element))
        for name in ("->>", "json_array_element_text")
    ),
    Function("#>", (JSON, _TEXTS), JSON, _j_path),
    Function("#>>", (JSON, _TEXTS), TEXT, _j_path_text),
    Function("json_extract_path", (JSON, TEXT), JSON, _j_extract_path, is_variadic=True),
    Function("json_extract_path_text", (JSON, TEXT), TEXT, _j_extract_path_text, is_variadic=True),
    Function(
        "jsonb_array_elements",
        (JSONB,),
        JSONB,
        _b_elements_rows,
        returns_set=True,
        output_columns=(("value", JSONB),),
    ),
    Function(
        "jsonb_array_elements_text",
        (JSONB,),
        TEXT,
        _b_elements_text,
        returns_set=True,
        output_columns=(("value", TEXT),),
    ),
    Function(
        "json_array_elements",
        (JSON,),
        JSON,
        _j_elements,
        returns_set=True,
        output_columns=(("value", JSON),),
    ),
    Function(
        "json_array_elements_text",
        (JSON,),
        TEXT,
        _j_elements_text,
        returns_set=True,
        output_columns=(("value", TEXT),),
    ),
    _each("jsonb_each", JSONB, JSONB, _b_each),
    _each("jsonb_each_text", JSONB, TEXT, _b_each_text),
    _each("json_each", JSON, JSON, _j_each),
    _each("json_each_text", JSON, TEXT, _j_each_text),
    Function("jsonb_object_keys", (JSONB,), TEXT, _b_keys, returns_set=True),
    Function("json_object_keys", (JSON,), TEXT, _j_keys, returns_set=True),
    Function("jsonb_array_length", (JSONB,), INTEGER, _b_length),
    Function("json_array_length", (JSON,), INTEGER, _j_length),
    Function("jsonb_typeof", (JSONB,), TEXT, _b_typeof),
    Function("json_typeof", (JSON,), TEXT, kind_of),
)
