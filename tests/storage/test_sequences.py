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
    state_key: int = 7
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
    assert sequences.state(PLAIN) == SequenceState(20, True)


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
    down = Definition(oid=8, state_key=8, start=2, increment=-1, maximum=3, is_cycle=True)
    assert [sequences.next_value(down) for _ in range(5)] == [2, 1, 3, 2, 1]


def test_setting_a_value_says_whether_it_counts_as_handed_out() -> None:
    sequences, _ = make()
    sequences.set_value(PLAIN, 100, is_called=True)
    assert sequences.next_value(PLAIN) == 101
    sequences.set_value(PLAIN, 5, is_called=False)
    assert sequences.state(PLAIN) == SequenceState(5, False)
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
    sequences.next_value(Definition(oid=8, state_key=8))
    sequences.drop([7])
    assert sequences.state(PLAIN) is None
    sequences.keep_only([PLAIN])
    assert sequences.state(Definition(oid=8, state_key=8)) is None


def test_a_restart_is_seen_by_its_transaction_until_it_is_settled_and_by_all_from_then_on() -> None:
    sequences, log = make()
    restarted = Definition(state_key=9)
    assert sequences.next_value(PLAIN) == 1
    sequences.begin(restarted, 100)
    assert [sequences.next_value(each) for each in (restarted, PLAIN, restarted)] == [100, 2, 101]
    assert {key for key, _, _ in log.records} == {7, 9}
    sequences.settle(restarted)
    # Who still has the definition from before does not draw what was handed out long ago.
    assert [sequences.next_value(each) for each in (restarted, PLAIN)] == [102, 103]


def test_a_restart_that_is_taken_back_leaves_the_sequence_where_others_have_brought_it() -> None:
    sequences, _ = make()
    sequences.next_value(PLAIN)
    restarted = Definition(state_key=9)
    sequences.begin(restarted, 100)
    sequences.next_value(PLAIN)
    sequences.take_back(restarted)
    assert sequences.next_value(PLAIN) == 3


def test_of_two_restarts_in_one_transaction_the_last_one_holds() -> None:
    sequences, _ = make()
    sequences.next_value(PLAIN)
    first, second = Definition(state_key=8), Definition(state_key=9)
    sequences.begin(first, 100)
    sequences.begin(second, 200)
    sequences.settle(first)
    sequences.settle(second)
    assert sequences.next_value(second) == 200
    assert set(sequences.checkpoint_state()) == {9}


@pytest.mark.parametrize("is_committed", [False, True])
def test_a_crash_leaves_the_state_that_the_catalog_names(is_committed: bool) -> None:
    sequences, log = make()
    sequences.next_value(PLAIN)
    restarted = Definition(state_key=9)
    image = sequences.checkpoint_state()
    sequences.begin(restarted, 100)
    sequences.next_value(restarted)
    after = restart(image | sequences.checkpoint_state(), log.records)
    known = restarted if is_committed else PLAIN
    after.keep_only([known])
    assert after.next_value(known) == (101 + AHEAD_COUNT if is_committed else 2 + AHEAD_COUNT)


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
            sequences.set_value(PLAIN, last, is_called=True)
        else:
            last = sequences.next_value(definition)
        following = restart(image, log.records[mark:]).next_value(definition)
        if last is not None:
            assert (following - last) * increment > 0
