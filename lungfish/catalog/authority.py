"""Who exists and may do what: the roles, their memberships and what was granted, as one transaction sees it. Immutable, as the
catalog is that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from lungfish.catalog.access import begins_with
from lungfish.catalog.objects import FIRST_USER_OID, Oid
from lungfish.catalog.roles import (
    BUILT_IN_ROLE_OBJECTS,
    DATABASE_OWNER_OID,
    SUPERUSER_OID,
    AccessList,
    DefaultRights,
    Membership,
    ObjectRights,
    Role,
    RoleObject,
    items_of_system_view,
)


class Authority:
    """Never changed once made: `put` and `without` answer successors."""

    __slots__ = ("_by_name", "_memberships", "_objects", "_rights", "default_rights")

    def __init__(self, objects: Mapping[Oid, RoleObject]) -> None:
        self._objects = objects
        self._by_name: dict[str, Role] = {}
        self._memberships: list[Membership] = []
        self._rights: dict[tuple[str, Oid], ObjectRights] = {}
        # What ALTER DEFAULT PRIVILEGES has said.
        self.default_rights: list[DefaultRights] = []
        for item in objects.values():
            match item:
                case Role():
                    self._by_name[item.name] = item
                case Membership():
                    self._memberships.append(item)
                case ObjectRights():
                    self._rights[item.kind, item.object_oid] = item
                case DefaultRights():
                    self.default_rights.append(item)

    @classmethod
    def of_new_database(cls) -> Authority:
        """The roles that every database has."""
        return cls({item.oid: item for item in BUILT_IN_ROLE_OBJECTS})

    def put(self, *items: RoleObject) -> Authority:
        """A successor in which each item is added, or replaces what has its oid."""
        return Authority({**self._objects, **{item.oid: item for item in items}})

    def without(self, oids: Iterable[Oid]) -> Authority:
        """A successor without them."""
        gone = set(oids)
        return Authority({oid: item for oid, item in self._objects.items() if oid not in gone})

    # Roles.

    def roles(self) -> list[Role]:
        """All roles, in the order of their oids."""
        return sorted(self._by_name.values(), key=lambda role: role.oid)

    def role(self, name: str) -> Role | None:
        """The role of that name."""
        return self._by_name.get(name)

    def role_of_oid(self, oid: int) -> Role | None:
        """The role with that oid."""
        found = self._objects.get(Oid(oid))
        return found if isinstance(found, Role) else None

    def name_of(self, oid: int) -> str:
        """A role's name; its number once it is gone."""
        found = self.role_of_oid(oid)
        return str(oid) if found is None else found.name

    def memberships(self) -> list[Membership]:
        """Who is a member of what, in the order in which that was granted."""
        return sorted(self._memberships, key=lambda item: item.oid)

    def roles_above(
        self, member_oid: Oid, counts: Callable[[Membership], bool] = lambda item: True
    ) -> set[Oid]:
        """The role itself, and those that it is a member of, directly or not, by memberships that count."""
        found = {member_oid}
        left = [member_oid]
        while left:
            member = left.pop()
            above = [
                item.role_oid
                for item in self._memberships
                if item.member_oid == member and counts(item)
            ]
            # Of that role the database's owner is the only member, without anybody saying so.
            if member == SUPERUSER_OID:
                above.append(DATABASE_OWNER_OID)
            for role in above:
                if role not in found:
                    found.add(role)
                    left.append(role)
        return found

    def is_superuser(self, oid: Oid) -> bool:
        """Whether the role may do everything."""
        found = self.role_of_oid(oid)
        return found is not None and found.is_superuser

    def acts_as(self, oid: Oid, other: Oid) -> bool:
        """Whether the role has what was granted to the other, without SET ROLE."""
        return self.is_superuser(oid) or other in self.roles_above(oid, lambda item: item.inherits)

    def administers(self, oid: Oid, other: Oid) -> bool:
        """Whether the role may make others members of the other one."""
        if self.is_superuser(oid):
            return True
        own = self.roles_above(oid)
        return any(
            item.has_admin and item.role_oid == other and item.member_oid in own
            for item in self._memberships
        )

    # Rights.

    def all_rights(self) -> Iterator[ObjectRights]:
        """What is kept of any object."""
        return iter(self._rights.values())

    def rights_of(self, kind: str, oid: int) -> ObjectRights | None:
        """What is kept of an object: None if it has what objects of its kind begin with."""
        return self._rights.get((kind, Oid(oid)))

    def owner_of(self, kind: str, oid: int) -> Oid:
        """Whom an object belongs to."""
        found = self._rights.get((kind, Oid(oid)))
        return SUPERUSER_OID if found is None else found.owner_oid

    def kept_items(self, kind: str, oid: int) -> AccessList | None:
        """The access list of an object as relacl and its kin show it: None while nothing was granted."""
        found = self._rights.get((kind, Oid(oid)))
        if found is not None:
            return found.items
        if kind == "relation" and oid < FIRST_USER_OID:
            return items_of_system_view(oid)
        return None

    def items_of(self, kind: str, oid: int) -> AccessList:
        """The access list of an object, whether it is kept or not."""
        items = self.kept_items(kind, oid)
        return begins_with(kind, self.owner_of(kind, oid)) if items is None else items
