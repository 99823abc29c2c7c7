"""Roles, owners and privileges in a dump."""

from __future__ import annotations

import io
from pathlib import Path

import lungfish
from lungfish.transfer import load
from lungfish.transfer.dump import DumpOptions, dump

MADE = """
CREATE ROLE alice CREATEDB CONNECTION LIMIT 3 VALID UNTIL '2030-01-01 00:00+00';
CREATE ROLE "We ird" LOGIN NOINHERIT;
COMMENT ON ROLE alice IS 'it''s her';
GRANT "We ird" TO alice WITH ADMIN OPTION, INHERIT FALSE;
CREATE SCHEMA s AUTHORIZATION alice;
CREATE TABLE s.t (a int, b serial);
ALTER TABLE s.t OWNER TO alice;
GRANT SELECT, INSERT ON s.t TO "We ird" WITH GRANT OPTION;
GRANT DELETE ON s.t TO "We ird";
GRANT UPDATE (a) ON s.t TO PUBLIC;
CREATE VIEW v AS SELECT a FROM s.t;
REVOKE ALL ON v FROM CURRENT_USER;
CREATE FUNCTION f(x int, y text) RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION f FROM PUBLIC;
CREATE PROCEDURE p(int) LANGUAGE sql AS 'SELECT 1';
ALTER PROCEDURE p OWNER TO alice;
CREATE TYPE mood AS ENUM ('a');
GRANT USAGE ON TYPE mood TO alice;
CREATE DOMAIN d AS int;
ALTER DOMAIN d OWNER TO alice;
CREATE SEQUENCE q;
GRANT USAGE ON SEQUENCE q TO alice;
GRANT CREATE ON SCHEMA public TO alice;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS x;
ALTER MATERIALIZED VIEW m OWNER TO alice;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO alice;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE alice IN SCHEMA s GRANT USAGE ON SEQUENCES TO PUBLIC;
"""
KEPT = """
SELECT 'relation', relname, relacl::text, relowner::regrole::text FROM pg_class WHERE oid >= 16384
UNION ALL SELECT 'column', attname, attacl::text, '' FROM pg_attribute WHERE attacl IS NOT NULL
UNION ALL SELECT 'schema', nspname, nspacl::text, nspowner::regrole::text FROM pg_namespace
UNION ALL SELECT 'function', proname, proacl::text, proowner::regrole::text FROM pg_proc WHERE oid >= 16384
UNION ALL SELECT 'type', typname, typacl::text, typowner::regrole::text FROM pg_type WHERE oid >= 16384
UNION ALL SELECT 'default', defaclobjtype::text, defaclacl::text, defaclrole::regrole::text FROM pg_default_acl
UNION ALL SELECT 'role', rolname, rolvaliduntil::text, concat(rolcreatedb, rolcanlogin, rolinherit, rolconnlimit,
  shobj_description(oid, 'pg_authid')) FROM pg_roles
UNION ALL SELECT 'member', roleid::regrole::text, member::regrole::text, concat(admin_option, inherit_option, set_option)
  FROM pg_auth_members
ORDER BY 1, 2, 3, 4
"""


def dumped(connection: lungfish.Connection, options: DumpOptions | None = None) -> str:
    out = io.StringIO()
    dump(connection, out, options)
    return out.getvalue()


def test_roles_owners_and_privileges_come_back_from_a_dump(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute(MADE)
        kept = connection.execute(KEPT).fetchall()
        path.write_text(dumped(connection))
    with lungfish.connect(":memory:", autocommit=True) as connection:
        report = load(connection, str(path))
        assert not report.left_out
        assert connection.execute(KEPT).fetchall() == kept
        # Objects have other numbers now, which is the order of what is said of them.
        assert sorted(dumped(connection).split("\n")) == sorted(path.read_text().split("\n"))


def test_privileges_of_roles_that_are_not_there_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"
    path.write_text(
        "CREATE TABLE t (a int);\nALTER TABLE t OWNER TO nobody;\nGRANT SELECT ON t TO nobody;\n"
        "GRANT SELECT ON t TO PUBLIC;\nALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO nobody;\n"
    )
    with lungfish.connect(":memory:", autocommit=True) as connection:
        report = load(connection, str(path))
        assert sum(report.left_out.values()) == 3
        found = connection.execute("SELECT relacl::text FROM pg_class WHERE relname = 't'")
        assert found.fetchval() == "{lungfish=arwdDxtm/lungfish,=r/lungfish}"


def test_a_dump_of_chosen_tables_has_no_roles() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute(MADE)
        text = dumped(connection, DumpOptions(tables=("s.t",)))
        assert "ROLE" not in text
        assert "GRANT" not in text
