"""Checkpoint requests that come while one is running: they wait, and merge into the next one, as PostgreSQL's do.

A request is served by a checkpoint that begins after it was made: what its caller had written by then is in the image. So nobody
joins the one that is running.

Invariants:
1. At most one thread is inside `perform`.
2. A group that has begun takes no more requests.
3. Every request of a group gets the group's one answer, or its one error; but if the thread that was to serve it gave up (its
   statement was cancelled) or was cut off from outside (Ctrl-C, no memory), only its own request ends with it: the others ask again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from lungfish.errors import Error
from lungfish.recovery.checkpoint_request import CheckpointMode, CheckpointRequest, CheckpointResult

# After so long a request looks whether the thread that is to serve it is still there.
SERVER_CHECK_S = 0.5


class _Group:
    """Requests that are served together."""

    def __init__(self, request: CheckpointRequest) -> None:
        self.request = request
        self.count = 1
        # Held, by a `with` statement, for as long as the thread is there that serves the group.
        self.alive = threading.Lock()
        self.is_done = threading.Event()
        self.result: CheckpointResult | None = None
        self.error: BaseException | None = None
        # The thread that served it gave up for a reason of its own: its statement was cancelled.
        self.is_given_up = False


class _Perform(Protocol):
    """Takes a checkpoint. `check` raises if the thread that takes it is to give up."""

    def __call__(
        self,
        request: CheckpointRequest,
        check: Callable[[], None],
        merged_count: int,
        queue_wait_ms: float,
    ) -> CheckpointResult: ...


class RequestQueue:
    """Runs one checkpoint after the other, in the thread of the first that asked for it."""

    def __init__(self, perform: _Perform, now_s: Callable[[], float]) -> None:
        self._perform = perform
        self._now_s = now_s
        self._latch = threading.Lock()
        self._turn = threading.Lock()
        # Guarded by the latch: the group that has not begun.
        self._waiting: _Group | None = None

    @property
    def merged_count(self) -> int:
        """How many requests wait for the next checkpoint."""
        waiting = self._waiting
        return 0 if waiting is None else waiting.count

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for the next checkpoint who does not want it to take its time."""
        waiting = self._waiting
        return waiting is not None and waiting.request.mode is not CheckpointMode.SPREAD

    def submit(self, request: CheckpointRequest, check: Callable[[], None]) -> CheckpointResult:
        """Have the request served, here or by another thread's checkpoint. Raises what that raises, and what `check` raises."""
        if request.is_dry_run or request.name:
            # An image has one name: whoever asks for one gets a checkpoint of his own.
            with self._turn:
                return self._perform(request, check, 1, 0.0)
        own = _Group(request)
        with own.alive:
            group = self._join_or_begin(own)
            if group is own:
                self._serve(own, check)
        if group is not own and not self._wait_for(group, check):
            return self.submit(request, check)
        if group.error is not None:
            raise group.error
        assert group.result is not None
        return replace(group.result, merged=group.count > 1)

    def _join_or_begin(self, own: _Group) -> _Group:
        """Merge into the group that waits, if whoever serves it is there; else wait with one's own."""
        with self._latch:
            waiting = self._waiting
            if waiting is None or not waiting.alive.locked():
                self._waiting = own
                return own
            waiting.request = waiting.request.merged_with(own.request)
            waiting.count += 1
            return waiting

    def _wait_for(self, group: _Group, check: Callable[[], None]) -> bool:
        """Whether the group was served; not if the thread that was to do it gave up, or was cut off by an exception from outside (Ctrl-C)."""
        while not group.is_done.wait(SERVER_CHECK_S):
            check()
            if not group.alive.locked() and not group.is_done.is_set():
                return False
        return not group.is_given_up and (group.error is None or isinstance(group.error, Error))

    def _serve(self, group: _Group, check: Callable[[], None]) -> None:
        began = self._now_s()

        def check_server() -> None:
            try:
                check()
            except BaseException:
                group.is_given_up = True
                raise

        try:
            with self._turn:
                with self._latch:
                    self._waiting = None
                waited_ms = (self._now_s() - began) * 1000
                group.result = self._perform(group.request, check_server, group.count, waited_ms)
        except BaseException as error:
            group.error = error
            with self._latch:
                if self._waiting is group:
                    self._waiting = None
        finally:
            group.is_done.set()
