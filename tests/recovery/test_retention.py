"""Retention: nothing that somebody has pinned may go, and what nobody has pinned does go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish import errors
from lungfish.recovery.retention import HolderKind, WalRetentionManager, retention_shares
from lungfish.storage.clock import ManualClock
from lungfish.storage.ids import LSN

KIND = HolderKind.USER_PIN


def manager_with(**pins: int) -> WalRetentionManager:
    manager = WalRetentionManager(ManualClock())
    for name, lsn in pins.items():
        manager.pin(KIND, name, owner="test", lsn=LSN(lsn))
    return manager


def test_without_pins_nothing_may_be_removed() -> None:
    assert manager_with().prune_below() == 0


def test_the_lowest_pin_holds_the_log() -> None:
    manager = manager_with(a=500, b=300, c=900)
    assert manager.prune_below() == 300
    manager.release(KIND, "b")
    assert manager.prune_below() == 500


def test_a_pin_below_what_may_be_gone_is_refused() -> None:
    manager = manager_with(a=500)
    assert manager.prune_below() == 500
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        manager.pin(KIND, "late", owner="test", lsn=LSN(499))
    manager.pin(KIND, "late", owner="test", lsn=LSN(500))


def test_a_holder_that_pins_again_moves_its_pin_and_keeps_its_age() -> None:
    clock = ManualClock()
    manager = WalRetentionManager(clock)
    first = manager.pin(KIND, "a", owner="test", lsn=LSN(100))
    clock.advance(5)
    second = manager.pin(KIND, "a", owner="test", lsn=LSN(200))
    assert second.since == first.since
    assert manager.prune_below() == 200


def test_pinning_the_lowest_keeps_all_that_is_kept() -> None:
    manager = manager_with(a=500, b=700)
    manager.pin_lowest(HolderKind.BACKUP, "x", owner="test")
    manager.release(KIND, "a")
    assert manager.prune_below() == 500


def test_letting_go_twice_is_harmless() -> None:
    manager = manager_with(a=500, b=700)
    manager.release(KIND, "a")
    manager.release(KIND, "a")
    assert manager.prune_below() == 700


def test_only_the_binding_holder_has_bytes_of_its_own() -> None:
    manager = manager_with(a=500, b=700, c=700)
    shares = retention_shares(manager.holders(), LSN(1000))
    assert [(each.holder.id, each.pinned_bytes, each.exclusive_bytes) for each in shares] == [
        ("a", 500, 200),
        ("b", 300, 0),
        ("c", 300, 0),
    ]
    assert [each.is_binding for each in shares] == [True, False, False]


actions = st.lists(
    st.tuples(
        st.sampled_from(("pin", "release", "prune", "lowest")),
        st.integers(0, 5),
        st.integers(0, 1000),
    ),
    max_size=60,
)


@given(actions)
def test_no_needed_byte_is_ever_given_up(steps: list[tuple[str, int, int]]) -> None:
    manager = WalRetentionManager(ManualClock())
    pinned: dict[int, int] = {}
    floor = 0
    for action, holder, lsn in steps:
        if action == "pin":
            if lsn < floor:
                with pytest.raises(errors.ObjectNotInPrerequisiteState):
                    manager.pin(KIND, str(holder), owner="test", lsn=LSN(lsn))
            else:
                manager.pin(KIND, str(holder), owner="test", lsn=LSN(lsn))
                pinned[holder] = lsn
        elif action == "release":
            manager.release(KIND, str(holder))
            pinned.pop(holder, None)
        elif action == "lowest":
            pinned[holder] = manager.pin_lowest(KIND, str(holder), owner="test").pinned_lsn
        else:
            floor = manager.prune_below()
            assert all(floor <= each for each in pinned.values())
            assert not pinned or floor == max(floor, min(pinned.values()))
