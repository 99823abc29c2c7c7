"""`lungfish.crash_drill` and `lungfish drill`: a database's own copy is crashed, and what is wrong is seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import lungfish
from lungfish import errors
from lungfish.drill import drill as drill_module
from lungfish.recovery.wal_writer import SegmentWriter
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.main import main

POINTS = 40


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed database with the kinds of table that a workload can be made for."""
    path = tmp_path_factory.mktemp("drill") / "shop.db"
    with lungfish.connect(path) as connection:
        connection.run_script(
            """
            CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL UNIQUE, since date DEFAULT '2020-01-01');
            CREATE SCHEMA sales;
            CREATE TABLE sales."Order" (customer int REFERENCES customer, number int, total numeric(10, 2) CHECK (total >= 0),
                twice numeric GENERATED ALWAYS AS (total * 2) STORED, PRIMARY KEY (customer, number));
            CREATE INDEX ON sales."Order" (total);
            CREATE TABLE heap (v double precision, note text);
            CREATE VIEW rich AS SELECT customer, sum(total) FROM sales."Order" GROUP BY customer;
            INSERT INTO customer (name) SELECT 'customer ' || i FROM generate_series(1, 30) AS g(i);
            INSERT INTO sales."Order" SELECT i % 30 + 1, i, i * 1.5 FROM generate_series(1, 90) AS g(i);
            INSERT INTO heap SELECT i / 3.0, repeat('n', i * 50) FROM generate_series(1, 20) AS g(i);
            """
        )
    return path


def test_a_drill_without_a_workload_makes_one_from_the_schema(shop: Path) -> None:
    before = shop.read_bytes()
    progress: list[tuple[int, int]] = []
    report = lungfish.crash_drill(
        shop, points=POINTS, on_progress=lambda done, total: progress.append((done, total))
    )
    assert report.findings == ()
    assert report.is_good
    assert report.state_count == POINTS
    assert report.commit_count > 20
    assert report.operation_count > 50
    assert progress[-1] == (POINTS, POINTS)
    assert shop.read_bytes() == before
    assert sorted(each.name for each in shop.parent.iterdir()) == ["shop.db"]


def test_a_script_and_a_callable_are_workloads(shop: Path) -> None:
    script = "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1), (2); DELETE FROM t WHERE a = 1"
    assert lungfish.crash_drill(shop, points=12, workload=script).commit_count == 3

    def work(connection: lungfish.Connection) -> None:
        with connection.transaction():
            connection.execute("DELETE FROM customer WHERE id > 40")
            connection.execute("INSERT INTO heap VALUES (1, 'x')")
        connection.execute("CHECKPOINT")

    assert lungfish.crash_drill(shop, points=12, workload=work).is_good


def test_rows_that_are_put_back_after_a_purge_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "small.db"
    with lungfish.connect(path) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, a integer)")
        connection.execute("INSERT INTO t VALUES (1, 2), (3, 4)")
    assert lungfish.crash_drill(path, points=20).findings == ()


def test_a_database_that_was_not_closed_is_drilled_with_its_log(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "crashed.db"
    shutil.copy(shop, path)
    database = lungfish.open(path)
    connection = database.connect(autocommit=True)
    connection.execute("INSERT INTO heap VALUES (2, 'only in the log')")
    database.crash()
    connection.close()

    def work(connection: lungfish.Connection) -> None:
        assert connection.execute("SELECT count(*) FROM heap").fetchval() == 21
        connection.execute("DELETE FROM heap WHERE v = 2")

    assert lungfish.crash_drill(path, points=8, workload=work).is_good


def test_what_a_crash_loses_is_found(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SegmentWriter, "sync", lambda writer: None)
    report = lungfish.crash_drill(shop, points=POINTS)
    assert not report.is_good
    assert "crash after operation" in str(report.findings[0])


def test_half_a_transaction_is_found(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = drill_module._allowed
    monkeypatch.setattr(drill_module, "_allowed", lambda versions, at: real(versions[:1], at))
    report = lungfish.crash_drill(shop, points=12, workload="INSERT INTO heap VALUES (3, 'three')")
    assert "table public.heap has 21 rows" in report.findings[-1].problem


def test_a_database_that_is_open_or_missing_is_refused(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.UndefinedFile):
        lungfish.crash_drill(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    with lungfish.connect(shop), pytest.raises(errors.DatabaseInUse):
        lungfish.crash_drill(shop)
    with pytest.raises(errors.InterfaceError):
        lungfish.crash_drill(shop, points=0)


def test_the_command_says_how_it_went(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "work.sql"
    script.write_text("INSERT INTO heap VALUES (4, 'four');\nCHECKPOINT;")
    arguments = ["drill", str(shop), "--points", "10", "--script", str(script)]
    assert main(arguments) == ExitCode.OK
    assert "shop.db: ok (10 crashes, " in capsys.readouterr().out
    monkeypatch.setattr(SegmentWriter, "sync", lambda writer: None)
    assert main(arguments) == ExitCode.CORRUPTION
    assert "FAILURES" in capsys.readouterr().out
    assert main(["drill", str(tmp_path / "none.db")]) == ExitCode.CANNOT_OPEN
    with pytest.raises(SystemExit):
        main(["drill", str(shop), "--points", "0"])
