"""The real PostgreSQL that tests ask: the one of `lungfish test --oracle postgres`, and databases of their own on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from lungfish.script.postgres_server import ServerUnavailable, create_database, start_server

__all__ = ["ServerUnavailable", "create_database", "own_database", "start_server"]

# What all databases of a server share.
_SHARED = (
    "SELECT 'role', rolname::text FROM pg_roles UNION SELECT 'database', datname FROM pg_database"
    " UNION SELECT 'tablespace', concat(spcname, coalesce(spcacl, acldefault('t', spcowner)), spcoptions)"
    " FROM pg_tablespace"
    " UNION SELECT 'member', concat(roleid, member, grantor) FROM pg_auth_members"
    " UNION SELECT 'setting', concat(setrole, setconfig) FROM pg_db_role_setting"
    " UNION SELECT 'parameter', concat(parname, paracl) FROM pg_parameter_acl"
    " UNION SELECT 'comment', description FROM pg_shdescription"
)
_MADE_ROLES = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND oid <> 10"
_numbers = itertools.count(1)


@contextmanager
def own_database(uri: str) -> Iterator[str]:
    """A new database of a running server for the block; answers its connection string.

    After the block the server is as it was before, however the block ended: the roles that were made are dropped, with their
    memberships and settings. What cannot be undone that way is an AssertionError.
    """
    name = f"own_{next(_numbers)}"
    with psycopg.connect(uri, autocommit=True) as server:
        before = set(server.execute(_SHARED).fetchall())
        try:
            yield create_database(uri, name)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            made = [sql.Identifier(role) for (role,) in server.execute(_MADE_ROLES).fetchall()]
            if made:
                roles = sql.SQL(", ").join(made)
                server.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(roles))
            after = set(server.execute(_SHARED).fetchall())
        changed = sorted(before ^ after)
        assert changed == [], "the block changed what all databases of the server share"
