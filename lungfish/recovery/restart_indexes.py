"""Building indexes at restart: those without an image to rely on, and all of a table whose rows came from the log.

Rows are read by column, since at restart there is one version of each and nobody else is there: about ten times as fast as row by row.
Indexes over expressions, and partial ones, go row by row (`storage/table_build.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lungfish import errors
from lungfish.storage.btree_build import StoredKeys, build_btree, sort_entries
from lungfish.storage.ids import RelationId
from lungfish.storage.key_columns import encode_entries
from lungfish.storage.table_build import build_index
from lungfish.storage.table_index import TableIndex, UniqueConflict
from lungfish.storage.table_rows import TableRows
from lungfish.storage.table_scan import scan


def build_missing(rows: TableRows, missing: set[RelationId], trim: Callable[[], None]) -> int:
    """Build the table's indexes that had no image; answers how many. Requires: they are empty and `rows` has them."""
    built = 0
    for index in rows.indexes:
        if index.relation_id in missing:
            positions = key_positions(rows, index)
            if positions is None:
                _build_by_rows(rows, index)
            else:
                _build_by_columns(rows, index, positions, trim)
            built += 1
            trim()
    return built


def key_positions(rows: TableRows, index: TableIndex) -> tuple[int, ...] | None:
    """The fields that make up the key, in its order; None if it is not made of plain fields, or not of every row.

    An index only knows a function from a row's values to the key's, so the function is asked about a row of markers.
    """
    if index.positions is None or index.predicate is not None:
        return None
    markers = [object() for _ in rows.layout.types]
    places = {id(marker): position for position, marker in enumerate(markers)}
    key = index.key_of(tuple(markers))
    if any(id(value) not in places for value in key):
        return None
    return tuple(places[id(value)] for value in key)


def _build_by_columns(
    rows: TableRows, index: TableIndex, positions: tuple[int, ...], trim: Callable[[], None]
) -> None:
    codec = index.btree.codec
    keys: list[StoredKeys] = []
    addresses = []
    snapshot = rows.transactions.take_snapshot()
    try:
        found = scan(rows, snapshot, positions, with_tuple_id=True, trim=trim, check=lambda: None)
        for batch in found:
            *columns, places = batch.columns
            stored, placed = encode_entries(codec, columns, places.to_numpy())
            keys.append(stored)
            addresses.append(placed)
    finally:
        rows.transactions.release(snapshot)
    if not keys:
        return
    entries = sort_entries(_joined(keys), np.concatenate(addresses))
    build_btree(index.btree, *entries, rows.log.end_lsn(), trim=trim)


def _joined(parts: list[StoredKeys]) -> StoredKeys:
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if arrays:
        return np.concatenate(arrays)
    return [key for part in parts for key in part]


def _build_by_rows(rows: TableRows, index: TableIndex) -> None:
    try:
        build_index(rows, index)
    except UniqueConflict as conflict:
        raise errors.IndexCorrupted(
            f'index {index.relation_id} of table "{rows.name}" cannot be built again:'
            " two rows have the same key"
        ) from conflict
