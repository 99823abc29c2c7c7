"""What every disk promises, held by all three; and what only the machine's own has: locks between processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lungfish.errors import (
    DatabaseInUse,
    DiskFull,
    Error,
    InsufficientPrivilege,
    IoError,
    UndefinedFile,
)
from lungfish.storage.clock import ManualClock, SystemClock
from lungfish.storage.disk import Disk, LocalDisk
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.simulated_disk import SimulatedDisk


@pytest.fixture(params=["local", "memory", "simulated"])
def disk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.chdir(tmp_path)
    makers = {"local": LocalDisk, "memory": MemoryDisk, "simulated": SimulatedDisk}
    return makers[request.param]()


def test_bytes_written_are_read_at_their_place(disk: Disk) -> None:
    file = disk.open("a", create=True)
    file.write_at(0, b"hello world")
    file.write_at(6, memoryview(b"there"))
    assert file.read_at(0, 11) == b"hello there"
    assert file.read_at(4, 3) == b"o t"
    assert file.size() == 11
    file.close()


def test_reading_over_the_end_gives_what_there_is(disk: Disk) -> None:
    file = disk.open("a", create=True)
    file.write_at(0, b"abc")
    assert file.read_at(1, 100) == b"bc"
    assert file.read_at(50, 100) == b""
    buffer = bytearray(b"......")
    assert file.read_into(1, buffer) == 2
    assert buffer == b"bc...."
    assert file.read_into(0, memoryview(buffer)[2:5]) == 3
    assert buffer == b"bcabc."
    file.close()


def test_a_gap_reads_as_zeros(disk: Disk) -> None:
    file = disk.open("a", create=True)
    file.write_at(10_000, b"x")
    assert file.read_at(0, 10_001) == bytes(10_000) + b"x"
    file.close()


def test_truncate_cuts_and_grows_with_zeros(disk: Disk) -> None:
    file = disk.open("a", create=True)
    file.write_at(0, b"x" * 9000)
    file.truncate(5000)
    file.truncate(9000)
    file.sync()
    assert file.read_at(0, 9000) == b"x" * 5000 + bytes(4000)
    file.close()


def test_two_handles_see_the_same_file(disk: Disk) -> None:
    first, second = disk.open("a", create=True), disk.open("a", create=True)
    first.write_at(0, b"abc")
    assert second.read_at(0, 3) == b"abc"
    first.close()
    second.close()


def test_a_missing_file_is_an_undefined_file(disk: Disk) -> None:
    for use in (
        lambda: disk.open("nope"),
        lambda: disk.remove("nope"),
        lambda: disk.rename("nope", "a"),
        lambda: disk.open("nope/a", create=True),
    ):
        with pytest.raises(UndefinedFile, match="nope"):
            use()
    assert not disk.exists("nope")


def test_a_closed_file_refuses_use_and_closes_twice(disk: Disk) -> None:
    file = disk.open("a", create=True)
    file.close()
    file.close()
    with pytest.raises(Error):
        file.read_at(0, 1)
    with pytest.raises(Error):
        file.write_at(0, b"x")


def test_rename_takes_the_place_of_another_file(disk: Disk) -> None:
    for name in ("a", "b"):
        file = disk.open(name, create=True)
        file.write_at(0, name.encode())
        file.close()
    disk.rename("a", "b")
    assert not disk.exists("a")
    file = disk.open("b")
    assert file.read_at(0, 9) == b"a"
    file.close()


def test_a_removed_file_stays_readable_while_it_is_open(disk: Disk) -> None:
    file = disk.open("a", create=True)
    file.write_at(0, b"abc")
    disk.remove("a")
    assert not disk.exists("a")
    assert file.read_at(0, 3) == b"abc"
    file.close()


def test_directories_hold_files_and_are_removed_when_empty(disk: Disk) -> None:
    disk.make_directory("d")
    disk.make_directory("d")
    assert disk.exists("d")
    for name in ("d/2", "d/1"):
        disk.open(name, create=True).close()
    disk.sync_directory("d")
    disk.sync_directory(".")
    assert disk.list("d") == ["1", "2"]
    assert disk.list("missing") == []
    assert "d" in disk.list(".")
    with pytest.raises(IoError):
        disk.remove_directory("d")
    for name in ("d/1", "d/2"):
        disk.remove(name)
    disk.remove_directory("d")
    assert not disk.exists("d")


def test_a_second_lock_is_refused_until_the_first_is_released(disk: Disk) -> None:
    lock = disk.lock("a.db")
    with pytest.raises(DatabaseInUse, match=f"process {os.getpid()}") as caught:
        disk.lock("a.db")
    assert caught.value.sqlstate == "55006"
    assert caught.value.hint is not None
    assert "This process has it open already" in caught.value.hint
    lock.release()
    lock.release()
    disk.lock("a.db").release()
    assert [name for name in disk.list(".") if name.startswith("a.db")] == ["a.db"]


def test_many_threads_write_their_own_places(disk: Disk) -> None:
    file = disk.open("a", create=True)

    def work(number: int) -> None:
        for each in range(50):
            file.write_at((each * 4 + number) * 100, bytes([number + 1]) * 100)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = b"".join(bytes([number + 1]) * 100 for _ in range(50) for number in range(4))
    assert file.read_at(0, 20_000) == expected
    file.close()


# --- Memory ---


def test_a_full_memory_disk_refuses_growth_and_takes_it_again_after_a_removal() -> None:
    disk = MemoryDisk(capacity_bytes=10_000)
    first, second = disk.open("a", create=True), disk.open("b", create=True)
    first.write_at(0, bytes(8000))
    with pytest.raises(DiskFull):
        second.write_at(0, bytes(3000))
    first.write_at(0, b"x" * 8000)
    disk.remove("a")
    second.write_at(0, bytes(3000))


# --- The machine's own ---


def test_a_lock_names_the_process_that_holds_it(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    program = (
        "import sys; from lungfish.storage.disk import LocalDisk; lock = LocalDisk().lock(sys.argv[1]);"
        "print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(DatabaseInUse) as caught:
            LocalDisk().lock(path)
        message = str(caught.value)
        assert f"process {child.pid}" in message
        assert "since 20" in message
        assert f"end process {child.pid}" in message
        child.send_signal(signal.SIGKILL)
        child.wait()
        # A killed process holds nothing, whatever it left lying about.
        LocalDisk().lock(path).release()
        assert [each.name for each in tmp_path.iterdir()] == ["a.db"]
    finally:
        child.kill()
        child.communicate()


def test_a_holder_that_cannot_be_read_is_another_process(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    lock = LocalDisk().lock(path)
    (tmp_path / "a.db-lock").write_text("{ no json")
    with pytest.raises(DatabaseInUse, match="by another process"):
        LocalDisk().lock(path)
    lock.release()


def test_a_lock_whose_process_is_gone_says_that_a_fork_holds_it(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    lock = LocalDisk().lock(path)
    note = tmp_path / "a.db-lock"
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    note.write_text(json.dumps({**json.loads(note.read_text()), "pid": gone.pid}))
    with pytest.raises(DatabaseInUse, match="a child that it forked"):
        LocalDisk().lock(path)
    lock.release()


def test_a_lock_says_when_it_was_taken(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    disk = LocalDisk(ManualClock(utc_us=1_000_000_000_000_000))
    lock = disk.lock(path)
    with pytest.raises(DatabaseInUse, match="since 2001-09-09 01:46:40 UTC"):
        disk.lock(path)
    lock.release()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device_is_a_full_disk() -> None:
    file = LocalDisk().open("/dev/full")
    with pytest.raises(DiskFull, match="/dev/full") as caught:
        file.write_at(0, b"x")
    assert caught.value.sqlstate == "53100"
    file.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_forbidden_file_is_insufficient_privilege(tmp_path: Path) -> None:
    (tmp_path / "a").touch(mode=0)
    with pytest.raises(InsufficientPrivilege):
        LocalDisk().open(str(tmp_path / "a"))


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(IoError):
        LocalDisk().open(str(tmp_path))


def test_a_file_left_open_is_noticed(tmp_path: Path) -> None:
    with pytest.warns(ResourceWarning, match="was left open"):
        LocalDisk().open(str(tmp_path / "a"), create=True)


def test_a_sync_within_the_synced_size_writes_data_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda _, name=name: calls.append(name))
    file = LocalDisk().open(str(tmp_path / "a"), create=True)
    file.write_at(0, bytes(1000))
    file.sync()
    file.write_at(0, bytes(500))
    file.sync()
    file.write_at(900, bytes(500))
    file.sync()
    file.truncate(10)
    file.sync()
    file.close()
    if sys.platform == "linux":
        assert calls == ["fsync", "fdatasync", "fsync", "fsync"]


# --- Clocks ---


def test_a_manual_clock_moves_only_when_it_is_moved() -> None:
    clock = ManualClock(utc_us=5_000_000)
    assert (clock.monotonic_s(), clock.utc_us()) == (0.0, 5_000_000)
    clock.advance(1.5)
    clock.sleep(0.5)
    assert (clock.monotonic_s(), clock.utc_us()) == (2.0, 7_000_000)


def test_the_system_clock_goes_forward() -> None:
    clock = SystemClock()
    before = clock.monotonic_s(), clock.utc_us()
    clock.sleep(0)
    assert clock.monotonic_s() >= before[0]
    assert clock.utc_us() > 1_600_000_000_000_000
