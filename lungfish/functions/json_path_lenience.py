"""Where a strict path is as forgiving as a lax one: behind `.**`, which meets items of every structure.

PostgreSQL's `jsonpath_exec.c` forgives (`ignoreStructuralErrors`) in all that comes after `.**` in a path, filters and subscripts there
included. Which nodes those are depends on the path alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lungfish.types.json_path import (
    Descent,
    Element,
    Filter,
    Infix,
    JsonPath,
    LikeRegex,
    Member,
    Method,
    PathNode,
    Sign,
    Wrapped,
)
from lungfish.types.json_text import JsonTree

# What descents found, by their nodes' identities.
Descents = Mapping[int, Iterable[JsonTree]]
NO_DESCENTS: Descents = MappingProxyType({})


def next_descent(node: PathNode, given: Descents) -> Descent | None:
    """The first `.**` before the node in its path, of those that are not given."""
    found = None
    while isinstance(node, Member | Descent | Method | Filter | Element):
        node = node.base
        if isinstance(node, Descent) and id(node) not in given:
            found = node
    return found


def lenient_nodes(path: JsonPath) -> frozenset[int]:
    """The identities of the nodes of a strict path that forgive."""
    found: set[int] = set()
    _note(path.root, False, found)
    return frozenset(found)


def _note(node: PathNode, is_within: bool, found: set[int]) -> None:
    """Look at a node and all below it; `is_within`: it stands in a filter or subscript behind `.**`."""
    is_lenient = is_within or _follows_descent(node)
    if is_lenient:
        found.add(id(node))
    match node:
        case Member(base) | Descent(base) | Method(base):
            _note(base, is_within, found)
        case Filter(base, predicate):
            _note(base, is_within, found)
            _note(predicate, is_lenient, found)
        case Element(base, ranges):
            _note(base, is_within, found)
            for low, high in ranges:
                _note(low, is_lenient, found)
                if high is not None:
                    _note(high, is_lenient, found)
        case Sign(_, operand) | Wrapped(_, operand) | LikeRegex(operand):
            _note(operand, is_within, found)
        case Infix(_, left, right):
            _note(left, is_within, found)
            _note(right, is_within, found)


def _follows_descent(node: PathNode) -> bool:
    while isinstance(node, Member | Descent | Method | Filter | Element):
        node = node.base
        if isinstance(node, Descent):
            return True
    return False
