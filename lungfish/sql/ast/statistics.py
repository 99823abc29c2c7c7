"""CREATE, ALTER and DROP STATISTICS, and COMMENT ON one."""

from __future__ import annotations

from lungfish.sql.ast.ddl import ExpressionText
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.frozen import frozen


@frozen
class CreateStatistics:
    """`name` None: one is chosen. `columns` and `expressions` are what stands behind ON; `kinds` empty: all."""

    name: ObjectName | None
    table: ObjectName
    columns: tuple[str, ...]
    expressions: tuple[ExpressionText, ...]
    kinds: tuple[str, ...] = ()
    if_not_exists: bool = False
    position: int = -1


@frozen
class AlterStatistics:
    """`action`: target, rename, schema, comment or owner; `value` is the target's number (None: the default) or the new text."""

    name: ObjectName
    action: str
    value: int | str | None
    if_exists: bool = False
    position: int = -1


@frozen
class DropStatistics:
    names: tuple[ObjectName, ...]
    if_exists: bool = False
    position: int = -1
