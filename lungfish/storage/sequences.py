"""The running values of sequences.

A sequence stands outside transactions: a value handed out is used up, whoever rolls back. So that `nextval` costs no log record each
time, one record reserves AHEAD_COUNT values: it says what the sequence will have reached when they are used up. A crash loses the rest
of them (a gap, as in PostgreSQL, whose SEQ_LOG_VALS is the same number), a clean close loses none.

A record is durable with the next commit that is. So that no value comes again that a client has seen, whoever draws one gets to know
before a record is made (`before_record`), and lets his transaction have an id: its commit is then one that is flushed. So does who draws from what
somebody else's record has reserved, as long as that is not durable.

A restart (ALTER SEQUENCE ... RESTART, TRUNCATE ... RESTART IDENTITY) is transactional all the same. It begins a state under a number of its own, the
`state_key`, which the sequence's row in the catalog names from then on: whoever sees that row draws from the new state, everybody else from the
old one, and a crash before the commit leaves the old one. PostgreSQL does so with a new relfilenode. In the log and in images
states go by that number; in memory by the sequence's oid once they hold, so that who still has the row from before draws from the state of now.

Invariants:
1. Every value handed out is covered by the newest log record of its sequence, or by the checkpoint's state and no record after it.
2. `checkpoint_state`, taken while the fence is closed, ends all reservations: what is handed out later is logged after the redo LSN.
3. The mutex is never held while entering the fence (order: fence, then mutex).
4. A state that is begun and not settled is drawn from by its own transaction only: nobody else sees its number.
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
    def state_key(self) -> int: ...
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

    # The number that it has in the log.
    key: int
    last_value: int
    is_called: bool
    # How many more values the log has reserved, in steps of `increment`.
    reserved_count: int = 0
    increment: int = 0
    # Where in the log the record ends that reserved them.
    logged_to: int = 0


def _go_on() -> None:
    """Nobody is told."""


class Sequences:
    """All sequences of a database. Its methods may be called from any thread, but not inside the fence unless they say so."""

    def __init__(self, log: Log, fence: Fence) -> None:
        self._log = log
        self._fence = fence
        self._mutex = threading.Lock()
        # By the sequence's oid.
        self._running: dict[int, _Running] = {}
        # States that are begun and not settled, by their keys.
        self._begun: dict[int, _Running] = {}

    def next_value(
        self, definition: SequenceDefinition, before_record: Callable[[], object] = _go_on
    ) -> int:
        """Hand out the next value (nextval). Raises SequenceGeneratorLimitExceeded at the end of a sequence that does not cycle."""
        with self._mutex:
            running = self._find(definition)
            value = None
            if running is not None and running.reserved_count:
                value = _take_reserved(running, definition)
                if value is not None and running.logged_to <= self._log.durable_lsn:
                    return value
        before_record()
        if value is not None:
            return value
        with self._fence, self._mutex:
            return self._reserve(definition)

    def _reserve(self, definition: SequenceDefinition) -> int:
        """The next value, and a log record for it and those after it. Requires: inside the fence, holding the mutex."""
        running = self._find(definition)
        if running is None:
            running = _Running(definition.state_key, definition.start, False)
        value = running.last_value
        if running.is_called:
            value = _step(definition, value)
        increment = definition.increment
        room = definition.maximum - value if increment > 0 else value - definition.minimum
        ahead_count = max(0, min(AHEAD_COUNT, room // abs(increment)))
        end = self._log.append_sequence(running.key, value + ahead_count * increment, True)
        self._put(definition, _Running(running.key, value, True, ahead_count, increment, end))
        return value

    def _find(self, definition: SequenceDefinition) -> _Running | None:
        """The state that a definition stands for, if there is one. Holding the mutex."""
        return self._begun.get(definition.state_key) or self._running.get(definition.oid)

    def _put(self, definition: SequenceDefinition, running: _Running) -> None:
        """Keep another state in place of what `_find` finds. Holding the mutex."""
        if definition.state_key in self._begun:
            self._begun[definition.state_key] = running
        else:
            self._running[definition.oid] = running

    def set_value(self, definition: SequenceDefinition, value: int, *, is_called: bool) -> None:
        """setval. Whether the value is within bounds is the caller's to check."""
        with self._fence, self._mutex:
            running = self._find(definition)
            key = definition.state_key if running is None else running.key
            self._log.append_sequence(key, value, is_called)
            self._put(definition, _Running(key, value, is_called))

    def begin(self, definition: SequenceDefinition, value: int) -> None:
        """Let a new sequence, or a restarted one whose key is new, begin at a value; a restart holds once it is settled."""
        key = definition.state_key
        with self._fence, self._mutex:
            self._log.append_sequence(key, value, False)
            states = self._running if key == definition.oid else self._begun
            states[key] = _Running(key, value, False)

    def settle(self, definition: SequenceDefinition) -> None:
        """Let a restart hold: its transaction has committed. Those of one transaction are settled in their order."""
        with self._mutex:
            running = self._begun.pop(definition.state_key, None)
            if running is not None:
                self._running[definition.oid] = running

    def take_back(self, definition: SequenceDefinition) -> None:
        """Forget what was begun: its transaction, or that part of it, is rolled back."""
        key = definition.state_key
        with self._mutex:
            (self._running if key == definition.oid else self._begun).pop(key, None)

    def state(self, definition: SequenceDefinition) -> SequenceState | None:
        """Where a sequence stands; None if it was never used or set."""
        with self._mutex:
            running = self._find(definition)
            return None if running is None else SequenceState(running.last_value, running.is_called)

    def reserved_count(self, definition: SequenceDefinition) -> int:
        """How many more values may be handed out before the log is written again: PostgreSQL's log_cnt."""
        with self._mutex:
            running = self._find(definition)
            return 0 if running is None else running.reserved_count

    def drop(self, oids: Iterable[int]) -> None:
        """Forget sequences: what dropped them has committed."""
        with self._mutex:
            for oid in oids:
                self._running.pop(oid, None)

    def keep_only(self, definitions: Iterable[SequenceDefinition]) -> None:
        """At restart, when the catalog is known: take up the states that it names, and forget all others."""
        with self._mutex:
            by_key, self._running = self._running, {}
            for definition in definitions:
                if definition.state_key in by_key:
                    self._running[definition.oid] = by_key[definition.state_key]

    # Checkpoint and restart

    def checkpoint_state(self) -> dict[int, SequenceState]:
        """The exact state of all, by their keys. Requires: the fence is closed; see invariant 2."""
        with self._mutex:
            states: dict[int, SequenceState] = {}
            for running in (*self._running.values(), *self._begun.values()):
                running.reserved_count = 0
                states[running.key] = SequenceState(running.last_value, running.is_called)
            return states

    def restore(self, states: Mapping[int, tuple[int, bool]]) -> None:
        """Take over states by their keys, at restart; `keep_only` comes next."""
        for key, (last_value, is_called) in states.items():
            self.replay(key, last_value, is_called=is_called)

    def replay(self, key: int, last_value: int, *, is_called: bool) -> None:
        """Redo a log record, at restart: the newest one counts."""
        with self._mutex:
            self._running[key] = _Running(key, last_value, is_called)


def _take_reserved(running: _Running, definition: SequenceDefinition) -> int | None:
    """The next of the values that are reserved; None if it is none of the sequence's, whose limits may have been altered since."""
    value = running.last_value + running.increment
    is_current = running.increment == definition.increment
    if not is_current or not definition.minimum <= value <= definition.maximum:
        return None
    running.reserved_count -= 1
    running.last_value = value
    return value


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
