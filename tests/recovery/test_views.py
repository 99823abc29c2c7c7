"""Each view answers rows that fit its columns, idle and in the middle of a checkpoint."""

from __future__ import annotations

from typing import Any

import pytest

from lungfish.recovery import STORAGE_VIEWS
from lungfish.recovery.core import StorageCore
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.types.sql_type import TypeKind
from tests.crash.small_database import SmallDatabase
from tests.crash.workloads import row

PYTHON_TYPES: dict[TypeKind, tuple[type, ...]] = {
    TypeKind.TEXT: (str,),
    TypeKind.PG_LSN: (str,),
    TypeKind.BIGINT: (int,),
    TypeKind.INTEGER: (int,),
    TypeKind.TIMESTAMPTZ: (int,),
    TypeKind.BOOLEAN: (bool,),
    TypeKind.DOUBLE: (float,),
    TypeKind.REAL: (float,),
}


def view(core: StorageCore, name: str) -> list[dict[str, Any]]:
    """A view's rows by column, once every value is seen to fit its column."""
    definition = next(each for each in STORAGE_VIEWS if each.name == name)
    found = []
    for values in definition.rows(core):
        assert len(values) == len(definition.columns)
        for (column, sql_type), value in zip(definition.columns, values, strict=True):
            if value is not None:
                assert type(value) in PYTHON_TYPES[sql_type.kind], (name, column, value)
        found.append(dict(zip((column for column, _ in definition.columns), values, strict=True)))
    return found


@pytest.fixture
def database() -> SmallDatabase:
    made = SmallDatabase(MemoryDisk())
    transaction = made.begin()
    number = made.create_table(transaction)
    for row_id in range(200):
        made.insert(transaction, number, row(row_id, 1, 100))
    transaction.commit()
    return made


def test_an_idle_database_has_one_status_row_and_no_history(database: SmallDatabase) -> None:
    (status,) = view(database.core, "checkpoint_status")
    assert status["state"] == "idle"
    assert status["last_success_id"] is None
    assert status["wal_bytes_since_redo"] > 0
    assert view(database.core, "checkpoint_history") == []
    (opening,) = view(database.core, "recovery_history")
    assert opening["clean"] is True


def test_a_checkpoint_stands_in_status_and_history(database: SmallDatabase) -> None:
    seen: list[dict[str, Any]] = []
    pages = database.core.checkpoints.pages
    pages.pace = lambda size: seen.extend(view(database.core, "checkpoint_status"))
    database.checkpoint()
    assert {status["state"] for status in seen} == {"write"}
    assert seen[0]["pages_done"] == 1
    assert seen[-1]["pages_done"] == seen[-1]["pages_total"] > 1
    (status,) = view(database.core, "checkpoint_status")
    assert status["state"] == "idle"
    assert status["last_success_id"] == 1
    (done,) = view(database.core, "checkpoint_history")
    assert done["outcome"] == "complete"
    assert done["requested_by"] == "drill"
    assert done["pages_written"] >= done["pages_dirty"] > 1
    assert done["total_ms"] is not None


def test_segments_say_whether_someone_needs_them(database: SmallDatabase) -> None:
    segments = view(database.core, "wal_segments")
    assert [segment["state"] for segment in segments[:-1]] == ["needed"] * (len(segments) - 1)
    assert segments[-1]["state"] == "active"
    assert len(segments) > 1
    database.checkpoint()
    # The image before is still one of a database without rows: it would need all of the log.
    assert view(database.core, "wal_segments")[0]["state"] == "needed"
    database.checkpoint()
    segments = view(database.core, "wal_segments")
    states = [segment["state"] for segment in segments]
    assert states == ["active"] + ["recycled"] * (len(states) - 1)


def test_retention_names_the_holder_and_the_way_out(database: SmallDatabase) -> None:
    database.checkpoint()
    transaction = database.begin()
    database.insert(transaction, 0, row(1000))
    transaction.commit()
    database.checkpoint()
    previous, current = view(database.core, "wal_retention")
    assert (previous["holder_kind"], previous["holder_id"]) == ("redo_lsn", "previous checkpoint")
    assert (current["holder_kind"], current["holder_id"]) == ("redo_lsn", "checkpoint")
    assert previous["remedy_sql"] == current["remedy_sql"] == "CHECKPOINT"
    assert previous["is_binding"] is True
    assert previous["pinned_bytes"] > current["pinned_bytes"]
    database.checkpoint()
    assert view(database.core, "wal_retention")[0]["pinned_lsn"] == current["pinned_lsn"]


def test_history_survives_a_clean_close_and_a_kill() -> None:
    disk = MemoryDisk()
    database = SmallDatabase(disk)
    transaction = database.begin()
    database.create_table(transaction)
    transaction.commit()
    database.checkpoint()
    database.close()
    database = SmallDatabase(disk)
    outcomes = [each["outcome"] for each in view(database.core, "checkpoint_history")]
    assert outcomes == ["complete", "complete"]
    transaction = database.begin()
    database.insert(transaction, 0, row(1))
    transaction.commit()
    database.checkpoint()
    transaction = database.begin()
    database.insert(transaction, 0, row(2))
    transaction.commit()
    database.crash()
    database = SmallDatabase(disk)
    history = view(database.core, "checkpoint_history")
    assert [each["checkpoint_id"] for each in history] == [1, 2, 3]
    openings = view(database.core, "recovery_history")
    assert [each["clean"] for each in openings] == [True, True, False]
    assert openings[-1]["records_applied"] > 0
    assert openings[-1]["tail_state"] == "clean"
