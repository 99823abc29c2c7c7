"""The rows of pg_operator and pg_cast for what people have made, and operators by name: people's and those that are built in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.aggregate_parts import SupportFunction
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import FIRST_USER_OID, Oid
from lungfish.catalog.operator_objects import OperatorName, UserCast, UserOperator
from lungfish.executor.system_views.asked import Asked
from lungfish.executor.system_views.routines import OperatorFacts, built_in_routines, operators
from lungfish.sql.quoting import split_name
from lungfish.types.sql_type import SqlType
from lungfish.types.type_oids import type_oid

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
_OWNER_OID = 10


def operators_of(catalog: Catalog) -> list[UserOperator]:
    """All operators that people have made."""
    return [item for item in catalog.objects() if isinstance(item, UserOperator)]


def own_facts(catalog: Catalog) -> list[OperatorFacts]:
    """The same as pg_operator's facts, without their schemas."""
    return [
        OperatorFacts(
            item.oid,
            item.name,
            0 if item.left is None else type_oid(item.left),
            type_oid(item.right),
            type_oid(item.result),
            item.function.oid,
        )
        for item in operators_of(catalog)
    ]


def own_operator_rows(context: ExecutionContext) -> Rows:
    """Those of pg_operator."""
    catalog = context.catalog
    for item in operators_of(catalog):
        yield (
            item.oid, item.name, item.namespace_oid, _OWNER_OID, "l" if item.left is None else "b", item.can_merge,
            item.can_hash, 0 if item.left is None else type_oid(item.left), type_oid(item.right), type_oid(item.result),
            _partner(catalog, item, is_negator=False), _partner(catalog, item, is_negator=True),
            _function_oid(item.function), _named_oid(item.restrict), _named_oid(item.join),
        )  # fmt: skip


def _partner(catalog: Catalog, item: UserOperator, *, is_negator: bool) -> int:
    """The commutator's or negator's oid: as declared, or as that operator declares this one; 0 if there is none yet."""
    for other in operators_of(catalog):
        operands = item.operands if is_negator else item.operands[::-1]
        if other.operands == operands and (
            _names(catalog, item, other, is_negator=is_negator)
            or _names(catalog, other, item, is_negator=is_negator)
        ):
            return other.oid
    declared = item.negator if is_negator else item.commutator
    return 0 if declared is None else _built_in(declared, item, is_negator=is_negator)


def _names(catalog: Catalog, item: UserOperator, other: UserOperator, *, is_negator: bool) -> bool:
    declared = item.negator if is_negator else item.commutator
    if declared is None or declared.name != other.name:
        return False
    schema = catalog.namespace_name(other.namespace_oid)
    return schema == (declared.schema or catalog.namespace_name(item.namespace_oid))


def _built_in(declared: OperatorName, item: UserOperator, *, is_negator: bool) -> int:
    kinds: list[SqlType | None] = [item.left, item.right]
    oids = [0 if kind is None else type_oid(kind) for kind in kinds]
    wanted = oids if is_negator else oids[::-1]
    for each in operators():
        if each.symbol == declared.name and [each.left, each.right] == wanted:
            return int(each.oid)
    return 0


def _function_oid(function: SupportFunction | None) -> int:
    if function is None:
        return 0
    return function.oid or _named_oid(function.name)


def _named_oid(name: str | None) -> int:
    """The oid of a built-in function, the first of that name; 0 where there is none."""
    return next((int(item.oid) for item in built_in_routines() if item.name == name), 0)


_CONTEXTS = {"implicit": "i", "assignment": "a", "explicit": "e"}
_METHODS = {"function": "f", "inout": "i", "binary": "b"}


def own_cast_rows(context: ExecutionContext) -> Rows:
    """Those of pg_cast."""
    for item in context.catalog.objects():
        if isinstance(item, UserCast):
            yield (
                item.oid, *item.ends, _function_oid(item.function), _CONTEXTS[item.context],
                _METHODS[item.method],
            )  # fmt: skip


# Operators by name, and by oid.

_OPERATOR = re.compile(r'(?:("(?:[^"]|"")*"|\w+)\s*\.\s*)?(.+)$', re.DOTALL)


def named_operators(asked: Asked, symbol: str) -> list[OperatorFacts]:
    """The operators of that symbol, those before others that the search path finds first."""
    match = _OPERATOR.match(symbol.strip())
    if match is None:
        return []
    schema = None if match.group(1) is None else split_name(match.group(1))[0]
    found = []
    if schema in (None, "pg_catalog"):
        found = [each for each in operators() if each.symbol == match.group(2)]
    own = {
        each.oid for each in asked.catalog.find_operators(match.group(2), schema, asked.search_path)
    }
    if own:
        found += [each for each in own_facts(asked.catalog) if each.oid in own]
    return found


def operator_by_oid(asked: Asked, oid: int) -> OperatorFacts | None:
    """The operator with that oid."""
    known = own_facts(asked.catalog) if oid >= FIRST_USER_OID else operators()
    return next((each for each in known if each.oid == oid), None)


def operator_schema(asked: Asked, oid: int) -> str:
    """The schema of the operator with that oid."""
    item = asked.catalog.object(Oid(oid))
    return (
        "pg_catalog"
        if not isinstance(item, UserOperator)
        else asked.catalog.namespace_name(item.namespace_oid)
    )
