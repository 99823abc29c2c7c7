"""Chooses the order of inner joins.

A region of inner joins is taken apart into its relations and conjuncts. Up to `EXHAUSTIVE_MAX` relations the cheapest tree without
cross products is found by dynamic programming over connected subsets (Moerkotte and Neumann 2006, "DPccp": each pair of a
connected subgraph and its connected complement is looked at once); beyond that, or when the graph is too dense, by
greedy operator ordering (Fegaras 1998): again and again the pair is joined that gives the fewest rows. Parts of the graph that no
conjunct connects are joined last, smallest first.

Outer, semi and lateral joins are relations here: nothing moves across them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lungfish.planner.cost import (
    SCAN_ROW,
    hash_join_cost,
    index_scan_cost,
    nested_loop_cost,
    probe_join_cost,
)
from lungfish.planner.expression_tree import columns_of
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef
from lungfish.planner.inferred_equalities import column_pair
from lungfish.planner.logical import LogicalJoin, LogicalPlan, LogicalScan
from lungfish.planner.plan_tree import map_inputs, outputs, split_filter
from lungfish.planner.rewriting import Rewriting, filtered
from lungfish.types.frozen import frozen

EXHAUSTIVE_MAX = 10
# Pairs that dynamic programming may look at before greedy ordering takes over.
PAIRS_MAX = 3000


def order_joins(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan with its inner joins in the cheapest order that was found."""
    if isinstance(plan, LogicalJoin) and plan.kind == "inner" and not plan.is_lateral:
        relations: list[LogicalPlan] = []
        conjuncts: list[BoundExpression] = []
        _flatten(plan, relations, conjuncts)
        relations = [order_joins(each, context) for each in relations]
        return _Region(relations, conjuncts, context).best()
    return map_inputs(plan, lambda below: order_joins(below, context))


def _flatten(
    plan: LogicalPlan, relations: list[LogicalPlan], conjuncts: list[BoundExpression]
) -> None:
    if isinstance(plan, LogicalJoin) and plan.kind == "inner" and not plan.is_lateral:
        conjuncts.extend(plan.conjuncts)
        _flatten(plan.left, relations, conjuncts)
        _flatten(plan.right, relations, conjuncts)
    else:
        relations.append(plan)


@dataclass(slots=True)
class _Tree:
    """A join tree over a set of relations (a bit for each)."""

    members: int
    rows: float
    cost: float
    left: _Tree | None = None
    right: _Tree | None = None
    # Of a single relation: the columns that an index leads with.
    indexed: frozenset[int] = field(default_factory=frozenset)


@frozen
class _Edge:
    """A conjunct of the region, with the relations that it uses."""

    conjunct: BoundExpression
    mask: int
    selectivity: float
    # Equalities of one class of equal columns follow from each other, so only one of them narrows a join.
    equal_class: int
    is_given: bool


class _Region:
    """The relations and conjuncts of one region."""

    def __init__(
        self, relations: list[LogicalPlan], conjuncts: list[BoundExpression], context: Rewriting
    ) -> None:
        self.relations = relations
        self.context = context
        self.outputs = [outputs(each) for each in relations]
        self.sizes = [context.cardinality.rows(each) for each in relations]
        self.neighbours = [0] * len(relations)
        self.edges = self._edges(conjuncts)

    def _edges(self, given: list[BoundExpression]) -> list[_Edge]:
        classes = equality_classes(given)
        class_of = {number: at for at, members in enumerate(classes) for number in members}
        edges = []
        for at, conjunct in enumerate(given + implied_equalities(given, classes)):
            mask = self._mask(conjunct)
            bits = list(_bits(mask))
            for bit in bits:
                self.neighbours[bit] |= mask & ~(1 << bit)
            sizes = [self.sizes[bit] for bit in bits] or [1.0]
            share = self.context.cardinality.join_selectivity((conjunct,), min(sizes), max(sizes))
            pair = column_pair(conjunct)
            equal_class = -1 if pair is None else class_of[pair[0].index]
            edges.append(_Edge(conjunct, mask, share, equal_class, at < len(given)))
        return edges

    def _mask(self, conjunct: BoundExpression) -> int:
        used = columns_of(conjunct)
        mask = 0
        for bit, own in enumerate(self.outputs):
            if not used.isdisjoint(own):
                mask |= 1 << bit
        return mask

    # The search.

    def best(self) -> LogicalPlan:
        """The plan of the cheapest tree."""
        leaves = [self._leaf(bit) for bit in range(len(self.relations))]
        parts = [self._connected(leaves, part) for part in self._components()]
        parts.sort(key=lambda tree: tree.rows)
        tree = parts[0]
        for other in parts[1:]:
            tree = self._join(tree, other)
        used: set[int] = set()
        plan = self._build(tree, used, {})
        rest = [
            edge.conjunct for at, edge in enumerate(self.edges) if edge.is_given and at not in used
        ]
        return filtered(plan, tuple(rest))

    def _leaf(self, bit: int) -> _Tree:
        plan = self.relations[bit]
        rows = self.context.cardinality.rows(plan)
        source, _ = split_filter(plan)
        indexed: set[int] = set()
        if isinstance(source, LogicalScan):
            for index in source.table.indexes:
                number = index.columns[0].column_number
                if number and index.predicate is None:
                    indexed.add(source.first_column + source.table.position_of_number(number))
        return _Tree(1 << bit, rows, rows * SCAN_ROW, indexed=frozenset(indexed))

    def _components(self) -> list[int]:
        """The connected parts of the graph, as sets."""
        left = (1 << len(self.relations)) - 1
        parts = []
        while left:
            part = left & -left
            while True:
                grown = part
                for bit in _bits(part):
                    grown |= self.neighbours[bit]
                if grown == part:
                    break
                part = grown
            parts.append(part)
            left &= ~part
        return parts

    def _connected(self, leaves: list[_Tree], part: int) -> _Tree:
        """The cheapest tree of one connected part."""
        members = [leaves[bit] for bit in _bits(part)]
        if len(members) == 1:
            return members[0]
        if len(members) <= EXHAUSTIVE_MAX:
            found = self._exhaustive(members, part)
            if found is not None:
                return found
        return self._greedy(members)

    def _exhaustive(self, members: list[_Tree], part: int) -> _Tree | None:
        """DPccp; None if there are too many pairs to look at."""
        table = {tree.members: tree for tree in members}
        for count, (first, second) in enumerate(self._pairs(part)):
            if count > PAIRS_MAX:
                return None
            left, right = table[first], table[second]
            joined = self._join(left, right)
            known = table.get(joined.members)
            if known is None or joined.cost < known.cost:
                table[joined.members] = joined
        return table[part]

    def _pairs(self, part: int) -> Iterator[tuple[int, int]]:
        """Connected subsets with connected complements, so that each pair comes after all pairs within its members."""
        bits = list(_bits(part))
        for bit in reversed(bits):
            start = 1 << bit
            for subset in (start, *self._grow(start, (start << 1) - 1, part)):
                yield from self._complements(subset, part)

    def _grow(self, subset: int, excluded: int, part: int) -> Iterator[int]:
        """Connected supersets of the subset, that use no excluded relation; smaller ones first."""
        around = self._neighbourhood(subset) & part & ~excluded
        if not around:
            return
        choices = list(_subsets(around))
        for choice in choices:
            yield subset | choice
        for choice in choices:
            yield from self._grow(subset | choice, excluded | around, part)

    def _complements(self, subset: int, part: int) -> Iterator[tuple[int, int]]:
        lowest = subset & -subset
        excluded = subset | (lowest - 1) | lowest
        around = self._neighbourhood(subset) & part & ~excluded
        for bit in reversed(list(_bits(around))):
            start = 1 << bit
            yield subset, start
            # Those below the bit are excluded, so that each complement is found once.
            smaller = around & ((start << 1) - 1)
            for other in self._grow(start, excluded | smaller, part):
                yield subset, other

    def _neighbourhood(self, subset: int) -> int:
        found = 0
        for bit in _bits(subset):
            found |= self.neighbours[bit]
        return found & ~subset

    def _greedy(self, members: list[_Tree]) -> _Tree:
        """Join the two trees that give the fewest rows, until one is left."""
        trees = {tree.members: tree for tree in members}
        prices: dict[tuple[int, int], tuple[float, float]] = {}
        for tree in members:
            self._price_pairs(tree, trees, prices)
        while len(trees) > 1:
            first, second = min(prices, key=lambda pair: (prices[pair], pair))
            joined = self._join(trees.pop(first), trees.pop(second))
            prices = {
                pair: price
                for pair, price in prices.items()
                if not {first, second}.intersection(pair)
            }
            trees[joined.members] = joined
            self._price_pairs(joined, trees, prices)
        return next(iter(trees.values()))

    def _price_pairs(
        self,
        tree: _Tree,
        trees: dict[int, _Tree],
        prices: dict[tuple[int, int], tuple[float, float]],
    ) -> None:
        """Note what joining the tree with each of its neighbours gives."""
        around = self._neighbourhood(tree.members)
        for other in trees.values():
            if around & other.members:
                pair = (min(tree.members, other.members), max(tree.members, other.members))
                prices[pair] = (self._rows(tree, other), tree.rows + other.rows)

    # Prices.

    def _rows(self, left: _Tree, right: _Tree) -> float:
        rows = left.rows * right.rows
        outside = ~(left.members | right.members)
        classes: dict[int, float] = {}
        for edge in self.edges:
            mask = edge.mask
            if mask & outside or not mask & left.members or not mask & right.members:
                continue
            if edge.equal_class < 0:
                rows *= edge.selectivity
            else:
                known = classes.get(edge.equal_class, 1.0)
                classes[edge.equal_class] = min(known, edge.selectivity)
        for share in classes.values():
            rows *= share
        return max(rows, 1e-3)

    def _join(self, left: _Tree, right: _Tree) -> _Tree:
        rows = self._rows(left, right)
        # The smaller side is the one that is kept in memory.
        if left.rows < right.rows:
            left, right = right, left
        if self._neighbourhood(left.members) & right.members:
            own = hash_join_cost(left.rows, right.rows, rows)
            probing = min(self._probe_cost(left, right, rows), self._probe_cost(right, left, rows))
            cost = min(left.cost + right.cost + own, probing)
        else:
            own = nested_loop_cost(left.rows, right.rows, rows)
            cost = left.cost + right.cost + own
        return _Tree(left.members | right.members, rows, cost, left, right)

    def _probe_cost(self, outer: _Tree, inner: _Tree, rows: float) -> float:
        """The cost of probing an index of the inner relation, if there is one for the join."""
        if not inner.indexed:
            return float("inf")
        for edge in self.edges:
            mask = edge.mask
            if not (mask & inner.members and mask & outer.members):
                continue
            if _equates(edge.conjunct, inner.indexed):
                each = index_scan_cost(max(rows / max(outer.rows, 1.0), 1.0), 1, 0)
                return outer.cost + probe_join_cost(outer.rows, each, rows)
        return float("inf")

    # The plan.

    def _build(self, tree: _Tree, used: set[int], parents: dict[int, int]) -> LogicalPlan:
        """The plan of a tree, each conjunct at the first join that has its columns.

        `parents` is a union-find of the columns made equal so far: an equality that says nothing new is left out.
        """
        if tree.left is None or tree.right is None:
            return self.relations[tree.members.bit_length() - 1]
        left = self._build(tree.left, used, parents)
        right = self._build(tree.right, used, parents)
        conjuncts: list[BoundExpression] = []
        for at, edge in enumerate(self.edges):
            mask = edge.mask
            if at in used or mask & ~tree.members:
                continue
            if not (mask & tree.left.members and mask & tree.right.members):
                continue
            used.add(at)
            if _is_news(edge.conjunct, parents):
                conjuncts.append(edge.conjunct)
        return LogicalJoin("inner", left, right, tuple(conjuncts))


def _is_news(conjunct: BoundExpression, parents: dict[int, int]) -> bool:
    """Whether the conjunct is more than an equality of columns that are equal already; notes the equality."""
    pair = column_pair(conjunct)
    if pair is None:
        return True
    left, right = _root(pair[0].index, parents), _root(pair[1].index, parents)
    parents[left] = right
    return left != right


def _root(number: int, parents: dict[int, int]) -> int:
    while parents.get(number, number) != number:
        number = parents[number]
    return number


def _equates(conjunct: BoundExpression, columns: frozenset[int]) -> bool:
    if not isinstance(conjunct, Call) or conjunct.function.name != "=":
        return False
    return any(isinstance(each, ColumnRef) and each.index in columns for each in conjunct.arguments)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _subsets(mask: int) -> Iterator[int]:
    """The non-empty subsets of a set, each before those that contain it."""
    subset = mask & -mask
    while subset:
        yield subset
        subset = (subset - mask) & mask


def equality_classes(conjuncts: list[BoundExpression]) -> list[dict[int, ColumnRef]]:
    """The classes of columns that the conjuncts make equal."""
    classes: list[dict[int, ColumnRef]] = []
    for conjunct in conjuncts:
        pair = column_pair(conjunct)
        if pair is None:
            continue
        left, right = pair
        merged = {left.index: left, right.index: right}
        rest = []
        for each in classes:
            if left.index in each or right.index in each:
                merged.update(each)
            else:
                rest.append(each)
        classes = [*rest, merged]
    return classes


def implied_equalities(
    conjuncts: list[BoundExpression], classes: list[dict[int, ColumnRef]]
) -> list[BoundExpression]:
    """`a = c` for each `a = b` and `b = c`, so that a and c may be joined first."""
    if all(len(each) < 3 for each in classes):
        return []
    known: set[frozenset[int]] = set()
    sample: dict[int, Call] = {}
    for conjunct in conjuncts:
        pair = column_pair(conjunct)
        if pair is not None and isinstance(conjunct, Call):
            known.add(frozenset((pair[0].index, pair[1].index)))
            sample[pair[0].index] = sample[pair[1].index] = conjunct
    added: list[BoundExpression] = []
    for each in classes:
        members = list(each.values())
        if not 3 <= len(members) <= EXHAUSTIVE_MAX:
            continue
        for at, left in enumerate(members):
            for right in members[at + 1 :]:
                if frozenset((left.index, right.index)) not in known:
                    call = sample[left.index]
                    added.append(Call(call.function, (left, right), call.type))
    return added
