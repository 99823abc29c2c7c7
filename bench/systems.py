"""The three systems behind one small face: open, execute, commit, close."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Protocol

import duckdb

import lungfish


class System(Protocol):
    """How a benchmark talks to a system. Transactions are begun and ended by SQL."""

    name: str

    def open(self, folder: Path) -> Any: ...
    def many(self, connection: Any, sql: str, rows: list[tuple[Any, ...]]) -> None: ...


class Lungfish:
    name = "lungfish"

    def open(self, folder: Path) -> Any:
        return lungfish.connect(str(folder / "bench.db"), autocommit=True)

    def many(self, connection: Any, sql: str, rows: list[tuple[Any, ...]]) -> None:
        connection.executemany(sql, rows)


class Sqlite:
    name = "sqlite3"

    def open(self, folder: Path) -> Any:
        connection = sqlite3.connect(
            folder / "bench.sqlite", isolation_level=None, check_same_thread=False, timeout=60
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def many(self, connection: Any, sql: str, rows: list[tuple[Any, ...]]) -> None:
        connection.execute("BEGIN")
        connection.executemany(sql, rows)
        connection.execute("COMMIT")


class Duckdb:
    name = "duckdb"

    def open(self, folder: Path) -> Any:
        return duckdb.connect(str(folder / "bench.duckdb"))

    def many(self, connection: Any, sql: str, rows: list[tuple[Any, ...]]) -> None:
        connection.execute("BEGIN")
        connection.executemany(sql, rows)
        connection.execute("COMMIT")


SYSTEMS: dict[str, System] = {"lungfish": Lungfish(), "sqlite3": Sqlite(), "duckdb": Duckdb()}
