"""Crashes of a database at chosen moments of what a program does with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from lungfish.connection.handle import DatabaseHandle
from lungfish.errors import InterfaceError
from lungfish.storage.failpoints import FAILPOINTS, FailpointName, matching_failpoints
from lungfish.storage.simulated_disk import SimulatedCrash, SimulatedDisk
from lungfish.testing.forks import crashable_fork, restart

Program = Callable[[DatabaseHandle], object]


@dataclass(slots=True)
class Crash:
    """A crash that was asked for."""

    point: str
    hit: int
    has_happened: bool = False


def failpoints(pattern: str = "*") -> tuple[FailpointName, ...]:
    """The moments at which a database can be crashed, in the order in which a life meets them. Raises UndefinedObject if none matches."""
    names = set(matching_failpoints(pattern))
    return tuple(point for point in FAILPOINTS if point.name in names)


@contextmanager
def crash_at(
    database: DatabaseHandle, point: str, *, hit: int = 1, must_happen: bool = True
) -> Iterator[Crash]:
    """Crash the database when the block comes to that point for the so-manieth time, and restart it behind the block.

    The block is left by `SimulatedCrash`, which is no Exception, so that a program does not handle it; the block swallows it. What was not
    synced is lost, connections end, `database` is open again and recovered. Raises UndefinedObject for a point that there is not,
    AssertionError where the block never came to it (unless not `must_happen`), and InterfaceError for a database that cannot crash: it takes
    one of the fixtures, or `crashable_fork`.
    """
    disk = database._database.options.disk
    if not isinstance(disk, SimulatedDisk):
        raise InterfaceError(
            "this database cannot crash in this process",
            hint="Take one of the fixtures, or lungfish.testing.crashable_fork(database).",
        )
    crash = Crash(point, hit)

    def stop(_name: str) -> NoReturn:
        crash.has_happened = True
        disk.halt()
        raise SimulatedCrash

    points = database._database.core.failpoints
    points.arm(point, stop, hit=hit)
    try:
        yield crash
    except SimulatedCrash:
        # Raised again by each use of the database after the crash.
        assert crash.has_happened, "only our own stop raises it"
    finally:
        points.disarm()
        if crash.has_happened:
            restart(database, crash=True)
    if must_happen and not crash.has_happened:
        raise AssertionError(f"{point} was not reached {hit} times")


def crash_everywhere(
    database: DatabaseHandle, program: Program, check: Program, *, points: str = "*"
) -> int:
    """Run the program on a fork once for each moment that it comes to, crash it there, and check what is left; answers how many crashes.

    Both are called with the fork's handle: `check` after the restart, and after a last run without a crash. An error of `check` says in a
    note where the crash was.
    """
    counted = crashable_fork(database)
    try:
        counted._database.core.failpoints.watch()
        program(counted)
        hits = counted._database.core.failpoints.hits()
        check(counted)
    finally:
        counted.close()
    moments = [
        (point, hit) for point in matching_failpoints(points) for hit in range(1, hits[point] + 1)
    ]
    for point, hit in moments:
        fork = crashable_fork(database)
        try:
            # A program whose threads take turns may come to a point less often this time.
            with crash_at(fork, point, hit=hit, must_happen=False):
                program(fork)
            check(fork)
        except Exception as error:
            error.add_note(f"after a crash at {point}, hit {hit}")
            raise
        finally:
            fork.close()
    return len(moments)
