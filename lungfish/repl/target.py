"""The database that the shell works on: opened once, connected once, and opened anew by a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lungfish
from lungfish.repl.progress import Opening

Notice = Callable[[str, str], None]


class Target:
    """An open database with the shell's one connection to it."""

    def __init__(
        self,
        path: str,
        *,
        is_read_only: bool = False,
        wal_recovery_mode: str | None = None,
        on_notice: Notice | None = None,
        opening: Opening | None = None,
    ) -> None:
        """Open the database, which is made if it does not exist; `opening` is told how far recovery is.

        Raises: DatabaseInUse, UndefinedFile, CorruptDatabase and their kin.
        """
        self.path = path
        self.is_read_only = is_read_only
        self._wal_recovery_mode = wal_recovery_mode
        self._on_notice = on_notice
        self.opening = opening if opening is not None else Opening()
        self._open()

    def _open(self) -> None:
        self.database = lungfish.open(
            self.path,
            read_only=self.is_read_only,
            wal_recovery_mode=self._wal_recovery_mode,
            on_recovery=self.opening.tell,
        )
        # The named checkpoint that is looked at; None: the database as it is.
        self.snapshot: str | None = None
        try:
            self.connection = self.database.connect(autocommit=True, read_only=self.is_read_only)
        except BaseException:
            self.database.close()
            raise
        if self._on_notice is not None:
            self.connection.on_notice(self._on_notice)

    @property
    def name(self) -> str:
        """The name that the prompt shows."""
        return self.path if self.path.startswith(":memory:") else Path(self.path).name

    def open_work(self) -> str | None:
        """What an open transaction has done so far, as words behind it; None: none is open."""
        if not self.connection.in_transaction:
            return None
        count = self.connection.changed_row_count
        return "" if not count else f", with {count:,} changed row{'' if count == 1 else 's'}"

    def look_at(self, checkpoint: str | None) -> None:
        """Go on with the database as a named checkpoint has it, or (None) as it is now. Raises UndefinedObject."""
        connection = (
            self.database.connect(autocommit=True, read_only=self.is_read_only)
            if checkpoint is None
            else self.database.as_of(checkpoint, autocommit=True)
        )
        self.connection.close()
        self.connection = connection
        self.snapshot = checkpoint
        if self._on_notice is not None:
            self.connection.on_notice(self._on_notice)

    def restart(self, *, is_crash: bool) -> None:
        """Close the database, or drop it as a killed process would, and open it again."""
        if self.path.startswith(":memory:"):
            raise lungfish.NotSupportedError(
                "a database in memory cannot be restarted", hint="Give the shell a file."
            )
        if is_crash:
            self.database.crash()
            self.connection.close()
        else:
            self.close()
        self._open()

    def reopen(self, path: str) -> None:
        """Go on with another database."""
        self.close()
        self.path = path
        self._open()

    def close(self) -> None:
        """Roll back what is open, and close the database cleanly."""
        self.connection.close()
        self.database.close()
