"""The public face of an open database: sessions, checkpoint, check, and the two ways to end, clean and crashed."""

from __future__ import annotations

import os
from typing import Any, Unpack

from lungfish.connection.checkpoint_options import CheckpointOptions, checkpoint
from lungfish.connection.connection import Connection
from lungfish.connection.row_factories import RowFactory, tuple_row
from lungfish.database import Database
from lungfish.database.check import CheckReport, check_database
from lungfish.database.fork import fork_database
from lungfish.database.historical import open_historical
from lungfish.database.reader import newest_image_of
from lungfish.errors import InterfaceError
from lungfish.recovery.backup import BackupReport, BackupRequest, Progress
from lungfish.recovery.checkpoint_contract import CheckpointParticipant, PhaseDeadlines
from lungfish.recovery.checkpoint_request import CheckpointResult
from lungfish.recovery.restart_report import RecoveryReport
from lungfish.session import Session


class DatabaseHandle:
    """An open database (`lungfish.Database`). It stays open until `close`, also while nobody is connected."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.join(self)

    def connect(
        self,
        *,
        autocommit: bool = False,
        read_only: bool = False,
        row_factory: RowFactory = tuple_row,
    ) -> Connection:
        """A new connection."""
        return Connection(
            self.session(autocommit=autocommit, read_only=read_only), row_factory=row_factory
        )

    def as_of(
        self,
        checkpoint: str,
        *,
        autocommit: bool = False,
        row_factory: RowFactory = tuple_row,
    ) -> Connection:
        """A read-only connection to the database as a named checkpoint has it. Raises UndefinedObject if there is none of that name."""
        session = open_historical(
            self._database,
            checkpoint,
            reader="python",
            use=lambda database: Session(database, autocommit=autocommit, read_only=True),
        )
        return Connection(session, row_factory=row_factory)

    def session(self, *, autocommit: bool = False, read_only: bool = False) -> Session:
        """A new session: what a Connection is made of."""
        return Session(self._database, autocommit=autocommit, read_only=read_only)

    def checkpoint(
        self, mode: str = "fast", **options: Unpack[CheckpointOptions]
    ) -> CheckpointResult:
        """Take a checkpoint: SQL's CHECKPOINT, with its options by name. Raises as the statement does."""
        session = self.session(autocommit=True)
        try:
            return checkpoint(session, mode, options)
        finally:
            session.close()

    def register_checkpoint_participant(
        self, participant: CheckpointParticipant, *, deadlines: PhaseDeadlines | None = None
    ) -> None:
        """Let an object of one's own take part in every checkpoint from the next one on.

        Its `begin` and `prepare` may abort the checkpoint by raising; what `prepare` gives as `facts` is kept with the image, under its
        `name`, for `checkpoint_facts`. `prepare` runs while writers are held: it has FENCE_TIMEOUT, unless `deadlines` say otherwise.
        Raises DuplicateObject if there is one of that name.
        """
        self._database.core.checkpoints.register(participant, deadlines=deadlines)

    def unregister_checkpoint_participant(self, name: str) -> None:
        """Let it take part no longer. Raises UndefinedObject."""
        self._database.core.checkpoints.unregister(name)

    def checkpoint_facts(self, participant: str) -> dict[str, Any]:
        """What a participant gave at the newest checkpoint; empty if it was not there."""
        return self._database.core.memory.facts.of(participant)

    def backup(
        self,
        target: str | os.PathLike[str],
        *,
        incremental_from: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> BackupReport:
        """Back up into one file while others go on writing; `progress(done, total)` counts bytes."""
        request = BackupRequest(
            path=os.fspath(target),
            base_path="" if incremental_from is None else os.fspath(incremental_from),
            is_overwriting=overwrite,
            requested_by="python",
        )
        return self._database.backup(request, progress)

    def fork(self) -> DatabaseHandle:
        """A database of its own in memory that begins with what is committed here, in milliseconds; what it changes stays in it.

        Nothing is copied: unchanged pages are shared by all forks. The first fork after a change takes a checkpoint and reads the image into
        memory. `name` is what others in this process connect to it by. It outlives this database, and is gone when it is closed.
        """
        return DatabaseHandle(fork_database(self._database))

    @property
    def name(self) -> str:
        """What `lungfish.connect` takes to find this database in this process: its path, or `:memory:` and a name."""
        return self._database.name

    def adopt(self, database: Database) -> None:
        """Go on as the handle of another database, which takes the place of this one after a restart."""
        database.join(self)
        self._database = database

    def refresh(self) -> bool:
        """Let connections made from now on see the newest image of a database that is only read; whether there was a newer one.

        Those that are open go on with theirs: see `Connection.refresh`.
        """
        newest = newest_image_of(self._database)
        if newest is self._database:
            return False
        newest.join(self)
        before, self._database = self._database, newest
        before.leave(self)
        return True

    def check(self, level: str = "full") -> CheckReport:
        """Verify every page and checksum, and with "full" every index against its table. Nobody may write meanwhile."""
        if level not in ("quick", "full"):
            raise InterfaceError(f'the level of a check is "quick" or "full", not "{level}"')
        return check_database(self._database, is_quick=level == "quick")

    @property
    def recovery_report(self) -> RecoveryReport:
        """What opening the database had to do."""
        return self._database.recovery_report

    def close(self) -> None:
        """Roll back what is open, checkpoint, and leave the single file."""
        self._database.close()

    def crash(self) -> None:
        """Drop everything as a killed process would; the next `open` recovers."""
        self._database.crash()

    @property
    def closed(self) -> bool:
        """Whether the database is closed."""
        return self._database.is_closed

    def __enter__(self) -> DatabaseHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
