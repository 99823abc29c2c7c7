"""ALTER VIEW, or ALTER TABLE of a view: its options, and defaults of its columns."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import View
from lungfish.errors import (
    FeatureNotSupported,
    InvalidParameterValue,
    UndefinedColumn,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.create_table import check_stored_texts
from lungfish.executor.ddl.owners import change_owner
from lungfish.executor.ddl.rules import set_rule_mode
from lungfish.planner import reason_against_changes
from lungfish.sql.ast.ddl import (
    AlterColumnDefault,
    AlterTable,
    AlterTableAction,
    ChangeOwner,
)
from lungfish.sql.ast.relation_options import SetParameters
from lungfish.sql.ast.rules import EnableRule
from lungfish.sql.storage_parameters import VIEW_PARAMETERS, merge_parameters


def alter_view(context: DdlContext, view: View, statement: AlterTable) -> str:
    """Run the actions on a view; answers the command tag."""
    for action in statement.actions:
        match action:
            case SetParameters(column=None):
                view = _with_options(context, view, action)
            case AlterColumnDefault():
                view = _with_default(context, view, action)
            case EnableRule():
                set_rule_mode(context, view, action)
            case ChangeOwner():
                change_owner(context, view, action)
            case _:
                raise _refused(view, action)
        context.change.put(view)
    return f"ALTER {statement.kind.upper()}"


def _refused(view: View, action: AlterTableAction) -> WrongObjectType:
    words = "".join(f" {each}" if each.isupper() else each for each in type(action).__name__)
    return WrongObjectType(
        f'ALTER action {words.strip().upper()} cannot be performed on relation "{view.name}"',
        detail="This operation is not supported for views.",
    )


def _with_options(context: DdlContext, view: View, action: SetParameters) -> View:
    for name, _ in action.parameters:
        if name not in VIEW_PARAMETERS and not action.is_reset:
            raise InvalidParameterValue(f'unrecognized parameter "{name}"')
    merged = merge_parameters(view.parameters, action.parameters, is_reset=action.is_reset)
    changed = replace(view, parameters=merged)
    check_view_options(context, changed)
    return changed


def check_view_options(context: DdlContext, view: View) -> None:
    """Raise FeatureNotSupported if the view is to check rows that nobody can put into it."""
    if view.check_option is None:
        return
    reason = reason_against_changes(view, context.catalog)
    if reason is not None:
        raise FeatureNotSupported(
            "WITH CHECK OPTION is supported only on automatically updatable views", hint=reason
        )


def _with_default(context: DdlContext, view: View, action: AlterColumnDefault) -> View:
    if all(column.name != action.name for column in view.columns):
        raise UndefinedColumn(
            f'column "{action.name}" of relation "{view.name}" does not exist',
            position=action.position,
        )
    text = None if action.default is None else action.default.text
    columns = tuple(
        replace(column, default=text) if column.name == action.name else column
        for column in view.columns
    )
    changed = replace(view, columns=columns)
    return replace(changed, columns=check_stored_texts(context, changed.as_table).columns)
