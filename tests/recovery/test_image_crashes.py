"""Crashes at any operation of a load that names, drops and cuts checkpoints short, with any choice of what the disk kept."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from lungfish.storage.check import check_pages
from lungfish.storage.crash_state import Persistence
from lungfish.storage.simulated_disk import SimulatedDisk
from tests.recovery.image_world import World
from tests.recovery.test_index_marks import checkpoint_out_of_time

Rows = dict[int, tuple[object, ...]]


@dataclass(frozen=True)
class Moment:
    """What is true once so many operations were done: acknowledged rows and names."""

    operations: int
    rows: Rows
    names: frozenset[str]


@dataclass
class History:
    """A load that was run once."""

    disk: SimulatedDisk
    moments: list[Moment] = field(default_factory=list)
    # The rows at each name.
    named: dict[str, Rows] = field(default_factory=dict)


def rows_of(world: World, tail: str = "") -> Rows:
    return {row[0]: row[1:] for row in world.run(f"SELECT * FROM t {tail}")}


def names_of(world: World) -> frozenset[str]:
    return frozenset(name for name, _ in world.images() if name)


def run_load(seed: int) -> History:
    chance = random.Random(seed)
    history = History(SimulatedDisk())
    with World(history.disk) as world:
        world.run("CREATE TABLE t (id int PRIMARY KEY, n int, v text)")
        world.run("CREATE INDEX t_n ON t (n)")
        world.run("CREATE INDEX t_v ON t (lower(v)) WHERE n % 3 <> 0")
        world.run("INSERT INTO t SELECT g, g, 'v' || g FROM generate_series(1, 2000) g")
        world.run("CHECKPOINT")

        def note() -> None:
            count = history.disk.operation_count
            history.moments.append(Moment(count, rows_of(world), names_of(world)))

        note()
        for step in range(18):
            match chance.randrange(7):
                case 0:
                    world.run("CHECKPOINT")
                case 1 | 2:
                    checkpoint_out_of_time(world, pages=chance.randrange(5))
                case 3:
                    history.named[f"c{step}"] = rows_of(world)
                    world.run(f"CHECKPOINT (NAME 'c{step}')")
                case 4 if names_of(world):
                    world.run(f"DROP CHECKPOINT {chance.choice(sorted(names_of(world)))}")
                case _:
                    row = chance.randrange(1, 2000)
                    world.run(
                        f"UPDATE t SET n = n + 1, v = 's' WHERE id BETWEEN {row} AND {row + 5}"
                    )
            note()
    return history


def check_crashes(seed: int, count: int) -> None:
    history = run_load(seed)
    chance = random.Random(seed)
    moments = history.moments
    for _ in range(count):
        operation = chance.randrange(moments[0].operations, history.disk.operation_count + 1)
        persistence, crash_seed = chance.choice(list(Persistence)), chance.randrange(1000)
        before = [each for each in moments if each.operations <= operation][-1]
        after = next((each for each in moments if each.operations > operation), before)
        with World(history.disk.crash_state(operation, persistence, crash_seed)) as world:
            assert rows_of(world) in (before.rows, after.rows)
            assert names_of(world) in (before.names, after.names)
            assert not world.database.recovery_report.fallback_used
            world.check_tables()
            assert check_pages(world.database._database.core.store).findings == ()
            for name in names_of(world):
                assert rows_of(world, f"AS OF CHECKPOINT '{name}'") == history.named[name]
            # And once more, from where the restart had come to.
            expected = rows_of(world)
            checkpoint_out_of_time(world)
            world.kill()
            assert rows_of(world) == expected
            world.check_tables()


def test_a_crash_anywhere_leaves_rows_names_and_indexes_as_acknowledged() -> None:
    check_crashes(seed=1, count=12)


@pytest.mark.release
@pytest.mark.parametrize("seed", range(2, 42))
def test_crashes_of_many_loads(seed: int) -> None:
    check_crashes(seed, count=150)
