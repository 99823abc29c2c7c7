"""CREATE, ALTER and DROP ROLE, memberships, and what is said of everything that roles own."""

from __future__ import annotations

from lungfish.sql.ast.rights import Grant, Role
from lungfish.types.frozen import frozen


@frozen
class RoleOption:
    """An option of CREATE or ALTER ROLE: an attribute with its value, or roles (`in role`, `role`, `admin`)."""

    name: str
    value: bool | int | str | None = None
    roles: tuple[Role, ...] = ()
    position: int = -1


@frozen
class CreateRole:
    """CREATE ROLE, USER or GROUP."""

    name: str
    options: tuple[RoleOption, ...] = ()
    position: int = -1


@frozen
class AlterRole:
    """ALTER ROLE with attributes; ALTER GROUP ADD or DROP USER (`is_drop`)."""

    role: Role
    options: tuple[RoleOption, ...] = ()
    is_drop: bool = False
    position: int = -1


@frozen
class DropRole:
    """DROP ROLE, USER or GROUP."""

    roles: tuple[Role, ...]
    if_exists: bool = False
    position: int = -1


@frozen
class GrantRole:
    """GRANT role TO role, or REVOKE. `options` are (admin, inherit or set, whether); of REVOKE they say what alone is taken back."""

    granted: tuple[str, ...]
    roles: tuple[Role, ...]
    options: tuple[tuple[str, bool], ...] = ()
    grantor: Role | None = None
    is_revoke: bool = False
    is_cascade: bool = False
    position: int = -1


@frozen
class AlterDefaultPrivileges:
    """ALTER DEFAULT PRIVILEGES. No `roles` stand for the current one, no `schemas` for all."""

    action: Grant
    roles: tuple[Role, ...] = ()
    schemas: tuple[str, ...] = ()
    position: int = -1


@frozen
class ReassignOwned:
    """REASSIGN OWNED BY roles TO one."""

    roles: tuple[Role, ...]
    new_role: Role
    position: int = -1


@frozen
class DropOwned:
    """DROP OWNED BY roles."""

    roles: tuple[Role, ...]
    is_cascade: bool = False
    position: int = -1
