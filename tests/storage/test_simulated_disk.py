"""The crash drill's own disk: what a crash may leave, and what it never changes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish.errors import DiskFull, IoError
from lungfish.storage.crash_state import SECTOR_SIZE, Operation, OperationKind, Persistence
from lungfish.storage.disk import File
from lungfish.storage.memory_disk import FileContent
from lungfish.storage.simulated_disk import Fault, SimulatedCrash, SimulatedDisk

SEEDS = range(30)


def synced_file(disk: SimulatedDisk, content: bytes, path: str = "a") -> File:
    file = disk.open(path, create=True)
    file.write_at(0, content)
    file.sync()
    disk.sync_directory(".")
    return file


def after(disk: SimulatedDisk, persistence: Persistence, path: str = "a", seed: int = 0) -> bytes:
    """The file's content as a crash now leaves it."""
    file = disk.crash_state(disk.operation_count, persistence, seed).open(path)
    return file.read_at(0, file.size())


def test_every_change_is_recorded_with_a_number_and_reads_are_not() -> None:
    disk = SimulatedDisk()
    disk.make_directory("d")
    file = disk.open("d/a", create=True)
    file.write_at(3, b"xyz")
    file.read_at(0, 1)
    file.sync()
    file.truncate(1)
    disk.rename("d/a", "d/b")
    disk.sync_directory("d")
    disk.remove("d/b")
    disk.remove_directory("d")
    kinds = [disk.operation(number).kind for number in range(1, disk.operation_count + 1)]
    assert kinds == [
        OperationKind.MAKE_DIRECTORY,
        OperationKind.CREATE,
        OperationKind.WRITE,
        OperationKind.SYNC,
        OperationKind.TRUNCATE,
        OperationKind.RENAME,
        OperationKind.SYNC_DIRECTORY,
        OperationKind.REMOVE,
        OperationKind.REMOVE_DIRECTORY,
    ]
    write = disk.operation(3)
    assert (write.number, write.path, write.offset, write.data) == (3, "d/a", 3, b"xyz")


@pytest.mark.parametrize("persistence", list(Persistence))
def test_what_was_synced_is_there_under_every_persistence(persistence: Persistence) -> None:
    disk = SimulatedDisk()
    synced_file(disk, b"kept" * 1000)
    other = disk.open("b", create=True)
    for number in range(5):
        other.write_at(number * 600, b"lost" * 300)
    disk.rename("b", "c")
    for seed in SEEDS:
        assert after(disk, persistence, seed=seed) == b"kept" * 1000


def test_without_a_sync_only_the_old_content_is_sure() -> None:
    disk = SimulatedDisk()
    file = synced_file(disk, b"old!")
    file.write_at(0, b"new!")
    assert after(disk, Persistence.SYNCED) == b"old!"
    assert after(disk, Persistence.EVERYTHING) == b"new!"
    assert {after(disk, Persistence.RANDOM, seed=seed) for seed in SEEDS} == {b"old!", b"new!"}
    file.sync()
    assert after(disk, Persistence.SYNCED) == b"new!"


def test_a_crash_earlier_than_the_end_knows_nothing_of_what_came_later() -> None:
    disk = SimulatedDisk()
    file = synced_file(disk, b"1")
    moment = disk.operation_count
    for value in range(2, 200):
        file.write_at(0, b"%d" % value)
        file.sync()
    state = disk.crash_state(moment, Persistence.EVERYTHING)
    assert state.open("a").read_at(0, 9) == b"1"


def states_of_four_writes(persistence: Persistence) -> set[bytes]:
    disk = SimulatedDisk()
    file = synced_file(disk, b"....")
    for place in range(4):
        file.write_at(place, b"x")
    return {after(disk, persistence, seed=seed) for seed in range(100)}


def test_a_prefix_keeps_the_first_writes() -> None:
    assert states_of_four_writes(Persistence.PREFIX) == {
        b"....",
        b"x...",
        b"xx..",
        b"xxx.",
        b"xxxx",
    }


def test_reordered_keeps_the_last_writes_without_the_first() -> None:
    assert states_of_four_writes(Persistence.REORDERED) == {
        b"....",
        b"...x",
        b"..xx",
        b".xxx",
        b"xxxx",
    }


def test_random_keeps_any_of_the_writes() -> None:
    assert len(states_of_four_writes(Persistence.RANDOM)) == 16


def test_the_same_seed_gives_the_same_state_and_another_disk_does_not_matter() -> None:
    def build() -> SimulatedDisk:
        disk = SimulatedDisk()
        file = synced_file(disk, bytes(5000))
        for place in range(9):
            file.write_at(place * 512, b"x" * 700)
        return disk

    for persistence in Persistence:
        assert after(build(), persistence, seed=4) == after(build(), persistence, seed=4)


def test_a_torn_write_is_whole_in_each_sector() -> None:
    disk = SimulatedDisk()
    file = synced_file(disk, b"o" * 4096)
    # Not aligned: the first and the last sector are written in part.
    file.write_at(100, b"n" * 3000)
    seen = set()
    for seed in SEEDS:
        content = after(disk, Persistence.TORN, seed=seed)
        whole = b"o" * 100 + b"n" * 3000 + b"o" * 996
        for at in range(0, 4096, SECTOR_SIZE):
            sector = content[at : at + SECTOR_SIZE]
            assert sector in (b"o" * SECTOR_SIZE, whole[at : at + SECTOR_SIZE])
        seen.add(content)
    assert len(seen) > 20


def test_an_unsynced_name_may_be_lost_and_with_it_a_synced_file() -> None:
    disk = SimulatedDisk()
    file = disk.open("a", create=True)
    file.write_at(0, b"x")
    file.sync()
    for persistence in (Persistence.SYNCED, Persistence.LOST_NAMES):
        assert disk.crash_state(disk.operation_count, persistence).list(".") == []
    disk.sync_directory(".")
    for persistence in Persistence:
        assert disk.crash_state(disk.operation_count, persistence).list(".") == ["a"]


def test_an_unsynced_rename_leaves_the_old_name_or_the_new_one() -> None:
    disk = SimulatedDisk()
    synced_file(disk, b"new", "a")
    synced_file(disk, b"old", "b")
    disk.rename("a", "b")
    seen = set()
    for seed in SEEDS:
        state = disk.crash_state(disk.operation_count, Persistence.RANDOM, seed)
        seen.add(tuple((name, state.open(name).read_at(0, 9)) for name in state.list(".")))
    assert seen == {(("a", b"new"), ("b", b"old")), (("b", b"new"),)}


def test_an_unsynced_removal_may_not_have_happened() -> None:
    disk = SimulatedDisk()
    synced_file(disk, b"x")
    disk.remove("a")
    assert after(disk, Persistence.SYNCED) == b"x"
    disk.sync_directory(".")
    assert not disk.crash_state(disk.operation_count, Persistence.SYNCED).exists("a")


def test_a_lost_directory_takes_its_files_with_it() -> None:
    disk = SimulatedDisk()
    disk.make_directory("d")
    disk.open("d/a", create=True).sync()
    disk.sync_directory("d")
    state = disk.crash_state(disk.operation_count, Persistence.SYNCED)
    assert not state.exists("d")
    assert not state.exists("d/a")
    disk.sync_directory(".")
    assert disk.crash_state(disk.operation_count, Persistence.SYNCED).list("d") == ["a"]


def test_a_truncation_is_durable_with_the_sync_and_not_before() -> None:
    disk = SimulatedDisk()
    file = synced_file(disk, b"abcdef")
    file.truncate(2)
    assert after(disk, Persistence.SYNCED) == b"abcdef"
    assert after(disk, Persistence.EVERYTHING) == b"ab"
    file.sync()
    assert after(disk, Persistence.SYNCED) == b"ab"


def test_a_crash_state_can_be_run_and_crashed_in_its_turn() -> None:
    disk = SimulatedDisk()
    synced_file(disk, b"1")
    for depth in range(2, 5):
        disk = disk.crash_state(disk.operation_count, Persistence.SYNCED)
        assert disk.operation_count == 0
        file = disk.open("a")
        file.write_at(file.size(), b"%d" % depth)
        file.sync()
        file.write_at(0, b"lost")
    assert after(disk, Persistence.SYNCED) == b"1234"


def test_running_a_crash_state_leaves_the_disk_it_came_from_alone() -> None:
    disk = SimulatedDisk()
    synced_file(disk, b"1" * 9000)
    state = disk.crash_state(disk.operation_count, Persistence.EVERYTHING)
    state.open("a").write_at(0, b"2" * 9000)
    assert after(disk, Persistence.EVERYTHING) == b"1" * 9000


# --- Faults ---


def on(kind: OperationKind, fault: Fault):  # type: ignore[no-untyped-def]
    return lambda operation: fault if operation.kind is kind else None


def test_a_fault_happens_instead_of_the_operation() -> None:
    disk = SimulatedDisk()
    file = synced_file(disk, b"old!")
    count = disk.operation_count
    disk.before_operation = on(OperationKind.WRITE, Fault(IoError("EIO")))
    with pytest.raises(IoError, match="EIO"):
        file.write_at(0, b"new!")
    assert disk.operation_count == count
    assert file.read_at(0, 4) == b"old!"


def test_a_short_write_applies_its_first_bytes() -> None:
    disk = SimulatedDisk()
    file = synced_file(disk, b"old!")
    disk.before_operation = on(OperationKind.WRITE, Fault(DiskFull("ENOSPC"), applied_size=2))
    with pytest.raises(DiskFull):
        file.write_at(0, b"new!")
    assert file.read_at(0, 4) == b"ned!"
    assert after(disk, Persistence.EVERYTHING) == b"ned!"


def test_a_failed_read_raises_and_says_what_was_asked_for() -> None:
    disk = SimulatedDisk()
    file = synced_file(disk, b"old!")
    asked: list[Operation] = []

    def hook(operation: Operation) -> Fault:
        asked.append(operation)
        return Fault(IoError("EIO"))

    disk.before_operation = hook
    with pytest.raises(IoError):
        file.read_at(1, 2)
    assert (asked[0].kind, asked[0].offset, asked[0].length) == (OperationKind.READ, 1, 2)


def test_a_failed_sync_may_lose_what_was_unsynced_and_the_next_one_succeeds() -> None:
    disk = SimulatedDisk()
    file = synced_file(disk, b"old!")
    file.write_at(0, b"new!")
    disk.before_operation = on(OperationKind.SYNC, Fault(IoError("EIO"), loses_unsynced=True))
    with pytest.raises(IoError):
        file.sync()
    disk.before_operation = None
    assert file.read_at(0, 4) == b"old!"
    file.sync()
    for persistence in Persistence:
        assert after(disk, persistence) == b"old!"


def test_after_a_simulated_crash_every_operation_raises_it() -> None:
    disk = SimulatedDisk()
    file = synced_file(disk, b"old!")
    disk.before_operation = on(OperationKind.WRITE, Fault(SimulatedCrash()))
    with pytest.raises(SimulatedCrash):
        file.write_at(0, b"new!")
    disk.before_operation = None
    for use in (lambda: file.read_at(0, 1), file.sync, lambda: disk.remove("a")):
        with pytest.raises(SimulatedCrash):
            use()
    assert after(disk, Persistence.EVERYTHING) == b"old!"


def test_a_full_disk_refuses_growth_only() -> None:
    disk = SimulatedDisk()
    file = synced_file(disk, b"x" * 1000)
    disk.capacity_bytes = 1000
    file.write_at(0, b"y" * 1000)
    with pytest.raises(DiskFull):
        file.write_at(1, b"y" * 1000)
    with pytest.raises(DiskFull):
        disk.open("b", create=True).write_at(0, b"z")
    file.truncate(500)
    disk.open("b").write_at(0, b"z")


# --- Content ---

changes = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 20_000), st.integers(0, 10_000)),
        st.tuples(st.just("truncate"), st.integers(0, 20_000), st.just(0)),
    ),
    max_size=12,
)


@given(changes)
def test_content_in_chunks_is_like_one_bytearray(changes: list[tuple[str, int, int]]) -> None:
    content, model = FileContent(), bytearray()
    for number, (kind, offset, length) in enumerate(changes):
        if kind == "write":
            data = bytes([number + 1]) * length
            content.write(offset, data)
            if length:
                model.extend(bytes(max(0, offset - len(model))))
                model[offset : offset + length] = data
        else:
            content.truncate(offset)
            del model[offset:]
            model.extend(bytes(offset - len(model)))
        copy = content.copy()
        assert content.size == len(model)
        assert content.read(0, 40_000) == model
        assert content.read(offset, 5000) == model[offset : offset + 5000]
        copy.write(0, b"a copy is another file")
        assert content.read(0, 40_000) == model


@pytest.mark.slow
def test_crash_states_are_cheap() -> None:
    """2,000 states of a file of 1 MiB; the bound is far above what is measured (0.3 s)."""
    disk = SimulatedDisk()
    file = disk.open("a", create=True)
    disk.sync_directory(".")
    for number in range(300):
        file.write_at(number * 7919 % 256 * 4096, bytes([number % 256]) * 8192)
        if number % 20 == 0:
            file.sync()
    started = time.process_time()
    for seed in range(2000 // len(Persistence)):
        for persistence in Persistence:
            disk.crash_state(seed, persistence, seed)
    assert time.process_time() - started < 10
