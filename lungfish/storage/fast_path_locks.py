"""Table locks that conflict with no ordinary statement, taken without the lock table's mutex.

Reading and changing rows takes ACCESS SHARE, ROW SHARE or ROW EXCLUSIVE on each table; these three do not conflict with each
other, and what they do conflict with (SHARE and stronger: DDL, LOCK TABLE) is rare. So such a *weak* lock is only noted with its
owner, as long as nobody holds or wants a *strong* one on the table; whoever wants that first announces it, then *adopts* all weak
locks into the lock table, where they count as any other. PostgreSQL does the same ("fast path locking", src/backend/storage/lmgr/README).

Invariants:
1. The owner notes its lock first and then looks for a strong one; the other side announces first and then looks for weak ones. So at
   least one of the two sees the other, whatever the interleaving of their steps.
2. Announcing and adopting are one step under the mutex. So under the mutex, whatever stands in `weak` of an announced table came
   too late and is no lock; of any other table it is one.
3. An owner lets go of all its weak locks at once, by taking another `weak`. An adopter that finds afterwards that the one it
   took from is not the owner's any more takes its adoption back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from lungfish.storage.lock_modes import LockMode, LockTag

if TYPE_CHECKING:
    from lungfish.storage.lock_queue import LockOwner

_STRONG_MASK: Final = sum(1 << mode for mode in LockMode if LockMode.SHARE <= mode <= LockMode.ACCESS_EXCLUSIVE)  # fmt: skip


def is_weak(tag: LockTag, mode: LockMode) -> bool:
    """Whether the lock may be taken the fast way."""
    return mode <= LockMode.ROW_EXCLUSIVE and tag.kind == "table"


def is_strong(tag: LockTag, mode: LockMode) -> bool:
    """Whether the lock conflicts with weak ones."""
    return _STRONG_MASK >> mode & 1 == 1 and tag.kind == "table"


def has_strong(mask: int) -> bool:
    """Whether a mask of modes has a strong one."""
    return mask & _STRONG_MASK != 0


class FastPathLocks:
    """The weak locks of all sessions. `take` and `give_back` run without the lock manager's mutex, all else under it."""

    def __init__(self) -> None:
        # Announced: tables on which somebody holds or wants a strong lock.
        self.strong: set[LockTag] = set()
        # Those who may take weak locks.
        self._owners: dict[LockOwner, None] = {}

    def take(self, owner: LockOwner, tag: LockTag, bit: int) -> bool:
        """Take a weak lock, `bit` being its mode's; False if it came too late. Hot: each table of each statement."""
        weak = owner.weak
        mask = weak.get(tag, 0)
        if not mask & bit:
            weak[tag] = mask | bit
        return tag not in self.strong

    def give_back(self, owner: LockOwner) -> None:
        """Let go of all weak locks of the owner: its transaction has ended."""
        if owner.weak:
            owner.weak = {}

    def enroll(self, owner: LockOwner) -> None:
        """Let the owner take weak locks."""
        self._owners[owner] = None

    def dismiss(self, owner: LockOwner) -> None:
        """The owner takes no more weak locks."""
        self.give_back(owner)
        self._owners.pop(owner, None)

    def announce(self, tag: LockTag) -> Iterator[tuple[LockOwner, int, dict[LockTag, int]]]:
        """Somebody wants a strong lock: yields the weak ones to adopt, each as owner, mask, and the `weak` that it stood in."""
        if tag in self.strong:
            return
        self.strong.add(tag)
        for owner in self._owners:
            weak = owner.weak
            mask = weak.get(tag, 0)
            if mask:
                yield owner, mask, weak
                # Only now: an owner that ends meanwhile has something to let go of, and takes another `weak` (invariant 3).
                weak.pop(tag, None)

    def owners(self) -> Iterable[LockOwner]:
        """Those who may take weak locks."""
        return self._owners
