"""The planted faults, as data: see `mutations.py` for how they are run and `docs/decisions/0003-crash-simulation.md` for why.

A fault that no test notices is a hole in the tests. Whoever changes a line that stands here brings the list along.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """One fault: where, what, and the command (`python -m ...`) that must fail with it."""

    name: str
    file: str
    before: str
    after: str
    caught_by: str


def search(workload: str) -> str:
    """The close search of a workload of the drill."""
    return f"tests.crash.search {workload}"


RECOVERY = "lungfish/recovery/"
STORAGE = "lungfish/storage/"
ROWS = search("rows_and_indexes")
BAD_MOMENTS = search("checkpoints_at_bad_moments")
DURING = search("writes_during_checkpoints")
SAVEPOINTS = search("savepoints")
LIVES = search("opening_and_closing")
TABLES = search("tables_come_and_go")

LOG: tuple[Mutation, ...] = (
    Mutation(
        "log: a sync is skipped",
        RECOVERY + "wal_writer.py",
        "    try:\n        file.sync()\n",
        "    try:\n        file.size()\n",
        ROWS,
    ),
    Mutation(
        "log: a commit is acknowledged before its flush",
        STORAGE + "transactions.py",
        "            self.log.flush_to(transaction.commit_lsn)\n",
        "            self.log.end_lsn()\n",
        ROWS,
    ),
    Mutation(
        "log: group commit acknowledges those whom its sync did not serve",
        RECOVERY + "wal_group.py",
        "served = [each for each in waiters if each.lsn <= durable]",
        "served = list(waiters)",
        "pytest -q -x -p no:cacheprovider tests/recovery/test_wal_group.py",
    ),
    Mutation(
        "log: a segment is used before its name is durable",
        RECOVERY + "wal_segments.py",
        "            file.sync()\n            self._disk.sync_directory(self.path)\n",
        "            file.sync()\n",
        ROWS,
    ),
    Mutation(
        "log: segments are taken back with the oldest first",
        RECOVERY + "wal_segments.py",
        "for number in sorted(self.numbers(), reverse=True):\n            if number < first:\n                break\n",
        "for number in sorted(self.numbers()):\n            if number < first:\n                continue\n",
        "pytest -q -x -p no:cacheprovider tests/crash/test_crash_states.py",
    ),
    Mutation(
        "log: a batch of rows is not logged",
        RECOVERY + "wal.py",
        "        while first < len(totals):\n",
        "        while first < 0:\n",
        search("bulk"),
    ),
    Mutation(
        "log: a rollback to a savepoint is not logged",
        STORAGE + "table_rows.py",
        "partial(self._undo_row, transaction, address, before, after, is_logged)",
        "partial(self._undo_row, transaction, address, before, None, False)",
        SAVEPOINTS,
    ),
    Mutation(
        "log: the reader does not check sums",
        RECOVERY + "wal_batch.py",
        "    wrong = np.flatnonzero(found != stored)\n",
        "    wrong = np.flatnonzero(found < 0)\n",
        ROWS,
    ),
    Mutation(
        "log: the reader takes a record that does not lie at its LSN",
        RECOVERY + "wal_batch.py",
        "if lsn != base + at or not 0 <",
        "if not 0 <",
        "pytest -q -x -p no:cacheprovider tests/recovery/test_wal_batch.py tests/recovery/test_wal_reader.py",
    ),
)

CHECKPOINT: tuple[Mutation, ...] = (
    Mutation(
        "checkpoint: the superblock is published before its pages are synced",
        STORAGE + "image_builder.py",
        '            slots.failpoints.reach("checkpoint.sync")\n            self._sync()\n',
        "",
        ROWS,
    ),
    Mutation(
        "checkpoint: the log is pruned before the superblock is synced",
        STORAGE + "image_builder.py",
        '        self._sync()\n        reach("checkpoint.published")\n',
        "",
        ROWS,
    ),
    Mutation(
        "checkpoint: a page table has a stale checksum",
        STORAGE + "page_table.py",
        "        chunk.checksums[at] = checksum\n",
        "        chunk.checksums[at] = chunk.checksums[at] if before else checksum\n",
        ROWS,
    ),
    Mutation(
        "checkpoint: the log is pruned before the image is written",
        RECOVERY + "checkpoint.py",
        "        run.calls.write()\n",
        "        self.log.prune(run.context.redo_lsn)\n        run.calls.write()\n",
        ROWS,
    ),
    Mutation(
        "checkpoint: the fence misses one writer",
        STORAGE + "fence.py",
        "            while self._inside:\n",
        "            while len(self._inside) > 1:\n",
        BAD_MOMENTS,
    ),
    Mutation(
        "checkpoint: a committing transaction counts as running",
        RECOVERY + "checkpoint_participants.py",
        "is_running = transaction.state is TransactionState.RUNNING",
        "is_running = True",
        BAD_MOMENTS,
    ),
    Mutation(
        "checkpoint: the image keeps an older version of a page",
        STORAGE + "image_builder.py",
        "            before = self._tables[relation_id].set(page_id, location, sum_)\n",
        "            table = self._tables[relation_id]\n"
        "            if page_id < table.page_count and table.entry(page_id)[0]:\n"
        "                return 0\n"
        "            before = table.set(page_id, location, sum_)\n",
        ROWS,
    ),
    Mutation(
        "checkpoint: retention forgets its pins",
        RECOVERY + "retention.py",
        "            return self._floor\n",
        "            return LSN(1 << 62)\n",
        DURING,
    ),
    Mutation(
        "checkpoint: retention ignores the marks of indexes",
        RECOVERY + "checkpoint_images.py",
        "        for relation_id, mark in lagging_indexes(current, facts.redo_lsn):\n",
        "        for relation_id, mark in lagging_indexes(current, facts.redo_lsn)[:0]:\n",
        "pytest -q -x -p no:cacheprovider tests/recovery/test_index_marks.py",
    ),
    Mutation(
        "checkpoint: the floor of retention ignores the pins of indexes",
        RECOVERY + "retention.py",
        "lowest = min(each.pinned_lsn for each in self._holders.values())",
        "lowest = min(\n                    each.pinned_lsn\n"
        "                    for each in self._holders.values()\n"
        "                    if each.kind is not HolderKind.INDEX_MARK\n                )",
        "tests.crash --only 14",
    ),
    Mutation(
        "checkpoint: the redo position is taken after the fence, not inside",
        RECOVERY + "checkpoint.py",
        "        run.checkpoint_lsn = self.log.end_lsn()\n",
        "        run.checkpoint_lsn = context.redo_lsn = self.log.end_lsn()\n",
        DURING,
    ),
    Mutation(
        "checkpoint: frozen pages are changed in place",
        STORAGE + "relation_pages.py",
        "        if is_frozen or frame.is_writing:\n",
        "        if frame.is_writing:\n",
        DURING,
    ),
    Mutation(
        "checkpoint: the image lacks what running transactions replaced",
        RECOVERY + "checkpoint_participants.py",
        "        found = [HeldUndo.of(each) for each in running]\n",
        "        found = [HeldUndo.of(each) for each in running[:0]]\n",
        SAVEPOINTS,
    ),
    Mutation(
        "checkpoint: the image lacks the purges that are owed",
        RECOVERY + "checkpoint_participants.py",
        "        for number, transaction_id in enumerate(sorted(owed)):\n",
        "        for number, transaction_id in enumerate(sorted(owed)[:0]):\n",
        search("snapshots_that_linger"),
    ),
    Mutation(
        "checkpoint: an index under construction counts as built",
        RECOVERY + "checkpoint_participants.py",
        "if kind is RelationKind.INDEX and relation_id not in settled",
        "if kind is None and relation_id not in settled",
        TABLES,
    ),
    Mutation(
        "close: the log is removed before the final image",
        RECOVERY + "core.py",
        "        self.transactions.purge()\n        self.checkpoints.run(",
        "        self.transactions.purge()\n"
        "        self.log.writer.sync()\n"
        "        self.folder.remove_folder()\n"
        "        self.checkpoints.run(",
        LIVES,
    ),
)

RESTART: tuple[Mutation, ...] = (
    Mutation(
        "restart: an image taken in redo claims the whole log",
        RECOVERY + "restart_checkpoint.py",
        "mark = place.end if relation_id in catalog else at",
        "mark = place.end",
        search("long_restarts"),
    ),
    Mutation(
        "restart: an image taken in redo lacks what the log has noted",
        RECOVERY + "restart_checkpoint.py",
        "                **self._noted(),\n",
        "",
        "pytest -q -x -p no:cacheprovider tests/recovery/test_restart_progress.py",
    ),
    Mutation(
        "restart: nothing is undone",
        RECOVERY + "restart_tables.py",
        "        put_back(rows, retained)\n",
        "        retained.before\n",
        SAVEPOINTS,
    ),
    Mutation(
        "restart: older versions of a row that is put back are forgotten",
        RECOVERY + "restart_tables.py",
        "        if retained.before is not None:\n            rows.chains.push",
        "        if retained.before is None:\n            rows.chains.push",
        SAVEPOINTS,
    ),
    Mutation(
        "restart: what never committed is redone",
        RECOVERY + "restart_changes.py",
        "counts = (lsns >= mark) & committed.has(own.transactions)",
        "counts = lsns >= mark",
        SAVEPOINTS,
    ),
    Mutation(
        "restart: redo begins too late",
        RECOVERY + "restart_changes.py",
        "counts = (lsns >= mark) &",
        "counts = (lsns >= mark + 400) &",
        ROWS,
    ),
    Mutation(
        "restart: the log goes on in the old segment",
        RECOVERY + "restart.py",
        "        return replace(start, segment_number=number)\n",
        "        return replace(start, segment_number=max(1, number - 1))\n",
        LIVES,
    ),
    Mutation(
        "restart: where the life before ended is not said",
        RECOVERY + "restart.py",
        "            previous_end=self._reader.tail.end,\n",
        "            previous_end=LSN(0),\n",
        LIVES,
    ),
    Mutation(
        "restart: what was read is not synced",
        RECOVERY + "restart.py",
        "        self._sync_what_was_read()\n",
        "        self._start_of_next_life(segment_size)\n",
        ROWS,
    ),
    Mutation(
        "restart: transaction ids begin anew",
        RECOVERY + "restart.py",
        "return TransactionId(max(kept, self.log_facts.highest_transaction_id + 1))",
        "return TransactionId(1)",
        LIVES,
    ),
    Mutation(
        "restart: indexes without an image are left empty",
        RECOVERY + "restart_relations.py",
        "        return build_missing(self.rows, self.missing, trim)\n",
        "        return len(self.missing)\n",
        TABLES,
    ),
)

MUTATIONS: tuple[Mutation, ...] = (*LOG, *CHECKPOINT, *RESTART)
