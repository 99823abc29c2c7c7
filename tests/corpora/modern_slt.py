"""A runner for the later sqllogictest dialects: risinglight's and DataFusion's files (sqllogictest-rs) and DuckDB's.

python -m tests.corpora.modern_slt FOLDER [WORD ...]    # the records that the table beside the files says PostgreSQL passes
    --driver postgres    # the same on a real PostgreSQL 18: which records hold there, and so whether this runner reads rightly
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import gzip
import hashlib
import math
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import lungfish
from tests.corpora.slt_records import Record, Reopen, read_steps
from tests.differential.server import start_server
from tests.differential.sides import Answer, LungfishSide, PostgresSide, Side

# Opens a session of the database at a path; None is the file's own database.
Opener = Callable[[str | None], Side]
_HASH = re.compile(r"(\d+) values hashing to ([0-9a-f]{32})")
# An expected failure with one of these codes says little: PostgreSQL may only lack the syntax or the function.
_WEAK_CODES = ("42601", "42883", "42704", "0A000")
_DATA = "../../testing/data/csv/"


@dataclass
class Score:
    """Of the records that PostgreSQL passes: lines passed, and what went wrong at the others, by line."""

    passed: set[int] = field(default_factory=set)
    failures: dict[int, str] = field(default_factory=dict)


def is_same_value(got: str | None, wanted: str) -> bool:
    """Equal, or the same number, boolean or timestamp in another spelling."""
    text = "NULL" if got is None else (got or "(empty)")
    if text == wanted or _plain(text) == _plain(wanted):
        return True
    try:
        return math.isclose(float(text), float(wanted), rel_tol=1e-9, abs_tol=1e-12)
    except ValueError:
        return False


def _plain(text: str) -> str:
    """A value without the spellings that differ between drivers."""
    text = {"true": "t", "1": "t", "false": "f", "0": "f"}.get(text.lower(), text)
    text = text.replace("+00", "").replace(" BC", "").replace("T", " ")
    text = text.removesuffix(" 00:00:00")
    if ":" in text and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text


def complaint(record: Record, answer: Answer, *, separator: str | None) -> str | None:
    """What is wrong with a query's rows, or None. `separator` stands between a row's expected values; None: any blank."""
    rows = [list(row) for row in answer.rows]
    if record.sort == "rowsort":
        rows.sort(key=_row_key)
    found = _HASH.fullmatch(record.expected[0]) if len(record.expected) == 1 else None
    if found is not None:
        values = [_written(value) for row in rows for value in row]
        digest = hashlib.md5("".join(f"{value}\n" for value in values).encode()).hexdigest()
        is_right = len(values) == int(found[1]) and digest == found[2]
        return None if is_right else f"{len(values)} values of hash {digest}"
    width = len(answer.columns or ())
    wanted = _expected_rows(record, len(rows), width, separator)
    if separator is None:
        # Values with blanks in them cannot be told from several: rows are compared as words.
        got = [[word for value in row for word in _written(value).split()] for row in rows]
    else:
        got = [[_written(value) for value in row] for row in rows]
    if record.sort == "rowsort":
        got.sort(key=lambda row: [_plain(value) for value in row])
        wanted.sort(key=lambda row: [_plain(value) for value in row])
    is_right = len(got) == len(wanted) and all(
        len(one) == len(other) and all(map(is_same_value, one, other))
        for one, other in zip(got, wanted, strict=True)
    )
    return None if is_right else f"got {got[:5]}, expected {wanted[:5]}"


def _expected_rows(
    record: Record, row_count: int, width: int, separator: str | None
) -> list[list[str]]:
    if separator is None:
        return [line.split() for line in record.expected]
    if width > 1 and len(record.expected) == row_count * width:
        return [
            list(record.expected[start : start + width])
            for start in range(0, len(record.expected), width)
        ]
    return [line.split(separator) for line in record.expected]


def _row_key(row: Sequence[str | None]) -> list[str]:
    return [_written(value) for value in row]


def _written(value: str | None) -> str:
    return "NULL" if value is None else (value or "(empty)")


class FileRun:
    """One file's run: its sessions and where its records stand."""

    def __init__(self, path: Path, opener: Opener, *, is_duckdb: bool, data: str) -> None:
        self.path = path
        self.is_duckdb = is_duckdb
        self._opener = opener
        self._data = data
        self._database: str | None = None
        self._sessions: dict[str, Side] = {}

    def outcomes(self) -> Iterator[tuple[Record, str | None]]:
        """Each record with what is wrong, or None, as it runs."""
        text = self.path.read_text(encoding="utf-8", errors="replace")
        try:
            for step in read_steps(text, has_sessions=self.is_duckdb):
                if isinstance(step, Reopen):
                    self._reopen(step)
                else:
                    yield step, self._check(step)
        finally:
            self._close()

    def _reopen(self, step: Reopen) -> None:
        self._close()
        self._database = step.path or self._database

    def _close(self) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def _check(self, record: Record) -> str | None:
        session = self._sessions.get(record.session)
        if session is None:
            try:
                session = self._opener(self._database)
            except lungfish.Error as error:
                return f"XX000 the database cannot be opened: {error.message}"
            self._sessions[record.session] = session
        answer = session.run(record.sql.replace(_DATA, self._data))
        if answer.sqlstate == "XX000":
            return f"XX000 {answer.message}"
        if answer.sqlstate is not None:
            return None if record.must_fail else f"{answer.sqlstate} {answer.message}"
        if record.must_fail:
            return "no error"
        if record.head[0] == "statement":
            return None
        return complaint(record, answer, separator="\t" if self.is_duckdb else None)


def read_verdicts(folder: Path) -> dict[tuple[str, int], str]:
    """What PostgreSQL made of each record: pass, fail, error, skip, or weak (it failed as expected, for a reason that says little)."""
    with gzip.open(folder / "pg15.tsv.gz", "rt") as stream:
        rows = [row.rstrip("\n").split("\t") for row in stream]
    return {
        (row[0], int(row[1])): "weak"
        if row[2].endswith("-error") and row[3] == "pass" and row[4][:5] in _WEAK_CODES
        else row[3]
        for row in rows[1:]
    }


@contextlib.contextmanager
def lungfish_opener(folder: Path) -> Iterator[Opener]:
    """Opens databases below `folder`, a new one for each file that is run."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        yield lambda path: LungfishSide(str(Path(name) / Path(path or "main.db").name))


@contextlib.contextmanager
def postgres_opener(uri: str) -> Iterator[Opener]:
    """Opens sessions of a database that is made for the block."""
    admin = PostgresSide(uri)
    admin.run_script("DROP DATABASE IF EXISTS one_file WITH (FORCE)")
    admin.run_script("CREATE DATABASE one_file TEMPLATE oracle")
    admin.close()
    yield lambda _: PostgresSide(uri.replace("/oracle?", "/one_file?"))


def run_file(path: Path, name: str, verdicts: dict[tuple[str, int], str], opener: Opener) -> Score:
    """Run a file and score the records that PostgreSQL passes; one in a loop passes if every turn does."""
    score = Score()
    root = Path(str(path).removesuffix(name))
    data = str(root / "data") + "/"
    run = FileRun(path, opener, is_duckdb=path.suffix != ".slt", data=data)
    for record, wrong in run.outcomes():
        if verdicts.get((name, record.line)) != "pass":
            if wrong is not None and wrong.startswith("XX000"):
                score.failures[record.line] = f"{wrong}\n    {record.sql[:300]}"
            continue
        if wrong is None:
            score.passed.add(record.line)
        else:
            score.failures.setdefault(record.line, f"{wrong}\n    {record.sql[:300]}")
    score.passed -= set(score.failures)
    return score


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in (".slt", ".test"))


@contextlib.contextmanager
def _openers(driver: str) -> Iterator[Callable[[], contextlib.AbstractContextManager[Opener]]]:
    if driver == "postgres":
        with start_server() as uri:
            yield lambda: postgres_opener(uri)
    else:
        with tempfile.TemporaryDirectory() as name:
            yield lambda: lungfish_opener(Path(name))


def main() -> int:
    parser = argparse.ArgumentParser(description="Run files of the later sqllogictest dialects.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("words", nargs="*", help="only files whose path holds one of these")
    parser.add_argument("--driver", choices=("lungfish", "postgres"), default="lungfish")
    parser.add_argument("--quiet", action="store_true", help="only the sums")
    options = parser.parse_args()
    verdicts = read_verdicts(options.folder)
    started = time.monotonic()
    passed = failed = 0
    reasons: collections.Counter[str] = collections.Counter()
    with _openers(options.driver) as open_for_file:
        for path in files_below(options.folder):
            name = path.relative_to(options.folder).as_posix()
            if options.words and not any(word in name for word in options.words):
                continue
            with open_for_file() as opener:
                score = run_file(path, name, verdicts, opener)
            passed += len(score.passed)
            failed += len(score.failures)
            for line, text in sorted(score.failures.items()):
                reasons[text.split("\n")[0][:60] if not text.startswith("got") else "differs"] += 1
                if not options.quiet:
                    print(f"{name}:{line}: {text}", flush=True)
    for reason, count in reasons.most_common(40):
        print(f"{count:6d}  {reason}")
    rate = 100 * passed / max(passed + failed, 1)
    seconds = time.monotonic() - started
    print(f"{passed} passed, {failed} failed: {rate:.2f} % in {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
