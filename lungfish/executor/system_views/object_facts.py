"""Small facts about objects: whether bare names reach them, where they are kept, what a sequence or a domain is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog.objects import Oid, SqlFunction, Table, UserType
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import UndefinedTable, WrongObjectType
from lungfish.executor.system_views.asked import Answer, Asked
from lungfish.executor.system_views.object_names import COLLATIONS, named_type
from lungfish.executor.system_views.pg_operator_classes import operator_classes
from lungfish.executor.system_views.routines import operators, routine_by_oid
from lungfish.functions.catalog_functions import VISIBLE
from lungfish.types.type_oids import type_oid

_UTF8 = 6


def _is_function_visible(asked: Asked, oid: int) -> bool | None:
    item = asked.catalog.object(Oid(oid))
    if isinstance(item, SqlFunction):
        same = asked.catalog.find_functions(item.name, None, asked.search_path)
        first = [each.oid for each in same if each.parameter_types == item.parameter_types]
        return first[:1] == [oid]
    return None if routine_by_oid(oid) is None else True


def _among(oids: Callable[[], set[int]]) -> Callable[[Asked, int], bool | None]:
    """Built in, so never hidden; null of an oid that none has."""
    return lambda asked, oid: True if oid in oids() else None


_VISIBILITY: dict[str, Callable[[Asked, int], bool | None]] = {
    "function": _is_function_visible,
    "collation": _among(lambda: set(COLLATIONS)),
    "operator": _among(lambda: {each.oid for each in operators()}),
    "opclass": _among(lambda: {each.oid for each in operator_classes()}),
    "opfamily": _among(lambda: {each.family_oid for each in operator_classes()}),
}


def _is_visible(kind: str) -> Answer:
    # There are no others, so whatever is asked about is not there.
    find = _VISIBILITY.get(kind)
    return lambda asked, arguments: None if find is None else find(asked, arguments[0])


def _base_type(asked: Asked, arguments: Sequence[Any]) -> int | None:
    oid = arguments[0]
    item = asked.catalog.object(Oid(oid))
    while isinstance(item, UserType) and item.base is not None:
        oid = type_oid(item.base)
        item = asked.catalog.object(Oid(oid))
    return int(oid)


def _file_node(asked: Asked, arguments: Sequence[Any]) -> int | None:
    """Where PostgreSQL has the number of a file, the number of the relation's pages."""
    item = asked.catalog.object(Oid(arguments[0]))
    if isinstance(item, Table):
        return None if item.partition_key is not None else item.relation_id
    if isinstance(item, SequenceObject):
        return item.oid
    found = asked.index(arguments[0])
    if found is None or found[0].partition_key is not None:
        return None
    return found[1].relation_id


def _sequence_parameters(asked: Asked, arguments: Sequence[Any]) -> tuple[Any, ...]:
    item = asked.catalog.object(Oid(arguments[0]))
    if item is None:
        raise UndefinedTable(f"could not open relation with OID {arguments[0]}")
    if not isinstance(item, SequenceObject):
        raise WrongObjectType(f'"{item.name}" is not a sequence')
    return (
        item.start, item.minimum, item.maximum, item.increment, item.is_cycle, item.cache, type_oid(item.type),
    )  # fmt: skip


def _has_row_security(asked: Asked, arguments: Sequence[Any]) -> bool:
    if isinstance(arguments[0], str):
        asked.relation(arguments[0])
    return False


FACT_ANSWERS: dict[str, Answer] = {
    **{f"pg_{kind}_is_visible": _is_visible(kind) for kind in VISIBLE},
    "named_type": lambda asked, arguments: named_type(asked, arguments[0]),
    "pg_basetype": _base_type,
    "pg_relation_filenode": _file_node,
    "pg_sequence_parameters": _sequence_parameters,
    "row_security_active": _has_row_security,
    "pg_tablespace_location": lambda asked, arguments: "",
    "pg_encoding_to_char": lambda asked, arguments: "UTF8" if arguments[0] == _UTF8 else "",
    "pg_char_to_encoding": lambda asked, arguments: (
        _UTF8 if arguments[0].upper().replace("-", "") in ("UTF8", "UNICODE") else -1
    ),
}
