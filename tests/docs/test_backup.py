"""docs/backup.md: its statements, commands and lines of Python run, in their order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import lungfish
from lungfish.repl.main import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "backup.md"
BLOCKS = re.findall(r"```(sql|shell|python)\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_page_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with lungfish.connect("app.db", autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a integer PRIMARY KEY)")
        connection.execute("INSERT INTO t SELECT generate_series(1, 1000)")
    kinds = set()
    for kind, text in BLOCKS:
        kinds.add(kind)
        if kind == "sql":
            run_sql(text)
        elif kind == "python":
            exec(text, {"lungfish": lungfish})
        else:
            for line in text.splitlines():
                assert main(shlex.split(line)[1:]) == 0
    assert kinds == {"sql", "shell", "python"}
    with lungfish.connect("archived.db") as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchval() == 1001


def run_sql(text: str) -> None:
    """A block's statements on one connection: the log is there as long as that is open."""
    with lungfish.connect("app.db", autocommit=True) as connection:
        for statement in text.split(";\n"):
            if statement.strip():
                cursor = connection.execute(statement)
                if cursor.description is not None:
                    cursor.fetchall()
