"""A number that a client has seen does not come again, although the transaction that drew it wrote nothing."""

from __future__ import annotations

import contextlib
import random

import pytest

from lungfish.connection import Connection
from lungfish.database import Database, DatabaseOptions, open_database
from lungfish.errors import IoError
from lungfish.recovery import CheckpointRequest
from lungfish.session import Session
from lungfish.storage.crash_state import Persistence
from lungfish.storage.simulated_disk import SimulatedDisk


def open_on(disk: SimulatedDisk) -> Database:
    options = DatabaseOptions(checkpoint_thread=False, disk=disk, random=random.Random(1))
    database = open_database("a.db", create=True, read_only=False, options=options)
    database.join(disk)
    return database


def ask(database: Database, sql: str) -> list[tuple[object, ...]]:
    with Connection(Session(database, autocommit=True, read_only=False)) as connection:
        cursor = connection.execute(sql)
        return [] if cursor.description is None else cursor.fetchall()


@pytest.mark.parametrize("call", ["nextval('s')", "setval('s', 100)"])
def test_a_number_that_was_seen_does_not_come_again_after_a_crash(call: str) -> None:
    disk = SimulatedDisk()
    database = open_on(disk)
    ask(database, "CREATE SEQUENCE s")
    ((seen,),) = ask(database, f"SELECT {call}")
    database.crash()
    database = open_on(disk.crash_state(disk.operation_count, Persistence.SYNCED))
    ((following,),) = ask(database, "SELECT nextval('s')")
    database.close()
    assert isinstance(seen, int)
    assert isinstance(following, int)
    assert following > seen


def test_drawing_numbers_flushes_the_log_once_for_many() -> None:
    disk = SimulatedDisk()
    database = open_on(disk)
    ask(database, "CREATE SEQUENCE s")
    before = database.core.log.durable_lsn
    ask(database, "SELECT nextval('s')")
    first = database.core.log.durable_lsn
    for _ in range(20):
        ask(database, "SELECT nextval('s')")
    assert before < first == database.core.log.durable_lsn
    database.close()


def test_a_number_from_what_an_open_transaction_has_reserved_does_not_come_again_either() -> None:
    disk = SimulatedDisk()
    database = open_on(disk)
    ask(database, "CREATE SEQUENCE s")
    with Connection(Session(database, autocommit=True, read_only=False)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT nextval('s')")
        ((seen,),) = ask(database, "SELECT nextval('s')")
        state = disk.crash_state(disk.operation_count, Persistence.SYNCED)
    database.close()
    database = open_on(state)
    ((following,),) = ask(database, "SELECT nextval('s')")
    database.close()
    assert isinstance(seen, int)
    assert isinstance(following, int)
    assert following > seen


RESTARTS = {
    "ALTER SEQUENCE t_a_seq RESTART": (),
    "ALTER SEQUENCE t_a_seq RESTART WITH 2 INCREMENT BY 3": (),
    "ALTER TABLE u ALTER COLUMN a RESTART": ("u",),
    "TRUNCATE t RESTART IDENTITY": (),
}


@pytest.mark.parametrize("restart", RESTARTS)
@pytest.mark.parametrize("ends", ["commits", "rolls back", "is killed"])
@pytest.mark.parametrize("has_checkpoint", [False, True], ids=["", "with a checkpoint"])
def test_a_restart_holds_over_a_crash_if_its_transaction_has_committed(
    restart: str, ends: str, has_checkpoint: bool
) -> None:
    disk = SimulatedDisk()
    database = open_on(disk)
    table = (RESTARTS[restart] or ("t",))[0]
    ask(database, "CREATE TABLE t (a serial PRIMARY KEY, b text)")
    ask(database, "CREATE TABLE u (a int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b text)")
    ask(database, "CREATE TABLE other (a int)")
    for _ in range(5):
        ask(database, f"INSERT INTO {table} (b) VALUES ('x')")
    connection = Connection(Session(database, autocommit=True, read_only=False))
    connection.execute("BEGIN")
    connection.execute(restart)
    connection.execute(f"SELECT nextval(pg_get_serial_sequence('{table}', 'a'))")
    # Somebody else's commit makes all of the log durable that is there.
    ask(database, "INSERT INTO other VALUES (1)")
    if has_checkpoint:
        database.checkpoint(CheckpointRequest())
        ask(database, "INSERT INTO other VALUES (2)")
    if ends != "is killed":
        connection.execute("COMMIT" if ends == "commits" else "ROLLBACK")
    ask(database, "INSERT INTO other VALUES (3)")
    database.crash()
    with contextlib.suppress(IoError):
        connection.close()
    database = open_on(disk.crash_state(disk.operation_count, Persistence.SYNCED))
    call = f"SELECT nextval(pg_get_serial_sequence('{table}', 'a'))"
    ((following,),) = ask(database, call)
    assert isinstance(following, int)
    if ends == "commits":
        ((count,),) = ask(database, f"SELECT count(*) FROM {table}")
        # Two were drawn at the beginning of the new count, and a crash loses at most what was reserved.
        assert 1 < following <= 200
        assert count == (0 if restart.startswith("TRUNCATE") else 5)
    else:
        assert following > 5
        ask(database, f"INSERT INTO {table} (b) VALUES ('y')")
    database.close()


def test_others_draw_on_while_a_restart_is_open_and_its_rollback_gives_them_nothing_again() -> None:
    database = open_on(SimulatedDisk())
    ask(database, "CREATE SEQUENCE s")
    seen = [row for _ in range(3) for row in ask(database, "SELECT nextval('s')")]
    with Connection(Session(database, autocommit=True, read_only=False)) as connection:
        connection.execute("BEGIN")
        connection.execute("ALTER SEQUENCE s RESTART WITH 1000")
        assert connection.execute("SELECT nextval('s')").fetchall() == [(1000,)]
        seen += ask(database, "SELECT nextval('s')")
        connection.execute("SAVEPOINT a")
        connection.execute("ALTER SEQUENCE s RESTART WITH 5000")
        connection.execute("ROLLBACK TO a")
        assert connection.execute("SELECT nextval('s')").fetchall() == [(1001,)]
        connection.execute("ROLLBACK")
    seen += ask(database, "SELECT nextval('s')")
    assert seen == [(1,), (2,), (3,), (4,), (5,)]
    database.close()


def test_dropping_a_sequence_leaves_those_of_a_transaction_that_has_not_ended() -> None:
    database = open_on(SimulatedDisk())
    ask(database, "CREATE SEQUENCE gone")
    with Connection(Session(database, autocommit=True, read_only=False)) as connection:
        connection.execute("CREATE TEMPORARY SEQUENCE mine")
        assert connection.execute("SELECT nextval('mine')").fetchall() == [(1,)]
        ask(database, "DROP SEQUENCE gone")
        assert connection.execute("SELECT nextval('mine')").fetchall() == [(2,)]
        kept = set(database.sequences.checkpoint_state())
    assert len(kept) == 1
    assert not database.sequences.checkpoint_state()
    database.close()
