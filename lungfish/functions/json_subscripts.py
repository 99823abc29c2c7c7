"""Assignment to a place in jsonb by subscripts: `SET j['a'][0] = value`.

What the path needs and is not there is made: an object for a text subscript, an array for an integer one, with nulls up to the
place that is assigned.
"""

from __future__ import annotations

from lungfish.errors import InvalidParameterValue, InvalidTextRepresentation, NullValueNotAllowed
from lungfish.functions.json_scan import path_index
from lungfish.types.json_text import JsonTree, jsonb_text, load_json

Key = str | int


def set_subscript(value: str | None, new: str | None, *keys: Key | None) -> str:
    """jsonb with `new` at the place of the keys; SQL's NULL becomes JSON's. Raises 22004, 22023, 22P02."""
    path: list[Key] = []
    for key in keys:
        if key is None:
            raise NullValueNotAllowed("jsonb subscript in assignment must not be null")
        path.append(key)
    tree: JsonTree = _container_for(path[0]) if value is None else load_json(value)
    if not isinstance(tree, (dict, list)):
        raise _scalar_in_path()
    _assign(tree, path, 0, None if new is None else load_json(new))
    return jsonb_text(tree)


def _container_for(key: Key) -> JsonTree:
    return [] if isinstance(key, int) else {}


def _scalar_in_path() -> InvalidParameterValue:
    return InvalidParameterValue(
        "cannot replace existing key",
        detail="The path assumes key is a composite object, but it is a scalar value.",
    )


def _assign(tree: JsonTree, path: list[Key], level: int, new: JsonTree) -> None:
    key = path[level]
    is_last = level == len(path) - 1
    if isinstance(tree, dict):
        name = str(key)
        if is_last:
            tree[name] = new
            return
        if name not in tree:
            tree[name] = _container_for(path[level + 1])
        inner = tree[name]
    else:
        index = _array_index(tree, key, level)
        while index >= len(tree):
            tree.append(None if index > len(tree) or is_last else _container_for(path[level + 1]))
        if is_last:
            tree[index] = new
            return
        inner = tree[index]
    if not isinstance(inner, (dict, list)):
        raise _scalar_in_path()
    _assign(inner, path, level + 1, new)


def _array_index(tree: list[JsonTree], key: Key, level: int) -> int:
    index = key if isinstance(key, int) else path_index(key)
    if index is None:
        raise InvalidTextRepresentation(
            f'path element at position {level + 1} is not an integer: "{key}"'
        )
    if index < 0:
        if -index > len(tree):
            raise InvalidParameterValue(
                f"path element at position {level + 1} is out of range: {index}"
            )
        index += len(tree)
    return index
