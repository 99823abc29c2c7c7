"""Roles, owners and what is granted: what PostgreSQL cannot be asked. The statements themselves are compared with it in
tests/differential/statements/roles.sql and privileges.sql.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish import errors
from lungfish.testing import crashable_fork, restart


def one(connection: Any, sql: str) -> Any:
    (row,) = connection.execute(sql).fetchall()
    return row[0] if len(row) == 1 else tuple(row)


ACL = "SELECT relacl::text FROM pg_class WHERE relname = 't'"
MADE = (
    "CREATE ROLE alice CREATEDB",
    "CREATE ROLE staff",
    "GRANT staff TO alice WITH ADMIN OPTION",
    "CREATE TABLE t (a int, b int)",
    "GRANT SELECT ON t TO alice WITH GRANT OPTION",
    "GRANT UPDATE (b) ON t TO PUBLIC",
    "CREATE SCHEMA s AUTHORIZATION alice",
    "ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO staff",
)


def check_made(connection: Any) -> None:
    assert one(connection, ACL) == "{lungfish=arwdDxtm/lungfish,alice=r*/lungfish}"
    assert one(
        connection, "SELECT attacl::text FROM pg_attribute WHERE attname = 'b' AND attnum > 0"
    ) == ("{=w/lungfish}")
    assert one(
        connection, "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 's'"
    ) == ("alice")
    assert one(
        connection,
        "SELECT roleid::regrole::text, member::regrole::text, admin_option FROM pg_auth_members"
        " WHERE oid >= 16384",
    ) == ("staff", "alice", True)
    assert one(connection, "SELECT rolcreatedb FROM pg_roles WHERE rolname = 'alice'") is True
    connection.execute("CREATE TABLE later (a int)")
    assert one(connection, "SELECT has_table_privilege('staff', 'later', 'insert')") is True
    connection.execute("DROP TABLE later")


def test_roles_and_rights_outlive_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "app.db")
    with lungfish.connect(path, autocommit=True) as connection:
        for sql in MADE:
            connection.execute(sql)
        check_made(connection)
    with lungfish.connect(path, autocommit=True) as connection:
        check_made(connection)
        connection.execute("DROP OWNED BY alice")
        connection.execute("DROP ROLE alice")
    with lungfish.connect(path, autocommit=True) as connection:
        assert one(connection, ACL) == "{lungfish=arwdDxtm/lungfish}"
        assert one(connection, "SELECT count(*) FROM pg_roles WHERE rolname = 'alice'") == 0


def test_roles_and_rights_are_rolled_back_with_their_transaction() -> None:
    with lungfish.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a int, b int)")
        connection.commit()
        for sql in MADE:
            if "CREATE TABLE" not in sql:
                connection.execute(sql)
        check_made(connection)
        connection.rollback()
        assert one(connection, ACL) is None
        assert one(connection, "SELECT count(*) FROM pg_roles WHERE oid >= 16384") == 0
        assert one(connection, "SELECT count(*) FROM pg_default_acl") == 0


def test_another_session_sees_a_role_once_it_is_committed(tmp_path: Path) -> None:
    path = str(tmp_path / "app.db")
    with lungfish.connect(path) as first, lungfish.connect(path, autocommit=True) as second:
        first.execute("CREATE ROLE alice")
        sql = "SELECT count(*) FROM pg_roles WHERE rolname = 'alice'"
        assert one(second, sql) == 0
        first.commit()
        assert one(second, sql) == 1


def test_nothing_is_left_of_the_rights_of_what_is_dropped() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        for sql in MADE:
            connection.execute(sql)
        connection.execute("DROP TABLE t")
        connection.execute("DROP SCHEMA s")
        connection.execute("DROP ROLE alice")
        assert one(connection, "SELECT count(*) FROM pg_shdepend WHERE deptype = 'o'") == 0


@pytest.mark.parametrize(
    "sql",
    [
        "SET ROLE alice",
        "SET LOCAL ROLE alice",
        "SET SESSION AUTHORIZATION alice",
        "SELECT set_config('role', 'alice', false)",
        "ALTER ROLE alice SET work_mem = '1MB'",
        "ALTER ROLE alice PASSWORD 'secret'",
        "CREATE USER other PASSWORD 'secret'",
        "GRANT SELECT ON mine TO alice",
        "REVOKE pg_read_all_stats FROM pg_monitor",
    ],
)
def test_what_needs_another_user_is_refused(sql: str) -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute("CREATE ROLE alice")
        connection.execute("CREATE TEMPORARY TABLE mine (a int)")
        with pytest.raises(errors.FeatureNotSupported):
            connection.execute(sql)
        assert one(connection, "SELECT current_user") == "lungfish"


def test_roles_and_rights_outlive_a_kill() -> None:
    with lungfish.open(":memory:") as database, crashable_fork(database) as fork:
        ended = fork.connect(autocommit=True)
        for sql in (*MADE, "BEGIN", "DROP OWNED BY alice, staff", "DROP ROLE alice, staff"):
            ended.execute(sql)
        restart(fork, crash=True)
        with fork.connect(autocommit=True) as connection:
            check_made(connection)
