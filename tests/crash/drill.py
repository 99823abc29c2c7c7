"""A workload under observation: what it did to the database, what the database should hold after each commit, and when that was said.

The model is a dict of tables, each a dict of rows by id. Every change goes to the database and into the transaction's list of changes;
a commit applies the list to the committed state. A `Version` is a committed state with the disk operations between which its commit
ran: after a crash at operation k the database must hold some version that had begun by then, and none older than the last that was
acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from lungfish.recovery.checkpoint_request import CheckpointMode, CheckpointRequest
from lungfish.recovery.core import CoreOptions
from lungfish.storage.rows import Values
from lungfish.storage.simulated_disk import SimulatedDisk
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.transactions import Transaction
from tests.crash.small_database import OPTIONS, SmallDatabase

State = dict[int, dict[int, Values]]
Change = Callable[[State], None]


@dataclass(frozen=True, slots=True)
class Version:
    """A committed state, and the operations that the disk had seen when its commit began and when it was acknowledged."""

    state: State
    began_at: int
    acknowledged_at: int | None


@dataclass(slots=True)
class Drill:
    """A database on a simulated disk, with the versions it went through."""

    disk: SimulatedDisk
    options: CoreOptions = OPTIONS
    versions: list[Version] = field(default_factory=lambda: [Version({}, 0, 0)])
    _database: SmallDatabase | None = None

    @property
    def database(self) -> SmallDatabase:
        if self._database is None:
            self._database = SmallDatabase(self.disk, self.options)
        return self._database

    @property
    def state(self) -> State:
        return self.versions[-1].state

    def begin(self) -> DrillTransaction:
        return DrillTransaction(self)

    def checkpoint(self, pace: Callable[[int], None] | None = None) -> None:
        """Take a checkpoint; `pace` is called after each of its pages."""
        core = self.database.core
        if pace is not None:
            core.checkpoints.pages.pace = pace
        core.checkpoints.run(CheckpointRequest(requested_by="drill"))
        core.checkpoints.pages.pace = lambda size: None

    def checkpoint_inside_the_next_row(self, number: int) -> None:
        """Ask for a checkpoint when the next new row of a table is in its heap and not yet in its indexes: it has to be deferred."""
        rows = self.database.store(number).rows
        checkpoints = self.database.core.checkpoints
        request = CheckpointRequest(mode=CheckpointMode.PASSIVE, fence_timeout_ms=0.01)

        def add_entries(*arguments: Any) -> Any:
            patched.stop()
            checkpoints.run(request)
            return rows.add_entries(*arguments)

        patched = patch.object(rows, "add_entries", add_entries)
        patched.start()

    def snapshot(self) -> Snapshot:
        """Hold back the purge; give it back to `release`."""
        return self.database.core.transactions.take_snapshot()

    def release(self, snapshot: Snapshot) -> None:
        self.database.core.transactions.release(snapshot)
        self.database.core.transactions.purge()

    def close(self) -> None:
        """Close cleanly; the next use opens again."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def kill(self) -> None:
        """Drop the database as a killed process would; the next use opens again."""
        database, self._database = self._database, None
        if database is not None:
            database.crash()

    def forget(self) -> None:
        """The process that had the database open is gone, whatever it was doing."""
        self._database = None

    def settle(self, *, is_committed: bool) -> None:
        """Say how the commit that an exception came into has ended: until then its version may be or not."""
        last = self.versions[-1]
        if last.acknowledged_at is None:
            if is_committed:
                now = self.disk.operation_count
                self.versions[-1] = Version(last.state, last.began_at, now)
            else:
                self.versions.pop()

    def allowed(self, crash_at: int) -> list[State]:
        """What the database may hold after a crash right after that operation."""
        last = max(
            index
            for index, version in enumerate(self.versions)
            if version.acknowledged_at is not None and version.acknowledged_at <= crash_at
        )
        return [
            version.state
            for index, version in enumerate(self.versions)
            if index >= last and version.began_at <= crash_at
        ]


class DrillTransaction:
    """A transaction of the database and of the model."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill
        self._database = drill.database
        self.transaction = self._database.begin()
        self._changes: list[Change] = []
        self._marks: dict[str, int] = {}

    def create_table(self, index_count: int = 2) -> int:
        number = self._database.create_table(self.transaction, index_count)

        def change(state: State) -> None:
            state[number] = {}

        self._changes.append(change)
        return number

    def create_index(self, number: int, meanwhile: Callable[[], None] = lambda: None) -> None:
        self._database.create_index(self.transaction, number, meanwhile)

    def drop_table(self, number: int) -> None:
        self._database.drop_table(self.transaction, number)

        def change(state: State) -> None:
            del state[number]

        self._changes.append(change)

    def insert(self, number: int, row: Values) -> None:
        self._database.insert(self.transaction, number, row)
        self._note(number, row)

    def insert_many(self, number: int, rows: list[Values]) -> None:
        self._database.store(number).insert_many(self.transaction, rows)
        for row in rows:
            self._note(number, row)

    def update(self, number: int, row: Values) -> None:
        self._database.update(self.transaction, number, row)
        self._note(number, row)

    def delete(self, number: int, row_id: int) -> None:
        self._database.delete(self.transaction, number, row_id)

        def change(state: State) -> None:
            del state[number][row_id]

        self._changes.append(change)

    def row_ids(self, number: int) -> list[int]:
        """The rows of a table as this transaction sees them."""
        return list(self._seen()[number])

    def _seen(self) -> State:
        state = {number: rows.copy() for number, rows in self._drill.state.items()}
        for change in self._changes:
            change(state)
        return state

    def savepoint(self, name: str) -> None:
        self.transaction.savepoint(name)
        self._marks[name] = len(self._changes)

    def rollback_to(self, name: str) -> None:
        self.transaction.rollback_to(name)
        del self._changes[self._marks[name] :]

    def rollback(self) -> None:
        self.transaction.rollback()

    def commit(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Commit; `meanwhile` is done between the commit record and its flush, as another thread might."""
        drill = self._drill
        state = self._seen()
        began_at = drill.disk.operation_count
        # Before the commit, so that a crash in its middle is known to have had it on the way.
        drill.versions.append(Version(state, began_at, None))
        if meanwhile is None:
            self.transaction.commit()
        else:
            self._commit_slowly(meanwhile)
        drill.versions[-1] = Version(state, began_at, drill.disk.operation_count)

    def _commit_slowly(self, meanwhile: Callable[[], None]) -> None:
        manager = self._database.core.transactions
        flush = manager.flush_commit

        def flush_later(transaction: Transaction) -> None:
            meanwhile()
            flush(transaction)

        with patch.object(manager, "flush_commit", flush_later):
            self.transaction.commit()

    def _note(self, number: int, row: Values) -> None:
        def change(state: State) -> None:
            state[number][row[0]] = row

        self._changes.append(change)
