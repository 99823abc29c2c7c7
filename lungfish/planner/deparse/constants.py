"""Constants as SQL: bare where they are read back as what they are, else in quotes and with their type."""

from __future__ import annotations

from collections.abc import Callable

from lungfish import errors
from lungfish.planner.deparse.nodes import Const
from lungfish.types.casts import find_cast
from lungfish.types.settings import CANONICAL
from lungfish.types.sql_type import UNKNOWN, SqlType, TypeKind
from lungfish.types.text_format import format_value

_UNLABELLED = frozenset({TypeKind.BOOLEAN, TypeKind.UNKNOWN})


def write_const(node: Const, write_type: Callable[[SqlType], str], *, label: int = 0) -> str:
    """The constant. `label`: 1 always says its type, -1 never, 0 where the text alone would be taken for another."""
    # What a cast cuts to its length is a constant without one beneath the cast.
    type_ = node.type
    if node.text is None and node.value is None:
        return "NULL" if label < 0 else f"NULL::{write_type(type_)}"
    text = node.text if node.text is not None else _text(node)
    kind = TypeKind.OID if type_.domain is not None else type_.kind
    needs_label = True
    if kind is TypeKind.BOOLEAN:
        shown, needs_label = ("true" if node.value else "false"), False
    elif kind is TypeKind.INTEGER and not text.startswith("-"):
        shown, needs_label = text, False
    elif kind is TypeKind.NUMERIC and text[:1].isdigit() and set(text) & set("eE."):
        shown, needs_label = text, bool(type_.modifiers)
    else:
        shown = _quoted(text)
        needs_label = kind not in _UNLABELLED
    if label > 0 or (label == 0 and needs_label):
        return f"{shown}::{write_type(type_)}"
    return shown


def settled_text(text: str, type_: SqlType) -> str:
    """A literal as its type writes it under the usual settings; as it stands if it is not one under these (`'now'`)."""
    cast = find_cast(UNKNOWN, type_)
    if cast is None:
        return text
    try:
        return format_value(cast.scalar(text, CANONICAL), type_, CANONICAL)
    except errors.Error:
        return text


def _text(node: Const) -> str:
    if isinstance(node.value, str) and node.type.domain is not None:
        return node.value
    return format_value(node.value, node.type, CANONICAL)


def _quoted(text: str) -> str:
    """Always as standard SQL has it: a backslash is nothing special."""
    return "'" + text.replace("'", "''") + "'"
