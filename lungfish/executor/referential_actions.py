"""ON DELETE and ON UPDATE: CASCADE, SET NULL and SET DEFAULT change the rows that refer to a key that went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog.inheritance import leaves
from lungfish.executor.constraint_events import KeyChange
from lungfish.executor.context import Row, Run
from lungfish.executor.foreign_keys import ForeignKey, children, refers_to
from lungfish.executor.member_rows import MemberRows
from lungfish.executor.table_writer import TableWriter
from lungfish.storage.lock_modes import LockMode

# The new row of a referring one: (old row, number of the key change).
_Change = Callable[[Row, int], Sequence[Any]]


def finish_constraints(run: Run) -> None:
    """Work off what the statement's changes have left to be looked at."""
    events = run.context.constraint_events
    if events is None:
        return

    def run_action(foreign_key: ForeignKey, changes: list[KeyChange], is_delete: bool) -> None:
        _run_action(foreign_key, changes, is_delete, run)

    events.finish(run.context, run_action)


def _run_action(
    foreign_key: ForeignKey, changes: list[KeyChange], is_delete: bool, run: Run
) -> None:
    constraint = foreign_key.constraint
    action = constraint.on_delete if is_delete else constraint.on_update
    writer = TableWriter(foreign_key.child, run)
    if action == "cascade":
        change = None if is_delete else _follow(foreign_key, changes)
    else:
        change = _reset(foreign_key, writer, is_delete, to_default=action == "set default")
    keys = [item.old for item in changes]
    moving = None if change is None else _moving_rows(foreign_key, run)
    for address, found, number in children(foreign_key, keys, run.context):
        run.check_cancel()
        mode = LockMode.FOR_UPDATE
        if change is not None:
            mode = writer.update_mode(found, change(found, number))
        child_key = foreign_key.as_child_key(changes[number].old)
        locked = writer.lock(address, mode)
        row = locked.values
        if row is None or not refers_to(foreign_key, row, child_key):
            # It is gone, or refers to something else by now.
            continue
        if change is None:
            writer.delete(address, row)
        elif moving is None:
            writer.update(address, row, change(row, number))
        else:
            member = moving.of(int(foreign_key.child.oid))
            new = member.seen(tuple(change(row, number)))[:-1]
            moving.update(member, address, locked, new)


def _moving_rows(foreign_key: ForeignKey, run: Run) -> MemberRows | None:
    """The way to all leaves of the partitioned table that the key was made for: a row's new values may belong in another one."""
    catalog, table, constraint = run.context.catalog, foreign_key.child, foreign_key.constraint
    while constraint.parent_oid is not None:
        table = catalog.table(table.parents[0])
        constraint = next(each for each in table.constraints if each.oid == constraint.parent_oid)
    if table.oid == foreign_key.child.oid:
        return None
    return MemberRows(table, leaves(table, catalog), run)


def _follow(foreign_key: ForeignKey, changes: list[KeyChange]) -> _Change:
    """ON UPDATE CASCADE: the referring columns take the parent's new values."""
    new_keys = [
        foreign_key.as_child_key(change.new) for change in changes if change.new is not None
    ]

    def change(row: Row, number: int) -> Sequence[Any]:
        values = list(row)
        for position, value in zip(foreign_key.child_positions, new_keys[number], strict=True):
            values[position] = value
        return values

    return change


def _reset(
    foreign_key: ForeignKey, writer: TableWriter, is_delete: bool, *, to_default: bool
) -> _Change:
    """SET NULL and SET DEFAULT; ON DELETE may name some of the columns only."""
    constraint = foreign_key.constraint
    numbers = constraint.delete_columns if is_delete else ()
    positions = [foreign_key.child.position_of_number(number) for number in numbers]
    positions = positions or list(foreign_key.child_positions)
    defaults = writer.rules.defaults if to_default else {}

    def change(row: Row, _number: int) -> Sequence[Any]:
        values = list(row)
        for position in positions:
            default = defaults.get(position)
            values[position] = None if default is None else default((), writer.run)
        return values

    return change
