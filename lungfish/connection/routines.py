"""The functions that there are, built in and the user's own: what `\\df` lists and the prompt proposes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from lungfish.catalog.objects import SqlFunction
from lungfish.catalog.routine_texts import arguments_text, result_text
from lungfish.functions import AGGREGATES, FUNCTIONS, WINDOW_FUNCTIONS
from lungfish.functions.registry import Polymorphic
from lungfish.session import Session
from lungfish.types.sql_type import SqlType


class RoutineFacts(NamedTuple):
    """One signature. `kind`: func, proc, agg or window; `body` is the text of a function in SQL."""

    schema: str
    name: str
    result: str
    arguments: str
    kind: str
    volatility: str
    is_strict: bool
    body: str | None
    description: str | None
    # Whether the body is BEGIN ATOMIC or RETURN.
    is_standard: bool = False


def list_routines(session: Session) -> list[RoutineFacts]:
    """All signatures, the user's first."""
    catalog = session.catalog
    own = [
        _own_facts(each, catalog.namespace_name(each.namespace_oid))
        for each in catalog.objects()
        if isinstance(each, SqlFunction)
    ]
    return [*own, *_built_in()]


def _own_facts(function: SqlFunction, schema: str) -> RoutineFacts:
    return RoutineFacts(
        schema,
        function.name,
        result_text(function) or "",
        arguments_text(function),
        "func" if function.kind == "function" else "proc",
        function.volatility,
        function.is_strict,
        function.body.rstrip().rstrip(";") if function.is_standard else function.body,
        function.comment,
        function.is_standard,
    )


@cache
def _built_in() -> tuple[RoutineFacts, ...]:
    return tuple(_built_in_facts())


def _built_in_facts() -> Iterator[RoutineFacts]:
    for function in FUNCTIONS:
        if not function.name.isidentifier():
            # An operator.
            continue
        arguments = [_type_name(each) for each in function.arguments]
        if function.is_variadic and arguments:
            arguments[-1] = f"VARIADIC {arguments[-1]}"
        prefix = "SETOF " if function.returns_set else ""
        yield RoutineFacts(
            "pg_catalog", function.name, prefix + _type_name(function.result), ", ".join(arguments), "func",
            function.volatility.value, function.is_strict, None, None,
        )  # fmt: skip
    for kind, callables in (("agg", AGGREGATES), ("window", WINDOW_FUNCTIONS)):
        for each in callables:
            arguments = [_type_name(argument) for argument in each.arguments]
            yield RoutineFacts(
                "pg_catalog", each.name, _type_name(each.result), ", ".join(arguments) or ("*" if kind == "agg" else ""),
                kind, "immutable", False, None, None,
            )  # fmt: skip


def _type_name(kind: object) -> str:
    """The name of an argument's or result's type; of one that follows from the arguments, that it is any."""
    if isinstance(kind, SqlType):
        return str(kind)
    return kind.value if isinstance(kind, Polymorphic) else "any"
