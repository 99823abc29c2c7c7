"""Foreign keys and deferrable keys are looked at when a statement has made all its changes: what is to be looked at, and the doing of it.

A change of a row leaves events here. At the statement's end they are worked off in this order, again and again while referential
actions bring new ones:

    1. RESTRICT: no row may refer to a key that went
    2. referential actions: CASCADE, SET NULL, SET DEFAULT change the rows that refer to it
    3. NO ACTION: the same look as RESTRICT, once all actions are done; a row that took over the key is enough
    4. each new key of a referring row: the row that it refers to must be there

Steps 3 and 4 of a deferred constraint wait for the end of the transaction (`DeferredChecks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from lungfish.catalog.objects import Constraint, Oid
from lungfish.errors import ExclusionViolation, UniqueViolation
from lungfish.executor.context import ExecutionContext, Row
from lungfish.executor.deferred_keys import WrittenKey, check_key
from lungfish.executor.foreign_keys import (
    ForeignKey,
    KeyValues,
    children,
    goes_on_to_refer,
    parent_exists,
    refers_to,
    visible_row,
)
from lungfish.executor.period_keys import find_uncovered, is_covered
from lungfish.executor.violations import missing_parent, mixed_nulls, still_referenced
from lungfish.storage.ids import TupleId

if TYPE_CHECKING:
    from lungfish.executor.table_rules import TableRules


@dataclass(slots=True)
class ChildRows:
    """The rows that have one key. `number` tells the order in which keys came up, so that the first error is reported."""

    number: int
    # Of a constraint that is never deferred one row is enough.
    addresses: list[TupleId]


ChildKeys = dict[KeyValues, ChildRows]
# Does a referential action for some parents' keys: (foreign key, keys with their successors, is delete).
ActionRunner = Callable[["ForeignKey", "list[KeyChange]", bool], None]


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A parent's key that went, and what the row has instead; None if the row was deleted."""

    old: KeyValues
    new: KeyValues | None


@dataclass(slots=True)
class _Pending:
    """What is to be looked at for one foreign key."""

    foreign_key: ForeignKey
    # Keys of referring rows.
    child_keys: ChildKeys = field(default_factory=dict)
    deleted: list[KeyChange] = field(default_factory=list)
    updated: list[KeyChange] = field(default_factory=list)


class ConstraintEvents:
    """The events of one statement."""

    def __init__(self) -> None:
        self._pending: dict[tuple[Oid, Oid], _Pending] = {}
        self._key_count = 0
        self._written_keys: list[WrittenKey] = []

    def inserted(self, rules: TableRules, address: TupleId, row: Row) -> None:
        """A row is there that was not."""
        for constraint in rules.deferrable_keys:
            self._written_keys.append(WrittenKey(rules.table.oid, constraint, address))
        for foreign_key in rules.foreign_keys:
            self._check_child(foreign_key, address, foreign_key.child_key(row))

    def updated(self, rules: TableRules, address: TupleId, old: Row, new: Row) -> None:
        """A row has changed."""
        for constraint in rules.deferrable_keys:
            self._written_keys.append(WrittenKey(rules.table.oid, constraint, address))
        for foreign_key in rules.foreign_keys:
            key = foreign_key.child_key(new)
            if key != foreign_key.child_key(old):
                self._check_child(foreign_key, address, key)
        for foreign_key in rules.referenced_by:
            old_key, new_key = foreign_key.parent_key(old), foreign_key.parent_key(new)
            if old_key != new_key and None not in old_key:
                self._of(foreign_key).updated.append(KeyChange(old_key, new_key))

    def deleted(self, rules: TableRules, row: Row) -> None:
        """A row is gone."""
        for foreign_key in rules.referenced_by:
            key = foreign_key.parent_key(row)
            if None not in key:
                self._of(foreign_key).deleted.append(KeyChange(key, None))

    def moved(self, rules: TableRules, old: Row, new: Row) -> None:
        """A row has gone to another partition; `new` is it as this one would have it. Who refers to it sees an update."""
        for foreign_key in rules.referenced_by:
            old_key, new_key = foreign_key.parent_key(old), foreign_key.parent_key(new)
            if old_key != new_key and None not in old_key:
                self._of(foreign_key).updated.append(KeyChange(old_key, new_key))

    def _check_child(self, foreign_key: ForeignKey, address: TupleId, key: KeyValues) -> None:
        if None not in key:
            keys = self._of(foreign_key).child_keys
            rows = keys.get(key)
            if rows is None:
                self._key_count += 1
                keys[key] = ChildRows(self._key_count, [address])
            elif foreign_key.constraint.is_deferrable:
                rows.addresses.append(address)
        elif foreign_key.constraint.match == "full" and any(value is not None for value in key):
            raise mixed_nulls(foreign_key.constraint, foreign_key.child)

    def _of(self, foreign_key: ForeignKey) -> _Pending:
        key = (foreign_key.child.oid, foreign_key.constraint.oid)
        found = self._pending.get(key)
        if found is None:
            found = self._pending[key] = _Pending(foreign_key)
        return found

    def finish(self, context: ExecutionContext, run_action: ActionRunner) -> None:
        """Work off all events. Raises ForeignKeyViolation, RestrictViolation, UniqueViolation and what changing rows raises."""
        if self._pending:
            self._finish_foreign_keys(context, run_action)
        written, self._written_keys = self._written_keys, []
        for each in written:
            if context.deferred is not None and context.deferred.is_deferred(each.constraint):
                context.deferred.add_key(each)
            else:
                check_key(each, context)

    def _finish_foreign_keys(self, context: ExecutionContext, run_action: ActionRunner) -> None:
        no_action: list[tuple[ForeignKey, list[KeyChange]]] = []
        child_keys: dict[tuple[Oid, Oid], _Pending] = {}
        while self._pending:
            pending, self._pending = self._pending, {}
            _check_restrict(pending.values(), context)
            for key, each in pending.items():
                merged = child_keys.setdefault(key, _Pending(each.foreign_key))
                for child_key, rows in each.child_keys.items():
                    known = merged.child_keys.setdefault(child_key, rows)
                    if known is not rows:
                        known.addresses.extend(rows.addresses)
                no_action.extend(_run_actions(each, run_action))
        for foreign_key, changes in no_action:
            deferred = _deferred(foreign_key, context)
            if deferred is not None:
                deferred.add_parents(foreign_key, changes)
            else:
                check_unreferenced(foreign_key, changes, context)
        _finish_children(child_keys.values(), context)


def _finish_children(pending: Iterable[_Pending], context: ExecutionContext) -> None:
    """Look whether each key has its parent, in the order in which the keys came up; or put that off."""
    found: list[tuple[int, ForeignKey, KeyValues]] = []
    for each in pending:
        deferred = _deferred(each.foreign_key, context)
        if deferred is not None:
            deferred.add_children(each.foreign_key, each.child_keys)
        else:
            for key, rows in each.child_keys.items():
                found.append((rows.number, each.foreign_key, key))
    found.sort(key=itemgetter(0))
    for _, foreign_key, key in found:
        check_parent(foreign_key, key, context)


def _deferred(foreign_key: ForeignKey, context: ExecutionContext) -> DeferredChecks | None:
    deferred = context.deferred
    if deferred is not None and deferred.is_deferred(foreign_key.constraint):
        return deferred
    return None


def _check_restrict(pending: Iterable[_Pending], context: ExecutionContext) -> None:
    for each in pending:
        constraint = each.foreign_key.constraint
        changes = [
            *(each.deleted if constraint.on_delete == "restrict" else ()),
            *(each.updated if constraint.on_update == "restrict" else ()),
        ]
        if not changes:
            continue
        keys = [item.old for item in changes]
        for address, _, number in children(each.foreign_key, keys, context):
            if goes_on_to_refer(each.foreign_key, address, keys[number], context):
                raise still_referenced(
                    constraint,
                    each.foreign_key.child,
                    each.foreign_key.parent,
                    keys[number],
                    is_restrict=True,
                )


def _run_actions(
    pending: _Pending, run_action: ActionRunner
) -> list[tuple[ForeignKey, list[KeyChange]]]:
    """Do what CASCADE, SET NULL and SET DEFAULT say; answers the changes of NO ACTION."""
    foreign_key, constraint = pending.foreign_key, pending.foreign_key.constraint
    left: list[tuple[ForeignKey, list[KeyChange]]] = []
    for changes, action, is_delete in (
        (pending.deleted, constraint.on_delete, True),
        (pending.updated, constraint.on_update, False),
    ):
        if not changes or action == "restrict":
            continue
        if action == "no action":
            left.append((foreign_key, changes))
            continue
        run_action(foreign_key, changes, is_delete)
        if action == "set default":
            # The default may be the very key that went.
            left.append((foreign_key, changes))
    return left


def check_unreferenced(
    foreign_key: ForeignKey, changes: list[KeyChange], context: ExecutionContext
) -> None:
    """Raise ForeignKeyViolation if a row still refers to a key that no parent has any more."""
    keys = [change.old for change in changes]
    if foreign_key.constraint.has_period:
        uncovered = find_uncovered(foreign_key, keys, context)
        if uncovered is not None:
            raise still_referenced(
                foreign_key.constraint,
                foreign_key.child,
                foreign_key.parent,
                uncovered,
                is_restrict=False,
            )
        return
    taken_over: dict[int, bool] = {}
    for address, _, number in children(foreign_key, keys, context):
        if number not in taken_over:
            child_key = foreign_key.as_child_key(keys[number])
            taken_over[number] = parent_exists(foreign_key, child_key, context)
        if not taken_over[number] and goes_on_to_refer(foreign_key, address, keys[number], context):
            raise still_referenced(
                foreign_key.constraint,
                foreign_key.child,
                foreign_key.parent,
                keys[number],
                is_restrict=False,
            )


def check_parent(foreign_key: ForeignKey, key: KeyValues, context: ExecutionContext) -> None:
    """Raise ForeignKeyViolation if the key refers to no row."""
    context.cancellation.check()
    exists = is_covered if foreign_key.constraint.has_period else parent_exists
    if not exists(foreign_key, key, context):
        raise missing_parent(foreign_key.constraint, foreign_key.child, foreign_key.parent, key)


class DeferredMark(NamedTuple):
    """How far a transaction's deferred checks had come at a savepoint: the lists that were filled then, and how long they were."""

    modes: dict[Oid | None, bool]
    children: list[tuple[ForeignKey, ChildKeys]]
    child_count: int
    parents: list[tuple[ForeignKey, list[KeyChange]]]
    parent_count: int
    keys: dict[WrittenKey, None]
    key_count: int


class DeferredChecks:
    """The checks of a transaction's deferred constraints. Belongs to one transaction.

    Checks are added to lists, and a run makes new lists of what it leaves: so a savepoint keeps lists and lengths, no copies.
    """

    def __init__(self) -> None:
        # What SET CONSTRAINTS said: by oid of the constraint, None for ALL.
        self._modes: dict[Oid | None, bool] = {}
        self._children: list[tuple[ForeignKey, ChildKeys]] = []
        self._parents: list[tuple[ForeignKey, list[KeyChange]]] = []
        # In order, each once.
        self._keys: dict[WrittenKey, None] = {}

    def mark(self) -> DeferredMark:
        """What `go_back` needs to undo what comes now."""
        return DeferredMark(
            self._modes, self._children, len(self._children), self._parents, len(self._parents), self._keys, len(self._keys)
        )  # fmt: skip

    def go_back(self, mark: DeferredMark) -> None:
        """ROLLBACK TO SAVEPOINT: what was checked since is due again, and what came since is gone."""
        self._modes = mark.modes
        self._children, self._parents, self._keys = mark.children, mark.parents, mark.keys
        del self._children[mark.child_count :]
        del self._parents[mark.parent_count :]
        while len(self._keys) > mark.key_count:
            self._keys.popitem()

    @property
    def is_pending(self) -> bool:
        """Whether there is anything to check."""
        return bool(self._children or self._parents or self._keys)

    def has_any_of(self, table_oid: Oid, context: Callable[[], ExecutionContext]) -> bool:
        """Whether anything is to be checked of rows of the table. A key counts if another row has it, as in PostgreSQL."""
        if any(each.child.oid == table_oid for each, _ in self._children):
            return True
        if any(each.parent.oid == table_oid for each, _ in self._parents):
            return True
        written = [each for each in self._keys if each.table_oid == table_oid]
        try:
            for each in written:
                check_key(each, context())
        except (UniqueViolation, ExclusionViolation):
            return True
        return False

    def set_mode(self, constraints: Iterable[Oid] | None, *, is_deferred: bool) -> None:
        """SET CONSTRAINTS; None stands for ALL. Set to immediate, call `run` afterwards."""
        if constraints is None:
            self._modes = {None: is_deferred}
            return
        self._modes = {**self._modes, **dict.fromkeys(constraints, is_deferred)}

    def is_deferred(self, constraint: Constraint) -> bool:
        """Whether the constraint's checks wait for the transaction's end."""
        if not constraint.is_deferrable:
            return False
        default = self._modes.get(None, constraint.is_initially_deferred)
        return self._modes.get(constraint.oid, default)

    def add_children(self, foreign_key: ForeignKey, keys: ChildKeys) -> None:
        """Keys whose parents must be there at the end."""
        if keys:
            self._children.append((foreign_key, keys))

    def add_key(self, written: WrittenKey) -> None:
        """A row whose key no other may have at the end."""
        self._keys[written] = None

    def add_parents(self, foreign_key: ForeignKey, changes: list[KeyChange]) -> None:
        """Keys that nothing may refer to at the end."""
        self._parents.append((foreign_key, changes))

    def run(self, context: ExecutionContext, *, only_immediate: bool = False) -> None:
        """Do the checks: all of them before COMMIT, or those that SET CONSTRAINTS has made immediate.

        Rows may have changed again since: only what is there now counts. If a check fails, all of them stay due.
        """
        left = DeferredChecks()
        for written in self._keys:
            if only_immediate and self.is_deferred(written.constraint):
                left.add_key(written)
            else:
                check_key(written, context)
        for foreign_key, changes in self._parents:
            if only_immediate and self.is_deferred(foreign_key.constraint):
                left.add_parents(foreign_key, changes)
            else:
                check_unreferenced(foreign_key, changes, context)
        for foreign_key, child_keys in self._children:
            if only_immediate and self.is_deferred(foreign_key.constraint):
                left.add_children(foreign_key, child_keys)
            else:
                for key in _still_there(foreign_key, child_keys, context):
                    check_parent(foreign_key, key, context)
        self._keys, self._parents, self._children = left._keys, left._parents, left._children


def _still_there(
    foreign_key: ForeignKey, keys: ChildKeys, context: ExecutionContext
) -> list[KeyValues]:
    """The keys that some row of the child still has."""
    store = context.tables.table_store(foreign_key.child)
    found: list[KeyValues] = []
    with context.snapshot_of_now() as snapshot:
        for key, having in keys.items():
            rows = (store.get(snapshot, address) for address in having.addresses)
            if any(
                row is not None and refers_to(foreign_key, visible_row(foreign_key.child, row), key)
                for row in rows
            ):
                found.append(key)
    return found
