"""GRANT of roles to roles, and REVOKE.

A membership is one row for each role, member and grantor, with three options: ADMIN lets the member make others members, INHERIT
gives it what the role may do, SET lets it become the role. What the grantee of an ADMIN option has granted goes with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lungfish.catalog.authority import Authority
from lungfish.catalog.objects import FIRST_USER_OID, Oid
from lungfish.catalog.roles import DATABASE_OWNER_OID, SUPERUSER_OID, Membership, Role
from lungfish.errors import (
    DependentObjectsStillExist,
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidGrantOperation,
    UndefinedObject,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.find_roles import find_role, find_roles
from lungfish.sql.ast.roles import GrantRole


@dataclass(frozen=True, slots=True)
class MembershipOptions:
    """What WITH says of a membership, and who grants it. None: nothing is said."""

    admin: bool | None = None
    inherit: bool | None = None
    set: bool | None = None
    grantor_oid: Oid = SUPERUSER_OID

    @property
    def is_plain(self) -> bool:
        """Whether nothing is said, so REVOKE takes back the whole membership."""
        return self.admin is None and self.inherit is None and self.set is None


def grant_role(context: DdlContext, statement: GrantRole) -> str:
    """Run GRANT or REVOKE of roles; answers the command tag."""
    grantor = None if statement.grantor is None else find_role(context, statement.grantor)
    members = find_roles(context, statement.roles)
    said = dict(statement.options)
    options = MembershipOptions(said.get("admin"), said.get("inherit"), said.get("set"))
    for name in statement.granted:
        role = context.authority.role(name)
        if role is None:
            raise UndefinedObject(f'role "{name}" does not exist', position=statement.position)
        if grantor is not None:
            check_grantor(context.authority, role, grantor, is_revoke=statement.is_revoke)
            options = replace(options, grantor_oid=grantor.oid)
        if statement.is_revoke:
            remove_members(context, role, members, options, is_cascade=statement.is_cascade)
        else:
            add_members(context, role, members, options)
    return "REVOKE ROLE" if statement.is_revoke else "GRANT ROLE"


def add_members(
    context: DdlContext, role: Role, members: Iterable[Role], options: MembershipOptions
) -> None:
    """Make the members ones of the role."""
    for member in members:
        authority = context.authority
        _check_member(authority, role, member)
        found = _find(authority, role.oid, member.oid, options.grantor_oid)
        if found is None:
            inherits = member.inherits if options.inherit is None else options.inherit
            made = Membership(
                context.change.new_oid(), role.oid, member.oid, options.grantor_oid,
                has_admin=bool(options.admin), inherits=inherits, can_set=options.set is not False,
            )  # fmt: skip
        else:
            made = _with_options(found, options)
            if made == found:
                grantor = authority.name_of(options.grantor_oid)
                context.runner.notice(
                    f'role "{member.name}" has already been granted membership in role "{role.name}" by role "{grantor}"'
                )
                continue
        if options.admin and options.grantor_oid != SUPERUSER_OID:
            _refuse_circle(authority, role, member, options.grantor_oid)
        context.change.put_role_object(made)


def _check_member(authority: Authority, role: Role, member: Role) -> None:
    if role.oid == DATABASE_OWNER_OID:
        raise FeatureNotSupported(f'role "{role.name}" cannot have explicit members')
    if member.oid == DATABASE_OWNER_OID:
        raise FeatureNotSupported(f'role "{member.name}" cannot be a member of any role')
    if member.oid in authority.roles_above(role.oid):
        raise InvalidGrantOperation(f'role "{role.name}" is a member of role "{member.name}"')


def _find(
    authority: Authority, role_oid: Oid, member_oid: Oid, grantor_oid: Oid
) -> Membership | None:
    wanted = (role_oid, member_oid, grantor_oid)
    for item in authority.memberships():
        if (item.role_oid, item.member_oid, item.grantor_oid) == wanted:
            return item
    return None


def _with_options(item: Membership, options: MembershipOptions) -> Membership:
    return replace(
        item,
        has_admin=item.has_admin if options.admin is None else options.admin,
        inherits=item.inherits if options.inherit is None else options.inherit,
        can_set=item.can_set if options.set is None else options.set,
    )


def _refuse_circle(authority: Authority, role: Role, member: Role, grantor_oid: Oid) -> None:
    """The grantor must have its ADMIN option without the member's."""
    if member.oid == SUPERUSER_OID:
        raise InvalidGrantOperation("ADMIN option cannot be granted back to your own grantor")
    items = [item for item in authority.memberships() if item.role_oid == role.oid]
    own = [item for item in items if item.member_oid == member.oid]
    gone = {item.oid for first in own for item in _granted_by(items, first)}
    gone.update(item.oid for item in own)
    if not any(
        item.has_admin and item.member_oid == grantor_oid and item.oid not in gone for item in items
    ):
        raise InvalidGrantOperation("ADMIN option cannot be granted back to your own grantor")


def remove_members(
    context: DdlContext,
    role: Role,
    members: Iterable[Role],
    options: MembershipOptions,
    *,
    is_cascade: bool = False,
) -> None:
    """Take the memberships back, or one option of them."""
    for member in members:
        authority = context.authority
        found = _find(authority, role.oid, member.oid, options.grantor_oid)
        if found is None:
            grantor = authority.name_of(options.grantor_oid)
            context.runner.notice(
                f'role "{member.name}" has not been granted membership in role "{role.name}" by role "{grantor}"',
                severity="WARNING",
            )
            continue
        if found.oid < FIRST_USER_OID:
            raise FeatureNotSupported(
                f'REVOKE of the predefined role "{role.name}" is not supported'
            )
        kept = None if options.is_plain else _with_options(found, options)
        dependent: list[Membership] = []
        if found.has_admin and (kept is None or not kept.has_admin):
            items = [item for item in authority.memberships() if item.role_oid == role.oid]
            dependent = _granted_by(items, found)
        if dependent and not is_cascade:
            raise DependentObjectsStillExist(
                "dependent privileges exist", hint="Use CASCADE to revoke them too."
            )
        gone = [item.oid for item in dependent] + ([found.oid] if kept is None else [])
        if gone:
            context.change.remove_role_objects(gone)
        if kept is not None:
            context.change.put_role_object(kept)


def _granted_by(items: list[Membership], lost: Membership) -> list[Membership]:
    """What the member of `lost` has granted, and those to whom it did, if it has no other ADMIN option left."""
    found: list[Membership] = []
    gone, members = {lost.oid}, [lost.member_oid]
    while members:
        member = members.pop()
        left = [item for item in items if item.oid not in gone]
        if any(item.has_admin and item.member_oid == member for item in left):
            continue
        for item in left:
            if item.grantor_oid == member:
                found.append(item)
                gone.add(item.oid)
                if item.has_admin:
                    members.append(item.member_oid)
    return found


def check_grantor(authority: Authority, role: Role, grantor: Role, *, is_revoke: bool) -> None:
    """Raise InsufficientPrivilege unless the grantor that GRANTED BY names has the ADMIN option itself."""
    if grantor.oid == SUPERUSER_OID:
        return
    if any(
        item.has_admin and item.role_oid == role.oid and item.member_oid == grantor.oid
        for item in authority.memberships()
    ):
        return
    verb = "revoke privileges granted by" if is_revoke else "grant privileges as"
    raise InsufficientPrivilege(
        f'permission denied to {verb} role "{grantor.name}"',
        detail=f'The grantor must have the ADMIN option on role "{role.name}".',
    )
