"""Whether a rule makes sense: its commands are bound over OLD and NEW once, when it is made."""

from __future__ import annotations

from dataclasses import replace

from lungfish import errors
from lungfish.catalog import Catalog
from lungfish.catalog.objects import Table, View
from lungfish.planner.bind_state import BindState
from lungfish.planner.binder import bind_modification, new_state
from lungfish.planner.expressions import ColumnRef
from lungfish.planner.rule_commands import (
    mentions_row,
    over_rows,
    qualified_condition,
    with_columns,
)
from lungfish.planner.scope import Scope
from lungfish.sql.ast.dml import Delete, Insert, Update
from lungfish.sql.ast.queries import (
    ObjectName,
    Query,
    RuleSource,
    Select,
    SetOperation,
    TableReference,
)
from lungfish.sql.ast.rules import CreateRule, RuleCommand


def check_rule(
    statement: CreateRule, relation: Table | View, catalog: Catalog, search_path: tuple[str, ...]
) -> CreateRule:
    """The rule with the columns of `new.*` and `old.*` named. Raises PostgreSQL's errors for what is wrong with it."""
    names = [column.name for column in relation.columns]
    commands = tuple([with_columns(each, names) for each in statement.commands])
    condition = statement.condition
    if condition is not None:
        condition = qualified_condition(condition, names, statement.event)
    checked = replace(statement, commands=commands, condition=condition)
    _check_rows(checked)
    rows = RuleSource(
        _plainest_change(checked, relation, catalog), relation.oid, search_path, uses_old=True
    )
    nothing = Query(Select((), (rows,), checked.condition))
    _bound(nothing, _state(catalog, search_path))
    for command in commands:
        _check_with(command)
        state = _state(catalog, search_path)
        if _is_set_operation(command):
            _check_set_operation(command, checked)
            _bound(command, state)
        else:
            over = over_rows(command, checked.condition, rows, state)
            _check_returning(_bound(over, state), command, relation)
    _check_returnings(checked)
    return checked


def _check_rows(statement: CreateRule) -> None:
    """INSERT has no OLD, DELETE no NEW."""
    word = {"insert": "old", "delete": "new"}.get(statement.event)
    if word is None:
        return
    if mentions_row(statement.condition, word):
        raise errors.UndefinedTable(f'invalid reference to FROM-clause entry for table "{word}"')
    if mentions_row(statement.commands, word):
        raise errors.InvalidObjectDefinition(
            f"ON {statement.event.upper()} rule cannot use {word.upper()}"
        )


def _state(catalog: Catalog, search_path: tuple[str, ...]) -> BindState:
    state = new_state(catalog, search_path)
    # A command may change a view that only a rule makes changeable.
    state.takes_views_as_tables = True
    state.root = Scope(state, None)
    return state


def _bound(command: RuleCommand, state: BindState) -> tuple[ColumnRef, ...]:
    assert state.root is not None, "set with the state"
    if isinstance(command, Query):
        output = state.bind_query(command, state.root)
    else:
        output = bind_modification(command, state.root)
    state.parameters.check()
    columns: tuple[ColumnRef, ...] = output.columns
    return columns


def _plainest_change(
    statement: CreateRule, relation: Table | View, catalog: Catalog
) -> Insert | Update | Delete:
    """A statement that the rule is for, which says as little as can be said."""
    schema = catalog.namespace_name(relation.namespace_oid)
    target = TableReference(ObjectName(relation.name, schema))
    match statement.event:
        case "insert":
            return Insert(target, (), None)
        case "update":
            return Update(target, ())
        case _:
            return Delete(target)


def _is_set_operation(command: RuleCommand) -> bool:
    query = command.query if isinstance(command, Insert) else command
    return isinstance(query, Query) and isinstance(query.body, SetOperation)


def _check_set_operation(command: RuleCommand, statement: CreateRule) -> None:
    if statement.condition is not None:
        raise errors.FeatureNotSupported(
            "conditional UNION/INTERSECT/EXCEPT statements are not implemented"
        )
    if mentions_row(command, "old") or mentions_row(command, "new"):
        raise errors.InvalidColumnReference(
            "UNION/INTERSECT/EXCEPT member statement cannot refer to other relations of same query level"
        )


def _check_with(command: RuleCommand) -> None:
    """OLD and NEW are no relations that WITH could be correlated with."""
    clauses = [command.with_clause]
    if isinstance(command, Insert) and command.query is not None:
        clauses.append(command.query.with_clause)
    for word in ("old", "new"):
        if any(mentions_row(clause, word) for clause in clauses):
            raise errors.FeatureNotSupported(f"cannot refer to {word.upper()} within WITH query")


def _check_returnings(statement: CreateRule) -> None:
    returning = [
        each
        for each in statement.commands
        if not isinstance(each, Query) and each.returning is not None
    ]
    if not returning:
        return
    if len(returning) > 1:
        raise errors.FeatureNotSupported("cannot have multiple RETURNING lists in a rule")
    if statement.condition is not None:
        raise errors.FeatureNotSupported("RETURNING lists are not supported in conditional rules")
    if not statement.is_instead:
        raise errors.FeatureNotSupported("RETURNING lists are not supported in non-INSTEAD rules")


def _check_returning(
    columns: tuple[ColumnRef, ...], command: RuleCommand, relation: Table | View
) -> None:
    """RETURNING has to be a row of the relation."""
    if isinstance(command, Query) or command.returning is None:
        return
    if isinstance(command, Insert) and command.returning.new_alias is None:
        if mentions_row(command.returning, "new"):
            raise errors.FeatureNotSupported(
                "NEW in RETURNING of an INSERT that a rule does is not supported"
            )
    for number, (column, wanted) in enumerate(
        zip(columns, relation.columns, strict=False), start=1
    ):
        if column.type.kind is not wanted.type.kind:
            raise errors.InvalidObjectDefinition(
                f'RETURNING list\'s entry {number} has different type from column "{wanted.name}"',
                detail=f"RETURNING list entry has type {column.type.unmodified},"
                f" but column has type {wanted.type.unmodified}.",
            )
        if column.type.modifiers != wanted.type.modifiers:
            raise errors.InvalidObjectDefinition(
                f'RETURNING list\'s entry {number} has different size from column "{wanted.name}"',
                detail=f"RETURNING list entry has type {column.type}, but column has type {wanted.type}.",
            )
    if len(columns) != len(relation.columns):
        much = "many" if len(columns) > len(relation.columns) else "few"
        raise errors.InvalidObjectDefinition(f"RETURNING list has too {much} entries")
