"""json_agg, json_object_agg and their kin.

Their arguments come as JSON: the binder puts `JSON_ITEM`, `JSONB_ITEM` and `JSON_KEY` around whatever else is given, because a
conversion may depend on the session's settings, which an aggregate does not see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.errors import (
    DuplicateJsonObjectKeyValue,
    InvalidParameterValue,
    NullValueNotAllowed,
)
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.group_state import GroupIds
from lungfish.functions.json_build import json_text, json_tree, key_text
from lungfish.functions.registry import (
    Accumulator,
    Aggregate,
    Function,
    FunctionContext,
    Polymorphic,
    Volatility,
)
from lungfish.functions.value_size import GroupSizes
from lungfish.types.batch import Vector
from lungfish.types.json_text import jsonb_text, load_json, quote_json
from lungfish.types.sql_type import JSON, JSONB, TEXT, SqlType, TypeKind
from lungfish.types.vectors import build_vector, to_values

# Before the text of an array or a record, which json_agg puts on a line of its own; no JSON text begins so.
_OWN_LINE = "\x1e"


def _item(context: FunctionContext, value: Any, *, types: Sequence[SqlType]) -> str:
    text = json_text(value, types[0], text_settings(context))
    return _OWN_LINE + text if types[0].kind in (TypeKind.ARRAY, TypeKind.RECORD) else text


def _item_b(context: FunctionContext, value: Any, *, types: Sequence[SqlType]) -> str:
    return jsonb_text(json_tree(value, types[0], text_settings(context)))


def _key(context: FunctionContext, value: Any, *, types: Sequence[SqlType]) -> str:
    return key_text(value, types[0], text_settings(context))


def _conversion(name: str, result: SqlType, scalar: Callable[..., str]) -> Function:
    return Function(
        name,
        (Polymorphic.ANY,),
        result,
        scalar,
        volatility=Volatility.STABLE,
        needs_context=True,
        needs_types=True,
    )


JSON_ITEM = _conversion("to_json", JSON, _item)
JSONB_ITEM = _conversion("to_jsonb", JSONB, _item_b)
JSON_KEY = _conversion("json_key", TEXT, _key)
CONVERSIONS = (JSON_ITEM, JSONB_ITEM, JSON_KEY)


class _Items:
    """json_agg and jsonb_agg: NULL is JSON's null, or passed over where `is_strict`."""

    def __init__(self, result: SqlType, *, is_strict: bool) -> None:
        self._type = result
        self._is_strict = is_strict
        self._items: dict[int, list[str | None]] = {}
        self._sizes = GroupSizes()

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        items = self._items
        for group, item in zip(
            group_ids.tolist(), to_values(arguments[0], self._type), strict=True
        ):
            # A group of nothing but NULLs has an empty array, not none.
            known = items.setdefault(group, [])
            if item is not None or not self._is_strict:
                known.append(item)
        self._sizes.add(arguments[0].nbytes, items)

    def finish(self, group_count: int) -> Vector:
        write = _join_items if self._type == JSON else _jsonb_items
        written = [
            write(self._items[group]) if group in self._items else None
            for group in range(group_count)
        ]
        return build_vector(written, self._type)


def _join_items(items: Sequence[str | None]) -> str:
    texts = ["null" if item is None else item.replace(_OWN_LINE, "\n ", 1) for item in items]
    if texts and items[0] is not None and items[0].startswith(_OWN_LINE):
        texts[0] = items[0][len(_OWN_LINE) :]
    return "[" + ", ".join(texts) + "]"


def _jsonb_items(items: Sequence[str | None]) -> str:
    return jsonb_text([None if item is None else load_json(item) for item in items])


class _Members:
    """json_object_agg and jsonb_object_agg, with what their names add: strict, unique."""

    def __init__(self, result: SqlType, *, is_strict: bool, is_unique: bool) -> None:
        self._type = result
        self._is_strict = is_strict
        self._is_unique = is_unique
        self._members: dict[int, list[tuple[str, str | None]]] = {}
        self._keys: set[tuple[int, str]] = set()
        self._sizes = GroupSizes()

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        keys, values = to_values(arguments[0], TEXT), to_values(arguments[1], self._type)
        for group, key, value in zip(group_ids.tolist(), keys, values, strict=True):
            known = self._members.setdefault(group, [])
            if key is None:
                if self._type == JSON:
                    raise NullValueNotAllowed("null value not allowed for object key")
                raise InvalidParameterValue("field name must not be null")
            if self._is_unique:
                if (group, key) in self._keys:
                    shown = f": {quote_json(key)}" if self._type == JSON else ""
                    raise DuplicateJsonObjectKeyValue(f"duplicate JSON object key value{shown}")
                self._keys.add((group, key))
            if value is None and self._is_strict:
                continue
            known.append((key, value))
        self._sizes.add(arguments[0].nbytes + arguments[1].nbytes, self._members)

    def finish(self, group_count: int) -> Vector:
        write = _join_members if self._type == JSON else _jsonb_members
        written = [
            write(self._members[group]) if group in self._members else None
            for group in range(group_count)
        ]
        return build_vector(written, self._type)


def _join_members(members: Sequence[tuple[str, str | None]]) -> str:
    pairs = (
        f"{quote_json(key)} : {'null' if value is None else value.removeprefix(_OWN_LINE)}"
        for key, value in members
    )
    return "{ " + ", ".join(pairs) + " }"


def _jsonb_members(members: Sequence[tuple[str, str | None]]) -> str:
    return jsonb_text({key: None if value is None else load_json(value) for key, value in members})


def _items(result: SqlType, is_strict: bool) -> Callable[..., Accumulator]:
    return lambda types, _: _Items(result, is_strict=is_strict)


def _members(result: SqlType, is_strict: bool, is_unique: bool) -> Callable[..., Accumulator]:
    return lambda types, _: _Members(result, is_strict=is_strict, is_unique=is_unique)


JSON_AGGREGATES: tuple[Aggregate, ...] = (
    *(
        Aggregate(
            f"{kind}_agg{'_strict' * is_strict}",
            (result,),
            result,
            _items(result, is_strict),
            is_order_sensitive=True,
        )
        for kind, result in (("json", JSON), ("jsonb", JSONB))
        for is_strict in (False, True)
    ),
    *(
        Aggregate(
            f"{kind}_object_agg{'_unique' * is_unique}{'_strict' * is_strict}",
            (TEXT, result),
            result,
            _members(result, is_strict, is_unique),
            is_order_sensitive=True,
        )
        for kind, result in (("json", JSON), ("jsonb", JSONB))
        for is_unique in (False, True)
        for is_strict in (False, True)
    ),
)
AGGREGATE_NAMES = frozenset(aggregate.name for aggregate in JSON_AGGREGATES)


def argument_conversions(name: str) -> tuple[Function, ...]:
    """What is put around the arguments of the aggregate of that name."""
    item = JSONB_ITEM if name.startswith("jsonb") else JSON_ITEM
    return (JSON_KEY, item) if "object" in name else (item,)
