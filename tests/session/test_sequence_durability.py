"""A number that a client has seen does not come again, although the transaction that drew it wrote nothing."""

from __future__ import annotations

import random

import pytest

from lungfish.connection import Connection
from lungfish.database import Database, DatabaseOptions, open_database
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
