"""Failpoints: named moments of storage and recovery at which a test may crash the database, let something fail, or look.

    with database.core.failpoints.armed("wal.flush.before_sync", crash, hit=3): ...

A step that matters says that it is reached: `failpoints.reach("wal.flush.before_sync")`. Nothing happens there unless somebody watches
this database's points; on the way of every commit the caller asks `is_on` first, so that an idle point costs one look at an attribute.

Terms. A *hit* is one passage of a point while points are watched; hits are counted from 1 for each point. An *action* is called at the
hit that it waits for, in the thread that came there, and may raise whatever is to come out of that step.

Invariants:
1. Every database has points of its own; they begin with its opening, so that the steps of restart are among them.
2. `FAILPOINTS` names every point, in the order in which a life meets them; to reach or arm another name is a bug of ours or a typed error.
3. There is a point in every gap of the order on disk that makes a commit and a checkpoint safe (docs/architecture.md, "Recovery").
"""

from __future__ import annotations

import contextlib
import difflib
import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lungfish.errors import UndefinedObject


@dataclass(frozen=True, slots=True)
class FailpointName:
    """A point that there is: `room` is the part of the house, `description` what is done by then and what is not."""

    name: str
    room: str
    description: str


_RECOVERY, _STORAGE, _DATABASE = "recovery", "storage", "database"

FAILPOINTS: tuple[FailpointName, ...] = tuple(
    FailpointName(name, room, description)
    for name, room, description in (
        ("restart.locate", _RECOVERY, "an image is found; the log is not looked at yet"),
        ("restart.analyze", _RECOVERY, "the log is about to be read"),
        ("restart.sync", _RECOVERY, "the log is read; what was read is not known to be durable"),
        ("restart.hydrate", _RECOVERY, "tables that have no image are about to be made"),
        ("restart.undo", _RECOVERY, "old rows that images carry are about to be put back"),
        ("restart.redo", _RECOVERY, "a stretch of the log is about to be redone"),
        (
            "restart.redo.table",
            _RECOVERY,
            "one table's rows of that stretch are about to be redone",
        ),
        ("restart.checkpoint", _RECOVERY, "redo is about to take an image of its own"),
        ("restart.index_repair", _RECOVERY, "indexes are about to be built or brought up to date"),
        ("restart.cleanup", _RECOVERY, "relations that nobody knows are about to be dropped"),
        ("restart.done", _RECOVERY, "all is redone; nobody is let in yet"),
        ("wal.append.commit", _RECOVERY, "a commit is about to be appended; it is nowhere yet"),
        ("wal.flush.before_write", _RECOVERY, "a batch is in memory, about to be written"),
        ("wal.segment.create", _RECOVERY, "a segment is about to be made"),
        ("wal.segment.made", _RECOVERY, "a segment is durable, with no record in it"),
        ("wal.segment.seal", _RECOVERY, "a full segment is about to be synced and left"),
        ("wal.flush.before_sync", _RECOVERY, "a batch is written and not synced"),
        ("wal.flush.after_sync", _RECOVERY, "a batch is durable; nobody has been told"),
        ("wal.cut_back", _RECOVERY, "the disk is full; the batch is about to be cut off again"),
        ("catalog.change", _DATABASE, "a transaction is about to change its first definition"),
        ("catalog.settle", _DATABASE, "changed definitions are visible; what they let go is there"),
        ("pages.write", _STORAGE, "a page is about to be written to a fresh slot"),
        ("checkpoint.begin", _RECOVERY, "the log is pinned; participants are about to be asked"),
        ("checkpoint.fence", _RECOVERY, "the fence is closed; the redo LSN is not taken"),
        ("checkpoint.capture", _RECOVERY, "everything is held still, the fence about to be opened"),
        ("checkpoint.write", _RECOVERY, "the log is about to be synced past the redo LSN"),
        ("checkpoint.pages", _RECOVERY, "the log is synced; pages are about to be written"),
        (
            "checkpoint.commit",
            _RECOVERY,
            "all pages are written; the image is about to be published",
        ),
        ("checkpoint.publish", _STORAGE, "page tables and manifest are about to be written"),
        ("checkpoint.sync", _STORAGE, "pages, tables and manifest are written and not synced"),
        ("checkpoint.superblock", _STORAGE, "all but the superblock is durable"),
        ("checkpoint.superblock.sync", _STORAGE, "the superblock is written and not synced"),
        ("checkpoint.published", _STORAGE, "the image is durable; old slots are still held"),
        ("checkpoint.retention", _RECOVERY, "old slots are free; the pin is still held"),
        ("checkpoint.prune", _RECOVERY, "the pin is let go; the log is about to be pruned"),
        ("checkpoint.done", _RECOVERY, "the log is pruned; nobody has been told"),
        ("close.log", _RECOVERY, "the final image is durable, the log about to be removed"),
        ("close.file", _RECOVERY, "the log is gone; the file is about to be closed"),
    )
)
_NAMES = tuple(point.name for point in FAILPOINTS)

# What is to happen at a point. It may raise.
Action = Callable[[str], None]


@dataclass(slots=True)
class _Arming:
    """An action that waits for a point; `hit` counts from the arming."""

    name: str
    action: Action
    hit: int
    seen: int = 0


class Failpoints:
    """The points of one open database. Off until somebody watches or arms one."""

    def __init__(self) -> None:
        # Whether points are counted and actions looked for; hot paths ask this before they call `reach`.
        self.is_on = False
        self._hits = dict.fromkeys(_NAMES, 0)
        self._armings: list[_Arming] = []

    def reach(self, name: str) -> None:
        """The running step is at this point. Raises what an action raises."""
        if not self.is_on:
            return
        self._hits[name] += 1
        for arming in list(self._armings):
            if arming.name == name:
                arming.seen += 1
                if arming.seen == arming.hit:
                    self._armings.remove(arming)
                    arming.action(name)

    def watch(self) -> None:
        """Count hits from now on."""
        self.is_on = True

    def arm(self, name: str, action: Action, *, hit: int = 1) -> None:
        """Call the action at the so-manieth hit from now, once. Raises UndefinedObject for a point that there is not."""
        (name,) = matching_failpoints(name, is_pattern=False)
        self._armings.append(_Arming(name, action, hit))
        self.is_on = True

    def disarm(self) -> None:
        """Forget all actions; hits are still counted."""
        self._armings.clear()

    @contextlib.contextmanager
    def armed(self, name: str, action: Action, *, hit: int = 1) -> Iterator[None]:
        """Have an action waiting inside a `with` block."""
        self.arm(name, action, hit=hit)
        try:
            yield
        finally:
            self.disarm()

    def is_armed(self, name: str) -> bool:
        """Whether an action waits for the point."""
        return any(arming.name == name for arming in self._armings)

    def hits(self) -> dict[str, int]:
        """How often each point was passed while points were watched."""
        return dict(self._hits)


def matching_failpoints(pattern: str, *, is_pattern: bool = True) -> tuple[str, ...]:
    """The names that a pattern like `checkpoint.*` stands for, in their order. Raises UndefinedObject if there is none."""
    names = tuple(
        name
        for name in _NAMES
        if name == pattern or (is_pattern and fnmatch.fnmatchcase(name, pattern))
    )
    if not names:
        near = difflib.get_close_matches(pattern, _NAMES, n=3)
        raise UndefinedObject(
            f'failpoint "{pattern}" does not exist',
            hint=f"Perhaps you meant {' or '.join(near)}."
            if near
            else "SELECT name, description FROM lungfish.failpoints lists them.",
        )
    return names
