"""Backup and restore, through SQL and Python: full and incremental, online, to a position, a time and a name, and what is refused."""

from __future__ import annotations

import datetime
import random
import threading
from collections.abc import Callable

import pytest

import lungfish
from lungfish import errors
from lungfish.database import DatabaseOptions
from lungfish.recovery.backup import PARTIAL_SUFFIX
from lungfish.storage import Disk
from lungfish.storage.clock import ManualClock
from lungfish.storage.crash_state import Operation, OperationKind, Persistence
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.simulated_disk import Fault, SimulatedDisk

PATH = "live.db"
FULL, INCREMENTAL, COPY = "full.backup", "incremental.backup", "copy.db"


def options(disk: Disk, clock: ManualClock | None = None) -> DatabaseOptions:
    return DatabaseOptions(
        disk=disk,
        page_size_bytes=4096,
        wal_segment_bytes=32_768,
        checkpoint_wal_bytes=0,
        random=random.Random(3),
        **({} if clock is None else {"clock": clock}),
    )


class World:
    """A database with a table, and what was in it at chosen moments."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.clock = ManualClock()
        self.disk = disk if disk is not None else MemoryDisk()
        self.options = options(self.disk, self.clock)
        self.database = lungfish.open(PATH, options=self.options)
        self.connection = self.database.connect(autocommit=True)
        self.connection.execute("CREATE TABLE t (id integer PRIMARY KEY, a integer, b text)")
        self.connection.execute("CREATE INDEX ta ON t (a)")
        self.next_key = 1

    def insert(self, count: int = 20) -> list[int]:
        """Insert rows, one transaction each; answers all keys there are."""
        for key in range(self.next_key, self.next_key + count):
            self.connection.execute("INSERT INTO t VALUES (?, ?, repeat('x', 300))", (key, key % 7))
            self.clock.advance(1)
        self.next_key += count
        return self.keys()

    def keys(self) -> list[int]:
        return keys_of(self.connection)

    def lsn(self) -> str:
        core = self.database._database.core
        end = core.log.end_lsn()
        return f"{end >> 32:X}/{end & 0xFFFFFFFF:X}"

    def now(self) -> datetime.datetime:
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        return epoch + datetime.timedelta(microseconds=self.clock.utc_us())

    def close(self) -> None:
        self.connection.close()
        self.database.close()

    def kill(self) -> None:
        self.database.crash()
        self.connection.close()


def keys_of(connection: lungfish.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT id FROM t ORDER BY id")]


def restored_keys(world: World, path: str = COPY) -> list[int]:
    """The keys of a restored database, whose every page and index is checked."""
    with lungfish.open(path, create=False, options=world.options) as database:
        with database.connect(autocommit=True) as connection:
            causes = connection.execute(
                "SELECT cause FROM lungfish.recovery_history ORDER BY recovery_id DESC LIMIT 2"
            ).fetchall()
            assert causes == [("clean",), ("restore",)]
            keys = keys_of(connection)
            (count,) = connection.execute(
                "SELECT count(*) FROM t WHERE a BETWEEN 0 AND 6"
            ).fetchone()
            assert count == len(keys)
            connection.execute("INSERT INTO t VALUES (100000, 1, 'still a database')")
        assert not database.check().problems
    return keys


def restore(world: World, source: str = FULL, target: str = COPY, **where: object) -> list[int]:
    lungfish.restore(source, target, options=world.options, **where)  # type: ignore[arg-type]
    assert world.disk.list(f"{target}-wal") == []
    keys = restored_keys(world, target)
    world.disk.remove(target)
    return keys


def test_a_backup_becomes_a_database_again_with_all_that_was_committed() -> None:
    world = World()
    before = world.insert(50)
    report = world.database.backup(FULL)
    assert report.kind == "full"
    world.insert(10)
    world.connection.execute("DELETE FROM t WHERE id < 20")
    assert restore(world) == before
    world.close()
    assert restore(world) == before


def test_what_a_running_transaction_has_changed_is_not_in_the_backup() -> None:
    world = World()
    before = world.insert(30)
    writer = world.database.connect()
    writer.execute("UPDATE t SET a = -5, b = 'changed'")
    writer.execute("INSERT INTO t VALUES (5000, 1, 'new')")
    writer.execute("DELETE FROM t WHERE id = 3")
    world.database.backup(FULL)
    writer.commit()
    assert restore(world) == before
    writer.close()
    world.close()


def test_writers_go_on_while_a_backup_is_taken() -> None:
    world = World()
    before = set(world.insert(200))
    written: list[int] = []

    def progress(done: int, total: int) -> None:
        """Between two pieces of the copy."""
        world.insert(3)
        if len(written) % 2:
            world.connection.execute("CHECKPOINT")
        written.append(done)

    world.database.backup(FULL, progress=progress)
    assert written
    after = set(world.keys())
    keys = set(restore(world))
    assert before <= keys <= after
    assert len(keys) > len(before)
    world.close()


def test_threads_that_write_do_not_disturb_a_backup() -> None:
    world = World()
    before = world.insert(60)
    stop, begun = threading.Event(), threading.Event()
    acknowledged: list[int] = []

    def write(first: int) -> None:
        with world.database.connect(autocommit=True) as connection:
            for key in range(first, first + 400):
                if stop.is_set():
                    return
                connection.execute("INSERT INTO t VALUES (?, ?, 'thread')", (key, key % 7))
                acknowledged.append(key)
                if len(acknowledged) > 10:
                    begun.set()

    threads = [threading.Thread(target=write, args=(10_000 * n,)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    known = set(acknowledged)
    world.database.backup(FULL)
    stop.set()
    for thread in threads:
        thread.join()
    keys = set(restore(world))
    assert set(before) | known <= keys <= set(before) | set(acknowledged) | {100000}
    world.close()


def test_an_incremental_backup_has_only_what_has_changed_and_restores_all() -> None:
    world = World()
    world.insert(400)
    full = world.database.backup(FULL)
    middle = world.insert(10)
    first = world.database.backup("one.backup", incremental_from=FULL)
    after = world.insert(10)
    world.connection.execute("UPDATE t SET b = 'changed' WHERE id = 5")
    second = world.database.backup("two.backup", incremental_from="one.backup")
    assert (first.kind, second.kind) == ("incremental", "incremental")
    assert first.bytes < full.bytes / 2
    assert second.unit_count < second.image_unit_count / 2
    assert restore(world, "two.backup") == after
    assert restore(world, "one.backup") == middle
    for path in (FULL, "one.backup", "two.backup"):
        assert lungfish.verify_backup(path, options=world.options).problems == ()
    world.disk.remove(FULL)
    with pytest.raises(errors.UndefinedFile, match=r"full\.backup"):
        restore(world, "two.backup")
    world.close()


def test_a_base_of_another_database_is_refused() -> None:
    world = World()
    world.insert()
    world.database.backup(FULL)
    restore_path = "other.db"
    lungfish.restore(FULL, restore_path, options=world.options)
    with (
        lungfish.open(restore_path, options=world.options) as other,
        pytest.raises(errors.ObjectNotInPrerequisiteState, match="another database"),
    ):
        other.backup(INCREMENTAL, incremental_from=FULL)
    assert not world.disk.exists(INCREMENTAL)
    assert not world.disk.exists(INCREMENTAL + PARTIAL_SUFFIX)
    world.close()


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_restore_with_the_log_in_place_goes_to_any_moment_since(is_killed: bool) -> None:
    world = World()
    world.insert(30)
    world.database.backup(FULL)
    moments = [(world.lsn(), world.now(), world.insert(25)) for _ in range(3)]
    contents = [[key for key in keys if key <= keys[-1] - 25] for _, _, keys in moments]
    world.connection.execute("SELECT pg_create_restore_point('before the mistake')")
    last = world.keys()
    world.connection.execute("DELETE FROM t")
    if is_killed:
        world.kill()
    wal = f"{PATH}-wal"
    for (lsn, moment, _), expected in zip(moments, contents, strict=True):
        assert restore(world, lsn=lsn, wal=wal) == expected
        at = moment - datetime.timedelta(microseconds=1)
        if moment != moments[0][1]:
            assert restore(world, time=at, wal=wal) == expected
    assert restore(world, name="before the mistake", wal=wal) == last
    assert restore(world, wal=wal) == []
    if not is_killed:
        world.close()


def test_a_named_checkpoint_is_a_place_to_restore_to() -> None:
    world = World()
    world.insert(20)
    world.database.backup(FULL)
    world.connection.execute("CREATE TABLE pins (a integer)")
    before = world.insert(20)
    world.connection.execute("CHECKPOINT (NAME 'june', RETAIN_WAL)")
    world.insert(20)
    assert restore(world, name="june", wal=f"{PATH}-wal") == before
    with pytest.raises(errors.UndefinedObject, match="july"):
        restore(world, name="july", wal=f"{PATH}-wal")
    world.close()


def test_a_target_before_the_backup_or_behind_the_log_is_refused() -> None:
    world = World()
    old_lsn, old_time = world.lsn(), world.now()
    world.insert(20)
    world.database.backup(FULL)
    with pytest.raises(errors.InvalidParameterValue, match="before the backup"):
        restore(world, lsn=old_lsn)
    with pytest.raises(errors.InvalidParameterValue, match="before the backup"):
        restore(world, time=old_time)
    world.insert(20)
    with pytest.raises(errors.InvalidParameterValue, match="ends before the target"):
        restore(world, lsn=world.lsn())
    with pytest.raises(errors.InvalidParameterValue, match="ends before the target"):
        restore(world, time=world.now())
    assert not world.disk.exists(COPY)
    world.close()


def test_a_dry_run_says_what_it_would_do_and_writes_nothing() -> None:
    disk = SimulatedDisk()
    world = World(disk)
    world.insert(20)
    world.database.backup(FULL)
    world.insert(5)
    world.kill()
    before = disk.operation_count
    report = lungfish.restore(FULL, COPY, wal=f"{PATH}-wal", dry_run=True, options=world.options)
    assert disk.operation_count == before
    assert report.outcome == "dry_run"
    assert report.transactions == 5
    done = lungfish.restore(FULL, COPY, wal=f"{PATH}-wal", options=world.options)
    assert done.outcome == "restored"
    assert (done.restored_lsn, done.transactions) == (report.restored_lsn, report.transactions)


def test_an_existing_database_is_replaced_only_when_told_and_not_while_it_is_open() -> None:
    world = World()
    before = world.insert(20)
    world.database.backup(FULL)
    world.insert(20)
    with pytest.raises(errors.DuplicateFile):
        lungfish.restore(FULL, PATH, options=world.options)
    with pytest.raises(errors.DatabaseInUse):
        lungfish.restore(FULL, PATH, overwrite=True, options=world.options)
    world.kill()
    lungfish.restore(FULL, PATH, overwrite=True, options=world.options)
    assert restored_keys(world, PATH) == before


def test_an_existing_file_is_replaced_by_a_backup_only_when_told() -> None:
    world = World()
    world.insert(5)
    world.database.backup(FULL)
    with pytest.raises(errors.DuplicateFile):
        world.database.backup(FULL)
    keys = world.insert(5)
    world.database.backup(FULL, overwrite=True)
    assert restore(world) == keys
    world.close()


def test_a_backup_that_fails_leaves_nothing_and_holds_nothing() -> None:
    disk = SimulatedDisk()
    world = World(disk)
    world.insert(20)

    def fail(operation: Operation) -> Fault | None:
        is_ours = operation.path.startswith(FULL) and operation.kind is OperationKind.WRITE
        return Fault(errors.DiskFull("no room for the backup")) if is_ours else None

    disk.before_operation = fail
    with pytest.raises(errors.DiskFull):
        world.database.backup(FULL)
    disk.before_operation = None
    assert not disk.exists(FULL)
    assert not disk.exists(FULL + PARTIAL_SUFFIX)
    holders = world.connection.execute("SELECT holder_kind FROM lungfish.wal_retention").fetchall()
    assert ("backup",) not in holders
    keys = world.insert(5)
    world.database.backup(FULL)
    assert restore(world) == keys
    world.close()


def test_the_log_is_held_for_a_backup_while_it_runs() -> None:
    world = World()
    world.insert(100)
    seen: list[tuple[str, ...]] = []

    def progress(done: int, total: int) -> None:
        rows = world.connection.execute("SELECT holder_kind FROM lungfish.wal_retention")
        seen.append(tuple(row[0] for row in rows))

    world.database.backup(FULL, progress=progress)
    assert all("backup" in kinds for kinds in seen)
    assert seen
    world.close()


def test_a_crash_while_a_backup_or_a_restore_is_made_leaves_a_whole_file_or_none() -> None:
    disk = SimulatedDisk()
    world = World(disk)
    before = world.insert(12)
    start = disk.operation_count
    world.database.backup(FULL)
    middle = disk.operation_count
    world.kill()
    restore_start = disk.operation_count
    lungfish.restore(FULL, COPY, options=world.options)
    chance = random.Random(4)
    end = disk.operation_count
    points = [*range(start, middle, 3), *range(restore_start, end, 7)]
    for number in points:
        state = disk.crash_state(number, chance.choice(list(Persistence)), seed=number)
        found = options(state)
        if state.exists(FULL):
            assert lungfish.verify_backup(FULL, options=found).problems == ()
        if state.exists(COPY):
            with lungfish.open(COPY, options=found) as database, database.connect() as connection:
                assert keys_of(connection) == before
        elif number >= restore_start:
            lungfish.restore(FULL, COPY, options=found)


DAMAGE: list[Callable[[int], int]] = [
    lambda size: 5,
    lambda size: 4096 + 30,
    lambda size: size // 2,
    lambda size: size - 200,
    lambda size: size - 20,
]


@pytest.mark.parametrize("place", range(len(DAMAGE)))
def test_a_damaged_backup_is_found_out_and_never_restored(place: int) -> None:
    world = World()
    world.insert(60)
    world.database.backup(FULL)
    file = world.disk.open(FULL)
    at = DAMAGE[place](file.size())
    (byte,) = file.read_at(at, 1)
    file.write_at(at, bytes([byte ^ 0x10]))
    file.close()
    with pytest.raises((errors.CorruptDatabase, errors.WrongObjectType)):
        lungfish.restore(FULL, COPY, options=world.options)
    assert not world.disk.exists(COPY)
    try:
        problems = lungfish.verify_backup(FULL, options=world.options).problems
    except (errors.CorruptDatabase, errors.WrongObjectType):
        problems = ("it does not open",)
    assert problems
    world.close()


def test_a_backup_that_was_cut_off_is_none() -> None:
    world = World()
    world.insert(20)
    world.database.backup(FULL)
    file = world.disk.open(FULL)
    file.truncate(file.size() - 4000)
    file.close()
    with pytest.raises(errors.CorruptDatabase, match="cut off"):
        lungfish.verify_backup(FULL, options=world.options)
    world.close()


def test_the_statements_do_the_same() -> None:
    world = World()
    before = world.insert(20)
    execute = world.connection.execute
    with world.database.connect(autocommit=True, row_factory=lungfish.dict_row) as rows:
        made = rows.execute(f"BACKUP TO '{FULL}' (VERIFY)").fetchone()
        assert isinstance(made, dict)
        assert (made["path"], made["kind"]) == (FULL, "full")
        lsn = made["end_lsn"]
        world.insert(5)
        more = rows.execute(f"BACKUP TO '{INCREMENTAL}' INCREMENTAL FROM '{FULL}'").fetchone()
        assert isinstance(more, dict)
        assert more["base_path"] == FULL
        checked = rows.execute(f"VERIFY BACKUP '{INCREMENTAL}'").fetchone()
        assert isinstance(checked, dict)
        assert (checked["backups"], checked["problems"]) == (2, [])
        planned = rows.execute(f"RESTORE FROM '{FULL}' TO '{COPY}' LSN '{lsn}' DRY RUN").fetchone()
        assert isinstance(planned, dict)
        assert planned["outcome"] == "dry_run"
        assert not world.disk.exists(COPY)
        execute(f"RESTORE FROM '{FULL}' TO '{COPY}' LSN '{lsn}'")
        assert restored_keys(world) == before
        execute(f"RESTORE FROM '{INCREMENTAL}' TO '{COPY}' (OVERWRITE)")
        assert restored_keys(world) == world.keys()
    with pytest.raises(errors.ActiveSqlTransaction):
        execute("BEGIN; BACKUP TO 'x.backup'")
    execute("ROLLBACK")
    world.close()


def test_a_database_in_memory_can_be_backed_up(tmp_path: object) -> None:
    path, target = f"{tmp_path}/memory.backup", f"{tmp_path}/memory.db"
    with lungfish.connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY)")
        connection.execute("INSERT INTO t SELECT * FROM generate_series(1, 100)")
        connection.backup(path)
    lungfish.restore(path, target)
    with lungfish.connect(target) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (100,)
