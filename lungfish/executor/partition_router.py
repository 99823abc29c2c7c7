"""Which leaf of a partitioned table a row belongs to.

The way down from the root: at each partitioned table the key is computed over the row as that table shows it, its map says which
partition takes the key, and the row is turned to the order of that partition's columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Oid, Table
from lungfish.catalog.partitions import PartitionMap, key_types, make_partition_map, partitions_of
from lungfish.executor.compiler import Compiler, RowEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.partition_texts import key_texts
from lungfish.executor.violations import not_in_partition
from lungfish.planner import bind_stored_expression
from lungfish.sql.rename import without_schema
from lungfish.types.text_format import format_value

_SEARCH_PATH = ("public",)
RowChange = Callable[[Sequence[Any]], Row]


def positions_in(table: Table, other: Table) -> tuple[int, ...]:
    """Where `other` has the columns of `table`, by name. Requires: it has them all."""
    found = tuple(other.column_position(column.name) for column in table.columns)
    assert None not in found, "a child has its parent's columns"
    return found  # type: ignore[return-value]


def reordering(table: Table, other: Table) -> RowChange | None:
    """What turns a row of `other` into one of `table`; None where nothing is to be done."""
    positions = positions_in(table, other)
    if positions == tuple(range(len(other.columns))):
        return None
    return lambda row: tuple([row[position] for position in positions])


@dataclass(frozen=True, slots=True)
class _Step:
    """A partition on the way down; `below` is None for a leaf. `turn`: from its parent's row to its own."""

    table: Table
    turn: RowChange | None
    below: _Level | None


@dataclass(frozen=True, slots=True)
class _Level:
    """A partitioned table on the way down."""

    map: PartitionMap
    key: tuple[RowEvaluator, ...]
    steps: dict[Oid, _Step]


@dataclass(frozen=True, slots=True)
class PartitionRouter:
    """The ways from one partitioned table to its leaves, as one version of the catalog has them."""

    table: Table
    catalog_version: int
    level: _Level
    # Where the table itself is a partition: whether a row is one of its own.
    belongs: RowEvaluator | None
    # The columns by which it and its partitions are partitioned; None if expressions are among them.
    key_positions: frozenset[int] | None

    def may_differ(self, old: Sequence[Any], new: Sequence[Any]) -> bool:
        """Whether two rows of the table may belong to different leaves."""
        if self.key_positions is None:
            return True
        return any(old[position] != new[position] for position in self.key_positions)

    def leaf_of(self, row: Row, run: Run) -> tuple[Table, Row]:
        """The leaf that takes a row of the table, and the row in the leaf's order. Raises CheckViolation if none does."""
        if self.belongs is not None and self.belongs(row, run) is not True:
            raise not_in_partition(self.table, row)
        level: _Level | None = self.level
        while level is not None:
            key = [evaluate(row, run) for evaluate in level.key]
            found = level.map.find(key)
            if found is None:
                raise _no_partition(level.map.table, key)
            step = level.steps[found.oid]
            if step.turn is not None:
                row = step.turn(row)
            level = step.below
        return step.table, row


def make_partition_router(table: Table, catalog: Catalog, compiler: Compiler) -> PartitionRouter:
    """The router of a partitioned table."""
    belongs = None
    if table.partition_bound is not None:
        belongs = make_partition_check(table, catalog, compiler)
    level = _level(table, catalog, compiler)
    return PartitionRouter(table, catalog.version, level, belongs, _key_positions(table, catalog))


def _key_positions(table: Table, catalog: Catalog) -> frozenset[int] | None:
    """The positions, in a partitioned table, of all columns that decide on a leaf."""
    assert table.partition_key is not None, "asked of partitioned tables only"
    found: set[int] = set()
    for item in table.partition_key.columns:
        if not item.column_number:
            return None
        found.add(table.position_of_number(item.column_number))
    for part in partitions_of(table, catalog):
        if part.partition_key is not None:
            below = _key_positions(part, catalog)
            if below is None:
                return None
            places = positions_in(part, table)
            found.update(places[position] for position in below)
    return frozenset(found)


def _level(table: Table, catalog: Catalog, compiler: Compiler) -> _Level:
    steps = {
        part.oid: _Step(
            part,
            reordering(part, table),
            None if part.partition_key is None else _level(part, catalog, compiler),
        )
        for part in partitions_of(table, catalog)
    }
    return _Level(make_partition_map(table, catalog), _key_of(table, catalog, compiler), steps)


def _key_of(table: Table, catalog: Catalog, compiler: Compiler) -> tuple[RowEvaluator, ...]:
    return tuple(
        compiler.row(
            bind_stored_expression(
                text, table, catalog, _SEARCH_PATH, what="partition key expressions"
            )
        )
        for text in key_texts(table)
    )


def make_partition_check(table: Table, catalog: Catalog, compiler: Compiler) -> RowEvaluator:
    """Whether a row of a partition belongs to it, and so to all partitioned tables above."""
    parent = catalog.table(table.parents[0])
    own = table.oid
    map_ = make_partition_map(parent, catalog)
    key = _key_of(parent, catalog, compiler)
    turn = reordering(parent, table)
    above = None
    if parent.partition_bound is not None:
        above = make_partition_check(parent, catalog, compiler)

    def belongs(row: Sequence[Any], run: Run) -> bool:
        seen = row if turn is None else turn(row)
        found = map_.find([evaluate(seen, run) for evaluate in key])
        if found is None or found.oid != own:
            return False
        return above is None or above(seen, run) is True

    return belongs


def _no_partition(table: Table, key: Sequence[Any]) -> errors.Error:
    texts = [
        "null" if value is None else format_value(value, kind)
        for value, kind in zip(key, key_types(table), strict=True)
    ]
    names = without_schema(", ".join(key_texts(table)), "public")
    return errors.CheckViolation(
        f'no partition of relation "{table.name}" found for row',
        detail=f"Partition key of the failing row contains ({names}) = ({', '.join(texts)}).",
        table=table.name,
    )
