"""A runner for sqllogictest-rs files (risinglight's): rows with their values joined by one blank.

python -m tests.corpora.modern_slt FOLDER    # the records that the table beside the files says PostgreSQL passes
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lungfish


@dataclass(frozen=True)
class Record:
    """One record; `sort` is nosort, rowsort or valuesort. `line` is 1-based, of the directive."""

    line: int
    head: tuple[str, ...]
    sql: str
    expected: tuple[str, ...]
    is_skipped: bool


def read_records(text: str) -> Iterator[Record]:
    lines = text.split("\n")
    index = 0
    is_skipped = False
    while index < len(lines):
        line = lines[index]
        if line.startswith(("onlyif ", "skipif ")):
            word, name = line.split()[:2]
            is_skipped |= name.startswith("postgres") == (word == "skipif")
            index += 1
            continue
        if not line.startswith(("statement ", "query")):
            index += 1
            continue
        start = index + 1
        head = tuple(line.split())
        index += 1
        sql, expected = [], []
        while index < len(lines) and lines[index].strip() and lines[index].strip() != "----":
            sql.append(lines[index])
            index += 1
        if index < len(lines) and lines[index].strip() == "----":
            index += 1
            while index < len(lines) and lines[index].strip():
                expected.append(lines[index].rstrip())
                index += 1
        yield Record(start, head, "\n".join(sql), tuple(expected), is_skipped)
        is_skipped = False


def format_value(value: Any) -> str:
    """A value as PostgreSQL's text, as the format's own driver writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    text = str(value)
    return text or "(empty)"


def words(row: str) -> list[str]:
    """A row's values, with the spellings that differ between drivers made one."""
    return [{"true": "t", "false": "f"}.get(word, word) for word in row.split()]


def check_record(connection: Any, record: Record) -> str | None:
    """Run one record; what is wrong, or None."""
    must_fail = len(record.head) > 1 and record.head[1] == "error"
    try:
        cursor = connection.execute(record.sql)
        rows = cursor.fetchall() if record.head[0] == "query" and cursor.description else []
    except lungfish.Error as error:
        return None if must_fail else f"{error.sqlstate} {error.message}"
    if must_fail:
        return "no error"
    if record.head[0] == "statement":
        return None
    got = [words(" ".join(format_value(value) for value in row)) for row in rows]
    expected = [words(row) for row in record.expected]
    if "rowsort" in record.head:
        got.sort()
        expected.sort()
    if "valuesort" in record.head:
        got = [sorted(word for row in got for word in row)]
        expected = [sorted(word for row in expected for word in row)]
    return None if got == expected else f"got {got[:5]}, expected {expected[:5]}"


def read_verdicts(folder: Path) -> dict[tuple[str, int], str]:
    """What PostgreSQL made of each record: pass, fail, error or skip."""
    with gzip.open(folder / "pg15.tsv.gz", "rt") as stream:
        rows = [row.rstrip("\n").split("\t") for row in stream]
    return {(row[0], int(row[1])): row[3] for row in rows[1:]}


def run_file(path: Path, verdicts: dict[tuple[str, int], str]) -> tuple[int, list[str]]:
    """Run a file; how many of the records that PostgreSQL passes are passed, and what went wrong."""
    passed, failures = 0, []
    with lungfish.connect(":memory:", autocommit=True) as connection:
        for record in read_records(path.read_text(encoding="utf-8")):
            if record.is_skipped:
                continue
            wrong = check_record(connection, record)
            if verdicts.get((path.name, record.line)) != "pass":
                continue
            if wrong is None:
                passed += 1
            else:
                failures.append(f"{path.name}:{record.line}: {wrong}\n    {record.sql[:300]}")
    return passed, failures


def main() -> int:
    parser = argparse.ArgumentParser(description="Run sqllogictest-rs files.")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    verdicts = read_verdicts(options.folder)
    total, complaints = 0, []
    for path in sorted(options.folder.glob("*.slt")):
        passed, failures = run_file(path, verdicts)
        total += passed
        complaints += failures
    for text in complaints:
        print(text)
    print(f"{total} passed, {len(complaints)} failed")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
