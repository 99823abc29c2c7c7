"""Roles, who is a member of which, and what was granted to them: objects of the catalog like tables.

Owners and access lists are kept beside the objects that they are about, in one `ObjectRights` each, and only where they are not
those that an object begins with. So whoever changes an object need not know of them, and what has no rows in pg_class of its own
(a built-in function, the database) can have them too.
"""

from __future__ import annotations

from dataclasses import dataclass

from lungfish.catalog.objects import (
    INFORMATION_SCHEMA_OID,
    LUNGFISH_OID,
    PG_CATALOG_OID,
    PUBLIC_OID,
    Oid,
)

# The role that made the database, and may do everything.
SUPERUSER_OID = Oid(10)
SUPERUSER_NAME = "lungfish"
# The grantee that stands for everybody.
PUBLIC_GRANTEE = Oid(0)
DATABASE_OWNER_OID = Oid(6171)
# Where the rights of the schema `public` are, which begins with more than others.
PUBLIC_SCHEMA_RIGHTS_OID = Oid(12003)


@dataclass(frozen=True, slots=True)
class Role:
    """What CREATE ROLE makes."""

    oid: Oid
    name: str
    is_superuser: bool = False
    # Whether what is granted to it is granted WITH INHERIT where nothing else is said.
    inherits: bool = True
    may_create_roles: bool = False
    may_create_databases: bool = False
    may_log_in: bool = False
    may_replicate: bool = False
    bypasses_row_security: bool = False
    # -1: without a limit.
    connection_limit: int = -1
    # VALID UNTIL, as a value of timestamptz.
    valid_until: int | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """GRANT role TO member, by one grantor."""

    oid: Oid
    role_oid: Oid
    member_oid: Oid
    grantor_oid: Oid
    has_admin: bool = False
    inherits: bool = True
    can_set: bool = True


@dataclass(frozen=True, slots=True)
class AccessItem:
    """What one role may do with an object, by one grantor. The rights are PostgreSQL's letters, in its order."""

    # `PUBLIC_GRANTEE`: everybody.
    grantee: Oid
    grantor: Oid
    rights: str
    # Those that the grantee may grant to others.
    grantable: str = ""


AccessList = tuple[AccessItem, ...]


@dataclass(frozen=True, slots=True)
class ObjectRights:
    """The owner and the access lists of an object. `kind`: relation, sequence, function, type, schema, database, language or
    tablespace; within one of them an oid is one object's.
    """

    oid: Oid
    kind: str
    object_oid: Oid
    owner_oid: Oid = SUPERUSER_OID
    # None until something has been granted.
    items: AccessList | None = None
    # Those of columns, by their numbers; none of columns of which nothing is granted.
    column_items: tuple[tuple[int, AccessList], ...] = ()

    def items_of_column(self, number: int) -> AccessList | None:
        """The access list of a column."""
        return dict(self.column_items).get(number)


@dataclass(frozen=True, slots=True)
class DefaultRights:
    """ALTER DEFAULT PRIVILEGES: what is granted on the objects that a role makes from then on."""

    oid: Oid
    role_oid: Oid
    # None: in every schema, in place of what objects of the kind begin with; else beside that.
    namespace_oid: Oid | None
    # The kind of objects: relation, sequence, function, type or schema.
    kind: str
    items: AccessList


RoleObject = Role | Membership | ObjectRights | DefaultRights


def _predefined() -> tuple[Role, ...]:
    oids = {
        "pg_monitor": 3373, "pg_read_all_settings": 3374, "pg_read_all_stats": 3375, "pg_stat_scan_tables": 3377,
        "pg_signal_backend": 4200, "pg_checkpoint": 4544, "pg_use_reserved_connections": 4550,
        "pg_read_server_files": 4569, "pg_write_server_files": 4570, "pg_execute_server_program": 4571,
        "pg_database_owner": DATABASE_OWNER_OID, "pg_read_all_data": 6181, "pg_write_all_data": 6182,
        "pg_create_subscription": 6304, "pg_maintain": 6337, "pg_signal_autovacuum_worker": 6392,
    }  # fmt: skip
    return tuple(Role(Oid(oid), name) for name, oid in oids.items())


def _predefined_memberships() -> tuple[Membership, ...]:
    """pg_monitor is a member of what it may read."""
    return tuple(
        Membership(Oid(number), Oid(role), Oid(3373), SUPERUSER_OID)
        for number, role in ((12004, 3374), (12005, 3375), (12006, 3377))
    )


BUILT_IN_ROLES: tuple[Role, ...] = (
    Role(
        SUPERUSER_OID, SUPERUSER_NAME, is_superuser=True, may_create_roles=True, may_create_databases=True,
        may_log_in=True, may_replicate=True, bypasses_row_security=True,
    ),
    *_predefined(),
)  # fmt: skip
_SECRET_VIEWS = frozenset({1260, 2619, 3429, 12111})


def items_of_system_view(oid: int) -> AccessList:
    """The access list of a system view: everybody may read it, but for those that show passwords or values of columns."""
    own = AccessItem(SUPERUSER_OID, SUPERUSER_OID, "arwdDxtm")
    if oid in _SECRET_VIEWS:
        return (own,)
    return own, AccessItem(PUBLIC_GRANTEE, SUPERUSER_OID, "r")


def _rights_of_system_schema(oid: int, schema: Oid) -> ObjectRights:
    own = AccessItem(SUPERUSER_OID, SUPERUSER_OID, "UC")
    everybody = AccessItem(PUBLIC_GRANTEE, SUPERUSER_OID, "U")
    return ObjectRights(Oid(oid), "schema", schema, items=(own, everybody))


# What every database begins with; a changed one is stored under the same oid.
BUILT_IN_ROLE_OBJECTS: tuple[RoleObject, ...] = (
    *BUILT_IN_ROLES,
    *_predefined_memberships(),
    _rights_of_system_schema(12007, PG_CATALOG_OID),
    _rights_of_system_schema(12008, INFORMATION_SCHEMA_OID),
    _rights_of_system_schema(12009, LUNGFISH_OID),
    ObjectRights(
        PUBLIC_SCHEMA_RIGHTS_OID,
        "schema",
        PUBLIC_OID,
        DATABASE_OWNER_OID,
        (
            AccessItem(DATABASE_OWNER_OID, DATABASE_OWNER_OID, "UC"),
            AccessItem(PUBLIC_GRANTEE, DATABASE_OWNER_OID, "U"),
        ),
    ),
)
