"""Access lists: what they begin with, how GRANT and REVOKE change them, and what they allow.

As in PostgreSQL's `acl.c`. Who grants here is the superuser, which acts as the object's owner: so every item's grantor is the
owner, and nothing that was granted depends on another grant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from lungfish.catalog.objects import Oid
from lungfish.catalog.roles import PUBLIC_GRANTEE, AccessItem, AccessList

# The letter of each right, in PostgreSQL's order.
LETTERS = {
    "insert": "a", "select": "r", "update": "w", "delete": "d", "truncate": "D", "references": "x", "trigger": "t",
    "execute": "X", "usage": "U", "create": "C", "temporary": "T", "connect": "c", "set": "s", "alter system": "A",
    "maintain": "m",
}  # fmt: skip
WORDS = {letter: word for word, letter in LETTERS.items()}
# What there is to be granted of each kind of object. Routines are called otherwise in statements only.
ALL_RIGHTS = {
    "relation": "arwdDxtm", "sequence": "rwU", "column": "arwx", "function": "X", "type": "U", "schema": "UC",
    "database": "CTc", "language": "U", "tablespace": "C",
}  # fmt: skip
# What everybody may do until it is revoked.
_EVERYBODY = {"function": "X", "type": "U", "language": "U", "database": "Tc"}


def in_order(letters: Iterable[str]) -> str:
    """Each letter once, in the order in which they are shown."""
    wanted = set(letters)
    return "".join(letter for letter in WORDS if letter in wanted)


def begins_with(kind: str, owner: Oid) -> AccessList:
    """The access list of an object of which nothing was granted yet."""
    if kind == "column":
        return ()
    own = AccessItem(owner, owner, in_order(ALL_RIGHTS[kind]))
    everybody = _EVERYBODY.get(kind)
    if everybody is None:
        return (own,)
    return AccessItem(PUBLIC_GRANTEE, owner, in_order(everybody)), own


def changed(items: AccessList, change: AccessItem, *, is_revoke: bool) -> AccessList:
    """The list after a grant or a revocation of what `change` names."""
    found = next(
        (
            each
            for each in items
            if (each.grantee, each.grantor) == (change.grantee, change.grantor)
        ),
        None,
    )
    if found is None:
        return items if is_revoke else (*items, change)
    if is_revoke:
        rights = in_order(set(found.rights) - set(change.rights))
        grantable = in_order(set(found.grantable) - set(change.grantable))
    else:
        rights = in_order(found.rights + change.rights)
        grantable = in_order(found.grantable + change.grantable)
    new = replace(found, rights=rights, grantable=grantable)
    kept = [new if each is found else each for each in items]
    return tuple(each for each in kept if each.rights or each.grantable)


def with_new_owner(items: AccessList, old: Oid, new: Oid) -> AccessList:
    """The list once the object belongs to another: the new owner stands wherever the old one stood, and items that are then of
    the same two become one.
    """
    made: list[AccessItem] = []
    for each in items:
        grantee = new if each.grantee == old else each.grantee
        grantor = new if each.grantor == old else each.grantor
        same = [
            at for at, item in enumerate(made) if (item.grantee, item.grantor) == (grantee, grantor)
        ]
        if not same:
            made.append(replace(each, grantee=grantee, grantor=grantor))
            continue
        item = made[same[0]]
        made[same[0]] = replace(
            item,
            rights=in_order(item.rights + each.rights),
            grantable=in_order(item.grantable + each.grantable),
        )
    return tuple(made)


def without_role(items: AccessList, role: Oid) -> AccessList:
    """The list without what was granted to the role."""
    return tuple(each for each in items if each.grantee != role)


def allowed(
    items: AccessList, roles: Collection[Oid], owner: Oid, *, of_grantable: bool = False
) -> set[str]:
    """The letters of what those who act as any of the roles may do, or may grant to others. The owner may always grant."""
    found: set[str] = set()
    if of_grantable and owner in roles:
        found.update(WORDS)
    for each in items:
        if each.grantee == PUBLIC_GRANTEE or each.grantee in roles:
            found.update(each.grantable if of_grantable else each.rights)
    return found
