"""REINDEX, CREATE EXTENSION, and DROP of what Lungfish has none of."""

from __future__ import annotations

from lungfish.sql.ast.queries import ObjectName
from lungfish.types.frozen import frozen


@frozen
class Reindex:
    """`kind`: index, table, schema or database; a database's `name` is None."""

    kind: str
    name: ObjectName | None
    is_concurrent: bool = False
    position: int = -1


@frozen
class CreateExtension:
    """CREATE EXTENSION of one whose operator classes Lungfish has built in: there is nothing to do."""

    name: str
    position: int = -1


@frozen
class DropAbsent:
    """DROP of something that Lungfish cannot have: a trigger, a role, an operator, ... `relation` is whose it is said to be."""

    kind: str
    names: tuple[str, ...]
    relation: ObjectName | None = None
    if_exists: bool = False
    # The error without IF EXISTS is "function" (42883) or "object" (42704).
    is_function: bool = False
    position: int = -1
