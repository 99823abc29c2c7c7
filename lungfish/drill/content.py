"""What a database holds, as something to compare: of every table how many rows and a sum over them, and of the catalog every definition.

The sum adds a 64-bit hash of each row, so the order in which rows are found does not matter. A table whose pages nobody has changed
since is not read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xxhash import xxh3_64_intdigest

from lungfish.catalog.objects import FIRST_USER_OID, Table
from lungfish.database import Database

_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Content:
    """All that a crash must leave as it was."""

    # Rows and their sum, by schema and name.
    tables: Mapping[str, tuple[int, int]]
    # A hash of each object's definition, by kind and oid. A sequence's running value is not part of it: it may run ahead.
    objects: Mapping[str, int]

    def difference_to(self, other: Content) -> str:
        """What is not as in the other one, in words."""
        parts = []
        for name in sorted(self.tables.keys() | other.tables.keys()):
            mine, theirs = self.tables.get(name), other.tables.get(name)
            if mine != theirs:
                parts.append(f"table {name} has {_describe(mine)}, not {_describe(theirs)}")
        mine_only = self.objects.items() - other.objects.items()
        theirs_only = other.objects.items() - self.objects.items()
        if mine_only or theirs_only:
            names = sorted({name for name, _ in mine_only | theirs_only})
            parts.append(f"the catalog differs in {', '.join(names[:5])}")
        return "; ".join(parts)


def _describe(found: tuple[int, int] | None) -> str:
    return "none" if found is None else f"{found[0]} rows with the sum {found[1]:016x}"


class ContentReader:
    """Reads an open database's content; remembers what of it cannot have changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[Table, tuple[object, tuple[int, int]]] = {}

    def read(self) -> Content:
        """What a new snapshot sees."""
        catalog = self._database.catalog
        tables = {
            f"{catalog.namespace_name(table.namespace_oid)}.{table.name}": self._table(table)
            for table in catalog.tables()
            # What is unlogged is empty after a crash.
            if table.persistence == "permanent"
        }
        objects = {
            f"{type(item).__name__.lower()} {item.oid}": xxh3_64_intdigest(repr(item).encode())
            for item in catalog.objects()
            if item.oid >= FIRST_USER_OID
        }
        return Content(tables, objects)

    def _table(self, table: Table) -> tuple[int, int]:
        store = self._database.stores.get(table)
        pages = store.heap.pages
        # A commit shows rows without touching a page: so who is running belongs to it.
        running = frozenset(each.id for each in self._database.transactions.running())
        state = (pages.newest_lsn, pages.page_count, running)
        known = self._known.get(table)
        if known is not None and known[0] == state:
            return known[1]
        count = total = 0
        snapshot = self._database.transactions.take_snapshot()
        try:
            for batch in store.scan(snapshot):
                columns = [column.to_pylist() for column in batch.columns]
                for row in zip(*columns, strict=True) if columns else ():
                    count += 1
                    total += xxh3_64_intdigest(repr(row).encode())
        finally:
            self._database.transactions.release(snapshot)
        found = (count, total & _MASK)
        # A purge's changes carry the LSN that the next record begins at: then a later change may not show in `newest_lsn`.
        if pages.newest_lsn < self._database.core.log.end_lsn():
            self._known[table] = (state, found)
        else:
            self._known.pop(table, None)
        return found
