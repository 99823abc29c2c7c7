"""The operators' playbook: its statements run, and what it names exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish.recovery import health

PLAYBOOK = Path(__file__).resolve().parents[2] / "docs" / "storage.md"
TEXT = PLAYBOOK.read_text()
BLOCKS = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
INLINE = re.findall(r"`((?:CHECKPOINT|SELECT|EXPLAIN|BACKUP|ALTER|SCRUB) ?[^`]*)`", TEXT)
STATEMENTS = [
    statement.strip()
    for statement in [*(part for block in BLOCKS for part in block.split(";\n")), *INLINE]
    if statement.strip()
]
RELATIONS = sorted(set(re.findall(r"\b(?:lungfish|pg)[._][a-z_]+\b", TEXT)))
METRICS = sorted(set(re.findall(r"'((?:pool|wal|io|store)_[a-z_]+)'", TEXT)))
ANCHORS = {
    re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
    for heading in re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[lungfish.Connection]:
    with lungfish.connect(tmp_path / "app.db", autocommit=True) as made:
        made.execute("CREATE TABLE t (a int PRIMARY KEY)")
        made.execute("INSERT INTO t SELECT generate_series(1, 100)")
        yield made


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_statement_runs(statement: str, connection: lungfish.Connection) -> None:
    cursor = connection.execute(statement.rstrip(";"))
    if cursor.description is not None:
        cursor.fetchall()


@pytest.mark.parametrize("name", RELATIONS)
def test_every_relation_and_function_exists(name: str, connection: lungfish.Connection) -> None:
    call = f"SELECT {name}()" if f"{name}(" in TEXT else f"SELECT * FROM {name} LIMIT 0"
    connection.execute(call).fetchall()


def test_every_metric_exists(connection: lungfish.Connection) -> None:
    there = {name for (name,) in connection.execute("SELECT name FROM lungfish.metrics")}
    assert METRICS
    assert there.issuperset(METRICS)


def test_every_check_and_every_link_has_its_section(connection: lungfish.Connection) -> None:
    pages = connection.execute("SELECT playbook FROM lungfish.health").fetchall()
    links = re.findall(r"\]\(#([a-z-]+)\)", TEXT)
    wanted = {page.removeprefix(f"{health.PLAYBOOK}#") for (page,) in pages} | set(links)
    assert wanted <= ANCHORS


def test_every_remedy_is_a_statement_that_runs(connection: lungfish.Connection) -> None:
    remedies = [check.remedy_sql for check in health.CHECKS if check.remedy_sql is not None]
    assert remedies
    for remedy in remedies:
        connection.execute(remedy)
