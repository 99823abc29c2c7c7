"""The two sides that are compared: PostgreSQL and Lungfish, each answering a statement as texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
from psycopg.pq import ExecStatus

import lungfish

Row = tuple[str | None, ...]
INTERNAL = "XX000"
_COPY_OUT = re.compile(r"\s*copy\b.*\bto\s+stdout\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave: a tag with columns and rows where it returns some, or an SQLSTATE with its message."""

    tag: str = ""
    columns: tuple[str, ...] | None = None
    types: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    sqlstate: str | None = None
    message: str = ""

    def summary(self, row_count_max: int = 6) -> str:
        """One line for a report."""
        if self.sqlstate is not None:
            return f"{self.sqlstate} {self.message}"
        if self.columns is None:
            return self.tag
        heads = ", ".join(
            f"{name} {kind}" for name, kind in zip(self.columns, self.types, strict=True)
        )
        more = "" if len(self.rows) <= row_count_max else f" and {len(self.rows)} rows in all"
        return f"{self.tag} ({heads}): {list(self.rows[:row_count_max])}{more}"


class Side(Protocol):
    """A database that answers statements."""

    def run(self, sql: str) -> Answer: ...
    def close(self) -> None: ...


class PostgresSide:
    """A session of the server, in autocommit."""

    def __init__(self, uri: str) -> None:
        self._connection = psycopg.connect(uri, autocommit=True)
        self._type_names: dict[int, str] = {}

    def run(self, sql: str) -> Answer:
        result = self._connection.pgconn.exec_(sql.encode())
        if result.status == ExecStatus.COPY_OUT:
            return self._copied()
        if result.status not in (
            ExecStatus.TUPLES_OK,
            ExecStatus.COMMAND_OK,
            ExecStatus.EMPTY_QUERY,
        ):
            return Answer(
                sqlstate=_decoded(result.error_field(ord("C"))) or INTERNAL,
                message=_decoded(result.error_field(ord("M"))) or result.error_message.decode(),
            )
        tag = _decoded(result.command_status) or ""
        if result.status != ExecStatus.TUPLES_OK:
            return Answer(tag)
        columns = range(result.nfields)
        rows = tuple(
            tuple(_decoded(result.get_value(row, column)) for column in columns)
            for row in range(result.ntuples)
        )
        names = tuple(_decoded(result.fname(column)) or "" for column in columns)
        types = self._names_of([result.ftype(column) for column in columns])
        return Answer(tag, names, types, rows)

    def _copied(self) -> Answer:
        """What COPY TO STDOUT writes, a row for each line."""
        lines = []
        connection = self._connection.pgconn
        while True:
            length, data = connection.get_copy_data(0)
            if length < 0:
                break
            lines.append((_decoded(bytes(data)),))
        results = []
        while (result := connection.get_result()) is not None:
            results.append(result)
        code = _decoded(results[0].error_field(ord("C")))
        if code is not None:
            return Answer(sqlstate=code, message=_decoded(results[0].error_field(ord("M"))) or "")
        return Answer(_decoded(results[0].command_status) or "", ("copy",), ("text",), tuple(lines))

    def run_script(self, script: str) -> None:
        """Run statements that must not fail."""
        self._connection.execute(script)

    def _names_of(self, oids: Sequence[int]) -> tuple[str, ...]:
        missing = [oid for oid in dict.fromkeys(oids) if oid not in self._type_names]
        if missing:
            texts = ", ".join(f"format_type({oid}, NULL)" for oid in missing)
            found = self._connection.pgconn.exec_(f"SELECT {texts}".encode())
            for index, oid in enumerate(missing):
                # In a failed transaction nothing can be asked; the number stays.
                known = found.status == ExecStatus.TUPLES_OK
                self._type_names[oid] = _decoded(found.get_value(0, index)) or "" if known else ""
        return tuple(self._type_names[oid] for oid in oids)

    def close(self) -> None:
        self._connection.close()


def _decoded(value: bytes | None) -> str | None:
    # A message may quote bytes that are no text.
    return None if value is None else value.decode(errors="replace")


class LungfishSide:
    """A connection to a Lungfish database, in memory unless a path is given."""

    def __init__(self, path: str = ":memory:") -> None:
        self._connection = lungfish.connect(path, autocommit=True)
        self._connection.execute("SET lock_timeout = '1s'; SET statement_timeout = '20s'")

    def run(self, sql: str, parameters: Sequence[Any] | None = None) -> Answer:
        try:
            if _COPY_OUT.match(sql):
                return self._copied(sql)
            cursor = self._connection.execute(sql, parameters)
            tag = cursor.statusmessage or ""
            if cursor.description is None:
                return Answer(tag)
            names = tuple(column.name for column in cursor.description)
            types = tuple(column.type_code for column in cursor.description)
            return Answer(tag, names, types, tuple(cursor.fetch_text()))
        except lungfish.Error as error:
            return Answer(sqlstate=error.sqlstate or INTERNAL, message=str(error.message))
        except Exception as error:
            return Answer(sqlstate=INTERNAL, message=f"{type(error).__name__}: {error}")

    def _copied(self, sql: str) -> Answer:
        with self._connection.copy(sql) as copy:
            text = b"".join(copy).decode()
            count = copy.rowcount
        lines = tuple((line,) for line in text.splitlines(keepends=True))
        return Answer(f"COPY {count}", ("copy",), ("text",), lines)

    def close(self) -> None:
        self._connection.close()
