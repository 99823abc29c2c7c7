"""Changes and comparisons of jsonb: ||, -, #-, jsonb_set, jsonb_insert, containment, and the pretty text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal

from lungfish.errors import (
    ArraySubscriptError,
    InvalidParameterValue,
    InvalidTextRepresentation,
    NullValueNotAllowed,
)
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
from lungfish.types.json_text import JsonTree, jsonb_text, load_json, quote_json
from lungfish.types.sql_type import BOOLEAN, INTEGER, JSON, JSONB, TEXT, array_of


def _is_scalar(tree: JsonTree) -> bool:
    return not isinstance(tree, (list, dict))


def concatenate(left: str, right: str) -> str:
    """left || right: objects are merged; otherwise both become arrays, and these are joined."""
    one, other = load_json(left), load_json(right)
    if isinstance(one, dict) and isinstance(other, dict):
        return jsonb_text({**one, **other})
    first = one if isinstance(one, list) else [one]
    second = other if isinstance(other, list) else [other]
    return jsonb_text([*first, *second])


def _delete_key(value: str, key: str) -> str:
    return _delete_keys(value, [key])


def _delete_keys(value: str, keys: Sequence[str | None]) -> str:
    tree = load_json(value)
    if _is_scalar(tree):
        raise InvalidParameterValue("cannot delete from scalar")
    unwanted = set(keys) - {None}
    if isinstance(tree, dict):
        return jsonb_text({key: item for key, item in tree.items() if key not in unwanted})
    return jsonb_text([item for item in tree if not (isinstance(item, str) and item in unwanted)])


def _delete_key_array(value: str, keys: ArrayValue) -> str:
    _require_flat(keys)
    return _delete_keys(value, keys.elements)


def _delete_index(value: str, index: int) -> str:
    tree = load_json(value)
    if _is_scalar(tree):
        raise InvalidParameterValue("cannot delete from scalar")
    if isinstance(tree, dict):
        raise InvalidParameterValue("cannot delete from object using integer index")
    if -len(tree) <= index < len(tree):
        del tree[index]
    return jsonb_text(tree)


# Paths


class _PathEdit(ABC):
    """A change at the end of a path; `apply` answers the changed tree, or the tree itself where the path leads nowhere."""

    # Whether there is anything to do in an empty container; if not, the path is not even looked at.
    changes_empty = True

    def __init__(self, path: Sequence[str | None]) -> None:
        self.path = path

    def apply(self, tree: JsonTree, level: int = 0) -> JsonTree:
        """Follow the path from `level` on."""
        step = self.path[level]
        if step is None:
            raise NullValueNotAllowed(f"path element at position {level + 1} is null")
        is_last = level == len(self.path) - 1
        if isinstance(tree, dict):
            if is_last:
                return self.change_object(dict(tree), step)
            if step in tree:
                return {**tree, step: self.apply(tree[step], level + 1)}
            return tree
        if isinstance(tree, list):
            index = self._index(step, level)
            if is_last:
                return self.change_array(list(tree), index)
            place = index + len(tree) if index < 0 else index
            if 0 <= place < len(tree):
                changed = list(tree)
                changed[place] = self.apply(tree[place], level + 1)
                return changed
        return tree

    @staticmethod
    def _index(step: str, level: int) -> int:
        index = path_index(step)
        if index is None:
            raise InvalidTextRepresentation(
                f'path element at position {level + 1} is not an integer: "{step}"'
            )
        return index

    @abstractmethod
    def change_object(self, tree: dict[str, JsonTree], key: str) -> JsonTree:
        """An object with its member `key` changed."""

    @abstractmethod
    def change_array(self, tree: list[JsonTree], index: int) -> JsonTree:
        """An array with its element `index` changed."""


class _Set(_PathEdit):
    def __init__(self, path: Sequence[str | None], new: JsonTree, *, may_create: bool) -> None:
        super().__init__(path)
        self.new = new
        self.may_create = self.changes_empty = may_create

    def change_object(self, tree: dict[str, JsonTree], key: str) -> JsonTree:
        """Replace the member, or add it."""
        if key in tree or self.may_create:
            tree[key] = self.new
        return tree

    def change_array(self, tree: list[JsonTree], index: int) -> JsonTree:
        """Replace the element, or add it at the nearer end."""
        if -len(tree) <= index < len(tree):
            tree[index] = self.new
        elif self.may_create:
            tree.insert(len(tree) if index >= 0 else 0, self.new)
        return tree


class _Insert(_PathEdit):
    def __init__(self, path: Sequence[str | None], new: JsonTree, *, is_after: bool) -> None:
        super().__init__(path)
        self.new = new
        self.is_after = is_after

    def change_object(self, tree: dict[str, JsonTree], key: str) -> JsonTree:
        """Add the member. Raises 22023 where there is one."""
        if key in tree:
            raise InvalidParameterValue(
                "cannot replace existing key",
                hint="Try using the function jsonb_set to replace key value.",
            )
        tree[key] = self.new
        return tree

    def change_array(self, tree: list[JsonTree], index: int) -> JsonTree:
        """Insert before or after the element."""
        place = index + len(tree) if index < 0 else index
        if place < 0:
            place = 0
        elif place < len(tree) and self.is_after:
            place += 1
        tree.insert(place, self.new)
        return tree


class _Delete(_PathEdit):
    changes_empty = False

    def change_object(self, tree: dict[str, JsonTree], key: str) -> JsonTree:
        """Drop the member."""
        tree.pop(key, None)
        return tree

    def change_array(self, tree: list[JsonTree], index: int) -> JsonTree:
        """Drop the element."""
        if -len(tree) <= index < len(tree):
            del tree[index]
        return tree


def _edit(value: str, edit: _PathEdit, verb: str) -> str:
    tree = load_json(value)
    if _is_scalar(tree):
        raise InvalidParameterValue(f"cannot {verb} in scalar" if verb == "set path" else verb)
    if not edit.path or (not tree and not edit.changes_empty):
        return value
    return jsonb_text(edit.apply(tree))


def set_path(value: str, path: ArrayValue, new: str, may_create: bool = True) -> str:
    """jsonb_set. Raises 22023, 22P02, 22004."""
    _require_flat(path)
    return _edit(value, _Set(path.elements, load_json(new), may_create=may_create), "set path")


def _require_flat(path: ArrayValue) -> None:
    if len(path.dimensions) > 1:
        raise ArraySubscriptError("wrong number of array subscripts")


def _set_lax(
    value: str | None,
    path: ArrayValue | None,
    new: str | None,
    may_create: bool | None = True,
    treatment: str | None = "use_json_null",
) -> str | None:
    if value is None or path is None or may_create is None:
        return None
    if treatment is None:
        raise InvalidParameterValue(_TREATMENTS)
    if new is not None:
        return set_path(value, path, new, may_create)
    match treatment:
        case "raise_exception":
            raise NullValueNotAllowed(
                "JSON value must not be null",
                detail='Exception was raised because null_value_treatment is "raise_exception".',
                hint="To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.",
            )
        case "use_json_null":
            return set_path(value, path, "null", may_create)
        case "delete_key":
            return delete_path(value, path)
        case "return_target":
            return value
    raise InvalidParameterValue(_TREATMENTS)


_TREATMENTS = 'null_value_treatment must be "delete_key", "return_target", "use_json_null", or "raise_exception"'


def insert_path(value: str, path: ArrayValue, new: str, is_after: bool = False) -> str:
    """jsonb_insert. Raises 22023, 22P02, 22004."""
    _require_flat(path)
    return _edit(value, _Insert(path.elements, load_json(new), is_after=is_after), "set path")


def delete_path(value: str, path: ArrayValue) -> str:
    """value #- path. Raises 22023, 22P02, 22004."""
    _require_flat(path)
    return _edit(value, _Delete(path.elements), "cannot delete path in scalar")


# Containment and existence


def tree_contains(left: JsonTree, right: JsonTree) -> bool:
    """Whether `right` is part of `left`: members of objects, elements of arrays in any order."""
    if isinstance(left, dict) and isinstance(right, dict):
        return all(key in left and tree_contains(left[key], item) for key, item in right.items())
    if isinstance(left, list) and isinstance(right, list):
        return all(_has_element(left, item) for item in right)
    return _same(left, right)


def _has_element(items: Sequence[JsonTree], wanted: JsonTree) -> bool:
    if _is_scalar(wanted):
        return any(_same(item, wanted) for item in items)
    return any(type(item) is type(wanted) and tree_contains(item, wanted) for item in items)


def _same(left: JsonTree, right: JsonTree) -> bool:
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return left == right
    return type(left) is type(right) and bool(left == right)


def _contains(left: str, right: str) -> bool:
    one, other = load_json(left), load_json(right)
    if isinstance(one, list) and _is_scalar(other):
        # The one exception to matching structure: an array contains a scalar.
        return _has_element(one, other)
    return tree_contains(one, other)


def _contained(left: str, right: str) -> bool:
    return _contains(right, left)


def _exists(value: str, key: str) -> bool:
    tree = load_json(value)
    if isinstance(tree, dict):
        return key in tree
    if isinstance(tree, list):
        return any(isinstance(item, str) and item == key for item in tree)
    return isinstance(tree, str) and tree == key


def _exists_any(value: str, keys: ArrayValue) -> bool:
    return any(key is not None and _exists(value, key) for key in keys.elements)


def _exists_all(value: str, keys: ArrayValue) -> bool:
    return all(key is None or _exists(value, key) for key in keys.elements)


# Whole values


def _strip(tree: JsonTree, in_arrays: bool) -> JsonTree:
    if isinstance(tree, dict):
        return {key: _strip(item, in_arrays) for key, item in tree.items() if item is not None}
    if isinstance(tree, list):
        return [_strip(item, in_arrays) for item in tree if not (in_arrays and item is None)]
    return tree


def _strip_jsonb(value: str, in_arrays: bool = False) -> str:
    return jsonb_text(_strip(load_json(value), in_arrays))


def _strip_json(value: str, in_arrays: bool = False) -> str:
    """json_strip_nulls: the text without members that are null, and without blanks."""
    check_escapes(value)
    kind = kind_of(value)
    if kind == "object":
        members = (
            f"{quote_json(key)}:{_strip_json(text, in_arrays)}"
            for key, text in members_of(value)
            if kind_of(text) != "null"
        )
        return "{" + ",".join(members) + "}"
    if kind == "array":
        elements = (
            _strip_json(text, in_arrays)
            for text in elements_of(value)
            if not (in_arrays and kind_of(text) == "null")
        )
        return "[" + ",".join(elements) + "]"
    if kind == "string":
        return quote_json(text_of(value) or "")
    return value.strip(" \t\n\r")


def _pretty(value: str) -> str:
    return _pretty_tree(load_json(value), "")


def _pretty_tree(tree: JsonTree, indent: str) -> str:
    if _is_scalar(tree):
        return jsonb_text(tree)
    deeper = indent + "    "
    if isinstance(tree, dict):
        lines = [
            f"{deeper}{quote_json(key)}: {_pretty_tree(item, deeper)}" for key, item in tree.items()
        ]
        opening, closing = "{", "}"
    else:
        lines = [deeper + _pretty_tree(item, deeper) for item in tree]
        opening, closing = "[", "]"
    body = ",\n".join(lines) + "\n" if lines else ""
    return f"{opening}\n{body}{indent}{closing}"


_TEXTS = array_of(TEXT)

FUNCTIONS: tuple[Function, ...] = (
    *(Function(name, (JSONB, JSONB), JSONB, concatenate) for name in ("||", "jsonb_concat")),
    *(Function(name, (JSONB, TEXT), JSONB, _delete_key) for name in ("-", "jsonb_delete")),
    *(Function(name, (JSONB, INTEGER), JSONB, _delete_index) for name in ("-", "jsonb_delete")),
    Function("-", (JSONB, _TEXTS), JSONB, _delete_key_array),
    *(Function(name, (JSONB, _TEXTS), JSONB, delete_path) for name in ("#-", "jsonb_delete_path")),
    Function("jsonb_set", (JSONB, _TEXTS, JSONB, BOOLEAN), JSONB, set_path, defaults=(True,)),
    Function(
        "jsonb_set_lax",
        (JSONB, _TEXTS, JSONB, BOOLEAN, TEXT),
        JSONB,
        _set_lax,
        is_strict=False,
        defaults=(True, "use_json_null"),
    ),
    Function(
        "jsonb_insert", (JSONB, _TEXTS, JSONB, BOOLEAN), JSONB, insert_path, defaults=(False,)
    ),
    *(Function(name, (JSONB, JSONB), BOOLEAN, _contains) for name in ("@>", "jsonb_contains")),
    *(Function(name, (JSONB, JSONB), BOOLEAN, _contained) for name in ("<@", "jsonb_contained")),
    *(Function(name, (JSONB, TEXT), BOOLEAN, _exists) for name in ("?", "jsonb_exists")),
    *(Function(name, (JSONB, _TEXTS), BOOLEAN, _exists_any) for name in ("?|", "jsonb_exists_any")),
    *(Function(name, (JSONB, _TEXTS), BOOLEAN, _exists_all) for name in ("?&", "jsonb_exists_all")),
    Function("jsonb_strip_nulls", (JSONB, BOOLEAN), JSONB, _strip_jsonb, defaults=(False,)),
    Function("json_strip_nulls", (JSON, BOOLEAN), JSON, _strip_json, defaults=(False,)),
    Function("jsonb_pretty", (JSONB,), TEXT, _pretty),
)
