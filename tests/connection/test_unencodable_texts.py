"""A Python string may hold lone surrogates, which no text of a database can: 22021 through every entry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lungfish

HALF = "\ud800"


def _copy(connection: Any, data: str | bytes, options: str = "") -> None:
    with connection.copy(f"COPY t (a) FROM STDIN {options}") as copy:
        copy.write(data)


def _copy_row(connection: Any) -> None:
    with connection.copy("COPY t (a) FROM STDIN") as copy:
        copy.write_row([HALF])


ENTRIES: dict[str, Callable[[Any], object]] = {
    "parameter": lambda made: made.execute("SELECT $1::text", [HALF]),
    "parameter without a type": lambda made: made.execute("SELECT $1", [HALF]),
    "named parameter": lambda made: made.execute("SELECT :x::text", {"x": HALF}),
    "inserted": lambda made: made.execute("INSERT INTO t (a) VALUES (?)", [HALF]),
    "within a text": lambda made: made.execute("SELECT * FROM t WHERE a = ?", ["ä" + HALF]),
    "in a list": lambda made: made.execute("SELECT ?::text[]", [["a", HALF]]),
    "in a mapping": lambda made: made.execute("SELECT ?::jsonb", [{"a": HALF}]),
    "as a key": lambda made: made.execute("SELECT ?::jsonb", [{HALF: 1}]),
    "as a number": lambda made: made.execute("SELECT ?::integer", [HALF]),
    "executemany": lambda made: made.executemany("INSERT INTO t (a) VALUES (?)", [["a"], [HALF]]),
    "executemany, two": lambda made: made.executemany("UPDATE t SET a = ? WHERE a = ?", [["a", HALF]]),
    "statement": lambda made: made.execute(f"SELECT '{HALF}'"),
    "name": lambda made: made.execute(f'SELECT 1 AS "{HALF}"'),
    "comment": lambda made: made.execute(f"SELECT 1 -- {HALF}"),
    "CHECKPOINT": lambda made: made.execute(f"CHECKPOINT {HALF}"),
    "EXECUTE": lambda made: made.execute(f"EXECUTE p('{HALF}')"),
    "script": lambda made: made.run_script(f"SELECT 1; SELECT '{HALF}';"),
    "variable of a script": lambda made: made.run_script("SELECT :x;", vars={"x": f"'{HALF}'"}),
    "COPY": lambda made: _copy(made, f"a\n{HALF}\n"),
    "COPY csv": lambda made: _copy(made, f"a\n{HALF}\n", "(FORMAT csv)"),
    "COPY of bytes": lambda made: _copy(made, b"a\n\xed\xa0\x80\n"),
    "row of COPY": _copy_row,
    "set_config": lambda made: made.execute("SELECT set_config('application_name', ?, false)", [HALF]),
}  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_a_lone_surrogate_is_refused(connection: Any, entry: Callable[[Any], object]) -> None:
    connection.execute("CREATE TABLE t (a text); INSERT INTO t VALUES ('ä')")
    with pytest.raises(lungfish.Error) as caught:
        entry(connection)
    assert caught.value.sqlstate == "22021"
    assert connection.execute("SELECT * FROM t").fetchall() == [("ä",)]


def test_it_is_refused_by_a_statement_that_has_run_before(connection: Any) -> None:
    connection.execute("CREATE TABLE t (id int PRIMARY KEY, a text)")
    for number, text in enumerate(["a", "ä", "b"]):
        connection.execute("INSERT INTO t VALUES (?, ?)", [number, text])
        connection.execute("UPDATE t SET a = ? WHERE id = ?", [text, number])
    for sql in ("INSERT INTO t (a, id) VALUES (?, ?)", "UPDATE t SET a = ? WHERE id = ?"):
        for _ in range(3):
            with pytest.raises(lungfish.DataError, match="lone surrogate, U\\+D800"):
                connection.execute(sql, [HALF, 1])
    assert connection.execute("SELECT a FROM t ORDER BY id").fetchall() == [("a",), ("ä",), ("b",)]


def test_a_script_file_must_be_utf_8(connection: Any, tmp_path: Path) -> None:
    path = tmp_path / "script.sql"
    path.write_bytes(b"SELECT '\xff';")
    with pytest.raises(lungfish.DataError, match="0xff"):
        connection.run_script(path)
