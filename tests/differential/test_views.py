"""Views are written back as PostgreSQL 18 writes them: random queries, and the corpora's."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.differential.sides import LungfishSide, PostgresSide
from tests.differential.views import compare_view, create_view, run_views

_QUERIES = ("select", "with", "values")
_FILES = ("defog-sql-eval/*.gz", "tpch-sf0.01/replay.jsonl.gz", "pg-regress/replay/select*.gz")


@pytest.mark.slow
def test_random_views_are_written_back_as_postgresql_writes_them(
    postgres: PostgresSide, request: pytest.FixtureRequest
) -> None:
    count = 20_000 if request.config.getoption("--release") else 120
    ours = LungfishSide()
    found = list(run_views(postgres, ours, count=count, seed=20))
    ours.close()
    assert found == []


def _statements(corpora: Path) -> Iterator[list[str]]:
    for pattern in _FILES:
        for path in sorted(corpora.glob(pattern)):
            with gzip.open(path, "rt") as lines:
                records = [json.loads(line) for line in lines]
            yield [record["sql"] for record in records if record.get("sql")]


@pytest.mark.slow
@pytest.mark.corpus
def test_views_of_the_corpora_are_written_back_as_postgresql_writes_them(
    postgres: PostgresSide, corpora: Path
) -> None:
    found = []
    count = 0
    for statements in _statements(corpora):
        ours = LungfishSide()
        postgres.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        for sql in statements:
            if not sql.lstrip("( \n").lower().startswith(_QUERIES):
                if sql.lower().lstrip().startswith(("create table", "create view")):
                    postgres.run(sql)
                    ours.run(sql)
                continue
            name = f"shown_{count}"
            if create_view(postgres, ours, name, sql.strip().rstrip(";")) is not None:
                continue
            if postgres.run(f"SELECT '{name}'::regclass").sqlstate is None:
                count += 1
                what = compare_view(postgres, ours, name)
                found += [] if what is None else [f"{sql}\n{what}"]
        ours.close()
    assert found == []
    assert count > 150
