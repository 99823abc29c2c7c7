"""Damage in the log, through SQL: what each `wal_recovery_mode` makes of it, what is kept aside, and what the histories say.

Every database here is killed with its log in place; then bytes of the log are changed, or files of it taken away.
"""

from __future__ import annotations

import random

import pytest

import lungfish
from lungfish import errors
from lungfish.database import DatabaseOptions
from lungfish.storage.memory_disk import MemoryDisk

PATH = "damaged.db"
FOLDER = f"{PATH}-wal"
SEGMENT_SIZE = 16 * 1024
ROW_SIZE = 900
ACCEPTING = ["point_in_time", "salvage"]


def opened(disk: MemoryDisk, mode: str | None = None) -> lungfish.Database:
    options = DatabaseOptions(
        disk=disk,
        page_size_bytes=4096,
        wal_segment_bytes=SEGMENT_SIZE,
        checkpoint_wal_bytes=0,
        random=random.Random(3),
    )
    return lungfish.open(PATH, wal_recovery_mode=mode, options=options)


def killed_database(row_count: int = 40) -> tuple[MemoryDisk, list[int]]:
    """A database with its rows in the log only, killed; and where the log ended after each row."""
    disk = MemoryDisk()
    database = opened(disk)
    connection = database.connect(autocommit=True)
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY, filling text)")
    connection.execute("CREATE INDEX tf ON t (filling)")
    ends = []
    for key in range(row_count):
        connection.execute("INSERT INTO t VALUES (?, ?)", (key, f"{key:04}" * (ROW_SIZE // 4)))
        ends.append(database._database.core.log.end_lsn())
    database.crash()
    connection.close()
    return disk, ends


def change_log(disk: MemoryDisk, lsn: int, data: bytes = b"????????") -> None:
    number, offset = divmod(lsn, SEGMENT_SIZE - 4096)
    file = disk.open(f"{FOLDER}/{number:016d}.wal")
    file.write_at(4096 + offset, data)
    file.close()


def keys_of(database: lungfish.Database) -> list[int]:
    with database.connect(autocommit=True) as connection:
        keys = [row[0] for row in connection.execute("SELECT id FROM t ORDER BY id")]
        (by_index,) = connection.execute("SELECT count(*) FROM t WHERE filling >= ''").fetchone()
        assert by_index == len(keys)
    assert not database.check().problems
    return keys


def last_recovery(database: lungfish.Database) -> dict[str, object]:
    with database.connect(autocommit=True, row_factory=lungfish.dict_row) as connection:
        row = connection.execute(
            "SELECT * FROM lungfish.recovery_history ORDER BY recovery_id DESC LIMIT 1"
        ).fetchone()
    assert isinstance(row, dict)
    return row


def test_damage_in_the_middle_is_refused_with_its_place_what_is_lost_and_what_to_do() -> None:
    disk, ends = killed_database()
    change_log(disk, ends[20] - 200)
    for mode in (None, "tail", "strict"):
        with pytest.raises(errors.CorruptLog) as caught:
            opened(disk, mode)
        error = caught.value
        number = ends[19] // (SEGMENT_SIZE - 4096)
        assert f"{number:016d}.wal" in error.message
        assert "at offset" in error.message
        assert "commits of" in (error.detail or "")
        assert "point_in_time" in (error.hint or "")
        assert "restore" in (error.hint or "")


def test_point_in_time_ends_at_the_damage_and_keeps_the_rest_aside() -> None:
    disk, ends = killed_database()
    change_log(disk, ends[20] - 200)
    with opened(disk, "point_in_time") as database:
        assert keys_of(database) == list(range(20))
        recovery = last_recovery(database)
        assert recovery["tail_state"] == "gap"
        assert recovery["wal_recovery_mode"] == "point_in_time"
        discarded = recovery["discarded_bytes"]
        assert isinstance(discarded, int)
        assert discarded >= ends[-1] - ends[19] - 1000
        path = str(recovery["quarantined_path"])
        kept = disk.open(path)
        assert b"0039" * 20 in kept.read_at(0, kept.size())
        kept.close()
    # The damage lies behind the checkpoint that was taken at once: no mode is needed any more, and nothing comes back.
    with opened(disk, "strict") as database:
        assert keys_of(database) == list(range(20))
    assert disk.exists(path)


def test_salvage_passes_over_the_damage_and_keeps_whole_transactions_behind_it() -> None:
    disk, ends = killed_database()
    change_log(disk, ends[20] - 200)
    with opened(disk, "salvage") as database:
        assert keys_of(database) == [*range(20), *range(21, 40)]
        recovery = last_recovery(database)
        assert recovery["tail_state"] == "gap"
        assert recovery["wal_recovery_mode"] == "salvage"
        with database.connect(autocommit=True) as connection:
            connection.execute("INSERT INTO t VALUES (100, 'after')")
    with opened(disk) as database:
        assert keys_of(database) == [*range(20), *range(21, 40), 100]


def test_salvage_keeps_nothing_of_a_transaction_that_had_begun_before_the_damage() -> None:
    disk = MemoryDisk()
    database = opened(disk)
    with database.connect() as setup:
        setup.execute("CREATE TABLE t (id integer PRIMARY KEY, filling text)")
        setup.execute("CREATE INDEX tf ON t (filling)")
    long, short = database.connect(), database.connect(autocommit=True)
    long.execute("INSERT INTO t VALUES (1, 'before the damage')")
    short.execute("INSERT INTO t VALUES (2, 'not damaged')")
    start = database._database.core.log.end_lsn()
    short.execute("INSERT INTO t VALUES (3, repeat('damaged', 50))")
    long.execute("INSERT INTO t VALUES (4, 'behind the damage')")
    short.execute("INSERT INTO t VALUES (5, 'not damaged')")
    long.commit()
    short.execute("INSERT INTO t VALUES (6, 'not damaged')")
    database.crash()
    long.close()
    short.close()
    change_log(disk, start + 64)
    with opened(disk, "salvage") as database:
        assert keys_of(database) == [2, 5, 6]


@pytest.mark.parametrize("mode", ACCEPTING)
def test_a_segment_that_is_missing_is_damage(mode: str) -> None:
    disk, ends = killed_database()
    capacity = SEGMENT_SIZE - 4096
    number = ends[20] // capacity
    disk.remove(f"{FOLDER}/{number:016d}.wal")
    with pytest.raises(errors.CorruptLog):
        opened(disk)
    with opened(disk, mode) as database:
        keys = keys_of(database)
    before = [key for key, end in enumerate(ends) if end <= number * capacity]
    behind = [key for key, end in enumerate(ends) if end > (number + 1) * capacity + 2 * ROW_SIZE]
    assert set(before) <= set(keys)
    assert (set(behind) <= set(keys)) == (mode == "salvage")
    with opened(disk) as database:
        assert keys_of(database) == keys


@pytest.mark.parametrize("mode", ACCEPTING)
def test_a_segment_without_a_header_is_damage(mode: str) -> None:
    disk, ends = killed_database()
    number = ends[20] // (SEGMENT_SIZE - 4096)
    file = disk.open(f"{FOLDER}/{number:016d}.wal")
    file.write_at(0, bytes(512))
    file.close()
    with pytest.raises(errors.CorruptLog, match="header"):
        opened(disk)
    with opened(disk, mode) as database:
        assert (39 in keys_of(database)) == (mode == "salvage")


@pytest.mark.parametrize("is_fresh", [True, False])
def test_a_log_that_was_taken_away_is_missed(is_fresh: bool) -> None:
    disk, _ = killed_database()
    if not is_fresh:
        with opened(disk):
            pass
        database = opened(disk)
        with database.connect(autocommit=True) as connection:
            connection.execute("INSERT INTO t VALUES (1000, 'later')")
            database.crash()
    for name in disk.list(FOLDER):
        disk.remove(f"{FOLDER}/{name}")
    disk.remove_directory(FOLDER)
    with pytest.raises(errors.CorruptLog, match="missing") as caught:
        opened(disk)
    assert FOLDER in caught.value.message
    with opened(disk, "point_in_time") as database:
        assert last_recovery(database)["tail_state"] == "gap"
        if not is_fresh:
            assert keys_of(database) == list(range(40))
    with opened(disk):
        pass


def test_a_closed_database_needs_no_log() -> None:
    disk, _ = killed_database()
    with opened(disk) as database:
        assert len(keys_of(database)) == 40
    assert not disk.exists(FOLDER)
    with opened(disk, "strict") as database:
        assert last_recovery(database)["tail_state"] == "clean"


def test_a_torn_tail_is_dropped_and_kept_aside_until_the_database_is_closed() -> None:
    disk, ends = killed_database()
    change_log(disk, ends[-1] - 200)
    with pytest.raises(errors.CorruptLog, match="cut off"):
        opened(disk, "strict")
    with opened(disk) as database:
        assert keys_of(database) == list(range(39))
        recovery = last_recovery(database)
        assert recovery["tail_state"] == "torn"
        assert recovery["discarded_bytes"] > 900
        assert disk.exists(str(recovery["quarantined_path"]))
    assert not disk.exists(FOLDER)


def test_a_new_database_does_not_take_the_place_of_one_whose_log_is_there() -> None:
    disk, _ = killed_database()
    disk.remove(PATH)
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="write-ahead log"):
        opened(disk)


def test_the_log_of_another_database_is_never_used() -> None:
    disk, _ = killed_database()
    other = lungfish.open("other.db", options=DatabaseOptions(disk=disk, random=random.Random(8)))
    other.close()
    disk.remove(PATH)
    disk.rename("other.db", PATH)
    with pytest.raises(errors.CorruptLog, match="another database"):
        opened(disk)


def test_a_mode_that_there_is_not_is_an_error() -> None:
    with pytest.raises(errors.InvalidParameterValue, match="wal_recovery_mode"):
        opened(MemoryDisk(), "careless")


def test_the_mode_can_be_shown() -> None:
    with opened(MemoryDisk(), "strict") as database, database.connect() as connection:
        assert connection.execute("SHOW wal_recovery_mode").fetchone() == ("strict",)
