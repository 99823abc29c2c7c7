"""A SQLite database into ours: tables with their rows, keys, indexes; every value that breaks its declared type is told.

    1. tables   declared types mapped (`sqlite_types.py`), NOT NULL, defaults that are constants
    2. rows     each under its rowid; what does not fit goes into the report
    3. keys     primary keys, unique constraints, indexes; foreign keys, whose orphans are told before

What cannot be carried over (views, triggers, indexes over expressions, CHECKs) is listed in the report's notes.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lungfish.catalog.objects import Table
from lungfish.connection.connection import Connection
from lungfish.errors import BadCopyFileFormat, Error, UndefinedFile, UndefinedTable
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.transfer.report import BadValue, LoadReport
from lungfish.transfer.row_sink import RowSink, SourceRow
from lungfish.transfer.sqlite_types import Misfit, text_writer, type_of_declaration, type_of_values

_CONSTANT = re.compile(r"[+-]?\d+(?:\.\d+)?|'(?:[^']|'')*'|null|true|false", re.IGNORECASE)
_WITHOUT_ROWID = re.compile(r"\)\s*(?:strict\s*,\s*)?without\s+rowid\b", re.IGNORECASE)
_CLOCKS = {
    "current_timestamp": "CURRENT_TIMESTAMP",
    "current_date": "CURRENT_DATE",
    "current_time": "CURRENT_TIME",
}
_BOOLEANS = {"0": "false", "1": "true"}


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    kind: str
    is_not_null: bool
    default: str | None
    # Its place in the primary key, from 1; 0: none.
    key_place: int


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: tuple[_Column, ...]
    has_rowid: bool

    @property
    def key(self) -> list[str]:
        keyed = sorted(
            (column.key_place, column.name) for column in self.columns if column.key_place
        )
        return [name for _, name in keyed]

    @property
    def counts_itself(self) -> bool:
        """Whether its key is an alias of the rowid, which SQLite fills in."""
        keyed = [column for column in self.columns if column.key_place]
        return self.has_rowid and len(keyed) == 1 and keyed[0].kind == "bigint"


def load_sqlite(connection: Connection, path: str, only: str | None, report: LoadReport) -> None:
    """Load a SQLite database, or one table of it. Raises UndefinedFile, UndefinedTable, BadCopyFileFormat."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise UndefinedFile(f"{path}: no such file")
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as source:
            source.text_factory = _text_or_bytes
            _Import(connection, source, report).run(only)
    except sqlite3.DatabaseError as error:
        raise BadCopyFileFormat(f"{path} cannot be read as a SQLite database: {error}") from error


def _text_or_bytes(data: bytes) -> str | bytes:
    """A text; one that is no UTF-8 as the bytes that it is, which then fit no text column."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


class _Import:
    def __init__(
        self, connection: Connection, source: sqlite3.Connection, report: LoadReport
    ) -> None:
        self._connection = connection
        self._source = source
        self._report = report

    def run(self, only: str | None) -> None:
        names = [
            str(name)
            for (name,) in self._source.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            )
        ]
        if only is not None:
            names = [name for name in names if name == only]
            if not names:
                raise UndefinedTable(f'the SQLite database has no table "{only}"')
        tables = [self._describe(name) for name in names]
        for table in tables:
            self._create(table)
        for table in tables:
            self._copy(table)
        for table in tables:
            self._add_keys(table)
        for table in tables:
            self._add_foreign_keys(table, names)
        self._note_what_stays()

    # 1. Tables.

    def _describe(self, name: str) -> _Table:
        rows = self._source.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
        sql = str(
            self._source.execute(
                "SELECT sql FROM sqlite_master WHERE name = ?", (name,)
            ).fetchone()[0]
        )
        columns = []
        for _, column, declared, is_not_null, default, key_place, hidden in rows:
            if hidden:
                self._report.notes.append(
                    f"column {name}.{column} is generated in SQLite: its values are loaded, not its rule"
                )
            kind = self._type(name, str(column), str(declared))
            columns.append(
                _Column(
                    str(column), kind, bool(is_not_null), self._default(name, column, default, kind),
                    int(key_place),
                )
            )  # fmt: skip
        has_rowid = _WITHOUT_ROWID.search(sql) is None
        return _Table(name, tuple(columns), has_rowid)

    def _type(self, table: str, column: str, declared: str) -> str:
        kind = type_of_declaration(declared) if declared else None
        if kind is not None:
            return kind
        found = self._source.execute(
            f"SELECT DISTINCT typeof({_quoted(column)}) FROM {_quoted(table)}"
        )
        kind = type_of_values({str(name) for (name,) in found})
        why = f'the declared type "{declared}" is not known' if declared else "no type is declared"
        self._report.notes.append(f"column {table}.{column} is {kind}, by its values: {why}")
        return kind

    def _default(self, table: str, column: str, text: str | None, kind: str) -> str | None:
        """A default that means the same here; others are noted."""
        if text is None:
            return None
        bare = text.strip()
        if bare.lower() in _CLOCKS:
            return _CLOCKS[bare.lower()]
        if kind == "boolean" and bare in _BOOLEANS:
            return _BOOLEANS[bare]
        if bare.startswith('"') and bare.endswith('"'):
            # SQLite takes a name that names nothing for a text.
            return quote_literal(bare[1:-1].replace('""', '"'))
        if _CONSTANT.fullmatch(bare):
            return bare
        self._report.notes.append(f"default of {table}.{column} is left out: {text}")
        return None

    def _create(self, table: _Table) -> None:
        lines = []
        for column in table.columns:
            line = f"    {quote_identifier(column.name)} {column.kind}"
            if column.key_place and table.counts_itself:
                line += " GENERATED BY DEFAULT AS IDENTITY"
            elif column.default is not None:
                line += f" DEFAULT {column.default}"
            lines.append(line)
        body = ",\n".join(lines)
        self._connection.execute(f"CREATE TABLE {quote_identifier(table.name)} (\n{body}\n)")

    def _table(self, name: str) -> Table:
        found = self._connection._session.catalog.find_relation(name)
        assert isinstance(found, Table), "it was made just now"
        return found

    # 2. Rows.

    def _copy(self, table: _Table) -> None:
        made = self._table(table.name)
        sink = RowSink(self._connection, made, made.columns, self._report)
        writers = [text_writer(column.kind) for column in table.columns]
        sink.load(self._rows(table, sink, writers))
        if table.counts_itself:
            key = quote_identifier(table.key[0])
            name = quote_identifier(table.name)
            self._connection.execute(
                f"SELECT setval(pg_get_serial_sequence({quote_literal(name)}, {quote_literal(table.key[0])}),"
                f" max({key})) FROM {name} HAVING max({key}) > 0"
            )

    def _rows(
        self, table: _Table, sink: RowSink, writers: Sequence[Callable[[object], str | None]]
    ) -> Iterator[SourceRow]:
        names = ", ".join(_quoted(column.name) for column in table.columns)
        label = "rowid" if table.has_rowid else ", ".join(_quoted(name) for name in table.key)
        label_count = 1 if table.has_rowid else len(table.key)
        for row in self._source.execute(f"SELECT {label}, {names} FROM {_quoted(table.name)}"):
            labelled = ", ".join(str(part) for part in row[:label_count])
            fields: list[str | None] = []
            is_good = True
            for column, writer, value in zip(
                table.columns, writers, row[label_count:], strict=True
            ):
                try:
                    written = writer(value)
                    if written is None and column.is_not_null:
                        raise Misfit("null where NOT NULL is declared")
                    fields.append(written)
                except Misfit as misfit:
                    sink.refuse(labelled, column.name, _shown(value), str(misfit))
                    fields.append(None)
                    is_good = False
            if is_good:
                yield labelled, fields
            else:
                # Its other values may be wrong too.
                sink.examine(labelled, fields)

    # 3. Keys.

    def _add_keys(self, table: _Table) -> None:
        name = quote_identifier(table.name)
        for column in table.columns:
            if column.is_not_null:
                self._connection.execute(
                    f"ALTER TABLE {name} ALTER COLUMN {quote_identifier(column.name)} SET NOT NULL"
                )
        if table.key:
            columns = ", ".join(map(quote_identifier, table.key))
            self._try(
                f"primary key of {table.name}", f"ALTER TABLE {name} ADD PRIMARY KEY ({columns})"
            )
        for _, index, is_unique, origin, is_partial in self._source.execute(
            "SELECT * FROM pragma_index_list(?)", (table.name,)
        ).fetchall():
            if origin == "pk":
                continue
            columns_of = self._source.execute(
                'SELECT name, "desc" FROM pragma_index_xinfo(?) WHERE key', (index,)
            ).fetchall()
            if is_partial or any(column is None for column, _ in columns_of):
                self._report.notes.append(
                    f"index {index} is left out: it is partial or of expressions"
                )
                continue
            keys = ", ".join(
                quote_identifier(str(column)) + (" DESC" if descends else "")
                for column, descends in columns_of
            )
            if origin == "u":
                self._try(
                    f"unique constraint of {table.name}", f"ALTER TABLE {name} ADD UNIQUE ({keys})"
                )
            else:
                unique = "UNIQUE " if is_unique else ""
                self._try(
                    f"index {index}",
                    f"CREATE {unique}INDEX {quote_identifier(str(index))} ON {name} ({keys})",
                )

    def _add_foreign_keys(self, table: _Table, names: Sequence[str]) -> None:
        found: dict[int, list[tuple[str, str, str | None, str, str]]] = {}
        for number, _, parent, column, target, on_update, on_delete, _ in self._source.execute(
            "SELECT * FROM pragma_foreign_key_list(?) ORDER BY id, seq", (table.name,)
        ):
            found.setdefault(number, []).append((parent, column, target, on_update, on_delete))
        for parts in found.values():
            parent = next((name for name in names if name.lower() == parts[0][0].lower()), None)
            columns = [column for _, column, _, _, _ in parts]
            what = f"foreign key of {table.name} ({', '.join(columns)})"
            if parent is None:
                self._report.notes.append(f"{what} is left out: there is no table {parts[0][0]}")
                continue
            targets = [str(target) for _, _, target, _, _ in parts if target is not None]
            targets = targets or self._describe(parent).key
            if self._has_orphans(table, parent, columns, targets):
                continue
            self._try(
                what,
                f"ALTER TABLE {quote_identifier(table.name)} ADD FOREIGN KEY"
                f" ({', '.join(map(quote_identifier, columns))}) REFERENCES {quote_identifier(parent)}"
                f" ({', '.join(map(quote_identifier, targets))})"
                f" ON UPDATE {parts[0][3]} ON DELETE {parts[0][4]}",
            )

    def _has_orphans(
        self, table: _Table, parent: str, columns: Sequence[str], targets: Sequence[str]
    ) -> bool:
        """Report the rows that refer to nothing."""
        joined = " AND ".join(
            f"c.{_quoted(column)} = p.{_quoted(target)}"
            for column, target in zip(columns, targets, strict=True)
        )
        whole = " AND ".join(f"c.{_quoted(column)} IS NOT NULL" for column in columns)
        label = (
            "c.rowid"
            if table.has_rowid
            else " || ', ' || ".join(f"c.{_quoted(name)}" for name in table.key)
        )
        shown = " || ', ' || ".join(f"c.{_quoted(column)}" for column in columns)
        orphans = self._source.execute(
            f"SELECT {label}, {shown} FROM {_quoted(table.name)} c"
            f" WHERE {whole} AND NOT EXISTS (SELECT 1 FROM {_quoted(parent)} p WHERE {joined})"
        ).fetchall()
        for row, value in orphans:
            reason = f"refers to a row that {parent} has not"
            self._report.bad.append(
                BadValue(table.name, str(row), ", ".join(columns), _shown(value), reason)
            )
        if orphans:
            self._report.notes.append(f"foreign key of {table.name} to {parent} is left out")
        return bool(orphans)

    def _try(self, what: str, statement: str) -> None:
        """Add a key. One that the rows break is noted."""
        try:
            with self._connection.transaction():
                self._connection.execute(statement)
        except Error as error:
            detail = f" ({error.detail})" if error.detail else ""
            self._report.notes.append(f"{what} is left out: {error.message}{detail}")
            self._report.failed.append(f"{what}: {error.message}{detail}")

    def _note_what_stays(self) -> None:
        for kind, name in self._source.execute(
            "SELECT type, name FROM sqlite_master WHERE type IN ('view', 'trigger')"
        ):
            self._report.notes.append(f"{kind} {name} is left out")
        for (name,) in self._source.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%CHECK%(%'"
        ):
            self._report.notes.append(
                f"table {name} may have CHECK constraints, which are left out"
            )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _shown(value: object) -> str | None:
    if value is None:
        return None
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
