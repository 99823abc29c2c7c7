"""GRANT, REVOKE and OWNER TO: who may do what with which object."""

from __future__ import annotations

from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.frozen import frozen

# The one user that there is.
OWNER = "lungfish"


@frozen
class NamedObject:
    """An object by its name; a function with the types of its parameters where they are written."""

    name: ObjectName
    parameters: tuple[TypeName, ...] | None = None


@frozen
class Role:
    """A role by its name; None: the current user. `is_public`: everybody."""

    name: str | None
    is_public: bool = False
    position: int = -1


@frozen
class Grant:
    """GRANT or REVOKE. `kind`: table, sequence, schema, function, type, domain, language, database, ...

    `privileges` are words with the columns that they are restricted to; none stand for ALL. `in_schemas`: on all objects of the
    kind that are in the schemas which `objects` names.
    """

    kind: str
    objects: tuple[NamedObject, ...]
    privileges: tuple[tuple[str, tuple[str, ...]], ...]
    roles: tuple[Role, ...]
    is_revoke: bool = False
    # WITH GRANT OPTION.
    is_grantable: bool = False
    in_schemas: bool = False
    position: int = -1


@frozen
class GrantRole:
    """GRANT role TO role, or REVOKE."""

    granted: tuple[str, ...]
    is_revoke: bool = False
    position: int = -1


@frozen
class AlterDefaultPrivileges:
    """ALTER DEFAULT PRIVILEGES: what is granted, or revoked, of objects that `owners` will make in the schemas; all without any."""

    grant: Grant
    schemas: tuple[str, ...] = ()
    owners: tuple[Role, ...] = ()
    position: int = -1


@frozen
class OwnedObjects:
    """REASSIGN OWNED BY `owners` TO `heir`; without an heir DROP OWNED."""

    owners: tuple[Role, ...]
    heir: Role | None = None
    position: int = -1


@frozen
class SecurityLabel:
    """SECURITY LABEL: `provider` says whose."""

    provider: str | None
    position: int = -1


@frozen
class ChangeObjectOwner:
    """ALTER ... OWNER TO of what is no relation."""

    kind: str
    item: NamedObject
    role: Role
    position: int = -1
