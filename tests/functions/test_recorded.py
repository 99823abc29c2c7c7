"""Scripts with PostgreSQL 18's answers: one family of types or functions a file.

A file of `recorded/` has a statement a line, in the order in which they ran, with what PostgreSQL answered: rows as text, a command
tag, or the SQLSTATE of an error. `record.py` beside this file makes them of the scripts in `scripts/`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import lungfish

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.jsonl"))


def _answer(connection: lungfish.Connection, sql: str) -> dict[str, Any]:
    try:
        # psycopg, which made the recordings, stands at the first result.
        cursor = connection.execute(sql).set_result(0)
        if cursor.description is None:
            return {"tag": cursor.statusmessage}
        rows = [list(row) for row in cursor.fetch_text()]
        return {"columns": [column[0] for column in cursor.description], "rows": rows}
    except lungfish.Error as error:
        return {"error": error.sqlstate}


def _in_some_order(rows: list[list[str | None]]) -> list[list[str | None]]:
    return sorted(rows, key=lambda row: [(item is None, item or "") for item in row])


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_script_has_the_answers_that_postgresql_gave(path: Path) -> None:
    """Every statement's rows, names of columns, tag or SQLSTATE."""
    wrong: list[str] = []
    with lungfish.connect(":memory:", autocommit=True) as connection:
        for line in path.read_text(encoding="utf-8").splitlines():
            wanted = json.loads(line)
            sql = wanted.pop("sql")
            found = _answer(connection, sql)
            if "rows" in wanted and "rows" in found and "order by" not in sql.lower():
                wanted["rows"] = _in_some_order(wanted["rows"])
                found["rows"] = _in_some_order(found["rows"])
            if found != wanted:
                wrong.append(f"{sql}\n  wanted: {wanted}\n  found:  {found}")
    assert not wrong, "\n".join(wrong)
