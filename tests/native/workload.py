"""Random short statements from several connections, as a program: what it prints is the same whether or not the compiled modules are in use.

    python -m tests.native.workload SEED COUNT      # the answers, one JSON line each

Statements look rows up by key and change them, within transactions of both levels that see each other's changes, with savepoints,
rollbacks, changes of keys, checkpoints, a small buffer pool and openings after a crash in between.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lungfish
from lungfish.database.options import DatabaseOptions
from lungfish.storage.heap import Heap
from lungfish.storage.heap_page import HEADER_SIZE
from lungfish.storage.ids import PageId
from lungfish.storage.relation_pages import PageMiss, RelationPages

CONNECTIONS = 3
KEYS = 40

TABLES = (
    "CREATE TABLE plain (id integer PRIMARY KEY, n integer, name text)",
    "CREATE TABLE pairs (a integer, b smallint, n bigint NOT NULL, t text, PRIMARY KEY (a, b))",
    "CREATE TABLE words (word text PRIMARY KEY, n bigint, half double precision, is_on boolean)",
    "CREATE TABLE wide (id bigint PRIMARY KEY, long text, raw bytea, amount numeric(10, 2), at timestamp, n integer)",
    "CREATE TABLE sparse (gone integer, id integer UNIQUE, n smallint, body text)",
    # Small pages and long keys: a range goes over several leaves.
    "CREATE TABLE lines (a integer, b text, c bigint, n integer, at timestamp, note text, d integer, PRIMARY KEY (a, b, c))",
    # Values of all lengths: pages get full, long values move to overflow pages and back.
    "CREATE TABLE notes (id integer PRIMARY KEY, title text, n integer, body text, raw bytea)",
    "CREATE INDEX notes_title ON notes (title)",
    "CREATE INDEX lines_n ON lines (n, c)",
    "CREATE INDEX plain_n ON plain (n)",
    "CREATE INDEX pairs_t ON pairs (t DESC, n)",
    "CREATE UNIQUE INDEX wide_n ON wide (n)",
    "CREATE INDEX sparse_few ON sparse (n) WHERE n > 5",
    "ALTER TABLE sparse DROP COLUMN gone",
)


class Workload:
    """One run."""

    def __init__(self, seed: int, path: Path) -> None:
        self.random = random.Random(seed)
        self.path = path
        self.has_crashed = False
        self.database = self._open()
        self.connections = self._connect()
        for sql in TABLES:
            self.connections[0].execute(sql)

    def _open(self) -> lungfish.Database:
        return lungfish.open(
            self.path,
            options=DatabaseOptions(
                page_size_bytes=4096, buffer_bytes=96 << 10, checkpoint_wal_bytes=0
            ),
        )

    def _connect(self) -> list[lungfish.Connection]:
        found = [self.database.connect(autocommit=True) for _ in range(CONNECTIONS)]
        for each in found:
            each.execute("SET lock_timeout = 1")
        return found

    def answers(self, count: int) -> Iterator[Any]:
        """What each step says."""
        for _ in range(count):
            step = self.random.choices(
                (self._statement, self._moved, self._burst, self._control, self._rare),
                (50, 4, 2, 8, 0.4),
            )[0]
            yield step()
        for connection in self.connections:
            connection.rollback()
        yield [*self._state(), None if self.has_crashed else self._pages()]
        self.database.close()

    def _state(self) -> Any:
        """All rows, by way of the table and of each index."""
        connection = self.connections[0]
        found = [
            self._ask(connection, f"SELECT * FROM {table} ORDER BY 1, 2, 3", None)
            for table in ("plain", "pairs", "words", "wide", "sparse", "lines", "notes")
        ]
        found.append(
            self._ask(connection, "SELECT id FROM plain WHERE n >= -5 ORDER BY n, id", None)
        )
        return [found, self.database.check("full").problems]

    def _pages(self) -> list[str]:
        """What is on the pages of all tables and indexes. A restart puts rows in another order, by the numbers of their writers, which are others."""
        found = []
        for store in self.connections[0].session.database.stores.all():
            heap = store.rows.heap
            trees = [index.btree.pages for index in store.rows.indexes]
            for pages in (heap.pages, *trees):
                content = hashlib.sha256()
                for number in range(pages.page_count):
                    page = page_content(pages, PageId(number))
                    content.update(without_writers(page, heap) if pages is heap.pages else page)
                found.append(f"{store.rows.name} {pages.relation_id} {content.hexdigest()}")
        return found

    def _ask(self, connection: lungfish.Connection, sql: str, values: Any) -> Any:
        try:
            cursor = connection.execute(sql, values)
            rows = None if cursor.description is None else [list(map(repr, row)) for row in cursor]
            return [cursor.statusmessage, cursor.rowcount, rows]
        except lungfish.Error as error:
            return [type(error).__name__, error.sqlstate, str(error).splitlines()[0]]

    def _statement(self) -> Any:
        connection = self.random.choice(self.connections)
        if connection.transaction_status == "failed" and self.random.random() < 0.8:
            connection.rollback()
        sql, values = self.random.choice(STATEMENTS)(self)
        if values and self.random.random() < 0.15:
            # The same with literals in the text.
            for value in values:
                sql = sql.replace("?", literal(value), 1)
            values = None
        return [sql, self._ask(connection, sql, values)]

    def _moved(self) -> Any:
        """A row gets another key; then the old one is asked for, whose index entry stays while an older version of the row does."""
        connection = self.random.choice(self.connections)
        if connection.transaction_status == "failed":
            connection.rollback()
        old, new = self.random.randrange(KEYS), self.random.randrange(KEYS)
        steps: list[tuple[str, tuple[Any, ...]]] = [
            ("UPDATE plain SET id = ? WHERE id = ?", (new, old)),
            ("UPDATE plain SET name = ? WHERE id = ?", ("moved", old)),
            ("SELECT id, name FROM plain WHERE id = ?", (old,)),
            ("DELETE FROM plain WHERE id = ?", (old,)),
        ]
        return [self._ask(connection, sql, values) for sql, values in steps]

    def _burst(self) -> Any:
        """A transaction that nobody else is in the way of, so that most of its statements take one step."""
        for connection in self.connections:
            connection.rollback()
        connection = self.random.choice(self.connections)
        level = self.random.choice(("READ COMMITTED", "REPEATABLE READ"))
        steps: list[tuple[str, tuple[Any, ...] | None]] = [
            (f"BEGIN ISOLATION LEVEL {level}", None),
            ("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING", self.line()),
            *(self.random.choice((*RANGES, *NOTES, *NOTES))(self) for _ in range(10)),
            (self.random.choice(("COMMIT", "ROLLBACK")), None),
        ]
        return [self._ask(connection, sql, values) for sql, values in steps]

    def _control(self) -> Any:
        connection = self.random.choice(self.connections)
        sql = self.random.choice(
            (
                "BEGIN",
                "BEGIN ISOLATION LEVEL REPEATABLE READ",
                "COMMIT",
                "COMMIT",
                "ROLLBACK",
                "SAVEPOINT one",
                "ROLLBACK TO one",
                "RELEASE one",
            )
        )
        return [sql, self._ask(connection, sql, None)]

    def _rare(self) -> Any:
        kind = self.random.choice(("checkpoint", "crash", "vacuum", "index", "check"))
        if kind == "crash":
            pages = None if self.has_crashed else self._pages()
            self.has_crashed = True
            self.database.crash()
            self.database = self._open()
            self.connections = self._connect()
            return [kind, pages]
        # Not where another transaction would have to be waited for.
        for connection in self.connections:
            connection.rollback()
        if kind == "check":
            return [kind, self.database.check("full").problems]
        sql = {
            "checkpoint": "CHECKPOINT",
            "vacuum": "VACUUM",
            "index": "CREATE INDEX IF NOT EXISTS words_n ON words (n)",
        }[kind]
        self._ask(self.connections[0], sql, None)
        return kind

    # Values

    def key(self) -> Any:
        """Mostly a key that is there or may be; at times one out of range, NULL or of another type."""
        if self.random.random() < 0.04:
            return self.random.choice((None, 2**31, -(2**40), 2**63, 1.5, True, "7"))
        return self.random.randrange(KEYS)

    def number(self) -> Any:
        if self.random.random() < 0.05:
            return self.random.choice((None, 2**31 - 1, -(2**31), 2**15, 2**62))
        return self.random.randrange(-9, 10)

    def few(self) -> Any:
        """One of few numbers, so that many rows have it."""
        return self.random.randrange(3) if self.random.random() < 0.96 else self.number()

    def long_text(self) -> str:
        """One of few texts, most of them long."""
        return self.random.choice(
            ("", "short", "one text that is long " * 4, "one text that is long " * 4 + "er")
        )

    def line(self) -> tuple[Any, ...]:
        """A row of `lines`."""
        note = self.random.choice((None, "x", "y", self.text()))
        return self.few(), self.long_text(), self.number(), self.number(), "2026-01-02 03:04", note

    def note(self) -> Any:
        """A text that may be NULL, in its row, on its page, or, from 1,024 bytes or where the page is full, on one or several others."""
        size = self.random.choice(
            (None, 0, 9, 12, 13, 100, 300, 300, 700, 1000, 1030, 2500, 4100, 9000)
        )
        return None if size is None else self.random.choice("abc") * size

    def raw(self) -> Any:
        """Bytes that may be long."""
        note = self.note()
        return None if note is None else note.encode()

    def text(self) -> Any:
        size = self.random.choice((0, 3, 11, 12, 13, 40, 40, 500))
        if self.random.random() < 0.05:
            return self.random.choice(
                (None, "\U0001f41f\U0001f41f\U0001f41f\U0001f41f", "ü" * 7, "a'b")
            )
        return "".join(self.random.choice("abcü") for _ in range(size))


Maker = Callable[[Workload], "tuple[str, tuple[Any, ...] | None]"]

# Rows of few keys that get longer and shorter.
NOTES: tuple[Maker, ...] = (
    lambda w: ("INSERT INTO notes VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", (w.key(), w.long_text(), w.number(), w.note(), w.raw())),
    lambda w: ("INSERT INTO notes VALUES (?, ?, ?, ?, ?)", (w.key(), w.long_text(), w.number(), w.note(), None)),
    lambda w: ("UPDATE notes SET body = ? WHERE id = ?", (w.note(), w.key())),
    lambda w: ("UPDATE notes SET body = ? WHERE id = ? RETURNING n, body", (w.note(), w.key())),
    lambda w: ("UPDATE notes SET body = ?, raw = ? WHERE id = ? RETURNING raw", (w.note(), w.raw(), w.key())),
    lambda w: ("UPDATE notes SET raw = ?, n = n + 1, body = NULL WHERE id = ?", (w.raw(), w.key())),
    lambda w: ("UPDATE notes SET n = n + 1 WHERE id = ? RETURNING title, n", (w.key(),)),
    lambda w: ("UPDATE notes SET title = ? WHERE id = ?", (w.long_text(), w.key())),
    lambda w: ("UPDATE notes SET body = ? WHERE id >= ? AND id < ?", (w.note(), w.key(), w.key())),
    lambda w: ("UPDATE notes SET n = n + 1 WHERE id >= ? AND id < ? RETURNING id, n", (w.key(), w.key())),
    lambda w: ("SELECT title, n, body FROM notes WHERE id = ?", (w.key(),)),
    lambda w: ("SELECT n, raw FROM notes WHERE id = ?", (w.key(),)),
    lambda w: ("SELECT id, body, raw FROM notes WHERE title = ? ORDER BY id", (w.long_text(),)),
    lambda w: ("DELETE FROM notes WHERE id = ? RETURNING n, body", (w.key(),)),
    lambda w: ("DELETE FROM notes WHERE id >= ? AND id < ? AND n > 3", (w.key(), w.key())),
)  # fmt: skip

# Statements about the few rows of a range of an index, and joins that look keys up.
RANGES: tuple[Maker, ...] = (
    lambda w: ("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, 0)", w.line()),
    lambda w: ("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING", w.line()),
    lambda w: ("SELECT * FROM lines WHERE a = ? ORDER BY b, c", (w.few(),)),
    lambda w: ("SELECT c, n FROM lines WHERE a = ? AND b = ? ORDER BY c DESC LIMIT 3", (w.few(), w.long_text())),
    lambda w: ("SELECT c FROM lines WHERE a = ? AND b = ? AND c >= ? AND c < ? ORDER BY c", (w.few(), w.long_text(), w.number(), w.number())),
    lambda w: ("SELECT b, c FROM lines WHERE a > ? AND a <= ? AND n < ?", (w.few(), w.few(), w.number())),
    lambda w: ("SELECT b, c FROM lines WHERE a = ? AND b > ? ORDER BY b DESC, c DESC LIMIT ? OFFSET ?", (w.few(), w.long_text(), w.few(), w.few())),
    lambda w: ("SELECT c FROM lines WHERE a = ? AND b = ? AND NOT (n = ? OR note IS NULL OR note = 'x')", (w.few(), w.long_text(), w.number())),
    lambda w: ("SELECT min(c), max(c), count(*), sum(c), sum(n), max(at) FROM lines WHERE a = ? AND b = ?", (w.few(), w.long_text())),
    lambda w: ("SELECT count(*) FILTER (WHERE n > 0), count(DISTINCT n), sum(DISTINCT c) FROM lines WHERE a = ?", (w.few(),)),
    lambda w: ("SELECT min(c) FROM lines WHERE n = ?", (w.number(),)),
    lambda w: ("SELECT max(c) FROM lines WHERE n = ?", (w.number(),)),
    lambda w: ("SELECT max(id), min(id) FROM plain", ()),
    lambda w: ("SELECT n, id FROM plain WHERE id >= ? AND id < ? ORDER BY n, id DESC", (w.key(), w.key())),
    lambda w: ("SELECT id, n FROM plain WHERE id > ? ORDER BY id LIMIT 2", (w.key(),)),
    lambda w: ("SELECT id, n FROM plain WHERE id <= ? ORDER BY id DESC LIMIT 2", (w.key(),)),
    lambda w: ("UPDATE lines SET d = ? WHERE a = ? AND b = ?", (w.number(), w.few(), w.long_text())),
    lambda w: ("UPDATE lines SET d = d + c, note = NULL WHERE a = ? AND b = ? AND c > ? RETURNING c, d, note", (w.few(), w.long_text(), w.number())),
    lambda w: ("UPDATE lines SET note = ? WHERE a = ? AND b = ? AND c < ? RETURNING c, note", (w.random.choice(("x", "y", None)), w.few(), w.long_text(), w.number())),
    lambda w: ("UPDATE lines SET n = n + 1 WHERE a = ? AND n < ?", (w.few(), w.number())),
    lambda w: ("DELETE FROM lines WHERE a = ? AND b = ? AND c > ? RETURNING *", (w.few(), w.long_text(), w.number())),
    lambda w: ("UPDATE pairs SET n = n + ? WHERE a = ? RETURNING b, n", (w.number(), w.key())),
    lambda w: ("DELETE FROM pairs WHERE a = ? AND n > ?", (w.key(), w.number())),
    lambda w: ("SELECT count(DISTINCT p.id), min(p.id) FROM pairs q JOIN plain p ON p.id = q.b WHERE q.a = ? AND p.n < ?", (w.key(), w.number())),
    lambda w: ("SELECT q.b, p.name FROM pairs q LEFT JOIN plain p ON p.id = q.n AND p.n <> q.b WHERE q.a = ? ORDER BY q.b", (w.key(),)),
    lambda w: ("SELECT b FROM pairs q WHERE a = ? AND EXISTS (SELECT 1 FROM plain p WHERE p.id = q.b + 1) ORDER BY b", (w.key(),)),
    lambda w: ("SELECT b FROM pairs q WHERE a = ? AND NOT EXISTS (SELECT 1 FROM plain p WHERE p.id = q.n) ORDER BY b", (w.key(),)),
)  # fmt: skip

STATEMENTS: tuple[Maker, ...] = (
    lambda w: ("SELECT name, n FROM plain WHERE id = ?", (w.key(),)),
    lambda w: ("SELECT * FROM pairs WHERE a = ? AND b = ?", (w.key(), w.random.randrange(3))),
    lambda w: ("SELECT n, half, is_on, word FROM words WHERE word = ?", (f"w{w.key()}",)),
    lambda w: ("SELECT long, raw, amount, at, n FROM wide WHERE id = ?", (w.key(),)),
    lambda w: ("SELECT id, body FROM sparse WHERE id = ?", (w.key(),)),
    lambda w: ("SELECT min(n), max(n), sum(n), count(DISTINCT n), count(*) FROM pairs WHERE a = ?", (w.key(),)),
    lambda w: ("SELECT id, n FROM plain WHERE n = ? ORDER BY id", (w.number(),)),
    lambda w: ("INSERT INTO plain VALUES (?, ?, ?)", (w.key(), w.number(), w.text())),
    lambda w: ("INSERT INTO plain VALUES (?, ?, ?) RETURNING id, n + 1, name", (w.key(), w.number(), w.text())),
    lambda w: ("INSERT INTO pairs VALUES (?, ?, ?, ?)", (w.key(), w.random.randrange(3), w.number(), w.text())),
    lambda w: ("INSERT INTO words VALUES (?, ?, ?, ?)", (f"w{w.key()}", w.number(), w.random.random(), w.random.random() < 0.5)),
    lambda w: (
        "INSERT INTO wide VALUES (?, ?, ?, ?, ?, ?)",
        (w.key(), w.text(), b"\x00\xff" * w.random.randrange(9), w.random.randrange(999), "2026-01-01 10:00", w.random.randrange(400)),
    ),
    lambda w: ("INSERT INTO sparse VALUES (?, ?, ?)", (w.key(), w.number(), w.text())),
    lambda w: ("UPDATE plain SET name = ? WHERE id = ?", (w.text(), w.key())),
    lambda w: ("UPDATE plain SET n = n + ? WHERE id = ? RETURNING id, n", (w.number(), w.key())),
    lambda w: ("UPDATE pairs SET n = ? WHERE a = ? AND b = ?", (w.number(), w.key(), w.random.randrange(3))),
    lambda w: ("UPDATE words SET n = n * ? - 1 WHERE word = ? RETURNING n, half", (w.number(), f"w{w.key()}")),
    lambda w: (
        "UPDATE words SET n = CASE WHEN n >= ? THEN n - ? ELSE n + 91 END, is_on = ? WHERE word = ?",
        (w.number(), w.number(), w.random.random() < 0.5, f"w{w.key()}"),
    ),
    lambda w: ("UPDATE wide SET long = ?, raw = ? WHERE id = ?", (w.text(), b"x" * w.random.randrange(20), w.key())),
    lambda w: ("UPDATE wide SET n = ?, amount = amount + 1 WHERE id = ?", (w.random.randrange(400), w.key())),
    lambda w: ("UPDATE sparse SET body = ?, n = ? WHERE id = ?", (w.text(), w.number(), w.key())),
    lambda w: ("UPDATE pairs SET a = a + 1 WHERE a = ? AND b = ?", (w.key(), w.random.randrange(3))),
    *RANGES,
    *NOTES,
    lambda w: ("DELETE FROM plain WHERE id = ?", (w.key(),)),
    lambda w: ("DELETE FROM pairs WHERE a = ? AND b = ? RETURNING n, t", (w.key(), w.random.randrange(3))),
    lambda w: ("DELETE FROM words WHERE word = ?", (f"w{w.key()}",)),
    lambda w: ("DELETE FROM wide WHERE id = ? RETURNING id", (w.key(),)),
    lambda w: ("DELETE FROM sparse WHERE id = ?", (w.key(),)),
)  # fmt: skip


def page_content(pages: RelationPages, page_id: PageId) -> bytes:
    """A page as it is now."""
    while True:
        try:
            with pages.latch:
                return bytes(pages.fetch(page_id).data)
        except PageMiss as miss:
            pages.load(miss.page_id)


def without_writers(page: bytes, heap: Heap) -> bytes:
    """A heap's page without the numbers of transactions: these depend on what else has asked for one. And without the places of overflowed values,
    which depend on the pages that are in memory.
    """
    content = bytearray(page)
    content[HEADER_SIZE - 8 : HEADER_SIZE] = bytes(8)
    for slot in range(heap.format.slot_count(content)):
        offset = heap.format.row_offset(slot)
        content[offset : offset + 8] = bytes(8)
        for view, _, number, _ in list(heap.layout.long_views(content, offset)):
            if number:
                content[offset + view + 8 : offset + view + 16] = bytes(8)
    return bytes(content)


def literal(value: Any) -> str:
    """A value as SQL has it."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    return repr(value)


def main() -> None:
    """Run and print."""
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        for answer in Workload(seed, Path(folder) / "w.db").answers(count):
            print(json.dumps(answer))


if __name__ == "__main__":
    main()
