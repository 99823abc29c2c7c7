"""Locks: what transactions hold against each other until they end. (A *latch* is short and in memory; see `buffer_pool.py`.)

Four kinds of thing are locked (`LockTag`): tables, rows, the end of a transaction, and advisory keys of the application.

A row that a transaction has written needs no entry here: the writer's id in the row's header is the lock, so the uncontended update
costs nothing but `if locks.row_lock_count`. Who finds another running writer there waits for that transaction's end
(`wait_for_transaction`). Explicit row locks (FOR UPDATE and its weaker kin) stand in this table. To be fair to those that wait
longer, a contender first takes the row's lock here, which queues, and then waits for the writer. PostgreSQL does the same with its
"tuple lock".

Each tag with a lock has a queue: the granted modes of each owner, and the requests that wait, first come, first served. A request is
granted if it conflicts with nobody's granted mode and, but for rows, with no request before it, so a stream of readers cannot starve a writer. An
owner that holds a lock already goes before those that wait for it, since it could only deadlock behind them (PostgreSQL's ProcSleep).

Invariants, all guarded by `_mutex`:
1. The modes granted on one tag to different owners do not conflict.
2. A queue exists exactly while it has a granted mode or a waiting request.
3. No cycle in the waits-for graph consists of hard edges: who would close one gets DeadlockDetected instead.
4. An owner waits for at most one request at a time; `owner.request` is it.
5. What an owner's books (`held`, `log`, `session_counts`) say may be more than what is granted, never less, and what is taken off them is
   taken off last: so an interrupt at any point leaves nothing that the end of the transaction does not release.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from lungfish import errors
from lungfish.storage.deadlock import Edge, find_cycle
from lungfish.storage.fast_path_locks import FastPathLocks, is_strong, is_weak
from lungfish.storage.ids import TransactionId
from lungfish.storage.lock_modes import CONFLICTS, LockMode, LockTag, transaction_tag
from lungfish.storage.lock_queue import LockOwner, LockQueue, LockRequest


@dataclass(frozen=True, slots=True)
class LockFact:
    """One row of pg_locks."""

    tag: LockTag
    mode: LockMode
    owner_number: int
    is_granted: bool
    # Taken without the lock table.
    is_fast: bool = False


class LockManager:
    """The lock table. All methods may be called from any thread; `try_acquire` also under a latch."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        # Of owners that are no sessions.
        self._owner_numbers = itertools.count(-1, -1)
        self._queues: dict[LockTag, LockQueue] = {}
        # The tags of kind "row" that have a queue, and maybe others for a moment.
        self._row_tags: set[LockTag] = set()
        self._poison: errors.Error | None = None
        self.fast_path = FastPathLocks()
        self.waiting_count = 0
        self.wait_count = 0
        self.deadlock_count = 0

    @property
    def row_lock_count(self) -> int:
        """How many rows have explicit locks. Writers look at it without the mutex, under their heap's latch."""
        return len(self._row_tags)

    def has_row_lock(self, tag: LockTag) -> bool:
        """Whether somebody has, or waits for, an explicit lock on the row. Asked as `row_lock_count` is."""
        return tag in self._row_tags

    def has_key_share(self, owner: LockOwner, tag: LockTag) -> bool:
        """Whether another owner holds the row's lock FOR KEY SHARE, among others maybe."""
        with self._mutex:
            queue = self._queues.get(tag)
            if queue is None:
                return False
            return any(
                mask >> LockMode.FOR_KEY_SHARE & 1
                for holder, mask in queue.granted.items()
                if holder is not owner
            )

    def new_owner(self, number: int | None = None, *, timeout_s: float | None = None) -> LockOwner:
        """A holder of locks that holds none yet: a session by its number, or another; `timeout_s` is its lock_timeout."""
        if number is None:
            return LockOwner(next(self._owner_numbers), timeout_s=timeout_s)
        owner = LockOwner(number, timeout_s=timeout_s)
        with self._mutex:
            self.fast_path.enroll(owner)
        return owner

    # Acquiring

    def try_acquire(
        self, owner: LockOwner, tag: LockTag, mode: LockMode, *, is_session: bool = False
    ) -> bool:
        """Take the lock if nobody is in the way. Never waits."""
        if not is_session and self._has(owner, tag, mode):
            return True
        with self._mutex:
            is_granted = self._try_first(LockRequest(owner, tag, mode, is_session=is_session))
            if not is_granted:
                # A strong lock that is not waited for is wanted no more.
                self._grant_waiting(tag)
            return is_granted

    def acquire(
        self, owner: LockOwner, tag: LockTag, mode: LockMode, *, is_session: bool = False
    ) -> None:
        """Take the lock, waiting in the queue if need be.

        Raises LockNotAvailable (the owner's timeout), DeadlockDetected, QueryCanceled. Must not be called under a latch or
        inside the fence.
        """
        if not is_session and self._has(owner, tag, mode):
            return
        with self._mutex:
            request = LockRequest(owner, tag, mode, is_session=is_session)
            if not self._try_first(request):
                self._wait(request)

    def wait_for_transaction(
        self,
        owner: LockOwner,
        transaction_id: TransactionId,
        *,
        holder: LockOwner,
        is_running: Callable[[TransactionId], bool],
    ) -> None:
        """Return once the transaction has ended, or has rolled back to a savepoint: the caller looks at the row again.

        `holder` is the transaction's own lock owner. `is_running` is asked after the queue can be seen, and `end_transaction`
        looks for the queue after the transaction has left the running set, so no wake-up is lost. Errors as `acquire`.
        """
        assert owner is not holder, "a transaction waits for itself"
        tag = transaction_tag(transaction_id)
        self.wait_while(owner, tag, [holder], partial(is_running, transaction_id))

    def wait_while(
        self,
        owner: LockOwner,
        tag: LockTag,
        holders: Iterable[LockOwner],
        is_pending: Callable[[], bool],
    ) -> None:
        """Wait for what `wake` announces, unless it is over; `holders` are those on whom it hangs. Errors as `acquire`."""
        with self._mutex:
            queue = self._queues.get(tag)
            if queue is None:
                queue = self._queues[tag] = LockQueue()
                queue.granted.update(dict.fromkeys(holders, 1 << LockMode.EXCLUSIVE))
            if is_pending():
                self._wait(LockRequest(owner, tag, LockMode.SHARE, is_session=False))
            else:
                queue.granted.clear()
                self._grant_waiting(tag)

    def _has(self, owner: LockOwner, tag: LockTag, mode: LockMode) -> bool:
        """Whether the owner's transaction holds the lock, or has taken it now the fast way."""
        if owner.held.get(tag, 0) >> mode & 1:
            return True
        return (
            owner.number > 0 and is_weak(tag, mode) and self.fast_path.take(owner, tag, 1 << mode)
        )

    def _try_first(self, request: LockRequest) -> bool:
        """Try, with all weak locks in the table that may be in the way. Answers whether the lock was granted."""
        owner, tag, mode = request.owner, request.tag, request.mode
        if is_strong(tag, mode):
            for holder, mask, weak in self.fast_path.announce(tag):
                self._adopt(holder, tag, mask)
                if holder.weak is not weak:
                    self._release_adopted(holder, tag)
        elif tag in self.fast_path.strong:
            # Invariant 2 of fast_path_locks.py.
            owner.weak.pop(tag, None)
            if not request.is_session and owner.held.get(tag, 0) >> mode & 1:
                return True
        return self._try(request)

    def _adopt(self, owner: LockOwner, tag: LockTag, mask: int) -> None:
        for mode in LockMode:
            if mask >> mode & 1:
                queue = self._queues.get(tag) or LockQueue()
                self._grant(queue, LockRequest(owner, tag, mode, is_session=False))

    def _release_adopted(self, owner: LockOwner, tag: LockTag) -> None:
        """The owner's transaction ended while its weak locks were adopted."""
        owner.log[:] = [entry for entry in owner.log if entry[0] != tag]
        owner.held.pop(tag, None)
        self._set_granted(owner, tag)

    def _try(self, request: LockRequest) -> bool:
        queue = self._queues.get(request.tag)
        if queue is None:
            queue = LockQueue()
        else:
            # Who is compatible with those that have a row locked goes before those that wait for it, as in PostgreSQL.
            is_row = request.tag.kind == "row"
            place = 0 if is_row else queue.place_for(request.owner)
            if not queue.is_free(request.owner, request.mode, place):
                return False
        self._grant(queue, request)
        return True

    def _grant(self, queue: LockQueue, request: LockRequest) -> None:
        owner, tag, mode = request.owner, request.tag, request.mode
        if tag.kind in ("transaction", "snapshot"):
            # Seeing it end is all that was asked for.
            request.is_granted = True
            return
        if request.is_session:
            owner.session_counts[tag, mode] = owner.session_counts.get((tag, mode), 0) + 1
        else:
            owner.log.append((tag, mode))
            owner.held[tag] = owner.held.get(tag, 0) | 1 << mode
        if tag.kind == "row":
            self._row_tags.add(tag)
        queue.granted[owner] = queue.granted.get(owner, 0) | 1 << mode
        self._queues[tag] = queue
        request.is_granted = True

    # Waiting

    def _wait(self, request: LockRequest) -> None:
        """Queue up and sleep until granted. Holds the mutex, except while asleep."""
        queue = self._queues[request.tag]
        owner = request.owner
        self.waiting_count += 1
        self.wait_count += 1
        try:
            queue.waiting.insert(queue.place_for(owner), request)
            owner.request = request
            self._raise_if_stopped(owner)
            self._resolve_deadlock(request)
            request.condition = threading.Condition(self._mutex)
            while not request.is_granted:
                if not request.condition.wait(owner.timeout_s) and not request.is_granted:
                    raise errors.LockNotAvailable("canceling statement due to lock timeout")
                if not request.is_granted:
                    self._raise_if_stopped(owner)
        finally:
            self.waiting_count -= 1
            owner.request = None
            if request in queue.waiting:
                queue.waiting.remove(request)
                self._grant_waiting(request.tag)

    def _raise_if_stopped(self, owner: LockOwner) -> None:
        if owner.cancel_message is not None:
            raise errors.QueryCanceled(owner.cancel_message)
        if self._poison is not None:
            raise errors.IoError(self._poison.message) from self._poison

    def _grant_waiting(self, tag: LockTag) -> None:
        """Grant, in order, what has become free; drop the queue if nothing is left of it."""
        queue = self._queues.get(tag)
        if queue is None:
            return
        index = 0
        while index < len(queue.waiting):
            request = queue.waiting[index]
            if request.is_granted:
                del queue.waiting[index]
            elif queue.is_free(request.owner, request.mode, index):
                # It wakes when the mutex is let go, and looks whether it has been granted.
                if request.condition is not None:
                    request.condition.notify()
                self._grant(queue, request)
            else:
                index += 1
        if tag in self.fast_path.strong and not queue.has_strong():
            self.fast_path.strong.discard(tag)
        if not queue.granted and not queue.waiting:
            self._queues.pop(tag, None)
            self._row_tags.discard(tag)

    def blockers_of(self, number: int, *, of_snapshots: bool) -> list[int]:
        """The numbers of those that the owner of that number waits for: for a snapshot that is safe, or for a lock."""
        with self._mutex:
            found = [
                edge.blocker.number
                for tag, queue in self._queues.items()
                if (tag.kind == "snapshot") is of_snapshots
                for request in queue.waiting
                if request.owner.number == number
                for edge in self._edges(request.owner)
            ]
        return list(dict.fromkeys(found))

    def blockers(self, owner: LockOwner) -> list[int]:
        """The numbers of those that the owner waits for just now; none: it does not wait."""
        with self._mutex:
            return list(dict.fromkeys(edge.blocker.number for edge in self._edges(owner)))

    # Deadlocks

    def _edges(self, owner: LockOwner) -> Iterable[Edge[LockOwner]]:
        """Whom the owner waits for."""
        request = owner.request
        if request is None or request.is_granted:
            return
        queue = self._queues[request.tag]
        for holder in queue.holders_against(owner, request.mode):
            yield Edge(owner, holder, is_soft=False)
        for earlier in queue.waiting:
            if earlier is request:
                break
            if CONFLICTS[request.mode] >> earlier.mode & 1:
                yield Edge(owner, earlier.owner, is_soft=True)

    def _resolve_deadlock(self, request: LockRequest) -> None:
        """Break cycles by letting requests pass each other; raise DeadlockDetected if that cannot do it."""
        passed: set[tuple[int, int]] = set()
        while not request.is_granted:
            cycle = find_cycle(request.owner, self._edges)
            if cycle is None:
                return
            for edge in cycle:
                pair = (edge.waiter.number, edge.blocker.number)
                if edge.is_soft and pair not in passed:
                    passed.add(pair)
                    self._pass(edge)
                    break
            else:
                self.deadlock_count += 1
                detail = "\n".join(_describe(edge) for edge in cycle)
                raise errors.DeadlockDetected("deadlock detected", detail=detail)

    def _pass(self, edge: Edge[LockOwner]) -> None:
        """Put the waiter before the blocker in the queue where both wait."""
        later, earlier = edge.waiter.request, edge.blocker.request
        assert later is not None
        assert earlier is not None
        waiting = self._queues[later.tag].waiting
        waiting.remove(later)
        waiting.insert(waiting.index(earlier), later)
        self._grant_waiting(later.tag)

    # Releasing

    def end_transaction(self, owner: LockOwner | None, transaction_id: TransactionId) -> None:
        """Release the transaction's locks and wake those that wait for its end.

        Requires: the transaction has left the running set, so that whoever comes later does not wait.
        """
        if owner is not None:
            self.fast_path.give_back(owner)
            if owner.log:
                self.release_since(owner, 0)
        if transaction_id:
            self.wake_waiters(transaction_id)

    def wake_waiters(self, transaction_id: TransactionId) -> None:
        """Let those that wait for the transaction look again: it has ended, or has given rows back."""
        self.wake(transaction_tag(transaction_id))

    def wake(self, tag: LockTag) -> None:
        """End the waits of `wait_while`."""
        if tag not in self._queues:
            return
        with self._mutex:
            queue = self._queues.get(tag)
            if queue is not None:
                queue.granted.clear()
                self._grant_waiting(tag)

    def release_since(self, owner: LockOwner, mark: int) -> None:
        """Release what the transaction took since `len(owner.log)` was `mark` (ROLLBACK TO, or the end with 0)."""
        log = owner.log
        with self._mutex:
            while len(log) > mark:
                tag, mode = log[-1]
                mask = owner.held.get(tag, 0) & ~(1 << mode)
                if mask:
                    owner.held[tag] = mask
                else:
                    owner.held.pop(tag, None)
                self._set_granted(owner, tag)
                log.pop()

    def release_session(self, owner: LockOwner, tag: LockTag, mode: LockMode) -> bool:
        """Take back one acquisition of a session lock. False if it was not held."""
        with self._mutex:
            count = owner.session_counts.get((tag, mode), 0)
            if not count:
                return False
            if count > 1:
                owner.session_counts[tag, mode] = count - 1
            else:
                del owner.session_counts[tag, mode]
                self._set_granted(owner, tag)
            return True

    def release_all(self, owner: LockOwner) -> None:
        """Release everything, session locks too: the session ends."""
        self.fast_path.give_back(owner)
        self.release_since(owner, 0)
        self.release_all_session(owner)

    def release_all_session(self, owner: LockOwner) -> None:
        """Release all session locks (pg_advisory_unlock_all)."""
        with self._mutex:
            tags = {tag for tag, _ in owner.session_counts}
            owner.session_counts.clear()
            for tag in tags:
                self._set_granted(owner, tag)

    def _set_granted(self, owner: LockOwner, tag: LockTag) -> None:
        """Bring the queue in line with what the owner still holds, and grant what that frees."""
        queue = self._queues.get(tag)
        if queue is None:
            self._row_tags.discard(tag)
            return
        mask = owner.held.get(tag, 0) | owner.session_mask(tag)
        if mask:
            queue.granted[owner] = mask
        else:
            queue.granted.pop(owner, None)
        self._grant_waiting(tag)

    # Stopping waits, and facts

    def cancel(
        self, owner: LockOwner, message: str = "canceling statement due to user request"
    ) -> None:
        """Stop the owner's wait, the present one or the next, with QueryCanceled. From any thread."""
        with self._mutex:
            owner.cancel_message = message
            request = owner.request
            if request is not None and request.condition is not None:
                request.condition.notify()

    def poison(self, error: errors.Error) -> None:
        """End every wait, now and later, with IoError: the log has failed, so what is waited for may never come."""
        with self._mutex:
            self._poison = error
            for queue in self._queues.values():
                for request in queue.waiting:
                    if request.condition is not None:
                        request.condition.notify()

    def facts(self) -> list[LockFact]:
        """Every lock and every wait, for pg_locks."""
        with self._mutex:
            found: list[LockFact] = []
            for tag, queue in self._queues.items():
                for owner, mask in queue.granted.items():
                    found.extend(
                        LockFact(tag, mode, owner.number, True)
                        for mode in LockMode
                        if mask >> mode & 1
                    )
                found.extend(
                    LockFact(tag, request.mode, request.owner.number, False)
                    for request in queue.waiting
                )
            for owner in self.fast_path.owners():
                found.extend(
                    LockFact(tag, mode, owner.number, True, is_fast=True)
                    for tag, mask in list(owner.weak.items())
                    if tag not in self.fast_path.strong
                    for mode in LockMode
                    if mask >> mode & 1
                )
            return found

    def settle(self, owner: LockOwner) -> None:
        """Put the owner's weak locks into the table, before a savepoint: what comes after it is released with it."""
        if owner.weak:
            with self._mutex:
                for tag in list(owner.weak):
                    mask = owner.weak.pop(tag)
                    if tag not in self.fast_path.strong:
                        self._adopt(owner, tag, mask)

    def dismiss(self, owner: LockOwner) -> None:
        """The session has ended."""
        self.release_all(owner)
        with self._mutex:
            self.fast_path.dismiss(owner)


def _describe(edge: Edge[LockOwner]) -> str:
    request = edge.waiter.request
    assert request is not None
    return (
        f"Session {edge.waiter.number} waits for {request.mode.label} on {request.tag}; "
        f"blocked by session {edge.blocker.number}."
    )
