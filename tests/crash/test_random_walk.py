"""Random walks through SQL, crashed at disk operations of theirs: see random_walk.py."""

from __future__ import annotations

import pytest

from lungfish.drill.points import crash_points
from tests.crash.random_walk import Walk, look

# Of a walk so many operations are crashed after at each commit; a release takes every one.
POINT_COUNT = 6


def check(seed: int, *, step_count: int, count: int | None) -> int:
    walk = Walk(seed, step_count)
    walk.run()
    assert len(walk.versions) > step_count // 5, "it hardly commits"
    points = list(crash_points(walk.disk, count=count, seed=seed))
    for point in points:
        try:
            look(walk, point)
        except Exception as error:
            error.add_note(f"seed {seed}, {point}")
            raise
    return len(points)


@pytest.mark.parametrize("seed", [2, 4])
def test_a_crash_leaves_what_was_committed_and_no_number_comes_twice(seed: int) -> None:
    assert check(seed, step_count=50, count=POINT_COUNT) == POINT_COUNT


@pytest.mark.release
@pytest.mark.parametrize("seed", range(30))
def test_a_crash_anywhere_leaves_what_was_committed(seed: int) -> None:
    assert check(seed, step_count=60, count=None) > 50
