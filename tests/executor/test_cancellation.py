"""Stopping a computation: a stop that comes too late is gone when the computation is over."""

from __future__ import annotations

import sys
import threading
from threading import get_ident
from types import FrameType
from typing import Any

import pytest

from lungfish.errors import QueryCanceled
from lungfish.executor.cancellation import Cancellation


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


class _Deaf:
    """Its finalizer takes the first exception that comes, and keeps it to itself."""

    def __init__(self, started: threading.Event) -> None:
        self._started = started

    def __del__(self) -> None:
        self._started.set()
        while True:
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_that_a_finalizer_has_swallowed_is_sent_once_more() -> None:
    cancellation = Cancellation()
    started = threading.Event()

    def compute() -> None:
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
    cancellation.reset()
    assert cancellation.compute(sum, range(1000)) == 499500
