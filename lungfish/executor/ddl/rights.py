"""GRANT and REVOKE of privileges on objects, and ALTER DEFAULT PRIVILEGES.

Who grants is the superuser, which acts as the object's owner: so grants never depend on each other, and CASCADE and RESTRICT
come to the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lungfish.catalog.access import ALL_RIGHTS, LETTERS, begins_with, changed, in_order
from lungfish.catalog.catalog import is_temporary
from lungfish.catalog.new_rights import in_sorted_order
from lungfish.catalog.objects import Oid, Sequence, SystemView, Table, UserType, View
from lungfish.catalog.roles import (
    PUBLIC_GRANTEE,
    SUPERUSER_OID,
    AccessItem,
    AccessList,
    DefaultRights,
)
from lungfish.errors import (
    FeatureNotSupported,
    InvalidGrantOperation,
    InvalidParameterValue,
    SyntaxError,
    UndefinedColumn,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.find_roles import find_role, find_roles
from lungfish.executor.ddl.find_targets import ROUTINE_KINDS, find_targets
from lungfish.executor.ddl.rights_target import RightsTarget, rights_to_change
from lungfish.sql.ast.rights import Grant, Role, SecurityLabel
from lungfish.sql.ast.roles import AlterDefaultPrivileges


@dataclass(frozen=True, slots=True)
class _Change:
    """What a GRANT or REVOKE does to an access list, for each of its grantees."""

    grantees: tuple[Oid, ...]
    is_revoke: bool
    of_option: bool

    def applied(self, items: AccessList, letters: str, owner: Oid) -> AccessList:
        """The list after it. REVOKE takes the grant option with the right, or alone."""
        rights = letters if not (self.is_revoke and self.of_option) else ""
        grantable = letters if self.is_revoke or self.of_option else ""
        for grantee in self.grantees:
            item = AccessItem(grantee, owner, rights, grantable)
            items = changed(items, item, is_revoke=self.is_revoke)
        return items


def grant(context: DdlContext, statement: Grant) -> str:
    """Run GRANT or REVOKE; answers the command tag."""
    if statement.grantor is not None:
        require_current(context, statement.grantor)
    targets = find_targets(context, statement)
    change = _change_of(context, statement)
    whole, of_columns = _wanted(statement)
    for target in targets:
        _require_grantable(target)
        _apply(context, target, change, _letters_of(context, statement, target, whole), of_columns)
    return "REVOKE" if statement.is_revoke else "GRANT"


def require_current(context: DdlContext, named: Role) -> None:
    """Raise unless GRANTED BY names the current user."""
    if find_role(context, named).oid != SUPERUSER_OID:
        raise FeatureNotSupported("grantor must be current user", position=named.position)


def _change_of(context: DdlContext, statement: Grant) -> _Change:
    grantees = tuple(
        PUBLIC_GRANTEE if role.is_public else find_role(context, role).oid
        for role in statement.roles
    )
    if statement.of_option and not statement.is_revoke and PUBLIC_GRANTEE in grantees:
        raise InvalidGrantOperation("grant options can only be granted to roles")
    return _Change(grantees, statement.is_revoke, statement.of_option)


# Which privileges.


def _wanted(statement: Grant) -> tuple[str | None, dict[str, str]]:
    """The letters for the objects as they are, None for ALL; and those for each column that is named."""
    words: list[str] = []
    is_all = not statement.privileges
    of_columns: dict[str, str] = {}
    for word, columns in statement.privileges:
        word = {"temp": "temporary"}.get(word, word)
        if word != "all" and word not in LETTERS:
            raise SyntaxError(f'unrecognized privilege type "{word}"')
        if columns:
            _require_column_right(statement, word)
            letters = ALL_RIGHTS["column"] if word == "all" else LETTERS[word]
            for column in columns:
                of_columns[column] = of_columns.get(column, "") + letters
        elif word == "all":
            is_all = True
        else:
            _require_right(statement.kind, word)
            words.append(word)
    if is_all:
        return None, of_columns
    return "".join(LETTERS[word] for word in words), of_columns


def _require_column_right(statement: Grant, word: str) -> None:
    if statement.kind != "table":
        raise InvalidGrantOperation("column privileges are only valid for relations")
    if word != "all" and LETTERS[word] not in ALL_RIGHTS["column"]:
        raise InvalidGrantOperation(f"invalid privilege type {word.upper()} for column")


def _kept_kind(kind: str) -> str:
    """By which kind an access list is kept of what a statement calls so."""
    if kind in ROUTINE_KINDS:
        return "function"
    return {"table": "relation", "domain": "type"}.get(kind, kind)


def _require_right(kind: str, word: str) -> None:
    """Raise unless objects of the kind have the right; GRANT ON TABLE may name a sequence, too."""
    rights = ALL_RIGHTS[_kept_kind(kind)]
    if kind == "table":
        rights += ALL_RIGHTS["sequence"]
    if LETTERS[word] not in rights:
        shown = {"table": "relation"}.get(kind, kind)
        raise InvalidGrantOperation(f"invalid privilege type {word.upper()} for {shown}")


def _letters_of(
    context: DdlContext, statement: Grant, target: RightsTarget, letters: str | None
) -> str:
    """What of the wanted rights is for this object."""
    all_rights = ALL_RIGHTS[target.kind]
    if letters is None:
        return all_rights
    if target.kind == "sequence" and not set(letters) <= set(all_rights):
        context.runner.notice(
            f'sequence "{target.name}" only supports USAGE, SELECT, and UPDATE privileges',
            severity="WARNING",
        )
        return "".join(each for each in letters if each in all_rights)
    for letter in letters:
        if letter not in all_rights:
            word = next(name for name, each in LETTERS.items() if each == letter)
            raise InvalidGrantOperation(
                f"invalid privilege type {word.upper()} for {statement.kind}"
            )
    return letters


def _require_grantable(target: RightsTarget) -> None:
    item = target.item
    if item is not None and is_temporary(item):
        raise FeatureNotSupported("privileges on a temporary object are not supported")
    if target.kind == "statistics":
        raise FeatureNotSupported("privileges on statistics are not supported")
    is_multirange = isinstance(item, UserType) and item.type.kind.name == "MULTIRANGE"
    if is_multirange:
        raise InvalidGrantOperation(
            "cannot set privileges of multirange types",
            hint="Set the privileges of the range type instead.",
        )


# What changes.


def _apply(
    context: DdlContext,
    target: RightsTarget,
    change: _Change,
    letters: str,
    of_columns: dict[str, str],
) -> None:
    kept = rights_to_change(context, target)
    owner = kept.owner_oid
    columns = dict(kept.column_items)
    items = kept.items
    if letters:
        plain = context.authority.items_of(target.kind, target.oid)
        items = change.applied(plain, letters, owner)
        of_column = "".join(each for each in letters if each in ALL_RIGHTS["column"])
        if change.is_revoke and target.kind == "relation":
            # What is taken back of a table is taken back of its columns.
            for number, old in columns.items():
                columns[number] = change.applied(old, of_column, owner)
    for name, wanted in of_columns.items():
        number = _column_number(target, name)
        columns[number] = change.applied(columns.get(number, ()), in_order(wanted), owner)
    column_items = tuple((number, columns[number]) for number in sorted(columns) if columns[number])
    changed_rights = replace(kept, items=items, column_items=column_items)
    if changed_rights != kept:
        context.change.put_role_object(changed_rights)


def _column_number(target: RightsTarget, name: str) -> int:
    item = target.item
    if isinstance(item, Sequence):
        raise FeatureNotSupported("privileges on columns of a sequence are not supported")
    assert isinstance(item, (Table, View, SystemView)), "columns are named of relations only"
    for column in item.columns:
        if column.name == name:
            return column.number
    raise UndefinedColumn(f'column "{name}" of relation "{item.name}" does not exist')


# ALTER DEFAULT PRIVILEGES.


def alter_default_privileges(context: DdlContext, statement: AlterDefaultPrivileges) -> str:
    """Run it; answers the command tag."""
    action = statement.action
    if any(columns for _, columns in action.privileges):
        raise InvalidGrantOperation("default privileges cannot be set for columns")
    change = _change_of(context, action)
    kind = _kept_kind(action.kind)
    letters = _default_letters(action, kind)
    roles = [role.oid for role in find_roles(context, statement.roles)] or [SUPERUSER_OID]
    namespaces: list[Oid | None] = [None]
    if statement.schemas:
        if kind == "schema":
            raise InvalidGrantOperation(
                "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS"
            )
        namespaces = [context.find_namespace(name, -1).oid for name in statement.schemas]
    for role in roles:
        for namespace in namespaces:
            _set_default(context, change, letters, DefaultRights(Oid(0), role, namespace, kind, ()))
    return "ALTER DEFAULT PRIVILEGES"


def _default_letters(action: Grant, kind: str) -> str:
    letters = ""
    for word, _ in action.privileges:
        if word == "all":
            return ALL_RIGHTS[kind]
        if word not in LETTERS:
            raise SyntaxError(f'unrecognized privilege type "{word}"')
        if LETTERS[word] not in ALL_RIGHTS[kind]:
            raise InvalidGrantOperation(f"invalid privilege type {word.upper()} for {kind}")
        letters += LETTERS[word]
    return in_order(letters) if action.privileges else ALL_RIGHTS[kind]


def _set_default(context: DdlContext, change: _Change, letters: str, wanted: DefaultRights) -> None:
    """Change what `wanted` names; an entry that says what is so anyway goes."""
    role = wanted.role_oid
    begun = begins_with(wanted.kind, role) if wanted.namespace_oid is None else ()
    found = _find_default(context.authority.default_rights, wanted)
    items = change.applied(begun if found is None else found.items, letters, role)
    put_default(context, found or wanted, items)


def put_default(context: DdlContext, found: DefaultRights, items: AccessList) -> None:
    """Keep an entry with that list, unless it says what is so anyway: then it goes."""
    begun = begins_with(found.kind, found.role_oid) if found.namespace_oid is None else ()
    items = in_sorted_order(items)
    if items == in_sorted_order(begun):
        if found.oid:
            context.change.remove_role_objects([found.oid])
        return
    oid = found.oid or context.change.new_oid()
    context.change.put_role_object(replace(found, oid=oid, items=items))


def _find_default(entries: Iterable[DefaultRights], wanted: DefaultRights) -> DefaultRights | None:
    key = (wanted.role_oid, wanted.namespace_oid, wanted.kind)
    for each in entries:
        if (each.role_oid, each.namespace_oid, each.kind) == key:
            return each
    return None


def refuse_label(_context: DdlContext, statement: SecurityLabel) -> str:
    """Refuse SECURITY LABEL: there are no providers."""
    if statement.provider is None:
        raise InvalidParameterValue("no security label providers have been loaded")
    raise InvalidParameterValue(f'security label provider "{statement.provider}" is not loaded')
