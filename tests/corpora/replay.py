"""Replay files: statements with PostgreSQL's answers, compared here as strictly as the text of each value allows."""

from __future__ import annotations

import datetime
import decimal
import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lungfish


@dataclass(frozen=True)
class Outcome:
    """How one statement fared: agree, order (the same rows, ties in another order), differ, refuse, accept or code (another SQLSTATE)."""

    verdict: str
    line: int
    sql: str
    detail: str = ""


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
    return text.replace("+00:00", "").replace("+00", "").rstrip("0").rstrip(".")


def sort_key(row: tuple[str | None, ...]) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, value or "") for value in row)


def run_statement(connection: Any, statement: dict[str, Any]) -> Outcome:
    """Run one statement and compare."""
    sql, line = statement["sql"], statement.get("line", 0)
    wanted_error = statement.get("error")
    try:
        cursor = connection.execute(sql)
        rows = [tuple(map(as_text, row)) for row in cursor.fetchall()] if cursor.description else []
    except lungfish.Error as error:
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
            wanted.sort(key=sort_key)
        agrees = len(rows) == len(wanted) and all(
            len(one) == len(other) and all(map(is_same, one, other))
            for one, other in zip(rows, wanted, strict=True)
        )
        if not agrees:
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
