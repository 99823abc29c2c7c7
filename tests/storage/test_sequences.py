"""Sequences: what they hand out, what the log has of it, and what comes after a crash."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish.errors import SequenceGeneratorLimitExceeded
from lungfish.storage.fence import Fence
from lungfish.storage.ids import LSN
from lungfish.storage.log import NoLog
from lungfish.storage.sequences import AHEAD_COUNT, Sequences, SequenceState


@dataclass(frozen=True)
class Definition:
    oid: int = 7
    name: str = "s"
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 2**63 - 1
    is_cycle: bool = False


class SequenceLog(NoLog):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[int, int, bool]] = []

    def append_sequence(self, sequence_oid: int, last_value: int, is_called: bool) -> LSN:
        self.records.append((sequence_oid, last_value, is_called))
        return LSN(len(self.records))


PLAIN = Definition()


def make() -> tuple[Sequences, SequenceLog]:
    log = SequenceLog()
    return Sequences(log, Fence()), log


def restart(image: dict[int, SequenceState], records: list[tuple[int, int, bool]]) -> Sequences:
    sequences, _ = make()
    sequences.restore(image)
    for oid, last_value, is_called in records:
        sequences.replay(oid, last_value, is_called=is_called)
    return sequences


def test_a_sequence_begins_at_its_start_and_steps() -> None:
    sequences, _ = make()
    definition = Definition(start=10, increment=5)
    assert [sequences.next_value(definition) for _ in range(3)] == [10, 15, 20]
    assert sequences.state(7) == SequenceState(20, True)


def test_the_log_is_written_once_for_many_values() -> None:
    sequences, log = make()
    for _ in range(10 * (AHEAD_COUNT + 1)):
        sequences.next_value(PLAIN)
    assert len(log.records) == 10
    assert log.records[0] == (7, 1 + AHEAD_COUNT, True)


def test_a_descending_sequence_stops_at_its_minimum() -> None:
    sequences, _ = make()
    definition = Definition(start=-1, increment=-2, minimum=-5, maximum=-1)
    assert [sequences.next_value(definition) for _ in range(3)] == [-1, -3, -5]
    with pytest.raises(
        SequenceGeneratorLimitExceeded,
        match=r'nextval: reached minimum value of sequence "s" \(-5\)',
    ):
        sequences.next_value(definition)


def test_a_cycling_sequence_goes_on_at_its_other_end() -> None:
    sequences, _ = make()
    up = Definition(start=2, maximum=3, is_cycle=True)
    assert [sequences.next_value(up) for _ in range(5)] == [2, 3, 1, 2, 3]
    down = Definition(oid=8, start=2, increment=-1, maximum=3, is_cycle=True)
    assert [sequences.next_value(down) for _ in range(5)] == [2, 1, 3, 2, 1]


def test_setting_a_value_says_whether_it_counts_as_handed_out() -> None:
    sequences, _ = make()
    sequences.set_value(7, 100, is_called=True)
    assert sequences.next_value(PLAIN) == 101
    sequences.set_value(7, 5, is_called=False)
    assert sequences.state(7) == SequenceState(5, False)
    assert sequences.next_value(PLAIN) == 5


def test_an_altered_sequence_keeps_to_its_new_limits_at_once() -> None:
    sequences, _ = make()
    sequences.next_value(PLAIN)
    with pytest.raises(SequenceGeneratorLimitExceeded):
        [sequences.next_value(Definition(maximum=3)) for _ in range(3)]
    assert sequences.next_value(Definition(increment=10)) == 13


def test_a_dropped_sequence_is_forgotten() -> None:
    sequences, _ = make()
    sequences.next_value(PLAIN)
    sequences.next_value(Definition(oid=8))
    sequences.drop(7)
    assert sequences.state(7) is None
    sequences.keep_only([7])
    assert sequences.state(8) is None


def test_a_clean_close_leaves_no_gap() -> None:
    sequences, _ = make()
    for _ in range(3):
        sequences.next_value(PLAIN)
    assert restart(sequences.checkpoint_state(), []).next_value(PLAIN) == 4


@given(
    actions=st.lists(st.sampled_from(["next", "next", "next", "set", "checkpoint"]), max_size=120),
    increment=st.sampled_from([1, 7, -1]),
)
def test_no_value_comes_twice_whenever_the_crash_comes(actions: list[str], increment: int) -> None:
    definition = Definition(start=0, increment=increment, minimum=-(2**63))
    sequences, log = make()
    image: dict[int, SequenceState] = {}
    mark = 0
    last = None
    for action in actions:
        if action == "checkpoint":
            image, mark = sequences.checkpoint_state(), len(log.records)
        elif action == "set":
            last = 1000 * increment
            sequences.set_value(7, last, is_called=True)
        else:
            last = sequences.next_value(definition)
        following = restart(image, log.records[mark:]).next_value(definition)
        if last is not None:
            assert (following - last) * increment > 0
