"""What statements say of where a table has its columns from, and of partitions: INHERIT, OF, PARTITION BY, FOR VALUES, ATTACH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.sql.ast.expressions import Expression
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.frozen import frozen

if TYPE_CHECKING:
    from lungfish.sql.ast.ddl import ConstraintDefinition, ExpressionText


@frozen
class PartitionElement:
    """A column or an expression of PARTITION BY."""

    column: str | None
    expression: ExpressionText | None = None
    collation: tuple[str, ...] = ()
    operator_class: str | None = None
    position: int = -1


@frozen
class PartitionBy:
    """PARTITION BY. `strategy`: range, list or hash."""

    strategy: str
    elements: tuple[PartitionElement, ...]
    position: int = -1


@frozen
class PartitionValues:
    """FOR VALUES, or DEFAULT. `strategy`: range, list, hash or default. MINVALUE and MAXVALUE come as names in lower case."""

    strategy: str
    values: tuple[Expression, ...] = ()
    lower: tuple[Expression, ...] = ()
    upper: tuple[Expression, ...] = ()
    modulus: int = 0
    remainder: int = 0
    position: int = -1


@frozen
class ColumnOptions:
    """What CREATE TABLE ... PARTITION OF says of a column that the parent has, and OF of one that its type has."""

    name: str
    default: ExpressionText | None = None
    generated: ExpressionText | None = None
    is_virtual: bool = False
    is_not_null: bool = False
    constraints: tuple[ConstraintDefinition, ...] = ()
    position: int = -1


@frozen
class AlterInherit:
    """INHERIT parent; NO INHERIT with `is_dropped`."""

    parent: ObjectName
    is_dropped: bool = False
    position: int = -1


@frozen
class SetTableType:
    """ALTER TABLE ... OF a composite type; NOT OF without `type_name`."""

    type_name: ObjectName | None
    position: int = -1


@frozen
class AttachPartition:
    """ATTACH PARTITION; of an index `values` is None."""

    partition: ObjectName
    values: PartitionValues | None
    position: int = -1


@frozen
class DetachPartition:
    """DETACH PARTITION; `is_concurrent` must stand outside of transactions, and does the same. Nothing is ever left to finalize."""

    partition: ObjectName
    is_concurrent: bool = False
    position: int = -1
    is_finalize: bool = False
