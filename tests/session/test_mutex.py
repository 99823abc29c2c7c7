"""The mutex of a session, in both forms: one thread at a time, and that one as often as it likes."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lungfish.native import compiled_module

_COMPILED = compiled_module("lungfish.session.native_mutex")


@pytest.fixture(params=["plain", "compiled"])
def mutex(request: pytest.FixtureRequest) -> Any:
    if request.param == "plain":
        return threading.RLock()
    if _COMPILED is None:
        pytest.skip("not built")
    return _COMPILED.NativeMutex()


@pytest.fixture
def many_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_only_one_thread_is_inside(mutex: Any, many_switches: None) -> None:
    inside: list[int] = []
    seen: list[int] = []

    def enter_often() -> None:
        for _ in range(300):
            with mutex, mutex:
                inside.append(1)
                seen.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert seen == [1] * 1200


def test_it_is_left_as_often_as_it_was_entered(mutex: Any) -> None:
    answers: list[bool] = []

    def try_it() -> None:
        got = mutex.acquire(blocking=False)
        answers.append(got)
        if got:
            mutex.release()

    def ask_another_thread() -> bool:
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join(timeout=60)
        return answers[-1]

    assert ask_another_thread()
    mutex.acquire()
    assert mutex.acquire(blocking=False)
    assert not ask_another_thread()
    mutex.release()
    assert not ask_another_thread()
    mutex.release()
    assert ask_another_thread()
    with pytest.raises(RuntimeError):
        mutex.release()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals between threads")
def test_a_wait_ends_with_an_interrupt_and_leaves_it_to_others(mutex: Any) -> None:
    main = threading.main_thread().ident
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with mutex:
            is_held.set()
            assert main is not None
            signal.pthread_kill(main, signal.SIGUSR1)
            may_go.wait(timeout=60)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    thread = threading.Thread(target=hold)
    try:
        with pytest.raises(KeyboardInterrupt):
            thread.start()
            is_held.wait(timeout=60)
            mutex.acquire()
    finally:
        signal.signal(signal.SIGUSR1, before)
    may_go.set()
    thread.join(timeout=60)
    assert mutex.acquire(blocking=False)
    mutex.release()
