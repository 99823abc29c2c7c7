"""Judges a history of transactions: which anomalies it shows, by the cycles of their dependencies.

Two kinds of object. A *list* is appended to and read whole; each value is appended once, so the final list tells the order of its
versions, and each read which of them it saw (Kingsbury and Alvaro, "Elle", VLDB 2020). A list that is not there counts as empty, so
a range read that does not find one has read it: cycles over predicates show up as any other. A *register* holds the value written
last; its order is known as far as a transaction read one value before it wrote the next.

From these follow, between committed transactions (Adya, "Weak Consistency", 1999):

    ww    the one's version comes right before the other's
    wr    the one's version was read by the other
    rw    the one has read the version right before the other's

and from the cycles of these the anomalies: G0 (ww alone), G1c (ww and wr), G-single (one rw; lost updates are among them), G-nonadjacent (several
rw, never two in a row), G2 (any). G1a is a read of what was rolled back, G1b one of a version in the midst of a transaction.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

# What each level forbids; "lost", "order" and "register" are plain errors at every level.
_ALWAYS = ("G0", "G1a", "G1b", "G1c", "lost", "order", "register")
FORBIDDEN: Mapping[str, Collection[str]] = {
    "read committed": _ALWAYS,
    "repeatable read": (*_ALWAYS, "G-single", "G-nonadjacent"),
    "serializable": (*_ALWAYS, "G-single", "G-nonadjacent", "G2"),
}
Edges = dict[int, set[int]]


@dataclass(slots=True)
class Transaction:
    """What a transaction did, in its order, and what it saw. Values are unique within a history."""

    number: int
    # (key, the list as it was seen), own appends included.
    reads: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    appends: list[tuple[int, int]] = field(default_factory=list)
    # (key, value that was seen).
    register_reads: list[tuple[int, int]] = field(default_factory=list)
    # (key, value that was seen right before, value that was written).
    register_writes: list[tuple[int, int, int]] = field(default_factory=list)
    is_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One, and by whom it is shown."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class History:
    """All transactions that may have committed, and what is there at the end."""

    transactions: Sequence[Transaction]
    lists: Mapping[int, tuple[int, ...]]
    registers: Mapping[int, int]


def find_anomalies(history: History) -> list[Anomaly]:
    """Every kind of anomaly that the history shows, each once or a few times."""
    graph = _Graph(history)
    return [*graph.found, *_cycles(graph)]


def forbidden_anomalies(history: History, level: str) -> list[Anomaly]:
    """Those that the level does not allow."""
    return [each for each in find_anomalies(history) if each.name in FORBIDDEN[level]]


class _Graph:
    """The dependencies of a history, and what is wrong without any cycle."""

    def __init__(self, history: History) -> None:
        self.found: list[Anomaly] = []
        self.ww: Edges = defaultdict(set)
        self.wr: Edges = defaultdict(set)
        self.rw: Edges = defaultdict(set)
        self._lists = history.lists
        self._appender: dict[int, Transaction] = {}
        self._appended: dict[tuple[int, int], int] = {}
        self._place = {
            value: place for values in history.lists.values() for place, value in enumerate(values)
        }
        # Values of registers that are there, or were seen by someone whose commit is sure.
        self._seen = set(history.registers.values())
        for each in history.transactions:
            if each.is_acknowledged:
                self._seen.update(value for _, value in each.register_reads)
                self._seen.update(before for _, before, _ in each.register_writes)
        self._committed = [each for each in history.transactions if self._is_committed(each)]
        for each in self._committed:
            for key, value in each.appends:
                self._appender[value] = each
                self._appended[each.number, key] = value
        self._order_of_lists()
        for each in self._committed:
            for key, seen in each.reads:
                self._read(each, key, seen)
        self._registers(history)

    def _note(self, name: str, detail: str) -> None:
        self.found.append(Anomaly(name, detail))

    def _is_committed(self, transaction: Transaction) -> bool:
        """Whether its writes are there: all of them, or (if nobody was told that it has committed) none."""
        there = [value in self._place for _, value in transaction.appends]
        if transaction.is_acknowledged:
            if not all(there):
                self._note("lost", f"an append of transaction {transaction.number} is gone")
            return True
        if any(there) and not all(there):
            self._note("lost", f"half of transaction {transaction.number} is there")
        return any(there) or any(value in self._seen for _, _, value in transaction.register_writes)

    def _order_of_lists(self) -> None:
        for key, values in self._lists.items():
            if len(set(values)) != len(values):
                self._note("order", f"list {key} has a value twice: {values}")
            for value in values:
                if value not in self._appender:
                    self._note("G1a", f"list {key} has {value}, which was never committed")
            writers = [self._appender[value] for value in values if value in self._appender]
            for one, other in itertools.pairwise(writers):
                self._add(self.ww, one, other)

    def _read(self, reader: Transaction, key: int, seen: tuple[int, ...]) -> None:
        final = self._lists.get(key, ())
        own = {value for _, value in reader.appends}
        others = [value for value in seen if value not in own]
        for value in others:
            if value not in self._appender:
                self._note(
                    "G1a", f"transaction {reader.number} read {value}, which was not committed"
                )
                return
        if seen != final[: len(seen)]:
            self._note("order", f"transaction {reader.number} read {seen} of list {key}: {final}")
            return
        if others:
            writer = self._appender[others[-1]]
            if self._appended[writer.number, key] != others[-1]:
                self._note("G1b", f"transaction {reader.number} read {others[-1]} of list {key}")
            self._add(self.wr, writer, reader)
        for value in final[len(seen) :]:
            if value not in own and value in self._appender:
                self._add(self.rw, reader, self._appender[value])
                return

    def _registers(self, history: History) -> None:
        writer: dict[int, Transaction] = {}
        # By key and value: every register begins with 0.
        after: dict[tuple[int, int], list[Transaction]] = defaultdict(list)
        for each in self._committed:
            for key, before, value in each.register_writes:
                writer[value] = each
                after[key, before].append(each)
        for (key, value), writers in after.items():
            if len(writers) > 1:
                numbers = [each.number for each in writers]
                self._note(
                    "G-single", f"register {key}: after {value} an update was lost {numbers}"
                )
        known = {value for each in history.transactions for _, _, value in each.register_writes}
        for each in self._committed:
            reads = [
                *each.register_reads,
                *((key, before) for key, before, _ in each.register_writes),
            ]
            for key, value in reads:
                if value in writer:
                    self._add(self.wr, writer[value], each)
                elif value in known:
                    self._note("G1a", f"transaction {each.number} read {value}, not committed")
                elif value:
                    self._note("register", f"nobody has written {value} to register {key}")
                for other in after[key, value]:
                    self._add(self.rw, each, other)
            for _, before, _ in each.register_writes:
                if before in writer:
                    self._add(self.ww, writer[before], each)

    def _add(self, edges: Edges, one: Transaction, other: Transaction) -> None:
        if one is not other:
            edges[one.number].add(other.number)


def _cycles(graph: _Graph) -> Iterator[Anomaly]:
    """The anomalies that are cycles; for each cluster of transactions only the worst is told."""
    known = _union(graph.ww, graph.wr)
    for name, edges in (("G0", graph.ww), ("G1c", known)):
        for cluster in clusters(edges):
            yield Anomaly(name, f"transactions {sorted(cluster)[:12]}")
    for cluster in clusters(_union(known, graph.rw)):
        yield Anomaly(_name_of(cluster, known, graph.rw), f"transactions {sorted(cluster)[:12]}")


def _name_of(cluster: set[int], known: Edges, anti: Edges) -> str:
    """The worst kind of cycle with an rw edge in a cluster: the fewer of these it needs, and the farther apart, the worse."""
    inside = {each: known.get(each, set()) & cluster for each in cluster}
    for one in cluster:
        for other in anti.get(one, set()) & cluster:
            if _reaches(inside, other, one):
                return "G-single"
    # At least one ww or wr after each rw: a cycle of the edges "rw, then known".
    spaced: Edges = defaultdict(set)
    for one, others in inside.items():
        spaced[one] |= others
    for one in cluster:
        for other in anti.get(one, set()) & cluster:
            spaced[one] |= inside.get(other, set())
    return "G-nonadjacent" if any(clusters(spaced)) else "G2"


def _union(*many: Edges) -> Edges:
    found: Edges = defaultdict(set)
    for edges in many:
        for one, others in edges.items():
            found[one] |= others
    return found


def _reaches(edges: Mapping[int, Iterable[int]], start: int, goal: int) -> bool:
    seen, stack = {start}, [start]
    while stack:
        here = stack.pop()
        if here == goal:
            return True
        for each in edges.get(here, ()):
            if each not in seen:
                seen.add(each)
                stack.append(each)
    return False


def clusters(edges: Mapping[int, Iterable[int]]) -> Iterator[set[int]]:
    """The strongly connected components of more than one node: Tarjan's algorithm (1972), without recursion."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in list(edges):
        if root in index:
            continue
        path = [(root, iter(edges.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while path:
            node, rest = path[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    path.append((other, iter(edges.get(other, ()))))
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    component = set()
                    while node not in component:
                        component.add(stack.pop())
                    on_stack -= component
                    if len(component) > 1:
                        yield component
