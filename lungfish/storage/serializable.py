"""Serializable snapshot isolation: who has read what another wrote after his snapshot, and who must go so that no cycle can come of it.

A serializable transaction reads from its snapshot and never waits for readers, as REPEATABLE READ does. What that lets through is found by
its shape: every cycle in the dependencies of transactions under snapshots has two *rw-conflicts* one after the other,

    T1 --rw--> T2 --rw--> T3       T1 has read what T2 wrote without seeing it, T2 what T3 wrote; T1 may be T3

of which T3 is the first of the three to commit; T2 is the *pivot*. One of the three is aborted (40001) before the last of them commits.
Not each such structure is part of a cycle: that is the price. If T1 only reads, the structure counts only if T3 had committed
before T1's snapshot was taken; a snapshot for which that can no longer come about is *safe*, and its reads need not be followed.

A transaction may also go by what its snapshot does not show: a key is free since another one has deleted its row, no row refers to a parent any
more. That one then *comes before* it, though they are concurrent, which is kept like a rw-conflict from that one. The argument above
still holds: whoever comes before has committed first, so it takes the place of T1, never of the conflict that leads to the first to commit.

After Cahill, Röhm, Fekete, "Serializable Isolation for Snapshot Databases" (SIGMOD 2008), and Ports, Grittner, "Serializable Snapshot
Isolation in PostgreSQL" (VLDB 2012), whose choice of victims is kept: the pivot, unless it has committed. Departures: reads and writes are
both kept in memory and compared here (`predicate_locks.py`) instead of looking at rows' headers while reading, so neither storage
nor the other isolation levels know of it; there are no two-phase commits, and nothing of this outlives the process: a restart
ends every transaction that could still be in conflict with one before it, so there is nothing to recover.

Invariants, all guarded by `mutex`, which is held for microseconds (it comes before the mutex of the running set):
1. A member is registered before its snapshot is taken, and `begin_sequence` read in the same hold: whoever has a greater
   `commit_sequence` may be concurrent with it, all others are not.
2. A read is compared with the writes known then and added in one hold, a write with the reads: of two that conflict, the second
   finds the first, in whichever order they touch the pages.
3. A committed member is kept while an active one began before it committed. Beyond FINISHED_MAX of them the oldest is
   taken up into `_summary`: by relations only, which can only find more conflicts.
4. A doomed member never gets past `prepare`; a prepared one is never doomed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lungfish.storage.ids import RelationId, TupleId
from lungfish.storage.keys import Key, KeyRange, Position
from lungfish.storage.predicate_locks import Footprints, key_target, row_target
from lungfish.storage.serializable_member import (
    Member,
    Owner,
    failure,
    is_dangerous,
    is_harmless_to_reader,
    require_not_doomed,
    unlink,
)
from lungfish.storage.snapshots import Snapshot

# So many committed transactions are kept in detail.
FINISHED_MAX = 2000


@dataclass(frozen=True, slots=True)
class Written:
    """A row that is about to change: its address unless it is new, and what it has, before and after, in the table's indexes.

    An entry stands for all of its key, with the address 0: the ranges that are read begin and end between keys.
    """

    address: TupleId | None
    keys: tuple[tuple[RelationId, Key, Position], ...]


class _Summary:
    """Committed transactions of which only the relations are still known, each with the last commit that touched it."""

    def __init__(self) -> None:
        self.reads: dict[int, int] = {}
        self.writes: dict[int, int] = {}
        # The first commit that one of the writers had a conflict out to; 0: none had.
        self.earliest_out_sequence = 0

    def clear(self) -> None:
        self.reads.clear()
        self.writes.clear()
        self.earliest_out_sequence = 0


class SerializableTransactions:
    """All serializable transactions of a database, and their conflicts."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self._reads: Footprints[Member] = Footprints()
        self._writes: Footprints[Member] = Footprints()
        self._active: dict[Member, None] = {}
        # Committed ones that an active one may be concurrent with, in the order of their commits.
        self._finished: deque[Member] = deque()
        self._summary = _Summary()
        self._sequence = 0
        # The relations behind a table, as the last transaction that used it knows them.
        self._shapes: dict[int, tuple[int, ...]] = {}
        self.conflict_count = 0

    # Beginning

    def enter(
        self,
        owner: Owner,
        owner_number: int,
        take_snapshot: Callable[[], Snapshot],
        *,
        is_read_only: bool,
    ) -> tuple[Snapshot, Member | None]:
        """Take a transaction's snapshot. No member if it is safe from the start: it only reads, and nobody writes."""
        with self.mutex:
            member = Member(owner, owner_number, is_read_only=is_read_only)
            member.begin_sequence = self._sequence
            self._active[member] = None
            try:
                member.snapshot = take_snapshot()
            except BaseException:
                del self._active[member]
                raise
            if is_read_only:
                for other in self._active:
                    if not (other.is_read_only or other.is_doomed or other is member):
                        member.unsafe_candidates[other] = None
                        other.watchers[member] = None
                if not member.unsafe_candidates:
                    self._leave(member)
                    return member.snapshot, None
            return member.snapshot, member

    def candidates(self, member: Member) -> list[Owner]:
        """The writers on whose end it hangs whether the member's snapshot is safe."""
        with self.mutex:
            return [each.owner for each in member.unsafe_candidates]

    # Reading

    # Under its own snapshot (None), or what is there now.

    def read_whole(self, member: Member, oid: int, now: Snapshot | None = None) -> None:
        """The member reads a relation from end to end. Raises SerializationFailure, as all reads and writes."""
        with self.mutex:
            if self._may_skip(member, oid, now):
                return
            self._reads.add_whole(member, oid)
            self._conflicts_of_read(member, oid, list(self._writes.touching(oid)), now)

    def read_row(
        self, member: Member, oid: int, address: TupleId, now: Snapshot | None = None
    ) -> None:
        """It reads a row by its address."""
        with self.mutex:
            if self._may_skip(member, oid, now):
                return
            target = row_target(oid, address)
            self._reads.add_target(member, oid, target)
            self._conflicts_of_read(member, oid, self._writes.touching_target(target), now)

    def read_key(
        self, member: Member, oid: int, place: tuple[RelationId, Key], now: Snapshot | None = None
    ) -> None:
        """It looks up a key of an index, whether or not there is anything."""
        with self.mutex:
            if self._may_skip(member, oid, now):
                return
            target = key_target(*place)
            self._reads.add_target(member, oid, target)
            self._conflicts_of_read(member, oid, self._writes.touching_target(target), now)

    def read_range(
        self,
        member: Member,
        oid: int,
        place: tuple[RelationId, KeyRange],
        now: Snapshot | None = None,
    ) -> None:
        """It reads a range of an index."""
        with self.mutex:
            if self._may_skip(member, oid, now):
                return
            self._reads.add_range(member, oid, *place)
            self._conflicts_of_read(member, oid, list(self._writes.entries_within(*place)), now)

    def _may_skip(self, member: Member, oid: int, now: Snapshot | None) -> bool:
        """Whether nothing has to be known of the member's reads, or of those of this relation. Raises if the member is doomed."""
        if member.is_over:
            return True
        if member.is_safe:
            self._leave(member)
            return True
        require_not_doomed(member)
        return now is None and self._reads.is_whole(member, oid)

    def _conflicts_of_read(
        self, member: Member, oid: int, writers: Iterable[Member], now: Snapshot | None
    ) -> None:
        """What follows from whom the read has not seen; and, of a read of what is there now, from whom the member's own snapshot does not see."""
        writers = [*writers, *self._writes.touching_whole(oid)]
        if now is not None:
            seen = [each for each in writers if each.owner.id and now.is_visible(each.owner.id)]
            self._come_before(member, oid, seen)
            writers = [each for each in writers if each not in seen]
        self._conflicts_out(member, oid, writers)

    def _conflicts_out(self, member: Member, oid: int, writers: Iterable[Member]) -> None:
        snapshot = member.snapshot
        assert snapshot is not None
        for writer in writers:
            if writer is member or writer.is_doomed or writer in member.out_conflicts:
                continue
            if writer.owner.id and snapshot.is_visible(writer.owner.id):
                continue
            if is_harmless_to_reader(member, writer):
                continue
            self._flag(reader=member, writer=writer, me=member)
        if self._summary.writes.get(oid, 0) > member.begin_sequence:
            self._conflict_out_to_summary(member)

    def _conflict_out_to_summary(self, member: Member) -> None:
        earliest = self._summary.earliest_out_sequence
        if earliest and not (member.is_read_only and earliest > member.begin_sequence):
            raise failure("Canceled on conflict out to old pivot.")
        if member.in_conflicts or member.has_summary_in:
            raise failure(
                "Canceled on identification as a pivot, with conflict out to old committed transaction."
            )
        member.has_summary_out = True

    # Writing

    def write(self, member: Member, oid: int, rows: Iterable[Written]) -> None:
        """The member is about to change, insert or delete rows."""
        with self.mutex:
            if member.is_over:
                return
            require_not_doomed(member)
            member.has_written = True
            reads, writes = self._reads, self._writes
            for row in rows:
                self._conflicts_in(member, oid, _readers_of(reads, oid, row))
                if writes.is_whole(member, oid):
                    continue
                if row.address is not None:
                    writes.add_target(member, oid, row_target(oid, row.address))
                for index, key, entry in row.keys:
                    writes.add_target(member, oid, key_target(index, key))
                    writes.add_entry(member, oid, index, entry)
                if not row.keys and row.address is None:
                    # A new row without an index is met by scans of the relation only.
                    writes.touch(member, oid)

    def write_whole(self, member: Member, oid: int) -> None:
        """It changes so many rows that only the relation is remembered, or drops or empties it."""
        with self.mutex:
            if member.is_over:
                return
            require_not_doomed(member)
            member.has_written = True
            self._conflicts_in(member, oid, list(self._reads.touching(oid)))
            self._writes.add_whole(member, oid)

    def _conflicts_in(self, member: Member, oid: int, readers: Iterable[Member]) -> None:
        for reader in readers:
            if reader is member or reader.is_doomed or reader in member.in_conflicts:
                continue
            if reader.is_committed and reader.commit_sequence <= member.begin_sequence:
                continue
            self._flag(reader=reader, writer=member, me=member)
        self._conflict_in_from_summary(member, self._summary.reads.get(oid, 0))

    def _conflict_in_from_summary(self, member: Member, last: int) -> None:
        """One of the summary comes before the member, at the latest the one of this commit."""
        if last > member.begin_sequence:
            if member.has_summary_out or any(
                other.is_prepared and other.prepare_sequence <= last
                for other in member.out_conflicts
            ):
                raise failure("Canceled on identification as a pivot, during conflict in checking.")
            member.has_summary_in = True

    # Following those that the snapshot does not see

    def follow_keys(self, member: Member, oid: int, keys: Iterable[tuple[RelationId, Key]]) -> None:
        """The member has found these keys free, or taken them: whoever has freed one since its snapshot comes before it."""
        with self.mutex:
            for index, key in keys:
                writers = self._writes.touching_target(key_target(index, key))
                self._come_before(member, oid, [*writers, *self._writes.touching_whole(oid)])

    def follow_range(
        self, member: Member, oid: int, index: RelationId, key_range: KeyRange
    ) -> None:
        """As `follow_keys`, of a range in which nothing was in the way."""
        with self.mutex:
            writers = self._writes.entries_within(index, key_range)
            self._come_before(member, oid, [*writers, *self._writes.touching_whole(oid)])

    def _come_before(self, member: Member, oid: int, writers: Iterable[Member]) -> None:
        """Note that the member goes by what these have written, though it began before they were done."""
        snapshot = member.snapshot
        assert snapshot is not None
        for writer in writers:
            if writer is member or not writer.is_prepared or writer in member.in_conflicts:
                continue
            if writer.owner.id and not snapshot.is_visible(writer.owner.id):
                self._flag(reader=writer, writer=member, me=member)
        self._conflict_in_from_summary(member, self._summary.writes.get(oid, 0))

    # Conflicts

    def _flag(self, *, reader: Member, writer: Member, me: Member) -> None:
        """Note a conflict, after making sure that it completes no dangerous structure."""
        self.conflict_count += 1
        if is_dangerous(reader, writer):
            if me is writer:
                raise failure("Canceled on identification as a pivot, during write.")
            if writer.is_prepared:
                raise failure("Canceled on conflict out to pivot, during read.")
            writer.is_doomed = True
        reader.out_conflicts[writer] = None
        writer.in_conflicts[reader] = None

    def require_not_doomed(self, member: Member) -> None:
        """Raise SerializationFailure if the member has been chosen to go."""
        with self.mutex:
            require_not_doomed(member)

    # Ending

    def prepare(self, member: Member) -> None:
        """Let the member through to its commit, or raise SerializationFailure. Who would complete a structure with it is doomed."""
        with self.mutex:
            if member.is_over or member.is_prepared:
                return
            require_not_doomed(member)
            for pivot in member.in_conflicts:
                if pivot.is_committed or pivot.is_doomed:
                    continue
                if any(
                    far is member or not (far.is_committed or far.is_read_only or far.is_doomed)
                    for far in pivot.in_conflicts
                ):
                    if pivot.is_prepared:
                        raise failure(
                            "Canceled on commit attempt with conflict in from prepared pivot."
                        )
                    pivot.is_doomed = True
            self._sequence += 1
            member.prepare_sequence = self._sequence

    def finish(self, member: Member, *, is_committed: bool) -> None:
        """The transaction has ended. Twice is harmless."""
        decided: list[Callable[[], None]] = []
        with self.mutex:
            if member.is_over or member.is_committed:
                return
            if is_committed:
                self._sequence += 1
                member.commit_sequence = self._sequence
                member.is_read_only |= not member.has_written
            self._release_conflicts(member, is_committed=is_committed)
            self._tell_watchers(member, is_committed=is_committed, decided=decided)
            if is_committed:
                self._active.pop(member, None)
                self._stop_watching(member)
                self._finished.append(member)
                self._forget_old()
            else:
                self._leave(member)
        for tell in decided:
            tell()

    def _release_conflicts(self, member: Member, *, is_committed: bool) -> None:
        """Keep of the member's conflicts those that can still be part of a structure."""
        for writer in list(member.out_conflicts):
            # Let through is enough: such a writer may be visible already, and its own end must not find the member to have had no conflict.
            if is_committed and writer.is_prepared and not member.is_read_only:
                earliest = member.earliest_out_sequence
                member.earliest_out_sequence = min(
                    earliest or writer.prepare_sequence, writer.prepare_sequence
                )
                member.has_conflict_out = True
            if not is_committed or writer.is_committed:
                unlink(member, writer)
        for reader in list(member.in_conflicts):
            if not is_committed or reader.is_committed or reader.is_read_only:
                unlink(reader, member)

    def _tell_watchers(
        self, member: Member, *, is_committed: bool, decided: list[Callable[[], None]]
    ) -> None:
        """Settle what hangs on the member: whether the snapshots of READ ONLY transactions are safe."""
        for watcher in list(member.watchers):
            if is_committed and member.has_missed_commit_before(watcher.begin_sequence):
                watcher.is_unsafe = True
                self._stop_watching(watcher)
            else:
                watcher.unsafe_candidates.pop(member, None)
                if not watcher.unsafe_candidates:
                    watcher.is_safe = True
            if (watcher.is_safe or watcher.is_unsafe) and watcher.on_decided is not None:
                decided.append(watcher.on_decided)
        member.watchers.clear()

    def _stop_watching(self, member: Member) -> None:
        for candidate in member.unsafe_candidates:
            candidate.watchers.pop(member, None)
        member.unsafe_candidates.clear()

    def _leave(self, member: Member) -> None:
        """Forget a member at once: it has rolled back, or its snapshot is safe."""
        member.is_over = True
        self._active.pop(member, None)
        self._stop_watching(member)
        self._drop(member)
        self._forget_old()

    def _drop(self, member: Member) -> None:
        for writer in list(member.out_conflicts):
            unlink(member, writer)
        for reader in list(member.in_conflicts):
            unlink(reader, member)
        self._reads.forget(member)
        self._writes.forget(member)

    def _forget_old(self) -> None:
        """Let go of the committed ones that no active one is concurrent with (invariant 3)."""
        finished = self._finished
        oldest = min((each.begin_sequence for each in self._active), default=self._sequence)
        while finished and finished[0].commit_sequence <= oldest:
            self._drop(finished.popleft())
        if not self._active:
            self._summary.clear()
        while len(finished) > FINISHED_MAX:
            self._summarize(finished.popleft())

    def _summarize(self, member: Member) -> None:
        summary, sequence = self._summary, member.commit_sequence
        for oid in self._reads.relations_of(member):
            summary.reads[oid] = max(summary.reads.get(oid, 0), sequence)
        for oid in self._writes.relations_of(member):
            summary.writes[oid] = max(summary.writes.get(oid, 0), sequence)
        if member.has_conflict_out or member.has_summary_out:
            first = 1 if member.has_summary_out else member.earliest_out_sequence
            summary.earliest_out_sequence = min(summary.earliest_out_sequence or first, first)
        for writer in member.out_conflicts:
            writer.has_summary_in = True
        for reader in member.in_conflicts:
            reader.has_summary_out = True
        self._drop(member)

    # The rest

    def note_shape(self, oid: int, relations: tuple[int, ...]) -> None:
        """A transaction uses a table with these relations: if they have changed, what is known in detail holds no more."""
        with self.mutex:
            if self._shapes.get(oid) != relations:
                self._reads.coarsen(oid)
                self._writes.coarsen(oid)
                self._shapes[oid] = relations

    def facts(self) -> list[tuple[int, int, TupleId | None, RelationId | None]]:
        """The SIREAD locks, for pg_locks: session, table, and the row or the index if it is not all of it."""
        found: list[tuple[int, int, TupleId | None, RelationId | None]] = []
        with self.mutex:
            for member, oid, touched in self._reads.facts():
                number = member.owner_number
                if touched.is_whole:
                    found.append((number, oid, None, None))
                found += [
                    (number, oid, address, None)
                    for kind, _, address in touched.targets
                    if kind == "row"
                ]
                indexes = {RelationId(index) for kind, index, _ in touched.targets if kind == "key"}
                found += [(number, oid, None, index) for index in indexes | touched.places.keys()]
        return found


def _readers_of(reads: Footprints[Member], oid: int, row: Written) -> list[Member]:
    """Who has read what a change of the row concerns."""
    found = [*reads.touching_whole(oid)]
    if row.address is not None:
        found += reads.touching_target(row_target(oid, row.address))
    for index, key, entry in row.keys:
        found += reads.touching_target(key_target(index, key))
        found += reads.ranges_around(index, entry)
    return found
