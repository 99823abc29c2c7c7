"""What restart asks of the catalog: which tables there are, and how they are laid out. Implements `recovery.restart.RestartCatalog`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lungfish.catalog import Catalog
from lungfish.catalog.objects import Table
from lungfish.catalog.store import CATALOG_HEAP, CATALOG_INDEX, CATALOG_OVERFLOW, CatalogStore
from lungfish.database.table_stores import overflow_of
from lungfish.executor.system_views import SYSTEM_VIEWS
from lungfish.recovery.restart_relations import TableRelations
from lungfish.storage.ids import RelationId
from lungfish.storage.table import TableStore

if TYPE_CHECKING:
    from lungfish.database.database import Database

_CATALOG_RELATIONS = TableRelations(CATALOG_HEAP, CATALOG_OVERFLOW, (CATALOG_INDEX,))


class DatabaseRestartCatalog:
    """`catalog` and `catalog_store` are there once `load` has been called."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tables: dict[RelationId, Table] = {}
        self.catalog: Catalog
        self.catalog_store: CatalogStore

    def catalog_tables(self) -> Sequence[TableRelations]:
        """The catalog's own heap, with its index."""
        return (_CATALOG_RELATIONS,)

    def load(self) -> None:
        """Read the committed catalog."""
        self.catalog_store = CatalogStore(self._database.stores.catalog_table())
        transactions = self._database.transactions
        snapshot = transactions.take_snapshot()
        try:
            self.catalog = self.catalog_store.load(snapshot, SYSTEM_VIEWS)
        finally:
            transactions.release(snapshot)
        # Indexes over expressions are bound against it while the tables are redone.
        self._database.catalog = self.catalog
        self._tables = {RelationId(table.relation_id): table for table in self.catalog.tables()}

    def tables(self) -> Sequence[TableRelations]:
        """Every table that the catalog knows."""
        return relations_of(self.catalog)

    def table(self, heap: RelationId) -> TableStore:
        """A table, open."""
        if heap == CATALOG_HEAP:
            return self._database.stores.catalog_table()
        return self._database.stores.get(self._tables[heap])


def relations_of(catalog: Catalog) -> list[TableRelations]:
    """The relations of every table that the catalog knows."""
    return [
        TableRelations(
            RelationId(table.relation_id),
            overflow_of(RelationId(table.relation_id)),
            tuple(RelationId(index.relation_id) for index in table.indexes),
        )
        for table in catalog.tables()
    ]
