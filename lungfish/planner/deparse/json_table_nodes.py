"""JSON_TABLE as it is to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.types.frozen import frozen
from lungfish.types.sql_type import SqlType

if TYPE_CHECKING:
    from lungfish.planner.deparse.nodes import Node


@frozen
class JsonBehaviorNode:
    """What stands before ON EMPTY or ON ERROR; `default` is the expression of DEFAULT."""

    kind: str
    default: Node | None = None


@frozen
class JsonColumnNode:
    """A column. `kind`: ordinality, value, query, exists or nested; `path_name` is that of a nested path.

    Behaviors are None where they are what is usual.
    """

    kind: str
    name: str = ""
    type: SqlType | None = None
    path: str = ""
    path_name: str = ""
    has_format: bool = False
    wrapper: str = "none"
    omits_quotes: bool = False
    on_empty: JsonBehaviorNode | None = None
    on_error: JsonBehaviorNode | None = None
    columns: tuple[JsonColumnNode, ...] = ()


@frozen
class JsonTableNode:
    """JSON_TABLE(...). `passing` are names with their values."""

    context: Node
    path: str
    path_name: str
    passing: tuple[tuple[str, Node], ...]
    columns: tuple[JsonColumnNode, ...]
    raises_errors: bool
