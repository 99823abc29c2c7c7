"""SQL/JSON's constructors and IS JSON, as scalar forms that carry the clauses of one use.

They are no functions by name: the binder makes a `Function` of a form (`json_form`). Forms are values, so that two uses with the same
clauses are equal, and whoever writes an expression back finds the clauses in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lungfish.errors import (
    DuplicateJsonObjectKeyValue,
    InvalidParameterValue,
    InvalidTextRepresentation,
    NullValueNotAllowed,
    StatementTooComplex,
)
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.json_build import json_text, json_tree, key_text
from lungfish.functions.json_scan import kind_of
from lungfish.functions.registry import Function, FunctionContext, ResultType, Volatility
from lungfish.types.casts import coerce_length
from lungfish.types.json_text import JsonReader, JsonTree, check_json, jsonb_text, quote_json
from lungfish.types.sql_type import JSON, JSONB, SqlType, TypeKind
from lungfish.types.text_parse import truncate_name


@dataclass(frozen=True, slots=True)
class ObjectForm:
    """JSON_OBJECT over keys and values in turn."""

    result: SqlType
    is_absent_on_null: bool
    has_unique_keys: bool
    # Which of the values were written with FORMAT JSON.
    formats: tuple[bool, ...]

    def __call__(
        self, context: FunctionContext, *values: Any, types: Sequence[SqlType] = ()
    ) -> str:
        settings = text_settings(context)
        is_binary = self.result.kind is TypeKind.JSONB
        seen: set[str] = set()
        pieces: list[str] = []
        tree: dict[str, JsonTree] = {}
        for place in range(0, len(values), 2):
            if values[place] is None:
                raise _null_key(place, is_binary=is_binary)
            key = key_text(values[place], types[place], settings)
            if self.has_unique_keys and key in seen:
                raise _duplicate_key(key, is_binary=is_binary)
            seen.add(key)
            value = values[place + 1]
            if value is None and self.is_absent_on_null:
                continue
            if is_binary:
                tree[key] = json_tree(value, types[place + 1], settings)
            else:
                written = json_text(value, types[place + 1], settings)
                pieces.append(f"{quote_json(key)} : {written}")
        return jsonb_text(tree) if is_binary else "{" + ", ".join(pieces) + "}"


def _null_key(place: int, *, is_binary: bool) -> Exception:
    if is_binary:
        return InvalidParameterValue(f"argument {place + 1}: key must not be null")
    return NullValueNotAllowed("null value not allowed for object key")


def _duplicate_key(key: str, *, is_binary: bool) -> DuplicateJsonObjectKeyValue:
    shown = "" if is_binary else f": {quote_json(key)}"
    return DuplicateJsonObjectKeyValue(f"duplicate JSON object key value{shown}")


@dataclass(frozen=True, slots=True)
class ArrayForm:
    """JSON_ARRAY over its elements."""

    result: SqlType
    is_absent_on_null: bool
    formats: tuple[bool, ...]

    def __call__(
        self, context: FunctionContext, *values: Any, types: Sequence[SqlType] = ()
    ) -> str:
        settings = text_settings(context)
        kept = [
            (value, kind)
            for value, kind in zip(values, types, strict=True)
            if value is not None or not self.is_absent_on_null
        ]
        if self.result.kind is TypeKind.JSONB:
            return jsonb_text([json_tree(value, kind, settings) for value, kind in kept])
        return "[" + ", ".join(json_text(value, kind, settings) for value, kind in kept) + "]"


@dataclass(frozen=True, slots=True)
class ScalarForm:
    """JSON_SCALAR."""

    def __call__(self, context: FunctionContext, value: Any, *, types: Sequence[SqlType]) -> str:
        return json_text(value, types[0], text_settings(context))


@dataclass(frozen=True, slots=True)
class ParseForm:
    """JSON(text): the text itself, if it is JSON."""

    has_unique_keys: bool
    has_format: bool

    def __call__(self, text: str) -> str:
        if self.has_unique_keys:
            _UniqueReader(text, is_plain=False).read()
        return check_json(text)


@dataclass(frozen=True, slots=True)
class SerializeForm:
    """JSON_SERIALIZE of a value of type json or jsonb: its text. `is_converted`: what was written is a text or bytes."""

    has_format: bool
    is_converted: bool

    def __call__(self, value: str) -> str:
        return value


class _UniqueReader(JsonReader):
    """Refuses an object that has a key twice."""

    def add_member(self, found: dict[str, JsonTree], key: str) -> None:
        """Raise 22030 if the object has the key."""
        if key in found:
            raise DuplicateJsonObjectKeyValue("duplicate JSON object key value")


@dataclass(frozen=True, slots=True)
class IsJsonForm:
    """IS JSON over a text, or a value of type json or jsonb."""

    item_kind: str
    has_unique_keys: bool

    def __call__(self, text: str, *, types: Sequence[SqlType]) -> bool:
        reader = _UniqueReader if self.has_unique_keys else JsonReader
        if types[0].kind is not TypeKind.JSONB and (
            types[0].kind is not TypeKind.JSON or self.has_unique_keys
        ):
            try:
                reader(text, is_plain=not self.has_unique_keys).read()
            except (InvalidTextRepresentation, DuplicateJsonObjectKeyValue, StatementTooComplex):
                return False
        if self.item_kind == "value":
            return True
        kind = kind_of(text)
        return self.item_kind == (kind if kind in ("object", "array") else "scalar")


@dataclass(frozen=True, slots=True)
class ReturningForm:
    """RETURNING of a type that is neither json nor jsonb: the text of the value as one of that type."""

    returning: SqlType

    def __call__(self, text: str) -> Any:
        target = self.returning
        if target.kind is TypeKind.BYTEA:
            return text.encode()
        if target.kind is TypeKind.NAME:
            return truncate_name(text)
        return coerce_length(text, target)


JsonForm = (
    ObjectForm | ArrayForm | ScalarForm | ParseForm | SerializeForm | IsJsonForm | ReturningForm
)


def json_form(
    name: str, form: JsonForm, arguments: Sequence[SqlType], result: ResultType
) -> Function:
    """The function that a use of a construct stands for; `name` is the one of its column in a result."""
    needs_context = isinstance(form, (ObjectForm, ArrayForm, ScalarForm))
    return Function(
        name,
        tuple(arguments),
        result,
        form,
        volatility=Volatility.STABLE if needs_context else Volatility.IMMUTABLE,
        is_strict=not isinstance(form, (ObjectForm, ArrayForm)),
        needs_context=needs_context,
        needs_types=needs_context or isinstance(form, IsJsonForm),
    )


JSON_TYPES = (JSON, JSONB)
