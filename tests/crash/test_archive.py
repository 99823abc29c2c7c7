"""The archive of the log, through SQL: nothing is removed before it is archived, failures are shown and tried again, and what is archived
brings a database back to any moment.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

import lungfish
from lungfish import errors
from lungfish.database import DatabaseOptions
from lungfish.storage.crash_state import Operation, OperationKind, Persistence
from lungfish.storage.simulated_disk import Fault, SimulatedDisk

PATH, ARCHIVE, BACKUP, COPY = "live.db", "archive", "full.backup", "copy.db"
WAL = f"{PATH}-wal"


def options(disk: SimulatedDisk, archive_path: str = ARCHIVE) -> DatabaseOptions:
    return DatabaseOptions(
        disk=disk,
        page_size_bytes=4096,
        wal_segment_bytes=16_384,
        checkpoint_wal_bytes=0,
        checkpoint_thread=False,
        settings={"archive_path": archive_path},
        random=random.Random(3),
    )


class World:
    """A database whose log is archived."""

    def __init__(self, disk: SimulatedDisk | None = None, archive_path: str = ARCHIVE) -> None:
        self.disk = disk if disk is not None else SimulatedDisk()
        self.options = options(self.disk, archive_path)
        self.next_key = 1
        self.open()
        self.connection.execute(
            "CREATE TABLE IF NOT EXISTS t (id integer PRIMARY KEY, filling text)"
        )

    def open(self) -> None:
        self.database = lungfish.open(PATH, options=self.options)
        self.connection = self.database.connect(autocommit=True)

    def insert(self, count: int) -> list[int]:
        for key in range(self.next_key, self.next_key + count):
            self.connection.execute("INSERT INTO t VALUES (?, repeat('x', 900))", (key,))
        self.next_key += count
        return list(range(1, self.next_key))

    def lsn(self) -> str:
        return str(self.connection.execute("SELECT pg_current_wal_lsn()").fetchval())

    def archived(self) -> set[int]:
        folder = f"{ARCHIVE}/{self.database._database.core.store.uuid}"
        return {int(name[:16]) for name in self.disk.list(folder) if name.endswith(".wal")}

    def segments(self) -> set[int]:
        return {int(name[:16]) for name in self.disk.list(WAL) if name.endswith(".wal")}

    def stat(self) -> tuple[object, ...]:
        row = self.connection.execute(
            "SELECT archived_count, last_archived_wal, failed_count, last_failed_wal FROM pg_stat_archiver"
        ).fetchone()
        assert row is not None
        return tuple(row)

    def kill(self) -> None:
        self.database.crash()
        self.connection.close()

    def close(self) -> None:
        self.connection.close()
        self.database.close()


def restored(world: World, **where: object) -> list[int]:
    plain = replace(world.options, settings={})
    lungfish.restore(BACKUP, COPY, overwrite=True, options=plain, **where)  # type: ignore[arg-type]
    with lungfish.open(COPY, options=plain) as database, database.connect() as connection:
        assert not database.check().problems
        return [row[0] for row in connection.execute("SELECT id FROM t ORDER BY id")]


def test_a_segment_is_archived_when_the_log_has_gone_on_behind_it() -> None:
    world = World()
    while len(world.segments()) < 4:
        world.insert(1)
    there = world.segments()
    assert world.archived() == there - {max(there)}
    assert world.stat()[:2] == (len(there) - 1, f"{max(there) - 1:016d}")
    world.close()


def test_a_segment_says_whether_each_of_its_records_is_what_was_written() -> None:
    world = World(archive_path="")
    while len(world.segments()) < 5:
        world.insert(1)
    sound = "SELECT segment_no, crc_ok FROM lungfish.wal_segments WHERE start_lsn IS NOT NULL"
    assert set(dict(world.connection.execute(sound).fetchall()).values()) == {True}
    # A life of its own after these: they are all sealed, and looked at anew.
    world.kill()
    file = world.disk.open(f"{WAL}/{2:016d}.wal")
    byte = file.read_at(9000, 1)
    world.open()
    world.insert(1)
    file.write_at(9000, bytes([byte[0] ^ 4]))
    file.close()
    verdicts = dict(world.connection.execute(sound).fetchall())
    assert [number for number, is_sound in verdicts.items() if not is_sound] == [2]
    world.kill()


def test_segments_are_archived_at_checkpoints_before_they_are_removed() -> None:
    world = World()
    for _ in range(4):
        world.insert(40)
        world.connection.execute("CHECKPOINT")
    archived, there = world.archived(), world.segments()
    assert archived | there == set(range(1, max(there) + 1))
    assert min(there) > 1
    count, last, failed, _ = world.stat()
    assert (count, last, failed) == (len(archived), f"{max(archived):016d}", 0)
    states = dict(
        world.connection.execute("SELECT segment_no, state FROM lungfish.wal_segments").fetchall()
    )
    assert states[max(there)] == "active"
    assert states[1] in ("archived", "recycled")
    moments = world.connection.execute(
        "SELECT count(*) FROM lungfish.wal_segments WHERE archived_at IS NOT NULL"
    )
    assert moments.fetchval() == len(archived)
    history = world.connection.execute(
        "SELECT sum(wal_segments_archived) FROM lungfish.checkpoint_history"
    )
    assert history.fetchval() == len(archived)
    world.close()


def test_checkpoint_archive_seals_the_current_segment_and_archives_it() -> None:
    world = World()
    world.insert(3)
    world.connection.execute("CHECKPOINT (ARCHIVE)")
    assert world.archived() == {1}
    keys = world.insert(3)
    assert world.segments() >= {2}
    world.kill()
    world.open()
    found = [row[0] for row in world.connection.execute("SELECT id FROM t ORDER BY id")]
    assert found == keys
    world.close()


def test_without_an_archive_checkpoint_archive_says_so() -> None:
    world = World(archive_path="")
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="archive"):
        world.connection.execute("CHECKPOINT (ARCHIVE)")
    assert world.stat() == (0, None, 0, None)
    world.close()


def test_what_cannot_be_archived_is_kept_shown_and_tried_again() -> None:
    world = World()

    def fail(operation: Operation) -> Fault | None:
        is_archive = operation.path.startswith(ARCHIVE) and operation.kind is OperationKind.WRITE
        return Fault(errors.IoError("the archive is away")) if is_archive else None

    world.disk.before_operation = fail
    world.insert(60)
    warnings = world.connection.execute("CHECKPOINT").fetchone()
    assert warnings is not None
    assert "the archive is away" in str(warnings[-1])
    world.insert(60)
    world.connection.execute("CHECKPOINT")
    kept = world.segments()
    assert min(kept) == 1
    # At the checkpoints, and whenever a segment was sealed between them.
    assert world.stat()[2] > 2  # type: ignore[operator]
    holders = world.connection.execute(
        "SELECT holder_kind, is_binding FROM lungfish.wal_retention ORDER BY pinned_lsn LIMIT 1"
    )
    assert holders.fetchone() == ("archive", True)
    world.disk.before_operation = None
    world.connection.execute("CHECKPOINT")
    assert world.archived() >= kept - {max(kept)}
    world.connection.execute("CHECKPOINT (TYPE FULL)")
    assert min(world.segments()) > 1
    world.close()


def test_closing_archives_the_rest_or_leaves_it() -> None:
    world = World()
    world.insert(30)
    last = max(world.segments())
    world.close()
    assert not world.disk.exists(WAL)
    world.open()
    assert world.archived() == set(range(1, last + 1))
    world.insert(5)

    def fail(operation: Operation) -> Fault | None:
        is_archive = operation.path.startswith(ARCHIVE) and operation.kind is OperationKind.WRITE
        return Fault(errors.IoError("the archive is away")) if is_archive else None

    world.disk.before_operation = fail
    world.close()
    world.disk.before_operation = None
    assert world.disk.exists(WAL)
    world.open()
    world.connection.execute("CHECKPOINT (ARCHIVE)")
    assert last + 1 in world.archived()
    world.close()


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_backup_and_the_archive_bring_back_any_moment(is_killed: bool) -> None:
    world = World()
    world.insert(10)
    world.database.backup(BACKUP)
    moments: list[tuple[str, list[int]]] = []
    for number in range(5):
        keys = world.insert(25)
        moments.append((world.lsn(), keys))
        if number == 2:
            # A life ends in between.
            if is_killed:
                world.kill()
            else:
                world.close()
            world.open()
        else:
            world.connection.execute("CHECKPOINT")
    world.connection.execute("CHECKPOINT (ARCHIVE)")
    last = world.lsn()
    for lsn, keys in moments:
        assert restored(world, lsn=lsn, archive=ARCHIVE) == keys
    assert restored(world, archive=ARCHIVE) == moments[-1][1]
    # What came after the last archiving is in the log in place.
    keys = world.insert(2)
    assert restored(world, archive=ARCHIVE, wal=WAL) == keys
    assert restored(world, archive=ARCHIVE, wal=WAL, lsn=last) == moments[-1][1]
    world.close()


def test_the_archive_can_be_looked_into() -> None:
    world = World()
    world.insert(60)
    for _ in range(3):
        world.connection.execute("CHECKPOINT (ARCHIVE)")
        world.insert(2)
    assert 1 not in world.segments()
    commits = world.connection.execute(
        "SELECT count(*) FROM lungfish.wal_records() WHERE kind = 'commit'"
    )
    assert commits.fetchval() >= 60
    world.close()


def test_an_archive_with_another_content_is_not_overwritten() -> None:
    world = World()
    world.insert(3)
    folder = f"{ARCHIVE}/{world.database._database.core.store.uuid}"
    for name in (ARCHIVE, folder):
        world.disk.make_directory(name)
    file = world.disk.open(f"{folder}/{1:016d}.wal", create=True)
    file.write_at(0, b"of somebody else")
    file.close()
    row = world.connection.execute("CHECKPOINT (ARCHIVE)").fetchone()
    assert row is not None
    assert "another content" in str(row[-1])
    file = world.disk.open(f"{folder}/{1:016d}.wal")
    assert file.read_at(0, 100) == b"of somebody else"
    file.close()
    world.kill()


def test_a_crash_at_any_moment_leaves_no_hole_in_archive_and_log() -> None:
    world = World()
    world.insert(20)
    world.database.backup(BACKUP)
    start = world.disk.operation_count
    acknowledged: list[tuple[int, int]] = []
    for _ in range(3):
        world.insert(25)
        acknowledged.append((world.disk.operation_count, world.next_key - 1))
        world.connection.execute("CHECKPOINT (ARCHIVE)")
    world.kill()
    chance = random.Random(1)
    numbers = range(start, world.disk.operation_count)
    for number in sorted(chance.sample(numbers, 25)):
        state = world.disk.crash_state(number, chance.choice(list(Persistence)), seed=number)
        plain = options(state, "")
        known = max((key for at, key in acknowledged if at <= number), default=20)
        folder = {"wal": WAL} if state.exists(WAL) else {}
        archive = {"archive": ARCHIVE} if state.exists(ARCHIVE) and state.list(ARCHIVE) else {}
        lungfish.restore(BACKUP, COPY, options=plain, **archive, **folder)
        with lungfish.open(COPY, options=plain) as database, database.connect() as connection:
            keys = [row[0] for row in connection.execute("SELECT id FROM t ORDER BY id")]
        assert keys == list(range(1, len(keys) + 1))
        assert len(keys) >= known, f"after operation {number}"


def test_an_archive_that_does_not_go_on_from_the_backup_is_warned_of_and_not_used() -> None:
    world = World(archive_path="")
    keys = world.insert(20)
    world.database.backup(BACKUP)
    world.close()
    world.open()
    world.insert(20)
    world.close()
    world.options = options(world.disk)
    world.open()
    world.insert(20)
    world.connection.execute("CHECKPOINT (ARCHIVE)")
    plain = replace(world.options, settings={})
    report = lungfish.restore(BACKUP, COPY, archive=ARCHIVE, dry_run=True, options=plain)
    assert "only" in report.warnings[0]
    assert restored(world, archive=ARCHIVE) == keys
    with pytest.raises(errors.InvalidParameterValue, match="ends before the target"):
        restored(world, archive=ARCHIVE, lsn=world.lsn())
    world.close()
