"""Literals whose meaning depends on the session's settings: `'01/02/2020'`, `'today'`, a timestamp without its zone.

A plan outlives a SET, so such a literal is a cast that each execution does anew. PostgreSQL reads it when the statement is parsed: it
raises for one that DateStyle cannot read though no row ever asks for it, and what a prepared statement was given stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import TypeVar

from lungfish import errors
from lungfish.planner.expressions import DatedLiteral
from lungfish.sql.ast.expressions import Literal
from lungfish.types.casts import require_find_cast
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import UNKNOWN, SqlType
from lungfish.types.text_format import format_value

Node = TypeVar("Node")


def check_dated_literals(literals: Sequence[DatedLiteral], settings: TextSettings) -> None:
    """Raise what is wrong with a literal under the settings, with its place."""
    if not literals:
        return
    timeless = replace(settings, names=None, transaction_timestamp=0)
    for literal in literals:
        try:
            _read(literal.text, literal.type, timeless)
        except errors.Error as error:
            raise error.at(literal.position)  # noqa: B904 - the same error, its place added.


@lru_cache(maxsize=512)
def _read(text: str, kind: SqlType, settings: TextSettings) -> None:
    require_find_cast(UNKNOWN, kind, is_explicit=True).scalar(text, settings)


def settle_statement(
    node: Node, literals: Sequence[DatedLiteral], settings: TextSettings
) -> tuple[Node, tuple[str, ...]]:
    """The statement with literals in their places that mean under all settings what these mean now, and their texts."""
    settled = {}
    for literal in literals:
        plain = literal.type.unmodified
        value = require_find_cast(UNKNOWN, plain, is_explicit=True).scalar(literal.text, settings)
        settled[literal.position, literal.text] = format_value(value, plain, CANONICAL)
    return (_replaced(node, settled) if settled else node), tuple(settled.values())


def _replaced(node: Node, settled: dict[tuple[int, str], str]) -> Node:
    if isinstance(node, Literal):
        text = settled.get((node.position, node.text))
        return node if text is None else replace(node, text=text)
    if isinstance(node, tuple):
        items = tuple([_replaced(item, settled) for item in node])
        changed = any(one is not other for one, other in zip(items, node, strict=True))
        return items if changed else node  # type: ignore[return-value]
    if not is_dataclass(node) or isinstance(node, type):
        return node
    found = {}
    for field in fields(node):
        value = getattr(node, field.name)
        made = _replaced(value, settled)
        if made is not value:
            found[field.name] = made
    return replace(node, **found) if found else node
