"""The order in which the actions of one ALTER TABLE are done: PostgreSQL's passes (tablecmds.c), in each as they are written.

What goes, goes first; then columns get their types, all of them at once, because each USING reads the row as it was; then come new
columns, NOT NULL, keys, other constraints and defaults, and all else. So a constraint may be written before the column that it is
about, and a column cannot be altered in the statement that adds it.
"""

from __future__ import annotations

from lungfish.sql.ast.ddl import (
    AddColumn,
    AddConstraint,
    AlterColumnDefault,
    AlterColumnIdentity,
    AlterColumnNotNull,
    AlterColumnType,
    AlterTableAction,
    DropColumn,
    DropConstraint,
    DropExpression,
    SetExpression,
)
from lungfish.sql.rename import mentions_name

_DROP, _TYPE, _DROP_READ, _EXPRESSION, _COLUMN, _NOT_NULL, _KEY, _OTHER, _REST = range(9)
_KEYS = frozenset({"primary key", "unique", "exclude"})


def steps_of(actions: tuple[AlterTableAction, ...]) -> list[tuple[AlterTableAction, ...]]:
    """What is done one after the other: all changes of types together, every other action alone."""
    if len(actions) == 1:
        return [actions]
    types = tuple(each for each in actions if isinstance(each, AlterColumnType))
    steps: list[tuple[AlterTableAction, ...]] = []
    for action in sorted(actions, key=lambda each: _pass_of(each, types)):
        if not isinstance(action, AlterColumnType):
            steps.append((action,))
        elif action is types[0]:
            steps.append(types)
    return steps


def _pass_of(action: AlterTableAction, types: tuple[AlterColumnType, ...]) -> int:
    match action:
        case DropColumn():
            # PostgreSQL still reads the values of a dropped column; here it must go later.
            return _DROP_READ if any(_reads(each, action.name) for each in types) else _DROP
        case DropConstraint() | DropExpression() | AlterColumnDefault(default=None):
            return _DROP
        case AlterColumnNotNull():
            return _NOT_NULL if action.is_not_null else _DROP
        case AlterColumnIdentity(action="drop"):
            return _DROP
        case AlterColumnType():
            return _TYPE
        case SetExpression():
            return _EXPRESSION
        case AddColumn():
            return _COLUMN
        case AddConstraint() if action.constraint.kind == "not null":
            return _NOT_NULL
        case AddConstraint():
            return _KEY if action.constraint.kind in _KEYS else _OTHER
        case AlterColumnDefault() | AlterColumnIdentity(action="add"):
            return _OTHER
    return _REST


def _reads(action: AlterColumnType, name: str) -> bool:
    return action.using is not None and mentions_name(action.using.text, name)
