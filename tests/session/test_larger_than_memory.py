"""Data beyond the buffer pool's budget, and values beyond a page, through SQL."""

from __future__ import annotations

from pathlib import Path

import pytest

import lungfish
from lungfish.database import DatabaseOptions

BUDGET_BYTES = 1 << 20


@pytest.mark.slow
def test_a_table_of_ten_times_the_budget_is_loaded_scanned_and_updated(tmp_path: Path) -> None:
    path = str(tmp_path / "large.db")
    options = DatabaseOptions(buffer_bytes=BUDGET_BYTES)
    with lungfish.connect(path, autocommit=True, options=options) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer, filler text)")
        connection.execute(
            "INSERT INTO t SELECT i, 0, repeat('x', 480) FROM generate_series(1, 22000) AS s(i)"
        )
        connection.execute("UPDATE t SET v = id WHERE id % 2 = 0")
        assert connection.execute(
            "SELECT count(*), sum(v), sum(length(filler)) FROM t"
        ).fetchone() == (
            22_000,
            121_011_000,
            10_560_000,
        )
        pool = connection._session.database.core.pool
        assert pool.figures().early_writes > 0
        assert pool.figures().evictions > 0
    assert Path(path).stat().st_size > 10 * BUDGET_BYTES
    with lungfish.connect(path, options=options) as connection:
        assert connection.execute("SELECT sum(v) FROM t").fetchval() == 121_011_000


def test_a_text_of_ten_megabytes_comes_back(tmp_path: Path) -> None:
    path = str(tmp_path / "long.db")
    text = "0123456789abcdef" * 655_360
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id integer, v text)")
        connection.execute("INSERT INTO t VALUES (1, ?)", (text,))
        lungfish.open(path).crash()
        connection.close()
    with lungfish.connect(path) as connection:
        assert connection.execute("SELECT v FROM t").fetchval() == text
