"""Lanes: whole prepared statements about a row or two, run in one uninterrupted call of compiled code.

A lane is only ever a shortcut: it does the whole statement or says that it will not, having done nothing; then the statement's row
pipeline does it (`row_pipeline.py`). So it raises no error of its own: what would be one, it leaves to the pipeline, which words it.

Compiled code that runs no Python code keeps the interpreter's lock from its beginning to its end. So to all other threads a lane is a
single step, and takes no mutex, latch or fence: it looks whether somebody holds one just now, and if so leaves the statement alone.
"""

from __future__ import annotations

from typing import Protocol

from lungfish.catalog.catalog import Catalog
from lungfish.executor.context import Row, TableProvider
from lungfish.planner.physical import PhysicalStatement
from lungfish.storage.transactions import Transaction


class Lane(Protocol):
    """One statement with its plan, for any parameters of the types that it was planned for."""

    def run(self, values: Row, transaction: Transaction | None) -> list[Row] | int | None:
        """The rows that the statement gives, or how many it has changed if it gives none; None: not done.

        `values` are internal ones. Without a transaction the statement, which only reads, is one by itself; with one that is READ COMMITTED it
        sees what is committed now, else what `transaction.snapshot` sees, which is there.

        Requires: the statement's table locks are held (without a transaction: nobody wants a lock that conflicts), the transaction
        is RUNNING, not expired, and may write if the statement does.
        """


def make_lane(statement: PhysicalStatement, catalog: Catalog, tables: TableProvider) -> Lane | None:
    """The statement's lane; None if it has none."""
    return None
