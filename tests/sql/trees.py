"""Trees compared without their places in the text."""

from __future__ import annotations

import dataclasses

from lungfish.sql import parse, parse_one
from lungfish.sql.ast import Statement
from lungfish.sql.ast.expressions import Expression, Literal, Parameter
from lungfish.sql.ast.queries import Query, Select


def without_positions(node: object) -> object:
    """The tree as nested tuples, less positions and the texts that DDL keeps beside its trees."""
    if isinstance(node, tuple):
        return tuple(without_positions(item) for item in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    fields = [
        without_positions(getattr(node, field.name))
        for field in dataclasses.fields(node)
        if field.name != "position" and (field.name != "text" or isinstance(node, Literal))
    ]
    return (type(node).__name__, *fields)


def with_literals(node: object, literals: tuple[Literal, ...]) -> object:
    """The tree with its parameters replaced by the literals."""
    if isinstance(node, Parameter):
        return literals[node.index]
    if isinstance(node, tuple):
        return tuple(with_literals(item, literals) for item in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    fields = [field.name for field in dataclasses.fields(node)]
    return type(node)(**{name: with_literals(getattr(node, name), literals) for name in fields})


def statement(sql: str) -> Statement:
    return parse_one(sql).statement


def select(sql: str) -> Select:
    query = statement(sql)
    assert isinstance(query, Query)
    assert isinstance(query.body, Select)
    return query.body


def expression(text: str) -> Expression:
    """The expression as it comes out of a select list."""
    return select(f"select {text}").items[0].expression


def same(one: object, other: object) -> bool:
    return without_positions(one) == without_positions(other)


def statements(sql: str) -> list[Statement]:
    return [piece.statement for piece in parse(sql)]
