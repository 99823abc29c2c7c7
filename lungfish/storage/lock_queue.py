"""Who holds locks, who asks for them, and the queue of one tag: what `LockManager` is made of. All under its mutex."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from lungfish.storage.fast_path_locks import has_strong
from lungfish.storage.lock_modes import CONFLICTS, LockMode, LockTag


class LockOwner:
    """Whoever holds locks: a session, or a transaction that was begun without one.

    Locks of the transaction go at its end (or with the savepoint after which they were taken), session locks when they are
    released as often as they were taken, or when the session ends. Used by one thread at a time, but for `cancel`.
    """

    __slots__ = (
        "cancel_message",
        "held",
        "log",
        "number",
        "request",
        "session_counts",
        "timeout_s",
        "weak",
    )

    def __init__(self, number: int, *, timeout_s: float | None = None) -> None:
        # Names the owner in messages and views.
        self.number = number
        # The session's lock_timeout; None waits for ever.
        self.timeout_s = timeout_s
        # The transaction's modes by tag, as a bit mask.
        self.held: dict[LockTag, int] = {}
        # The same in the order of acquisition, for savepoints.
        self.log: list[tuple[LockTag, LockMode]] = []
        # Table locks taken the fast way: see fast_path_locks.py.
        self.weak: dict[LockTag, int] = {}
        self.session_counts: dict[tuple[LockTag, LockMode], int] = {}
        self.request: LockRequest | None = None
        # Set by `LockManager.cancel`; sticky until the session clears it at the next statement.
        self.cancel_message: str | None = None

    def session_mask(self, tag: LockTag) -> int:
        """The modes that the session holds on the tag beyond its transaction."""
        if not self.session_counts:
            return 0
        return sum(1 << mode for each, mode in self.session_counts if each == tag)


class LockRequest:
    """A place in a queue."""

    __slots__ = ("condition", "is_granted", "is_session", "mode", "owner", "tag")

    def __init__(self, owner: LockOwner, tag: LockTag, mode: LockMode, *, is_session: bool) -> None:
        self.owner = owner
        self.tag = tag
        self.mode = mode
        self.is_session = is_session
        self.is_granted = False
        # Over the manager's mutex; made only if the request has to wait.
        self.condition: threading.Condition | None = None


class LockQueue:
    """What is granted and who waits on one tag."""

    __slots__ = ("granted", "waiting")

    def __init__(self) -> None:
        self.granted: dict[LockOwner, int] = {}
        self.waiting: list[LockRequest] = []

    def holders_against(self, owner: LockOwner, mode: LockMode) -> Iterable[LockOwner]:
        """The other owners with a granted mode that conflicts."""
        conflicts = CONFLICTS[mode]
        return (
            holder
            for holder, mask in self.granted.items()
            if mask & conflicts and holder is not owner
        )

    def has_strong(self) -> bool:
        """Whether someone holds or wants a lock that conflicts with weak ones."""
        if any(map(has_strong, self.granted.values())):
            return True
        return any(has_strong(1 << request.mode) for request in self.waiting)

    def place_for(self, owner: LockOwner) -> int:
        """Where a new request of this owner goes: last, or before the first that waits for what the owner holds."""
        held = self.granted.get(owner, 0)
        if held:
            for index, request in enumerate(self.waiting):
                if CONFLICTS[request.mode] & held:
                    return index
        return len(self.waiting)

    def is_free(self, owner: LockOwner, mode: LockMode, place: int) -> bool:
        """Whether a request at this place could be granted now."""
        conflicts = CONFLICTS[mode]
        if any(True for _ in self.holders_against(owner, mode)):
            return False
        return not any(conflicts >> request.mode & 1 for request in self.waiting[:place])
