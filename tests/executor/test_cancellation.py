"""Stopping a computation: a stop that comes too late is gone when the computation is over."""

from __future__ import annotations

import gc
import sys
import threading
from threading import get_ident
from types import FrameType
from typing import Any

import pytest

from lungfish.errors import QueryCanceled
from lungfish.executor.cancellation import Cancellation
from lungfish.executor.resting_collector import rest_collector, wake_collector


def test_a_computation_that_is_asked_to_stop_raises() -> None:
    cancellation = Cancellation()

    def compute() -> None:
        cancellation.request()
        while True:
            pass

    with pytest.raises(QueryCanceled):
        cancellation.compute(compute)
    cancellation.reset()
    assert cancellation.compute(lambda: 7) == 7


def test_a_stop_that_comes_at_the_end_disturbs_nothing_that_follows() -> None:
    cancellation = Cancellation()
    # As `request` leaves it when the thread is at the end of its computation.
    cancellation._computing, cancellation._is_sent = get_ident(), True
    cancellation._pause.acquire()
    cancellation._end_computing()
    lines = 0

    def trace(_frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal lines
        lines += 1
        return trace

    def traced() -> int:
        return sum(range(10))

    # An interpreter that is still to look for an exception that was taken back never gets beyond the first instruction here.
    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        assert traced() == 45
    finally:
        sys.settrace(previous)
    assert lines


def _wait_for_other_threads() -> None:
    for thread in threading.enumerate():
        if "_insist" in thread.name:
            thread.join(30)


class _Deaf:
    """Its finalizer takes the first exception that comes, and keeps it to itself."""

    def __init__(self, started: threading.Event) -> None:
        self._started = started

    def __del__(self) -> None:
        self._started.set()
        while True:
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_that_finalizers_swallow_is_sent_until_it_comes() -> None:
    cancellation = Cancellation()
    started = threading.Event()

    def compute() -> None:
        for _ in range(3):
            _Deaf(started)
        while True:
            pass

    def stop() -> None:
        assert started.wait(30)
        cancellation.request()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(QueryCanceled):
        cancellation.compute(compute)
    stopper.join()
    # Nothing comes later.
    _wait_for_other_threads()
    cancellation.reset()
    assert cancellation.compute(sum, range(1000)) == 499500


def test_the_collector_rests_from_the_stop_to_the_end() -> None:
    cancellation = Cancellation()
    states = []

    def compute() -> None:
        states.append(gc.isenabled())
        cancellation.request()
        states.append(gc.isenabled())
        while True:
            pass

    _wait_for_other_threads()
    assert gc.isenabled()
    with pytest.raises(QueryCanceled):
        cancellation.compute(compute)
    _wait_for_other_threads()
    # The stop may come before the second look.
    assert states in ([True], [True, False])
    assert gc.isenabled()


def test_a_collector_that_the_program_has_switched_off_stays_off() -> None:
    _wait_for_other_threads()
    gc.disable()
    try:
        rest_collector("one")
        wake_collector("one")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_rests_until_nobody_needs_it_to() -> None:
    _wait_for_other_threads()
    rest_collector("one")
    rest_collector("other")
    wake_collector("one")
    wake_collector("one")
    assert not gc.isenabled()
    wake_collector("other")
    assert gc.isenabled()
