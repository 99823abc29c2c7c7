"""A runner for classic sqllogictest files, as dialect postgresql.

python -m tests.corpora.classic_slt FOLDER [--most N]    # every file below FOLDER, less PostgreSQL's exceptions
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lungfish

_HASH = re.compile(r"(\d+) values hashing to ([0-9a-f]{32})")
_NAMES = ("postgresql", "postgres")


@dataclass(frozen=True)
class Record:
    """One statement or query with what is expected of it. `line` is 1-based, of the directive."""

    line: int
    head: tuple[str, ...]
    sql: str
    expected: tuple[str, ...]


@dataclass
class Score:
    passed: int = 0
    failures: list[str] | None = None

    def fail(self, text: str) -> None:
        self.failures = [*(self.failures or []), text]

    @property
    def failed(self) -> int:
        return len(self.failures or [])


def read_lines(path: Path) -> list[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        return stream.read().split("\n")


def read_records(lines: list[str]) -> Iterator[Record]:
    """The records that apply to PostgreSQL, up to `halt`."""
    index = 0
    while index < len(lines):
        if not lines[index].strip() or lines[index].startswith("#"):
            index += 1
            continue
        is_skipped = False
        while lines[index].startswith(("skipif ", "onlyif ")):
            word, name = lines[index].split("#")[0].split()[:2]
            is_skipped |= (name in _NAMES) == (word == "skipif")
            index += 1
        head = tuple(lines[index].split("#")[0].split())
        line = index + 1
        index += 1
        if not head:
            continue
        if head[0] == "halt" and not is_skipped:
            return
        if head[0] not in ("statement", "query"):
            continue
        sql, expected = [], []
        while index < len(lines) and lines[index].strip() and lines[index].strip() != "----":
            sql.append(lines[index])
            index += 1
        if index < len(lines) and lines[index].strip() == "----":
            index += 1
            while index < len(lines) and lines[index].strip():
                expected.append(lines[index])
                index += 1
        if not is_skipped:
            yield Record(line, head, "\n".join(sql), tuple(expected))


def format_value(value: Any, kind: str) -> str:
    """A value as the format writes it: I as integer, R with three decimals, T as printable text."""
    if value is None:
        return "NULL"
    if kind == "I":
        try:
            return str(int(float(value)))
        except ValueError:
            # As C's atoi, which the format's own runner uses.
            return "0"
    if kind == "R":
        return f"{float(value):.3f}"
    if isinstance(value, bool):
        return "1" if value else "0"
    text = str(value)
    if not text:
        return "(empty)"
    return "".join(letter if " " <= letter <= "~" else "@" for letter in text)


def complaint(record: Record, rows: list[tuple[Any, ...]]) -> str | None:
    """What is wrong with a query's rows, or None."""
    kinds = record.head[1]
    order = record.head[2] if len(record.head) > 2 else "nosort"
    if rows and len(rows[0]) != len(kinds):
        return f"{len(rows[0])} columns instead of {len(kinds)}"
    written = [
        [format_value(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in rows
    ]
    if order == "rowsort":
        written.sort()
    flat = [value for row in written for value in row]
    if order == "valuesort":
        flat.sort()
    found = _HASH.fullmatch(record.expected[0]) if len(record.expected) == 1 else None
    if found is None:
        return (
            None
            if tuple(flat) == record.expected
            else f"got {flat[:8]}, expected {record.expected[:8]}"
        )
    digest = hashlib.md5("".join(f"{value}\n" for value in flat).encode()).hexdigest()
    if len(flat) == int(found[1]) and digest == found[2]:
        return None
    return f"{len(flat)} values hashing to {digest}, expected {record.expected[0]}"


def check_record(connection: Any, record: Record) -> str | None:
    """Run one record; what is wrong, or None."""
    try:
        cursor = connection.execute(record.sql)
        rows = cursor.fetchall() if record.head[0] == "query" else []
    except lungfish.Error as error:
        if record.head[:2] == ("statement", "error"):
            return None
        return f"{error.sqlstate} {error.message}"
    if record.head[0] == "statement":
        return "no error" if record.head[1] == "error" else None
    return complaint(record, rows)


def run_file(path: Path, exceptions: set[int], *, most: int | None = None) -> Score:
    """Run a file's records (the first `most`) less those at the lines in `exceptions`."""
    score = Score()
    with lungfish.connect(":memory:", autocommit=True) as connection:
        for count, record in enumerate(read_records(read_lines(path))):
            if most is not None and count >= most:
                break
            wrong = check_record(connection, record)
            if record.line in exceptions:
                continue
            if wrong is None:
                score.passed += 1
            else:
                score.fail(f"{path.name}:{record.line}: {wrong}\n    {record.sql[:300]}")
    return score


def read_exceptions(folder: Path) -> dict[str, set[int]]:
    """The lines of each file that PostgreSQL itself does not pass."""
    found: dict[str, set[int]] = {}
    with gzip.open(folder / "pg15-exceptions.tsv.gz", "rt") as stream:
        next(stream)
        for row in stream:
            name, line = row.split("\t")[:2]
            found.setdefault(name, set()).add(int(line))
    return found


def files_below(folder: Path) -> list[Path]:
    return sorted([*folder.rglob("*.test"), *folder.rglob("*.test.gz")])


def main() -> int:
    parser = argparse.ArgumentParser(description="Run classic sqllogictest files.")
    parser.add_argument("folder", type=Path, help="the corpus folder with pg15-exceptions.tsv.gz")
    parser.add_argument("names", nargs="*", help="only files whose path holds one of these words")
    parser.add_argument("--most", type=int, help="only the first records of each file")
    options = parser.parse_args()
    exceptions = read_exceptions(options.folder)
    passed = failed = 0
    started = time.monotonic()
    for path in files_below(options.folder):
        name = path.relative_to(options.folder).as_posix()
        if options.names and not any(word in name for word in options.names):
            continue
        began = time.monotonic()
        score = run_file(path, exceptions.get(name.removesuffix(".gz"), set()), most=options.most)
        passed += score.passed
        failed += score.failed
        print(
            f"{name}: {score.passed} passed, {score.failed} failed in {time.monotonic() - began:.1f} s",
            flush=True,
        )
        for text in (score.failures or [])[:3]:
            print("  " + text)
    print(f"{passed} passed, {failed} failed in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
