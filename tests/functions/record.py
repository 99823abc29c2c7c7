"""Makes `recorded/*.jsonl` of `scripts/*.sql` by asking a real PostgreSQL 18: python -m tests.functions.record [NAME...]."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from tests.functions.oracle import start_server

HERE = Path(__file__).parent


def split_script(text: str) -> list[str]:
    """The statements of a script; each ends with a semicolon at the end of a line."""
    found: list[str] = []
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("--") or (not line.strip() and not lines):
            continue
        lines.append(line)
        if line.rstrip().endswith(";"):
            found.append("\n".join(lines).rstrip().removesuffix(";"))
            lines = []
    return found


def ask(connection: psycopg.Connection[Any], sql: str) -> dict[str, Any]:
    """What the server answers."""
    try:
        cursor = connection.execute(sql.encode())
    except psycopg.Error as error:
        return {"error": error.sqlstate}
    result = cursor.pgresult
    if cursor.description is None or result is None:
        return {"tag": cursor.statusmessage}
    rows = [
        [_text(result.get_value(row, column)) for column in range(result.nfields)]
        for row in range(result.ntuples)
    ]
    return {"columns": [column.name for column in cursor.description], "rows": rows}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def record(connection: psycopg.Connection[Any], script: Path) -> None:
    """Run one script in an empty schema and write down the answers."""
    connection.execute("DROP SCHEMA public CASCADE")
    connection.execute("CREATE SCHEMA public")
    answers = [
        json.dumps({"sql": sql, **ask(connection, sql)}, ensure_ascii=False)
        for sql in split_script(script.read_text(encoding="utf-8"))
    ]
    target = HERE / "recorded" / f"{script.stem}.jsonl"
    target.write_text("\n".join(answers) + "\n", encoding="utf-8")


def main() -> None:
    """Record the scripts that are named, or all."""
    names = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder, start_server(Path(folder)) as connection:
        for script in sorted((HERE / "scripts").glob("*.sql")):
            if not names or script.stem in names:
                record(connection, script)


if __name__ == "__main__":
    main()
