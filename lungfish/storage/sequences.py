"""The running values of sequences, by the sequence's oid.

A sequence stands outside transactions: a value handed out is used up, whoever rolls back. So that `nextval` costs no log record each
time, one record reserves AHEAD_COUNT values: it says what the sequence will have reached when they are used up. A crash loses the rest
of them (a gap, as in PostgreSQL, whose SEQ_LOG_VALS is the same number), a clean close loses none.

A record is durable with the next commit that is. So that no value comes again that a client has seen, whoever draws one gets to know
before a record is made (`before_record`), and lets his transaction have an id: its commit is then one that is flushed.

Invariants:
1. Every value handed out is covered by the newest log record of its sequence, or by the checkpoint's state and no record after it.
2. `checkpoint_state`, taken while the fence is closed, ends all reservations: what is handed out later is logged after the redo LSN.
3. The mutex is never held while entering the fence (order: fence, then mutex).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from lungfish.errors import SequenceGeneratorLimitExceeded
from lungfish.storage.fence import Fence
from lungfish.storage.log import Log

AHEAD_COUNT: Final = 32


class SequenceDefinition(Protocol):
    """What the catalog declares; a `Sequence` of the catalog is one."""

    @property
    def oid(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def increment(self) -> int: ...
    @property
    def minimum(self) -> int: ...
    @property
    def maximum(self) -> int: ...
    @property
    def is_cycle(self) -> bool: ...


class SequenceState(NamedTuple):
    """As PostgreSQL shows it: the next value is `last_value` itself as long as it was not called."""

    last_value: int
    is_called: bool


@dataclass(slots=True)
class _Running:
    """A sequence in use."""

    last_value: int
    is_called: bool
    # How many more values the log has reserved, in steps of `increment`.
    reserved_count: int = 0
    increment: int = 0


def _go_on() -> None:
    """Nobody is told."""


class Sequences:
    """All sequences of a database. Its methods may be called from any thread, but not inside the fence unless they say so."""

    def __init__(self, log: Log, fence: Fence) -> None:
        self._log = log
        self._fence = fence
        self._mutex = threading.Lock()
        self._running: dict[int, _Running] = {}

    def next_value(
        self, definition: SequenceDefinition, before_record: Callable[[], object] = _go_on
    ) -> int:
        """Hand out the next value (nextval). Raises SequenceGeneratorLimitExceeded at the end of a sequence that does not cycle."""
        with self._mutex:
            running = self._running.get(definition.oid)
            if running is not None and running.reserved_count:
                value = running.last_value + running.increment
                # The reservation ends at the sequence's limits, but they may have been altered since.
                is_current = running.increment == definition.increment
                if is_current and definition.minimum <= value <= definition.maximum:
                    running.reserved_count -= 1
                    running.last_value = value
                    return value
        before_record()
        with self._fence, self._mutex:
            return self._reserve(definition)

    def _reserve(self, definition: SequenceDefinition) -> int:
        """The next value, and a log record for it and those after it. Requires: inside the fence, holding the mutex."""
        running = self._running.get(definition.oid) or _Running(definition.start, False)
        value = running.last_value
        if running.is_called:
            value = _step(definition, value)
        increment = definition.increment
        room = definition.maximum - value if increment > 0 else value - definition.minimum
        ahead_count = max(0, min(AHEAD_COUNT, room // abs(increment)))
        self._log.append_sequence(definition.oid, value + ahead_count * increment, True)
        self._running[definition.oid] = _Running(value, True, ahead_count, increment)
        return value

    def set_value(self, oid: int, value: int, *, is_called: bool) -> None:
        """setval, and the start of a new sequence. Whether the value is within bounds is the caller's to check."""
        with self._fence, self._mutex:
            self._log.append_sequence(oid, value, is_called)
            self._running[oid] = _Running(value, is_called)

    def state(self, oid: int) -> SequenceState | None:
        """Where a sequence stands; None if it was never used or set."""
        with self._mutex:
            running = self._running.get(oid)
            return None if running is None else SequenceState(running.last_value, running.is_called)

    def reserved_count(self, oid: int) -> int:
        """How many more values may be handed out before the log is written again: PostgreSQL's log_cnt."""
        with self._mutex:
            running = self._running.get(oid)
            return 0 if running is None else running.reserved_count

    def drop(self, oid: int) -> None:
        """Forget a sequence: DROP SEQUENCE has committed."""
        with self._mutex:
            self._running.pop(oid, None)

    def keep_only(self, oids: Iterable[int]) -> None:
        """Forget all others: at restart, when the catalog is known."""
        known = set(oids)
        with self._mutex:
            for oid in [each for each in self._running if each not in known]:
                del self._running[oid]

    # Checkpoint and restart

    def checkpoint_state(self) -> dict[int, SequenceState]:
        """The exact state of all. Requires: the fence is closed; see invariant 2."""
        with self._mutex:
            for running in self._running.values():
                running.reserved_count = 0
            return {
                oid: SequenceState(running.last_value, running.is_called)
                for oid, running in self._running.items()
            }

    def restore(self, states: Mapping[int, tuple[int, bool]]) -> None:
        """Take over the state of an image, at restart."""
        for oid, (last_value, is_called) in states.items():
            self.replay(oid, last_value, is_called=is_called)

    def replay(self, oid: int, last_value: int, *, is_called: bool) -> None:
        """Redo a log record, at restart: the newest one counts."""
        with self._mutex:
            self._running[oid] = _Running(last_value, is_called)


def _step(definition: SequenceDefinition, last_value: int) -> int:
    """The value after `last_value`."""
    value = last_value + definition.increment
    if definition.increment > 0:
        if value <= definition.maximum:
            return value
        if definition.is_cycle:
            return definition.minimum
        limit, bound = "maximum", definition.maximum
    else:
        if value >= definition.minimum:
            return value
        if definition.is_cycle:
            return definition.maximum
        limit, bound = "minimum", definition.minimum
    raise SequenceGeneratorLimitExceeded(
        f'nextval: reached {limit} value of sequence "{definition.name}" ({bound})'
    )
