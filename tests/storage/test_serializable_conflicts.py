"""Conflicts of serializable transactions whose commits overlap: who is let through first need not be done first."""

from __future__ import annotations

import pytest

from lungfish.errors import SerializationFailure
from lungfish.storage import serializable
from tests.storage.serializable_world import World


class Overlap:
    """`pivot` has not seen what `last` wrote; `last` is let through and visible first, and both commits are under way."""

    def __init__(self) -> None:
        self.world = World()
        self.last, self.pivot = self.world.begin(1), self.world.begin(2)
        self.world.write(self.last, b"x")
        self.world.read(self.pivot, b"x")
        self.world.write(self.pivot, b"y")
        self.world.conflicts.prepare(self.last)
        self.world.show(self.last)

    def finish(self, first_done: str) -> None:
        """End both commits."""
        self.world.conflicts.prepare(self.pivot)
        self.world.show(self.pivot)
        order = [self.pivot, self.last] if first_done == "pivot" else [self.last, self.pivot]
        for each in order:
            self.world.conflicts.finish(each, is_committed=True)


@pytest.mark.parametrize("first_done", ["pivot", "last"])
def test_a_pivot_is_known_in_whichever_order_the_commits_are_done(first_done: str) -> None:
    overlap = Overlap()
    world, reader = overlap.world, overlap.world.begin(3)
    overlap.finish(first_done)
    world.read(reader, b"x")
    with pytest.raises(SerializationFailure):
        world.read(reader, b"y")


@pytest.mark.parametrize("first_done", ["pivot", "last"])
def test_a_snapshot_is_unsafe_in_whichever_order_the_commits_are_done(first_done: str) -> None:
    overlap = Overlap()
    reader = overlap.world.begin(3, is_read_only=True)
    overlap.finish(first_done)
    assert reader.is_unsafe
    assert not reader.is_safe


def test_a_snapshot_is_unsafe_if_the_first_to_commit_is_known_by_relation_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serializable, "FINISHED_MAX", 0)
    overlap = Overlap()
    reader = overlap.world.begin(3, is_read_only=True)
    overlap.finish("last")
    assert reader.is_unsafe
    assert not reader.is_safe
