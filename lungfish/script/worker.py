"""A session of a script with its thread: statements run there, so that one that waits for a lock holds up nobody else."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import replace
from typing import Protocol

from lungfish import errors
from lungfish.connection import Connection
from lungfish.script.engine import Outcome
from lungfish.storage.simulated_disk import SimulatedCrash

_JOIN_TIMEOUT_S = 10.0


class ScriptSession(Protocol):
    """A session of some database."""

    # What others call it that wait for it.
    number: int

    def run(self, sql: str, data: str | None) -> Outcome:
        """Run one statement; errors of the database are an outcome too."""

    def cancel(self) -> None:
        """Stop it, from another thread."""

    def blockers(self) -> list[int]:
        """The numbers of the sessions that its statement waits for."""

    def own_state(self) -> str:
        """What would end with the session, in words."""

    def close(self) -> None: ...


class LungfishSession:
    """A connection to a Lungfish database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.number = connection._session.number

    def run(self, sql: str, data: str | None) -> Outcome:
        try:
            return self._copy_in(sql, data) if data is not None else self._run(sql)
        except errors.Error as error:
            more = str(error)[len(error.message) + 1 :]
            return Outcome(sqlstate=error.sqlstate, message=error.message, more=more)

    def cancel(self) -> None:
        self._connection.cancel()

    def blockers(self) -> list[int]:
        return self._connection._session.blockers

    def own_state(self) -> str:
        return self._connection._session.own_state

    def close(self) -> None:
        self._connection.close()

    def _run(self, sql: str) -> Outcome:
        cursor = self._connection.execute(sql)
        tag = cursor.statusmessage or ""
        if cursor.description is None:
            return Outcome(tag, cursor.rowcount)
        names = tuple([column.name for column in cursor.description])
        rows = tuple(cursor.fetch_text())
        return Outcome(tag, len(rows), names, rows)

    def _copy_in(self, sql: str, data: str) -> Outcome:
        with self._connection.copy(sql) as copy:
            copy.write(data)
        return Outcome(f"COPY {copy.rowcount}", copy.rowcount)


class SessionWorker:
    """Runs the statements of one session, one after the other."""

    def __init__(self, name: str, session: ScriptSession) -> None:
        self.name = name
        self.session = session
        self.is_running = False
        self.has_crashed = False
        self.is_done = threading.Event()
        self.outcome = Outcome()
        self._work: queue.SimpleQueue[tuple[str, str | None] | None] = queue.SimpleQueue()
        self._thread = self._new_thread()

    def start(self, sql: str, data: str | None) -> None:
        """Begin a statement. Requires: none is running."""
        assert not self.is_running, "a session runs one statement at a time"
        self.is_running = True
        self.is_done.clear()
        # Stays if the thread ends by an exception that is no error of the database's: a bug, which Python reports.
        self.outcome = Outcome(sqlstate="XX000", message="the statement ended its thread")
        if not self._thread.is_alive():
            self._thread = self._new_thread()
        self._work.put((sql, data))

    def blockers(self) -> list[int]:
        """The numbers of the sessions that it waits for."""
        return [] if self.is_done.is_set() else self.session.blockers()

    def take(self) -> Outcome:
        """What became of the statement."""
        self.is_running = False
        return self.outcome

    def end(self) -> None:
        """Stop what runs, and let the thread end. The connection is closed by whoever ends the database."""
        if not self.is_done.is_set() and self.is_running:
            self.session.cancel()
        self._work.put(None)
        self._thread.join(_JOIN_TIMEOUT_S)

    def _new_thread(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name=f"script {self.name}", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                began = time.perf_counter()
                outcome = self.session.run(*work)
                self.outcome = replace(outcome, seconds=time.perf_counter() - began)
            except SimulatedCrash:
                self.has_crashed = True
            finally:
                self.is_done.set()
