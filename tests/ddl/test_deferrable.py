"""Deferrable constraints: unique keys and SET CONSTRAINTS."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish import errors


@pytest.fixture
def table(connection: Any) -> Any:
    connection.autocommit = True
    connection.execute("CREATE TABLE t (a integer UNIQUE DEFERRABLE INITIALLY DEFERRED, b text)")
    connection.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    return connection


def test_a_deferrable_key_is_looked_at_when_the_statement_is_done(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer PRIMARY KEY DEFERRABLE)")
    connection.execute("INSERT INTO t SELECT * FROM generate_series(1, 5)")
    connection.execute("UPDATE t SET a = a + 1")
    assert connection.execute("SELECT sum(a) FROM t").fetchval() == 20
    with pytest.raises(errors.UniqueViolation):
        connection.execute("INSERT INTO t VALUES (3)")


def test_a_deferred_key_is_looked_at_when_the_transaction_ends(table: Any) -> None:
    table.execute("BEGIN")
    table.execute("INSERT INTO t VALUES (1, 'double')")
    table.execute("UPDATE t SET a = 3 WHERE b = 'double'")
    table.execute("COMMIT")
    table.execute("BEGIN")
    table.execute("INSERT INTO t VALUES (2, 'double')")
    assert table.execute("SELECT count(*) FROM t WHERE a = 2").fetchval() == 2
    with pytest.raises(errors.UniqueViolation) as caught:
        table.execute("COMMIT")
    assert caught.value.detail == "Key (a)=(2) already exists."
    assert table.execute("SELECT count(*) FROM t").fetchval() == 3


def test_set_constraints_immediate_looks_at_once(table: Any) -> None:
    table.execute("BEGIN")
    table.execute("INSERT INTO t VALUES (2, 'double')")
    with pytest.raises(errors.UniqueViolation):
        table.execute("SET CONSTRAINTS ALL IMMEDIATE")
    table.execute("ROLLBACK")
    table.execute("BEGIN")
    table.execute("SET CONSTRAINTS t_a_key IMMEDIATE")
    with pytest.raises(errors.UniqueViolation):
        table.execute("INSERT INTO t VALUES (2, 'double')")
    table.execute("ROLLBACK")


def test_set_constraints_names_deferrable_constraints_only(table: Any) -> None:
    table.execute("CREATE TABLE u (a integer UNIQUE)")
    with pytest.raises(errors.UndefinedObject):
        table.execute("SET CONSTRAINTS nosuch DEFERRED")
    with pytest.raises(errors.WrongObjectType):
        table.execute("SET CONSTRAINTS u_a_key DEFERRED")


def test_a_deferrable_key_serves_neither_references_nor_on_conflict(table: Any) -> None:
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        table.execute("CREATE TABLE child (a integer REFERENCES t (a))")
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        table.execute("INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING")


def test_two_sessions_cannot_both_commit_a_deferred_key(tmp_path: Path) -> None:
    path = str(tmp_path / "t.db")
    with (
        lungfish.connect(path, autocommit=True) as one,
        lungfish.connect(path, autocommit=True) as two,
    ):
        one.execute("CREATE TABLE t (a integer UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        one.execute("BEGIN")
        two.execute("BEGIN")
        one.execute("INSERT INTO t VALUES (1)")
        two.execute("INSERT INTO t VALUES (1)")
        outcomes: list[str] = []

        def commit(connection: lungfish.Connection) -> None:
            try:
                connection.execute("COMMIT")
                outcomes.append("committed")
            except lungfish.Error as error:
                outcomes.append(str(error.sqlstate))

        threads = [threading.Thread(target=commit, args=(each,)) for each in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(outcomes) in (["23505", "committed"], ["40P01", "committed"])
        assert one.execute("SELECT count(*) FROM t").fetchval() == 1


def test_a_deferrable_key_stays_one_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "t.db")
    connection = lungfish.connect(path, autocommit=True)
    connection.execute("CREATE TABLE t (a integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)")
    connection.execute("INSERT INTO t VALUES (1), (2)")
    lungfish.open(path).crash()
    connection.close()
    with lungfish.connect(path, autocommit=True) as again:
        again.execute("UPDATE t SET a = 3 - a")
        with pytest.raises(errors.UniqueViolation):
            again.execute("INSERT INTO t VALUES (1)")
