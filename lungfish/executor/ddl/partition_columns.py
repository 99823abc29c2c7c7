"""Which columns a key of a partitioned table must have: each partition can only see that its own rows are unique."""

from __future__ import annotations

from lungfish import errors
from lungfish.catalog.objects import Table
from lungfish.executor.partition_texts import key_texts


def require_partition_columns(table: Table, columns: tuple[int, ...], kind: str) -> None:
    """Raise FeatureNotSupported unless the key's columns include those by which the table is partitioned."""
    key = table.partition_key
    if key is None:
        return
    word = kind.upper()
    for item, text in zip(key.columns, key_texts(table), strict=True):
        if not item.column_number:
            raise errors.FeatureNotSupported(
                f"unsupported {word} constraint with partition key definition",
                detail=f"{word} constraints cannot be used when partition keys include expressions.",
            )
        if item.column_number not in columns:
            raise errors.FeatureNotSupported(
                "unique constraint on partitioned table must include all partitioning columns",
                detail=f'{word} constraint on table "{table.name}" lacks column "{text}" which is part of the partition key.',
            )
