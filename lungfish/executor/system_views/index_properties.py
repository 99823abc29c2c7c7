"""pg_index_column_has_property and its kin: what PostgreSQL says of access methods, indexes and their columns.

Every index is a B+Tree here; what is said is what PostgreSQL says of the method that the index was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish.catalog.objects import Index
from lungfish.executor.system_views.asked import Answer, Asked
from lungfish.executor.system_views.pg_relations import METHOD_OIDS

_METHODS = {oid: name for name, oid in METHOD_OIDS.items()}
# By the method: the properties that it has, of those that one may ask for.
_OF_METHODS = {
    "btree": {"can_order", "can_unique", "can_multi_col", "can_exclude", "can_include"},
    "hash": {"can_exclude"},
    "gist": {"can_multi_col", "can_exclude", "can_include"},
    "spgist": {"can_exclude", "can_include"},
}
_OF_INDEXES = {
    "btree": {"clusterable", "index_scan", "bitmap_scan", "backward_scan"},
    "hash": {"index_scan", "bitmap_scan", "backward_scan"},
    "gist": {"clusterable", "index_scan", "bitmap_scan"},
    "spgist": {"index_scan", "bitmap_scan"},
}
_OF_COLUMNS = {
    "btree": {"orderable", "returnable", "search_array", "search_nulls"},
    "hash": set(),
    "gist": {"returnable", "search_nulls"},
    "spgist": {"returnable", "search_nulls"},
}
_ORDERS = {"asc", "desc", "nulls_first", "nulls_last"}
_COLUMN_WORDS = _ORDERS | _OF_COLUMNS["btree"] | {"distance_orderable"}
# Columns of INCLUDE are no keys: they have these alone.
_INCLUDED_WORDS = {"orderable", "distance_orderable", "returnable"}


def _method_has(asked: Asked, arguments: Sequence[Any]) -> bool | None:
    method, word = _METHODS.get(arguments[0]), arguments[1].lower()
    if method is None or word not in _OF_METHODS["btree"]:
        return None
    return word in _OF_METHODS[method]


def _index_has(asked: Asked, arguments: Sequence[Any]) -> bool | None:
    found, word = asked.index(arguments[0]), arguments[1].lower()
    if found is None or word not in _OF_INDEXES["btree"]:
        return None
    return word in _OF_INDEXES[found[1].method]


def _column_has(asked: Asked, arguments: Sequence[Any]) -> bool | None:
    oid, number, word = arguments[0], arguments[1], arguments[2].lower()
    found = asked.index(oid)
    if found is None or word not in _COLUMN_WORDS or number < 1:
        return None
    index = found[1]
    if number > len(index.columns):
        is_included = number <= len(index.columns) + len(index.include)
        return word == "returnable" if is_included and word in _INCLUDED_WORDS else None
    if word in _ORDERS:
        return word in _orders(index, number)
    return word in _OF_COLUMNS[index.method]


def _orders(index: Index, number: int) -> set[str]:
    """In which order the keys of that column stand."""
    if index.method != "btree":
        return set()
    key = index.columns[number - 1]
    return {
        "desc" if key.is_descending else "asc",
        "nulls_first" if key.nulls_first else "nulls_last",
    }


INDEX_PROPERTY_ANSWERS: dict[str, Answer] = {
    "pg_indexam_has_property": _method_has,
    "pg_index_has_property": _index_has,
    "pg_index_column_has_property": _column_has,
}
