"""What the planner is told about tables: how many rows, and how many different values a column has.

ANALYZE looks at the rows themselves. A page count is at hand at any time, so what it has found is scaled by that in between. It is kept with
images and in the log (`recovery/stored_statistics.py`), but for temporary tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from lungfish.catalog.catalog import is_temporary
from lungfish.catalog.objects import Table
from lungfish.errors import CorruptDatabase
from lungfish.storage.ids import RelationId

if TYPE_CHECKING:
    from lungfish.database.database import Database

# Rows a page before anything is known, of a table with rows of middling width.
_ROWS_PER_PAGE_DEFAULT = 200.0


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What a look at a table found."""

    row_count: float
    # The pages that it had then.
    page_count: int
    # How many different values, by column number.
    distinct_counts: dict[int, float]
    # The pages of its indexes then, by their relations.
    index_page_counts: dict[RelationId, int]


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often something was done to a table since the database was opened, when it last ended (microseconds since 1970), and how long it took."""

    count: int = 0
    last_us: int | None = None
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What VACUUM and ANALYZE have done for a table."""

    vacuums: Rounds = field(default_factory=Rounds)
    analyzes: Rounds = field(default_factory=Rounds)


class TableStatistics:
    """Implements the planner's protocol for statistics. Facts are replaced whole, so no lock is needed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._facts: dict[RelationId, TableFacts] = {}
        # By the oids of tables; those that are gone are dropped now and then.
        self._upkeep: dict[int, Upkeep] = {}

    def restore(self) -> None:
        """At the opening: what was kept of the tables that are there."""
        stored = self._database.core.stored_statistics
        present = {RelationId(table.relation_id) for table in self._database.catalog.tables()}
        stored.forget(stored.known.keys() - present)
        self._facts = {number: _decode(figures) for number, figures in stored.known.items()}

    def row_count(self, table: Table) -> float:
        """About how many rows the table has."""
        pages = self._page_count(table)
        facts = self._facts.get(RelationId(table.relation_id))
        if facts is None:
            return max(pages * self._rows_per_page(table), 1.0)
        if facts.page_count == 0:
            return max(pages * self._rows_per_page(table), 1.0)
        return max(facts.row_count * pages / facts.page_count, 1.0)

    def distinct_count(self, table: Table, column_number: int) -> float | None:
        """About how many different values the column has, or None where ANALYZE has not looked."""
        facts = self._facts.get(RelationId(table.relation_id))
        return None if facts is None else facts.distinct_counts.get(column_number)

    def learn(self, table: Table, row_count: float, distinct_counts: dict[int, float]) -> None:
        """Keep what ANALYZE or VACUUM found; what was known of other columns stays."""
        relation_id = RelationId(table.relation_id)
        before = self._facts.get(relation_id)
        known = {} if before is None else before.distinct_counts
        stores = self._database.stores.get(table).indexes
        pages = {
            RelationId(index.relation_id): store.btree.pages.page_count
            for index, store in zip(table.indexes, stores, strict=False)
        }
        facts = TableFacts(row_count, self._page_count(table), {**known, **distinct_counts}, pages)
        self._facts[relation_id] = facts
        if not is_temporary(table):
            self._database.core.stored_statistics.keep(relation_id, _encode(facts))

    def last_seen(self, table: Table) -> TableFacts | None:
        """What ANALYZE or VACUUM found when it last looked; None if none has."""
        return self._facts.get(RelationId(table.relation_id))

    def note_upkeep(
        self, table: Table, kind: Literal["vacuums", "analyzes"], took_ms: float
    ) -> None:
        """Count a VACUUM or an ANALYZE of the table that has just ended."""
        before = self.upkeep(table)
        rounds: Rounds = getattr(before, kind)
        now_us = self._database.core.clock.utc_us()
        after = Rounds(rounds.count + 1, now_us, rounds.total_ms + took_ms)
        tables = list(self._database.catalog.tables())
        if len(self._upkeep) > 2 * len(tables):
            self._upkeep = {each.oid: self.upkeep(each) for each in tables}
        self._upkeep[table.oid] = replace(before, **{kind: after})

    def upkeep(self, table: Table) -> Upkeep:
        """What VACUUM and ANALYZE have done for the table since the database was opened."""
        return self._upkeep.get(table.oid, Upkeep())

    def forget(self, relation_ids: set[RelationId]) -> None:
        """Drop what is known of relations that are gone."""
        for relation_id in relation_ids:
            self._facts.pop(relation_id, None)
        self._database.core.stored_statistics.forget(relation_ids)

    def _page_count(self, table: Table) -> int:
        return self._database.stores.get(table).heap.pages.page_count

    def _rows_per_page(self, table: Table) -> float:
        heap = self._database.stores.get(table).heap
        stride = heap.layout.stride
        usable = self._database.page_size_bytes
        # Half of a page is taken for long values and room to grow.
        return max(usable / 2 / stride, 1.0) if stride else _ROWS_PER_PAGE_DEFAULT


def _encode(facts: TableFacts) -> list[Any]:
    """The facts as a JSON value."""
    return [
        facts.row_count,
        facts.page_count,
        list(facts.distinct_counts.items()),
        list(facts.index_page_counts.items()),
    ]


def _decode(figures: Any) -> TableFacts:
    """The inverse of `_encode`. Raises CorruptDatabase."""
    try:
        row_count, page_count, distinct, pages = figures
        return TableFacts(float(row_count), int(page_count), dict(distinct), dict(pages))
    except (TypeError, ValueError) as error:
        raise CorruptDatabase("the statistics of a table cannot be read") from error
