"""STORAGE and COMPRESSION of a column: words for pg_attribute, which change nothing about how Lungfish keeps its values."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import Column
from lungfish.errors import FeatureNotSupported, InvalidParameterValue
from lungfish.types.type_oids import has_fixed_length

_STORAGES = {"plain": "p", "external": "e", "extended": "x", "main": "m", "default": None}
_COMPRESSIONS = {"pglz": "p", "lz4": "l", "default": None}


def stored_as(column: Column, word: str, *, is_compression: bool, position: int) -> Column:
    """The column with what SET STORAGE or SET COMPRESSION says. Raises InvalidParameterValue, FeatureNotSupported."""
    known = _COMPRESSIONS if is_compression else _STORAGES
    word = word.lower()
    if word not in known:
        what = "compression method" if is_compression else "storage type"
        raise InvalidParameterValue(f'invalid {what} "{word}"', position=position)
    if has_fixed_length(column.type) and word not in ("plain", "default"):
        raise FeatureNotSupported(
            f"column data type {column.type.unmodified} does not support compression"
            if is_compression
            else f"column data type {column.type.unmodified} can only have storage PLAIN",
            position=position,
        )
    if is_compression:
        return replace(column, compression=known[word])
    return replace(column, storage=known[word])
