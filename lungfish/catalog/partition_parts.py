"""What PARTITION BY and PARTITION OF add to a table."""

from __future__ import annotations

from dataclasses import dataclass

from lungfish.types.sql_type import SqlType


@dataclass(frozen=True, slots=True)
class PartitionKeyColumn:
    """A column of a partition key: a column of the table by its number, or an expression's text (number 0)."""

    column_number: int
    type: SqlType
    expression: str | None = None
    collation: str | None = None
    # The operator class that was named, where it is not the type's own.
    operator_class: str | None = None


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """PARTITION BY. `strategy`: range, list or hash."""

    strategy: str
    columns: tuple[PartitionKeyColumn, ...]


@dataclass(frozen=True, slots=True)
class RangeDatum:
    """One column of a range's end. `kind`: -1 MINVALUE, 0 the value whose text is `text`, 1 MAXVALUE."""

    kind: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class PartitionBound:
    """FOR VALUES of a partition, or DEFAULT. Values are kept as the texts of their type; None is NULL."""

    is_default: bool = False
    values: tuple[str | None, ...] = ()
    lower: tuple[RangeDatum, ...] = ()
    upper: tuple[RangeDatum, ...] = ()
    modulus: int = 0
    remainder: int = 0
