"""Finds cycles in the waits-for graph.

The graph is never stored: its edges are read off the lock queues at the moment somebody begins to wait, the only moment at which a
cycle can close, so a deadlock is found at once and the one who would close it is the victim. PostgreSQL searches the same graph,
but only after `deadlock_timeout`, because its lock table is spread over partitions; ours is behind one mutex and small.

An edge is *hard* if the blocker holds a conflicting lock, *soft* if it only stands earlier in the queue. A cycle with a soft edge is
no deadlock yet: letting the later one pass breaks it (PostgreSQL's src/backend/storage/lmgr/README, "soft edges").
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Node = TypeVar("Node", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Edge(Generic[Node]):
    """`waiter` cannot go on before `blocker` does."""

    waiter: Node
    blocker: Node
    is_soft: bool


def find_cycle(
    start: Node, edges_of: Callable[[Node], Iterable[Edge[Node]]]
) -> list[Edge[Node]] | None:
    """The edges of a cycle through `start`, in order from it, or None. Depth first, each node once, without recursion."""
    path: list[Edge[Node]] = []
    visited = {start}
    branches = [iter(edges_of(start))]
    while branches:
        edge = next(branches[-1], None)
        if edge is None:
            branches.pop()
            if path:
                path.pop()
        elif edge.blocker == start:
            return [*path, edge]
        elif edge.blocker not in visited:
            visited.add(edge.blocker)
            path.append(edge)
            branches.append(iter(edges_of(edge.blocker)))
    return None
