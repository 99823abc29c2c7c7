"""Statements over long values keep within bounds of memory: they run in a process that the system gives no more than some hundred megabytes.

What is bounded is what the process takes beyond what it had when it was connected. The rows of each statement are several times that.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

resource = pytest.importorskip("resource")

_CHILD = """
import json, re, resource, sys
import lungfish
from lungfish.database.options import DatabaseOptions

path, megabytes, work_mem, statements = json.loads(sys.argv[1])
connection = lungfish.connect(path, autocommit=True, options=DatabaseOptions(buffer_bytes=16 << 20))
connection.execute(f"SET work_mem = '{work_mem}MB'")
connection.execute("SELECT count(DISTINCT s), max(s) FROM (SELECT upper('a' || i) s FROM generate_series(1, 9) i ORDER BY s) t")
status = open("/proc/self/status").read()
size = int(re.search(r"VmData:\\s+(\\d+)", status)[1]) << 10
resource.setrlimit(resource.RLIMIT_DATA, (size + (megabytes << 20),) * 2)
for statement in statements:
    try:
        cursor = connection.execute(statement)
        count = 0
        if cursor.description:
            while rows := cursor.fetchmany(1):
                count += 1
                row = [value if isinstance(value, (int, type(None))) else len(value) for value in rows[0]]
        del cursor
        print(json.dumps([count, row]) if count else json.dumps([0, []]), flush=True)
    except lungfish.Error as error:
        print(json.dumps([error.sqlstate, str(error).splitlines()[0]]), flush=True)
"""
# Per row of {count} rows a text of {width} characters, all different; {series} gives them, {table} has them.
_SERIES = "(SELECT i, rpad(md5(i::text), {width}, 'x') AS s FROM generate_series(1, {count}) g(i))"
_SELECTS = [
    "SELECT count(*), sum(length(s)) FROM {series} t",
    "SELECT count(*) FROM (SELECT s, count(*) FROM {series} t GROUP BY s) x",
    "SELECT count(*) FROM (SELECT DISTINCT s FROM {series} t) x",
    "SELECT count(DISTINCT s) FROM {series} t",
    "SELECT sum(length(s)) FROM (SELECT s FROM {series} t ORDER BY s OFFSET 0) x",
    "SELECT length(s) FROM {table} t ORDER BY s LIMIT 3",
    "SELECT count(*), sum(length(s)) FROM (SELECT s FROM {table} EXCEPT SELECT s FROM {table} WHERE i < 9) x",
    "SELECT count(*) FROM (SELECT s FROM {table} INTERSECT SELECT s FROM {table}) x",
    "SELECT sum(length(a.s) + length(b.s)) FROM {table} a JOIN {table} b ON a.s = b.s",
    "SELECT sum(length(a.s) + i) FROM {table} a CROSS JOIN generate_series(1, 20) g WHERE length(a.s) + g > 5 AND i < 300",
    "SELECT count(r), sum(length(s)) FROM (SELECT rank() OVER (ORDER BY i) r, s FROM {table}) x",
    "SELECT count(m) FROM (SELECT max(s) OVER (PARTITION BY i % 100) m FROM {table}) x",
    "WITH w AS MATERIALIZED (SELECT s FROM {table}) SELECT (SELECT count(s) FROM w), (SELECT sum(length(s)) FROM w)",
    "SELECT s FROM {table} ORDER BY i",
    "SELECT sum(length(x)) FROM {table}, LATERAL (SELECT upper(s) x) l",
    "SELECT sum(length(s)) FROM (SELECT s, generate_series(1, 3) FROM {table} OFFSET 0) x",
]
_CHANGES = [
    "INSERT INTO other SELECT i, s FROM {table}",
    "INSERT INTO other SELECT i, s FROM {series} t",
    "SELECT count(*), sum(length(s)) FROM other",
    "CREATE TABLE copied AS SELECT i, s FROM {table}",
    "CREATE MATERIALIZED VIEW seen AS SELECT i, s FROM {table}",
    "REFRESH MATERIALIZED VIEW seen",
    "SELECT count(*), sum(length(s)) FROM (SELECT * FROM copied UNION ALL SELECT * FROM seen) x",
]


def run_child(
    path: Path, statements: list[str], *, megabytes: int, work_mem: int = 16
) -> list[list[object]]:
    """Run statements on the database at `path` in a process that gets so much memory; what each of them answered."""
    given = json.dumps([str(path), megabytes, work_mem, statements])
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, given], capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_all(folder: Path, *, count: int, width: int, megabytes: int, work_mem: int) -> None:
    """Run every statement over `count` rows of `width` characters."""
    series = _SERIES.format(count=count, width=width)
    made = [
        "CREATE TABLE wide (i integer PRIMARY KEY, s text)",
        f"INSERT INTO wide SELECT * FROM {series} t",
        "CREATE TABLE other (i integer, s text)",
    ]
    asked = [text.format(series=series, table="wide") for text in (*_SELECTS, *_CHANGES)]
    answers = run_child(folder / "t.db", [*made, *asked], megabytes=megabytes, work_mem=work_mem)
    by_text = dict(zip([*made, *_SELECTS, *_CHANGES], answers, strict=True))
    failed = {text: answer for text, answer in by_text.items() if isinstance(answer[0], str)}
    assert not failed
    total = count * width
    assert [by_text[text][1] for text in _SELECTS] == [
        [count, total], [count], [count], [count], [total], [width], [count - 8, total - 8 * width], [count], [2 * total],
        [20 * (299 * width + 299 * 300 // 2)], [count, total], [count], [count, total], [width], [total], [3 * total],
    ]  # fmt: skip
    counted = [by_text[text][1] for text in _CHANGES if text.startswith("SELECT")]
    assert counted == [[2 * count, 2 * total]] * 2


def test_statements_over_long_values_take_a_bounded_amount_of_memory(tmp_path: Path) -> None:
    check_all(tmp_path, count=2_400, width=90_000, megabytes=210, work_mem=8)


@pytest.mark.release
def test_five_gigabytes_of_long_values_go_through_every_operator(tmp_path: Path) -> None:
    check_all(tmp_path, count=60_000, width=90_000, megabytes=1500, work_mem=128)


def test_a_value_that_memory_cannot_hold_is_an_error_and_the_session_goes_on(
    tmp_path: Path,
) -> None:
    answers = run_child(
        tmp_path / "t.db",
        ["SELECT length(repeat('x', 500000000) || 'y')", "SELECT 1"],
        megabytes=150,
    )
    assert answers == [["53200", "out of memory"], [1, [1]]]
