"""What the planner is told about tables: how many rows, and how many different values a column has.

Row counts are kept by counting at first use and again when a table has grown or shrunk by much since: a page count is at hand at any time,
so a count is scaled by it in between. ANALYZE looks at the rows themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungfish.catalog.objects import Table
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


class TableStatistics:
    """Implements the planner's protocol for statistics. Facts are replaced whole, so no lock is needed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._facts: dict[RelationId, TableFacts] = {}

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
        self._facts[relation_id] = TableFacts(
            row_count, self._page_count(table), {**known, **distinct_counts}, pages
        )

    def last_seen(self, table: Table) -> TableFacts | None:
        """What ANALYZE or VACUUM found when it last looked; None if none has since the database was opened."""
        return self._facts.get(RelationId(table.relation_id))

    def forget(self, relation_ids: set[RelationId]) -> None:
        """Drop what is known of relations that are gone."""
        for relation_id in relation_ids:
            self._facts.pop(relation_id, None)

    def _page_count(self, table: Table) -> int:
        return self._database.stores.get(table).heap.pages.page_count

    def _rows_per_page(self, table: Table) -> float:
        heap = self._database.stores.get(table).heap
        stride = heap.layout.stride
        usable = self._database.page_size_bytes
        # Half of a page is taken for long values and room to grow.
        return max(usable / 2 / stride, 1.0) if stride else _ROWS_PER_PAGE_DEFAULT
