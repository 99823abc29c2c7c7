"""GRANT, REVOKE and OWNER TO: who may do what with which object."""

from __future__ import annotations

from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.frozen import frozen

# The user that runs every statement.
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
    kind that are in the schemas which `objects` names. `of_option`: WITH GRANT OPTION, or GRANT OPTION FOR.
    """

    kind: str
    objects: tuple[NamedObject, ...]
    privileges: tuple[tuple[str, tuple[str, ...]], ...]
    roles: tuple[Role, ...]
    is_revoke: bool = False
    in_schemas: bool = False
    of_option: bool = False
    grantor: Role | None = None
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
