"""Stopping a computation: a stop that comes too late is gone when the computation is over."""

from __future__ import annotations

import sys
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
