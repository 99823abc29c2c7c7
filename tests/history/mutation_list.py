"""Faults planted in what isolates transactions, as data: `python -m tests.history.mutations` plants each and sees it found.

How they are run is in `tests/crash/mutations.py`. Whoever changes a line that stands here brings the list along.
"""

from __future__ import annotations

from tests.crash.mutation_list import Mutation

STORAGE = "lungfish/storage/"
GRAPH = STORAGE + "serializable.py"
RULES = STORAGE + "serializable_member.py"
TRACKED = STORAGE + "tracked_table.py"


def history(level: str, operation_count: int = 6_000) -> str:
    """A history at one level, without crashes."""
    word = {"RC": "read_committed", "RR": "repeatable_read", "S": "serializable"}[level]
    return f"tests.history --level {word} --operations {operation_count} --crash-every {operation_count}"


CONFLICTS = "pytest -q -x -p no:cacheprovider tests/storage/test_serializable_conflicts.py"
SQL = "pytest -q -x -p no:cacheprovider tests/session/test_serializable.py"

MUTATIONS: tuple[Mutation, ...] = (
    # What is read and written.
    Mutation(
        "reads: a key that is looked up is not noted",
        TRACKED,
        "        self._read_key(snapshot, index, index.btree.codec.encode(values))\n        return super()",
        "        return super()",
        history("S"),
    ),
    Mutation(
        "reads: a key is noted only if it is there",
        TRACKED,
        "        self._read_key(snapshot, index, index.btree.codec.encode(values))\n        return super().key_lookup(snapshot, index, values)",
        "        rows = super().key_lookup(snapshot, index, values)\n"
        "        if rows:\n"
        "            self._read_key(snapshot, index, index.btree.codec.encode(values))\n"
        "        return rows",
        history("S"),
    ),
    Mutation(
        "reads: a range is not noted beyond its last row",
        TRACKED,
        "        if low is None or high is None or low < high:\n            self._read_range(snapshot, index, KeyRange(low, high))\n",
        "",
        SQL,
    ),
    Mutation(
        "reads: a scan of a table is not noted",
        TRACKED,
        "        self._conflicts.read_whole(self._member, self._oid, self._now(snapshot))\n",
        "",
        SQL,
    ),
    Mutation(
        "writes: the keys that a row had before are forgotten",
        TRACKED,
        "[*self._entries(old), *self._entries(new)]",
        "[*self._entries(new)]",
        SQL,
    ),
    Mutation(
        "writes: a new row is not noted",
        TRACKED,
        "            self._write([Written(None, tuple(self._entries(keys))) for keys in some])\n",
        "",
        history("S"),
    ),
    Mutation(
        "locks: what becomes coarser is forgotten",
        STORAGE + "predicate_locks.py",
        "        self._wholes.setdefault(oid, {})[member] = None\n",
        "",
        SQL,
    ),
    # The conflicts that follow.
    Mutation(
        "conflicts: reads are not compared with earlier writes",
        GRAPH,
        "            self._flag(reader=member, writer=writer, me=member)\n",
        "            pass\n",
        history("S"),
    ),
    Mutation(
        "conflicts: writes are not compared with earlier reads",
        GRAPH,
        "            self._flag(reader=reader, writer=member, me=member)\n",
        "            pass\n",
        history("S"),
    ),
    Mutation(
        "conflicts: the reads of a committed transaction count no more",
        GRAPH,
        "if reader.is_committed and reader.commit_sequence <= member.begin_sequence:",
        "if reader.is_committed:",
        history("S"),
    ),
    Mutation(
        "conflicts: committed transactions are let go of at once",
        GRAPH,
        "while finished and finished[0].commit_sequence <= oldest:",
        "while finished:",
        history("S"),
    ),
    Mutation(
        "structures: a pivot is not doomed at another's commit",
        GRAPH,
        "                    pivot.is_doomed = True\n",
        "                    pass\n",
        history("S"),
    ),
    Mutation(
        "structures: a pivot with a committed conflict out is let through",
        RULES,
        "    if any(_ends_structure(third, reader, writer) for third in writer.out_conflicts):\n",
        "    if False:\n",
        history("S"),
    ),
    Mutation(
        "structures: a committed pivot is overlooked",
        RULES,
        "    if writer.is_committed and (writer.has_conflict_out or writer.has_summary_out):\n",
        "    if False:\n",
        history("S"),
    ),
    Mutation(
        "structures: a conflict out counts only once that commit is done",
        GRAPH,
        "if is_committed and writer.is_prepared and not member.is_read_only:",
        "if is_committed and writer.is_committed and not member.is_read_only:",
        CONFLICTS,
    ),
    Mutation(
        "structures: a snapshot is safe if those that a writer has missed are known by relation only",
        GRAPH,
        "if is_committed and member.has_missed_commit_before(watcher.begin_sequence):",
        "if is_committed and member.has_conflict_out and member.earliest_out_sequence <= watcher.begin_sequence:",
        CONFLICTS,
    ),
    Mutation(
        "conflicts: who has freed a key that is taken does not come before who takes it",
        GRAPH,
        "            if writer.owner.id and not snapshot.is_visible(writer.owner.id):\n                self._flag(",
        "            if False:\n                self._flag(",
        SQL,
    ),
    Mutation(
        "structures: a doomed transaction commits",
        RULES,
        '    if member.is_doomed:\n        raise failure("',
        '    if False:\n        raise failure("',
        history("S"),
    ),
    Mutation(
        "structures: a reader never matters",
        RULES,
        "        reader.is_read_only\n        and writer.is_committed\n",
        "        writer.is_committed\n",
        history("S"),
    ),
    Mutation(
        "summary: old transactions are forgotten",
        GRAPH,
        "            summary.reads[oid] = max(summary.reads.get(oid, 0), sequence)\n",
        "            pass\n",
        SQL,
    ),
    # Snapshots and row locks, at all levels.
    Mutation(
        "snapshots: those who run are seen",
        STORAGE + "running_set.py",
        "            running = frozenset(self._running)\n",
        "            running = frozenset(list(self._running)[:1])\n",
        history("RC"),
    ),
    Mutation(
        "snapshots: a new one for each statement of REPEATABLE READ",
        STORAGE + "transactions.py",
        "        if self.snapshot is None or self.sees_each_commit:\n",
        "        if self.snapshot is None or not self.undo:\n",
        history("RR"),
    ),
    Mutation(
        "snapshots: a new one for each statement of SERIALIZABLE",
        STORAGE + "serializable_transaction.py",
        "        assert self.snapshot is not None\n        return self.snapshot\n",
        "        return self._manager.members.renew_snapshot(self)\n",
        history("S"),
    ),
    Mutation(
        "rows: no second look after a wait",
        STORAGE + "table_lock.py",
        "    status = LockStatus.SAME if is_seen else LockStatus.CHANGED\n",
        "    status = LockStatus.SAME\n",
        history("RC"),
    ),
    Mutation(
        "rows: a concurrent update is no failure at REPEATABLE READ",
        STORAGE + "table_lock.py",
        "    if not is_seen and not transaction.sees_each_commit:\n",
        "    if False:\n",
        history("RR"),
    ),
    Mutation(
        "rows: a lock is not waited for",
        STORAGE + "table_lock.py",
        "        rows.transactions.wait_for_end(transaction, found)\n",
        "        return _GONE\n",
        history("RC"),
    ),
    Mutation(
        "rows: a savepoint's changes stay",
        STORAGE + "transactions.py",
        "        undo_to(self, point.undo_count, is_logged=True)\n",
        "",
        history("RC"),
    ),
)
