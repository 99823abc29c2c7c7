"""A real PostgreSQL behind the engine's seam: the oracle. What only Lungfish has, crashes and faults, it has not; scripts that need
it are left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from lungfish import errors
from lungfish.script.engine import Outcome, Waited
from lungfish.script.worker import SessionWorker
from lungfish.sql.ast.directives import CrashOptions, Fault

_LOOK_AGAIN_S = 0.001


class PostgresSession:
    """A connection to the server; `control` is another one, which is asked who waits for whom."""

    def __init__(self, uri: str, control: psycopg.Connection) -> None:
        self._connection = psycopg.connect(uri, autocommit=True)
        self._control = control
        self.number = self._connection.info.backend_pid
        self._connection.execute("SET lock_timeout = '30s'")
        self._connection.execute("SET statement_timeout = '60s'")

    def run(self, sql: str, data: str | None) -> Outcome:
        connection = self._connection.pgconn
        result = connection.exec_(sql.encode())
        if result.status == ExecStatus.COPY_IN:
            connection.put_copy_data((data or "").encode())
            connection.put_copy_end()
            result = self._last_result()
        elif result.status == ExecStatus.COPY_OUT:
            return self._copy_out()
        return _outcome_of(result)

    def _last_result(self) -> PGresult:
        last = None
        while (result := self._connection.pgconn.get_result()) is not None:
            last = result
        if last is None:
            raise errors.InternalError("COPY gave no result")
        return last

    def _copy_out(self) -> Outcome:
        lines = []
        while True:
            size, line = self._connection.pgconn.get_copy_data(0)
            if size < 0:
                break
            lines.append((bytes(line).decode().rstrip("\n"),))
        outcome = _outcome_of(self._last_result())
        return Outcome(outcome.tag, len(lines), ("copy",), tuple(lines))

    def cancel(self) -> None:
        self._connection.cancel_safe()

    def blockers(self) -> list[int]:
        rows = self._control.execute("SELECT unnest(pg_blocking_pids(%s))", [self.number])
        return [pid for (pid,) in rows.fetchall()]

    def own_state(self) -> str:
        return ""

    def close(self) -> None:
        self._connection.close()


class PostgresEngine:
    """See `engine.Engine`. The database is new for each script."""

    features = frozenset({"postgres", "restart"})

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._control = psycopg.connect(uri, autocommit=True)
        self._workers: dict[str, SessionWorker] = {}

    def open(self) -> None:
        """The server is there."""

    def start(self, session: str, sql: str, data: str | None) -> None:
        worker = self._workers.get(session)
        if worker is None:
            worker = SessionWorker(session, PostgresSession(self._uri, self._control))
            self._workers[session] = worker
        worker.start(sql, data)

    def wait(self, session: str) -> Waited:
        worker = self._workers[session]
        while not worker.is_done.wait(_LOOK_AGAIN_S):
            blockers = worker.blockers()
            if blockers:
                every = self._workers.values()
                return Waited(
                    "blocked", tuple(each.name for each in every if each.session.number in blockers)
                )
        return Waited("done")

    def take(self, session: str) -> Outcome:
        return self._workers[session].take()

    def cancel(self, session: str) -> None:
        self._workers[session].session.cancel()

    def own_state(self) -> str:
        return ""

    def shut(self, *, is_crash: bool, options: CrashOptions) -> None:
        """End the sessions: what they left open is rolled back, as a restart would."""
        # First all are stopped: what one lets go of, no other is to get.
        for worker in self._workers.values():
            worker.end()
        for worker in self._workers.values():
            worker.session.close()
        self._workers = {}

    def arm_crash(self, point: str, hit: int, options: CrashOptions) -> None:
        raise errors.FeatureNotSupported("PostgreSQL has no failpoints")

    def plant(self, fault: Fault) -> None:
        raise errors.FeatureNotSupported("PostgreSQL has no failpoints")

    def disarm(self) -> None:
        """Nothing is ever armed."""

    def hits(self) -> Mapping[str, int]:
        return {}

    def save(self) -> object:
        raise errors.FeatureNotSupported("a server's state is not kept")

    def revert(self, saved: object) -> None:
        raise errors.FeatureNotSupported("a server's state is not kept")

    def close(self) -> None:
        self.shut(is_crash=False, options=CrashOptions())
        self._control.close()


def _outcome_of(result: PGresult) -> Outcome:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY):
        state = _text(result.error_field(ord("C"))) or "XX000"
        message = _text(result.error_field(ord("M"))) or result.error_message.decode()
        return Outcome(sqlstate=state, message=message)
    tag = _text(result.command_status) or ""
    if result.status != ExecStatus.TUPLES_OK:
        return Outcome(tag, result.command_tuples or 0)
    names = tuple(_text(result.fname(column)) or "" for column in range(result.nfields))
    rows = tuple(
        tuple(_text(result.get_value(row, column)) for column in range(result.nfields))
        for row in range(result.ntuples)
    )
    return Outcome(tag, len(rows), names, rows)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
