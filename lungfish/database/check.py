"""Checking an open database: pages and checksums, the trees of its indexes, and every index against its table's rows.

Problems are answered as findings, so one check shows all of them. Requires that nobody writes meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from lungfish.catalog.objects import Table
from lungfish.errors import Error
from lungfish.storage.btree_check import check_btree
from lungfish.storage.check import check_pages
from lungfish.storage.table_build import check_heap, check_index

if TYPE_CHECKING:
    from lungfish.database.database import Database


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check looked at, and what is wrong: nothing, if `problems` is empty."""

    pages_checked: int
    tables_checked: int
    rows_checked: int
    indexes_checked: int
    problems: tuple[str, ...]


def check_database(database: Database, *, is_quick: bool = False) -> CheckReport:
    """Verify everything; with `is_quick` pages and checksums only."""
    pages = check_pages(database.core.store)
    problems = [finding.message for finding in pages.findings]
    tables = rows = indexes = 0
    if not is_quick:
        for table in database.catalog.tables():
            tables += 1
            indexes += len(table.indexes)
            try:
                count, found = _check_table(database, table)
            except Error as error:
                problems.append(f"table {table.name}: {error.message}")
                continue
            rows += count
            problems += found
    return CheckReport(pages.pages_checked, tables, rows, indexes, tuple(problems))


def _check_table(database: Database, table: Table) -> tuple[int, list[str]]:
    """Read every row, and hold each index against them."""
    store = database.stores.get(table)
    snapshot = database.transactions.take_snapshot()
    try:
        row_count = sum(batch.row_count for batch in store.scan(snapshot))
    finally:
        database.transactions.release(snapshot)
    found = []
    checks: list[tuple[str, Callable[[], object]]] = [("the heap", partial(check_heap, store.rows))]
    for index, stored in zip(table.indexes, store.indexes, strict=True):
        checks.append((f"index {index.name}", partial(check_btree, stored.btree)))
        checks.append((f"index {index.name}", partial(check_index, store.rows, stored)))
    for what, check in checks:
        try:
            check()
        except Error as error:
            found.append(f"{what} of table {table.name}: {error.message}")
    return row_count, found
