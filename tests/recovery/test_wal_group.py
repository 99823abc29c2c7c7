"""Group commit: one thread syncs for all who wait, nobody is told too early, and no leader is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from lungfish import errors
from lungfish.recovery.wal_group import GroupSync, Waiter
from lungfish.storage.ids import LSN

WAIT_S = 10


class Gate:
    """A `lead` that stops where the test wants it, and answers what the test says."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.answers: list[LSN | BaseException] = []
        self.go_on = threading.Semaphore(0)
        self.count = 0

    def lead(self) -> LSN:
        self.count += 1
        self.entered.release()
        assert self.go_on.acquire(timeout=WAIT_S)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def answer(self, answer: LSN | BaseException) -> None:
        """Let the leader that is inside finish."""
        assert self.entered.acquire(timeout=WAIT_S)
        self.answers.append(answer)
        self.go_on.release()


class Caller(threading.Thread):
    """A thread that does one thing and remembers how it ended."""

    def __init__(self, action: Callable[[], None]) -> None:
        super().__init__()
        self._action = action
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._action()
        except BaseException as error:
            self.error = error

    def is_done(self) -> bool:
        self.join(WAIT_S)
        return not self.is_alive()


def wait_for_waiters(group: GroupSync, count: int) -> None:
    pause = threading.Event()
    for _ in range(10_000):
        if len(group._waiters) == count:
            return
        pause.wait(0.001)
    raise AssertionError(f"{len(group._waiters)} waiters instead of {count}")


def waiting_callers(group: GroupSync, lsns: list[int]) -> list[Caller]:
    callers = []
    for lsn in lsns:
        before = len(group._waiters)
        callers.append(Caller(lambda lsn=lsn: group.sync_to(LSN(lsn))))
        wait_for_waiters(group, before + 1)
    return callers


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_who_comes_during_a_sync_is_served_by_the_next_one(gate: Gate) -> None:
    group = GroupSync(gate.lead)
    first = Caller(lambda: group.sync_to(LSN(10)))
    assert gate.entered.acquire(timeout=WAIT_S)
    gate.entered.release()
    others = waiting_callers(group, [20, 30, 40])
    gate.answer(LSN(10))
    assert first.is_done()
    assert all(other.is_alive() for other in others)
    gate.answer(LSN(40))
    assert all(other.is_done() for other in others)
    assert gate.count == 2


def test_nobody_is_told_before_the_position_waited_for_is_durable(gate: Gate) -> None:
    group = GroupSync(gate.lead)
    first = Caller(lambda: group.sync_to(LSN(10)))
    assert gate.entered.acquire(timeout=WAIT_S)
    gate.entered.release()
    early, middle, late = waiting_callers(group, [15, 40, 50])
    gate.answer(LSN(20))
    assert first.is_done()
    assert early.is_done()
    assert middle.is_alive()
    gate.answer(LSN(45))
    assert middle.is_done()
    assert late.is_alive()
    gate.answer(LSN(50))
    assert late.is_done()


def test_a_failed_sync_leaves_a_leader_for_those_who_wait(gate: Gate) -> None:
    group = GroupSync(gate.lead)
    first = Caller(lambda: group.sync_to(LSN(10)))
    assert gate.entered.acquire(timeout=WAIT_S)
    gate.entered.release()
    (second,) = waiting_callers(group, [20])
    gate.answer(errors.IoError("broken"))
    assert first.is_done()
    assert isinstance(first.error, errors.IoError)
    gate.answer(errors.IoError("still broken"))
    assert second.is_done()
    assert isinstance(second.error, errors.IoError)
    third = Caller(lambda: group.sync_to(LSN(30)))
    gate.answer(LSN(30))
    assert third.is_done()
    assert third.error is None


def test_something_that_runs_alone_waits_for_its_turn_and_hands_the_lead_on(gate: Gate) -> None:
    group = GroupSync(gate.lead)
    first = Caller(lambda: group.sync_to(LSN(10)))
    assert gate.entered.acquire(timeout=WAIT_S)
    gate.entered.release()
    ran = threading.Event()
    alone = Caller(lambda: group.run_alone(ran.set))
    wait_for_waiters(group, 1)
    (second,) = waiting_callers(group, [20])
    assert not ran.is_set()
    gate.answer(LSN(10))
    assert first.is_done()
    assert alone.is_done()
    assert ran.is_set()
    gate.answer(LSN(20))
    assert second.is_done()


def test_a_waiter_that_is_interrupted_takes_nobody_with_it(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = GroupSync(gate.lead)
    first = Caller(lambda: group.sync_to(LSN(10)))
    assert gate.entered.acquire(timeout=WAIT_S)
    gate.entered.release()

    class Interrupted:
        """A lock whose wait ends in Ctrl-C, after the lead was handed to its waiter."""

        def acquire(self, timeout: float) -> bool:
            gate.answer(LSN(10))
            assert first.is_done()
            raise KeyboardInterrupt

        def release(self) -> None:
            """Nobody waits."""

    class InterruptedWaiter:
        def __init__(self, lsn: LSN) -> None:
            self.lsn = lsn
            self.alive = threading.Lock()
            self.wake = Interrupted()

    with monkeypatch.context() as patched:
        patched.setattr("lungfish.recovery.wal_group.Waiter", InterruptedWaiter)
        with pytest.raises(KeyboardInterrupt):
            group.sync_to(LSN(20))
    third = Caller(lambda: group.sync_to(LSN(30)))
    gate.answer(LSN(30))
    assert third.is_done()


def test_a_lead_that_an_exception_cut_off_is_taken_over(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lungfish.recovery.wal_group.LEADER_CHECK_S", 0.01)
    group = GroupSync(gate.lead)
    group._leader = gone = Waiter(LSN(5))
    gone.alive.acquire()
    waiting = Caller(lambda: group.sync_to(LSN(10)))
    wait_for_waiters(group, 1)
    gone.alive.release()
    gate.answer(LSN(10))
    assert waiting.is_done()
    group._leader = Waiter(LSN(5))
    next_one = Caller(lambda: group.sync_to(LSN(20)))
    gate.answer(LSN(20))
    assert next_one.is_done()
    assert gate.count == 2
