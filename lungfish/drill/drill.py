"""`crash_drill`: crash a copy of a database in the middle of its own work, again and again, and see what recovery makes of it.

    copy       the files into the memory of a simulated disk; the database itself is only read
    work       the workload runs on the copy; after each commit it is noted what the database holds and how far the disk had come
    crash      the disk as a crash after operation k may leave it, for points all over the workload
    recover    the database is opened there, and looked at

Of each crash state is asked, in this order:
1. it opens,
2. it holds all that had been acknowledged by then, and of the commit under way all or nothing; the catalog too,
3. every checksum and page is sound, and every index agrees with its table,
4. dropped and opened once more, it holds the same.

Requires of a workload: one thread, synchronous commits, and that it works on the connection it is given.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from lungfish.connection import Connection
from lungfish.database import Database, DatabaseOptions, open_database
from lungfish.database.check import check_database
from lungfish.drill.content import Content, ContentReader
from lungfish.drill.copy import PATH, copy_to_simulated_disk
from lungfish.drill.default_workload import run_default_workload
from lungfish.drill.points import CrashPoint, crash_points
from lungfish.errors import Error, InterfaceError
from lungfish.session import Session
from lungfish.storage import LocalDisk
from lungfish.storage.clock import ManualClock
from lungfish.storage.simulated_disk import SimulatedDisk

POINT_COUNT_DEFAULT = 200

Workload = Callable[[Connection], object]
# Called with how many points are done, and how many there are.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class DrillFinding:
    """A crash state that was not as it must be."""

    point: CrashPoint
    problem: str

    def __str__(self) -> str:
        return f"crash after {self.point}: {self.problem}"


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a drill did, and what it found: nothing, if all is well."""

    # Operations that the workload made the disk do, and commits that it was told of.
    operation_count: int
    commit_count: int
    state_count: int
    findings: tuple[DrillFinding, ...]
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether every crash state was as it must be."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class _Version:
    """What the database held after a commit, and how many operations the disk had seen when that was said."""

    content: Content
    acknowledged_at: int


def crash_drill(
    path: str | os.PathLike[str],
    *,
    points: int = POINT_COUNT_DEFAULT,
    workload: Workload | str | os.PathLike[str] | None = None,
    seed: int = 1,
    on_progress: Progress | None = None,
) -> DrillReport:
    """Drill a database file, which must be closed. It is not changed.

    `workload` is called with a connection in autocommit to a copy, or is a SQL script (text, or the path of one); by default one is
    made from the schema. The same seed crashes at the same points. Raises what opening and the workload raise.
    """
    if points < 1:
        raise InterfaceError(f"a drill has at least one point, not {points}")
    began = time.monotonic()
    disk = copy_to_simulated_disk(LocalDisk(), os.fspath(path))
    versions = _run_workload(disk, workload, seed)
    findings = []
    chosen = crash_points(disk, count=points, seed=seed, first=versions[0].acknowledged_at)
    for done, point in enumerate(chosen, 1):
        problem = _look_at(disk, point, versions, seed)
        if problem is not None:
            findings.append(DrillFinding(point, problem))
        if on_progress is not None:
            on_progress(done, points)
    return DrillReport(
        operation_count=disk.operation_count - versions[0].acknowledged_at,
        commit_count=len(versions) - 1,
        state_count=points,
        findings=tuple(findings),
        seconds=time.monotonic() - began,
    )


def _open(disk: SimulatedDisk, seed: int) -> Database:
    options = DatabaseOptions(
        checkpoint_wal_bytes=0, disk=disk, clock=ManualClock(), random=random.Random(seed)
    )
    return open_database(PATH, create=False, read_only=False, options=options)


def _run_workload(
    disk: SimulatedDisk, workload: Workload | str | os.PathLike[str] | None, seed: int
) -> list[_Version]:
    """Run the workload to its end and leave the disk as it is then; what the database held, first before it and then after each commit."""
    database = _open(disk, seed)
    reader = ContentReader(database)
    versions = [_Version(reader.read(), disk.operation_count)]

    def note_commit() -> None:
        versions.append(_Version(reader.read(), disk.operation_count))

    connection = Connection(Session(database, autocommit=True, read_only=False))
    try:
        database.commit_watchers.append(note_commit)
        if workload is None:
            run_default_workload(connection, database, random.Random(f"workload {seed}"))
        elif callable(workload):
            workload(connection)
        else:
            connection.run_script(workload)
    finally:
        database.crash()
        connection.close()
    return versions


def _look_at(
    recorded: SimulatedDisk, point: CrashPoint, versions: list[_Version], seed: int
) -> str | None:
    """What is wrong with one crash state; None if nothing is."""
    disk = recorded.crash_state(point.operation, point.persistence, point.seed)
    allowed = _allowed(versions, point.operation)
    try:
        found = _content_of(disk, seed, is_checked=True)
        again = _content_of(disk, seed, is_checked=False)
    except Error as error:
        return f"{type(error).__name__}: {error.message}"
    if isinstance(found, str):
        return found
    if found not in allowed:
        return found.difference_to(allowed[0])
    if found != again:
        return "opened a second time, it holds something else"
    return None


def _allowed(versions: list[_Version], crash_at: int) -> list[Content]:
    """What may be there after a crash: the last version acknowledged by then, or the next one, whole."""
    last = max(
        index for index, version in enumerate(versions) if version.acknowledged_at <= crash_at
    )
    return [version.content for version in versions[last : last + 2]]


def _content_of(disk: SimulatedDisk, seed: int, *, is_checked: bool) -> Content | str:
    """Open, look and drop; the first problem that the check finds instead, if it finds any."""
    database = _open(disk, seed)
    try:
        content = ContentReader(database).read()
        problems = check_database(database).problems if is_checked else ()
    finally:
        database.crash()
    return problems[0] if problems else content
