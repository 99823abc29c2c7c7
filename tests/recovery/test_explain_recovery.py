"""EXPLAIN RECOVERY and `recovery_estimate` say beforehand what a restart then does, and write nothing."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

import lungfish
from lungfish.database import DatabaseOptions
from lungfish.recovery.history import RecoveryRecord
from lungfish.recovery.restart_estimate import model_ms, predict
from lungfish.storage.clock import ManualClock
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.simulated_disk import SimulatedDisk

PATH = "app.db"


def connect(disk: Any) -> lungfish.Connection:
    options = DatabaseOptions(
        page_size_bytes=4096,
        wal_segment_bytes=64 * 1024,
        checkpoint_wal_bytes=0,
        disk=disk,
        clock=ManualClock(),
        random=random.Random(1),
    )
    return lungfish.connect(PATH, options=options, autocommit=True)


def fill(connection: lungfish.Connection) -> None:
    connection.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 2000) AS g(i)")
    connection.execute("CHECKPOINT")
    connection.execute("UPDATE t SET v = 'changed' WHERE id % 10 = 0")
    connection.execute("DELETE FROM t WHERE id = 7")
    connection.execute("CREATE TABLE other (id int PRIMARY KEY)")
    connection.execute("INSERT INTO other VALUES (1), (2)")


def plan_of(connection: lungfish.Connection) -> dict[str, Any]:
    (text,) = connection.execute("EXPLAIN (FORMAT JSON) RECOVERY").fetchone()
    (plan,) = json.loads(text) if isinstance(text, str) else text
    return dict(plan)


def phase(plan: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in plan["Phases"] if each["Phase"] == name)


def last_recovery(connection: lungfish.Connection, columns: str) -> tuple[Any, ...]:
    found = connection.execute(
        f"SELECT {columns} FROM lungfish.recovery_history ORDER BY recovery_id DESC LIMIT 1"
    ).fetchone()
    return tuple(found)


def test_what_is_explained_is_what_the_restart_does() -> None:
    disk = MemoryDisk()
    connection = connect(disk)
    fill(connection)
    plan = plan_of(connection)
    connection._session.database.crash()
    again = connect(disk)
    applied, skipped, log_bytes, redo_lsn, end_lsn = last_recovery(
        again, "records_applied, records_skipped, wal_bytes, redo_lsn, end_lsn"
    )
    named = {each["Relation Name"]: each for each in plan["Relations"]}
    assert set(named) == {"t", "other"}
    assert named["t"]["Pages"] > 3
    assert named["t"]["Records"] == 201
    assert named["other"]["Records"] >= 1
    redo = phase(plan, "redo")
    # The catalog's own rows are redone too; they are no table's.
    assert 0 < redo["Records"] < applied
    assert redo["Skipped"] == 0 <= skipped
    assert phase(plan, "analyze")["Bytes"] == log_bytes
    assert (plan["Redo LSN"], plan["End LSN"]) == (str(redo_lsn), str(end_lsn))
    again.close()


def test_a_text_has_a_line_for_each_phase_and_table() -> None:
    connection = connect(MemoryDisk())
    fill(connection)
    lines = [line for (line,) in connection.execute("EXPLAIN RECOVERY").fetchall()]
    assert lines[0].startswith("Recovery  (estimated time=")
    phases = [line.split()[1] for line in lines if line.strip().startswith("->")]
    assert phases == ["hydrate", "analyze", "undo", "redo", "index_repair"]
    assert any(line.strip().startswith("t  (mark lsn=") for line in lines)
    connection.execute("BEGIN")
    assert connection.execute("EXPLAIN RECOVERY").fetchall()
    connection.execute("ROLLBACK")
    connection.execute("CHECKPOINT")
    after = plan_of(connection)
    assert after["Relations"] == []
    connection.close()


def test_explaining_writes_nothing() -> None:
    disk = SimulatedDisk()
    connection = connect(disk)
    fill(connection)
    count, end = disk.operation_count, connection._session.database.core.log.end_lsn()
    connection.execute("EXPLAIN RECOVERY").fetchall()
    connection.execute("SELECT * FROM lungfish.recovery_estimate").fetchall()
    assert disk.operation_count == count
    assert connection._session.database.core.log.end_lsn() == end
    connection.close()


def test_the_log_of_two_lives_is_explained_as_one() -> None:
    disk = MemoryDisk()
    first = connect(disk)
    fill(first)
    first._session.database.crash()
    second = connect(disk)
    second.execute("INSERT INTO other VALUES (3)")
    named = {each["Relation Name"]: each for each in plan_of(second)["Relations"]}
    assert named["t"]["Records"] == 201
    assert named["other"]["Records"] >= 2
    second.close()


def test_an_unknown_format_is_refused_with_its_place() -> None:
    connection = connect(MemoryDisk())
    with pytest.raises(lungfish.Error) as caught:
        connection.execute("EXPLAIN (FORMAT YAML) RECOVERY")
    assert caught.value.sqlstate in ("22023", "42601")
    connection.close()


def test_the_estimate_grows_with_the_log_and_falls_with_a_checkpoint() -> None:
    connection = connect(MemoryDisk())
    fill(connection)
    ask = "SELECT backlog_bytes, backlog_records, est_total_ms, pages_to_hydrate, insert_lsn >= redo_lsn FROM lungfish.recovery_estimate"
    size, records, total_ms, pages, is_ordered = connection.execute(ask).fetchone()
    assert size > 0 < records
    assert total_ms > 0 < pages
    assert is_ordered
    connection.execute("CHECKPOINT")
    size_after, _, total_after, pages_after, _ = connection.execute(ask).fetchone()
    assert size_after < size
    assert total_after < total_ms
    assert pages_after < pages
    connection.close()


def test_the_scheduler_goes_by_the_same_estimate() -> None:
    connection = connect(MemoryDisk())
    fill(connection)
    checkpoints = connection._session.database.core.checkpoints
    (total_ms,) = connection.execute(
        "SELECT est_total_ms FROM lungfish.recovery_estimate"
    ).fetchone()
    assert checkpoints.estimate_ms(checkpoints.memory.facts.redo_lsn) == pytest.approx(total_ms)
    connection.execute(f"SET recovery_target_time_ms = '{total_ms / 2}ms'")
    target, setting, advice = connection.execute(
        "SELECT target_ms, limiting_setting, advice FROM lungfish.recovery_estimate"
    ).fetchone()
    assert target == pytest.approx(total_ms / 2)
    assert setting == "recovery_target_time_ms"
    assert advice.startswith("CHECKPOINT would bring it down")
    connection.close()


def recovery(number: int, log_bytes: int, records: int, *, scale: float) -> RecoveryRecord:
    """A restart on a machine that is so much slower than the model's."""
    replay_ms = scale * model_ms(log_bytes, records)
    return RecoveryRecord(
        recovery_id=number, opened_at=number, clean=False, cause="kill", checkpoint_id=1, fallback_used=False,
        redo_lsn=0, end_lsn=log_bytes, wal_bytes=log_bytes, records_applied=records, records_skipped=0,
        pages_hydrated=1, torn_pages_fixed=0, losers=0, lock_ms=0.1, locate_ms=2.0, hydrate_ms=1.0,
        analyze_ms=replay_ms * 0.3, redo_ms=replay_ms * 0.6, undo_ms=0.0, index_ms=replay_ms * 0.1, cleanup_ms=0.0,
        total_ms=replay_ms + 3.0, estimated_ms=None, estimate_error=None, tail_state="clean", discarded_bytes=0,
        quarantined_path=None, wal_recovery_mode="tail", records_read=records,
    )  # fmt: skip


def test_predictions_are_calibrated_by_past_restarts() -> None:
    past: list[RecoveryRecord] = []
    chance = random.Random(3)
    misses = []
    for number in range(1, 12):
        log_bytes, records = chance.randrange(1, 200) << 20, chance.randrange(1000, 500_000)
        expected = predict(past, log_bytes=log_bytes, record_count=records)
        actual = recovery(number, log_bytes, records, scale=3.0)
        misses.append(abs(expected.total_ms - actual.total_ms) / actual.total_ms)
        past.append(actual)
    # The first goes by the constants alone; all after it know the machine.
    assert misses[0] > 0.5
    assert max(misses[1:]) < 0.01
    assert expected.samples == 8
    assert expected.confidence > 0.8
    assert expected.hydrate_ms == pytest.approx(3.0)


def test_without_a_past_nothing_is_trusted() -> None:
    prediction = predict([], log_bytes=250_000_000, record_count=0)
    assert prediction.total_ms == pytest.approx(1000.0)
    assert prediction.confidence == 0.0
