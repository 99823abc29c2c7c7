"""What a role may do with an object: by what was granted to it, to the roles whose rights it has, and to everybody."""

from __future__ import annotations

from lungfish.catalog.access import WORDS, allowed
from lungfish.catalog.authority import Authority
from lungfish.catalog.objects import Oid
from lungfish.catalog.roles import AccessList

# Members of these may do something with every object of a kind.
_READ_ALL, _WRITE_ALL, _MAINTAIN = Oid(6181), Oid(6182), Oid(6337)
_OF_EVERY = {
    "relation": ((_READ_ALL, "r"), (_WRITE_ALL, "awd"), (_MAINTAIN, "m")),
    "sequence": ((_READ_ALL, "r"), (_WRITE_ALL, "w")),
    "schema": ((_READ_ALL, "U"), (_WRITE_ALL, "U")),
}


def held_letters(
    authority: Authority, role: Oid, kind: str, items: AccessList, owner: Oid, *, of_grantable: bool
) -> set[str]:
    """The letters of what the role may do with an object of that kind, access list and owner; or of what it may grant."""
    if authority.is_superuser(role):
        return set(WORDS)
    roles = authority.roles_above(role, lambda item: item.inherits)
    found = allowed(items, roles, owner, of_grantable=of_grantable)
    if not of_grantable:
        for each, letters in _OF_EVERY.get(kind, ()):
            if each in roles:
                found.update(letters)
    return found
