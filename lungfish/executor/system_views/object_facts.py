"""Small facts about objects: whether bare names reach them, where they are kept, what a sequence or a domain is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog.objects import Oid, SqlFunction, Table, UserType
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import UndefinedTable, WrongObjectType
from lungfish.executor.system_views.asked import Answer, Asked
from lungfish.executor.system_views.object_names import COLLATIONS, format_type, named_type
from lungfish.executor.system_views.pg_operator_classes import operator_classes
from lungfish.executor.system_views.routines import operators, routine_by_oid
from lungfish.functions.catalog_functions import VISIBLE
from lungfish.types.type_oids import type_oid

_DEFAULT_TABLESPACE = 1663


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


def _relation_of_file(asked: Asked, arguments: Sequence[Any]) -> int | None:
    """The relation in a tablespace (0: the usual one) whose file has that number."""
    space, number = arguments
    if space not in (0, _DEFAULT_TABLESPACE):
        return None
    for table in asked.catalog.tables():
        if table.partition_key is None:
            if table.relation_id == number:
                return table.oid
            for index in table.indexes:
                if index.relation_id == number:
                    return index.oid
    item = asked.catalog.object(Oid(number))
    return item.oid if isinstance(item, SequenceObject) else None


def _identity_index(asked: Asked, arguments: Sequence[Any]) -> int | None:
    """The index that tells rows apart for replication: the primary key's, unless another one was chosen."""
    table = asked.catalog.object(Oid(arguments[0]))
    if not isinstance(table, Table) or table.replica_identity not in ("default", "index"):
        return None
    is_default = table.replica_identity == "default"
    for index in table.indexes:
        if index.is_primary if is_default else index.is_replica_identity:
            return index.oid
    return None


def _type_list(asked: Asked, arguments: Sequence[Any]) -> str:
    """oidvectortypes: the names of types, as those of a function's arguments."""
    return ", ".join([format_type(asked, (oid, None)) or "" for oid in arguments[0].elements])


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
    "pg_filenode_relation": _relation_of_file,
    "pg_get_replica_identity_index": _identity_index,
    "oidvectortypes": _type_list,
    "pg_sequence_parameters": _sequence_parameters,
    "row_security_active": _has_row_security,
    "pg_tablespace_location": lambda asked, arguments: "",
}
