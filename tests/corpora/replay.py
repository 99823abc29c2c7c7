"""Replay files: statements with PostgreSQL's answers, compared here as strictly as the text of each value allows."""

from __future__ import annotations

import datetime
import decimal
import gzip
import json
import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lungfish


@dataclass(frozen=True)
class Outcome:
    """How one statement fared: agree, order (the same rows, ties in another order), text (the same rows as PostgreSQL's text output, but
    `as_text` writes bytea and arrays in its own way), differ, refuse, accept, code (another SQLSTATE) or internal (no DB-API error at
    all, or XX000)."""

    verdict: str
    line: int
    sql: str
    detail: str = ""
    # Whether it speaks of nothing but the core of the language; see `CORE_OUT`.
    is_core: bool = True
    has_rows: bool = False


# Areas outside the core: a statement with one of these features counts in the whole score only.
CORE_OUT = frozenset(
    [
        "catalog",
        "geo",
        "range",
        "tsearch",
        "net",
        "xml",
        "json",
        "partition",
        "inherit",
        "function",
        "trigger",
        "rule",
        "role",
        "grant",
        "vacuum",
        "define",
        "extension",
        "composite",
        "exclusion",
        "tablesample",
        "cursor",
        "unparsed",
        "collate",
        "explain",
        "comment",
        "array",
        "indirection",
        "srf",
        "domain",
        "enum",
        "row",
    ]
)


Row = tuple[str | None, ...]


def read_statements(path: Path) -> Iterator[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def as_text(value: Any) -> str | None:
    """A Python value as PostgreSQL's text output."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return (
            "{" + ",".join("NULL" if item is None else as_text(item) or "" for item in value) + "}"
        )
    return str(value)


def is_same(got: str | None, wanted: str | None) -> bool:
    """Equal as text, or as numbers (a float's last digits apart), or as timestamps but for trailing zeros."""
    if got == wanted or got is None or wanted is None:
        return got == wanted
    try:
        return math.isclose(float(got), float(wanted), rel_tol=1e-9, abs_tol=1e-12)
    except ValueError:
        return _trimmed(got) == _trimmed(wanted)


def _trimmed(text: str) -> str:
    plain = text.replace("+00:00", "").replace("+00", "").replace(" ", "").replace("T", "")
    return plain.rstrip("0").rstrip(".").lower()


def sort_key(row: Row) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, value or "") for value in row)


def fetch_rows(connection: Any, sql: str, stdin: str | None) -> tuple[list[Row], list[Row]]:
    """Run a statement; its rows as `as_text` writes them, and as the database does."""
    if stdin is not None:
        with connection.copy(sql) as copy:
            copy.write(stdin)
        return [], []
    cursor = connection.execute(sql)
    if cursor.description is None:
        return [], []
    return [tuple(map(as_text, row)) for row in cursor.fetchall()], cursor.fetch_text()


def agree(rows: list[Row], wanted: list[Row]) -> bool:
    """Whether these are the same rows in the same order."""
    return len(rows) == len(wanted) and all(
        len(one) == len(other) and all(map(is_same, one, other))
        for one, other in zip(rows, wanted, strict=True)
    )


def run_statement(connection: Any, statement: dict[str, Any], *, data: str = "") -> Outcome:
    """Run one statement and compare. `data` is the folder that files of COPY are in."""
    sql, line = statement["sql"], statement.get("line", 0)
    sql = sql.replace("@DATADIR@", data).replace("@TMPDIR@", tempfile.gettempdir())
    wanted_error = statement.get("error")
    try:
        rows, texts = fetch_rows(connection, sql, statement.get("stdin"))
    except (AssertionError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        return Outcome("internal", line, sql, repr(error))
    except lungfish.Error as error:
        if error.sqlstate == "XX000":
            return Outcome("internal", line, sql, error.message)
        if wanted_error is None:
            return Outcome("refuse", line, sql, f"{error.sqlstate} {error.message}")
        return Outcome(
            "agree" if error.sqlstate == wanted_error else "code", line, sql, str(error.sqlstate)
        )
    if wanted_error is not None:
        return Outcome("accept", line, sql, f"wanted {wanted_error}")
    if "rows" in statement:
        wanted = [tuple(row) for row in statement["rows"]]
        if statement.get("ordered") is not True:
            rows.sort(key=sort_key)
            texts.sort(key=sort_key)
            wanted.sort(key=sort_key)
        if not agree(rows, wanted):
            if agree(texts, wanted):
                return Outcome("text", line, sql)
            is_order = sorted(rows, key=sort_key) == sorted(wanted, key=sort_key)
            detail = f"got {rows[:2]}, wanted {wanted[:2]}"
            return Outcome("order" if is_order else "differ", line, sql, detail)
    elif "nrows" in statement and len(rows) != statement["nrows"]:
        return Outcome("differ", line, sql, f"got {len(rows)} rows, wanted {statement['nrows']}")
    return Outcome("agree", line, sql)


def run_replay(connection: Any, path: Path) -> list[Outcome]:
    """Run a whole file on one connection; volatile statements are run and not scored."""
    outcomes = []
    for statement in read_statements(path):
        if "sql" in statement:
            outcome = run_statement(connection, statement)
            if not statement.get("volatile"):
                outcomes.append(outcome)
    return outcomes


def run_base(path: Path, script: Path, *, data: str) -> None:
    """Make a database and run the statements that every file starts from, whatever becomes of each."""
    connection = lungfish.connect(str(path), autocommit=True)
    for statement in read_statements(script):
        if "sql" in statement:
            run_statement(connection, statement, data=data)
    connection.close()


def run_on_copy(base: Path, script: Path, *, data: str) -> list[Outcome]:
    """Run a whole file on its own copy of a closed database."""
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "copy.db")
        shutil.copy(base, path)
        connection = lungfish.connect(path, autocommit=True)
        for statement in read_statements(script):
            if "sql" not in statement:
                connection.close()
                connection = lungfish.connect(path, autocommit=True)
                continue
            outcome = run_statement(connection, statement, data=data)
            if not statement.get("volatile") or outcome.verdict == "internal":
                is_core = not CORE_OUT & set(statement.get("features", ()))
                outcomes.append(
                    replace(outcome, is_core=is_core, has_rows=bool(statement.get("rows")))
                )
        connection.close()
    return outcomes


def score(outcomes: list[Outcome]) -> Counter[str]:
    """How many statements fared how; ties in another order count as PostgreSQL's, what agrees only as text does not."""
    counted = {"order": "agree", "text": "differ"}
    return Counter(counted.get(each.verdict, each.verdict) for each in outcomes)
