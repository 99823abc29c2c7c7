"""A database on a disk in memory, with a clock that is moved by hand: for tests of images through SQL and kills."""

from __future__ import annotations

from typing import Any

import lungfish
from lungfish.database import DatabaseOptions
from lungfish.storage.btree_check import check_btree
from lungfish.storage.clock import ManualClock
from lungfish.storage.disk import Disk
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.table_build import check_heap, check_index

PATH = "app.db"


class World:
    """A database on a disk in memory, with a clock that is moved by hand."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.clock = ManualClock()
        self.options = DatabaseOptions(
            disk=disk or MemoryDisk(),
            clock=self.clock,
            page_size_bytes=4096,
            wal_segment_bytes=64 * 1024,
            checkpoint_wal_bytes=0,
        )
        self.reopen()

    def reopen(self) -> None:
        """Open the database as the disk has it now."""
        self.database = lungfish.open(PATH, options=self.options)
        self.connection = self.database.connect(autocommit=True)

    def kill(self) -> None:
        """End as a killed process does, and open again."""
        self.database.crash()
        self.connection.close()
        self.reopen()

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement; answers its rows."""
        cursor = self.connection.execute(sql)
        return cursor.fetchall() if cursor.description else []

    def images(self) -> list[tuple[Any, ...]]:
        """Names and states, oldest first."""
        return self.run("SELECT name, state FROM lungfish.checkpoint_images")

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.crash()
        self.connection.close()

    def check(self) -> None:
        """Everything is whole."""
        assert self.database.check().problems == ()

    def check_tables(self) -> None:
        """Every page that is in use is whole, every index agrees with its table. Kept images are not looked at."""
        database = self.database._database
        for table in database.catalog.tables():
            store = database.stores.get(table)
            check_heap(store.rows)
            for index in store.indexes:
                check_btree(index.btree)
                check_index(store.rows, index)
