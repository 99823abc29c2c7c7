"""WITH: common table expressions, recursive ones, those that change rows.

A query of WITH is bound once and read through `LogicalCteScan`; whether it is kept apart or put in its reader's place is
decided by a rule. One that uses columns of an enclosing query cannot be kept apart (it differs for each outer row), so each
reference to it is given a plan of its own here.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.bind_recursive import bind_recursive_query
from lungfish.planner.expressions import ColumnRef
from lungfish.planner.logical import (
    LogicalCte,
    LogicalCteScan,
    LogicalOutput,
    LogicalPlan,
    LogicalWorkTable,
)
from lungfish.planner.scope import CteEntry, Scope
from lungfish.planner.search_cycle import expand_search_cycle
from lungfish.planner.substitution import free_columns, plan_is_volatile, reads_outer_recursion
from lungfish.planner.table_mentions import mentions_table
from lungfish.sql.ast import dml
from lungfish.sql.ast import queries as ast


def bind_with(clause: ast.With, scope: Scope) -> Scope:
    """A scope around the query in which the names of WITH are known."""
    names: set[str] = set()
    for definition in clause.expressions:
        if definition.name in names:
            raise errors.DuplicateAlias(
                f'WITH query name "{definition.name}" specified more than once'
            ).at(definition.position)
        names.add(definition.name)
    inside = Scope(scope.state, scope)
    if clause.is_recursive:
        # Any may use any other, so all are known before one is bound; each is bound when first used.
        entries = [
            _new_entry(definition, inside, is_recursive=True) for definition in clause.expressions
        ]
        for entry in entries:
            inside.ctes[entry.definition.name] = entry
        for entry in entries:
            _ensure_bound(entry)
        return inside
    for definition in clause.expressions:
        before = Scope(scope.state, scope)
        before.ctes = dict(inside.ctes)
        entry = _new_entry(definition, before, is_recursive=False)
        _ensure_bound(entry)
        inside.ctes[definition.name] = entry
    return inside


def refuse_changes(query: ast.Query) -> None:
    """Raise FeatureNotSupported for a subquery whose WITH changes rows."""
    for definition in () if query.with_clause is None else query.with_clause.expressions:
        if not isinstance(definition.query, ast.Query):
            raise errors.FeatureNotSupported(
                "WITH clause containing a data-modifying statement must be at the top level"
            ).at(definition.position)


def _new_entry(
    definition: ast.CommonTableExpression, scope: Scope, *, is_recursive: bool
) -> CteEntry:
    state = scope.state
    query = definition.query
    is_modifying = not isinstance(query, ast.Query)
    uses_itself = is_recursive and mentions_table(query, definition.name)
    if is_modifying and uses_itself:
        raise errors.InvalidRecursion(
            f'recursive query "{definition.name}" must not contain data-modifying statements'
        ).at(definition.position)
    if is_modifying and state.is_below_top(scope):
        raise errors.FeatureNotSupported(
            "WITH clause containing a data-modifying statement must be at the top level"
        ).at(definition.position)
    return CteEntry(
        definition, scope, state.new_cte(), is_recursive=uses_itself, is_modifying=is_modifying
    )


def _ensure_bound(entry: CteEntry) -> LogicalOutput:
    """The bound query of the entry. Raises FeatureNotSupported if it is being bound: mutual recursion."""
    if entry.output is not None:
        return entry.output
    if entry.is_open:
        raise errors.FeatureNotSupported(
            "mutual recursion between WITH items is not implemented"
        ).at(entry.definition.position)
    entry.is_open = True
    output = _bind_definition(entry)
    entry.is_open = False
    entry.output = output
    entry.is_correlated = bool(free_columns(output)) or reads_outer_recursion(output)
    if not entry.is_correlated:
        # Its place among the others is that of its end, so what it reads itself comes before it.
        entry.scope.state.ctes.append(
            LogicalCte(
                entry.cte_id,
                entry.definition.name,
                output,
                entry.definition.is_materialized,
                entry.is_modifying,
            )
        )
    return output


def _bind_definition(entry: CteEntry) -> LogicalOutput:
    definition, scope = entry.definition, entry.scope
    if definition.search is not None or definition.cycle is not None:
        definition = entry.definition = _expand(entry)
    query = definition.query
    if isinstance(query, (dml.Insert, dml.Update, dml.Delete, dml.Merge)):
        output = scope.state.bind_modification(query, scope)
    elif entry.is_recursive:
        return _named(bind_recursive_query(entry, query, scope), definition)
    else:
        output = scope.state.bind_query(query, scope)
    return _named(output, definition)


def _expand(entry: CteEntry) -> ast.CommonTableExpression:
    """The definition with the columns that SEARCH and CYCLE make."""
    definition, scope = entry.definition, entry.scope
    query = definition.query
    if not entry.is_recursive or not isinstance(query, ast.Query):
        raise errors.SyntaxError("WITH query is not recursive").at(definition.position)
    aliases = definition.column_aliases
    body = query.body
    if isinstance(body, ast.SetOperation):
        left = body.left if isinstance(body.left, ast.Query) else ast.Query(body.left)
        columns = scope.state.bind_query(left, scope).columns
        aliases = (*aliases, *(column.name for column in columns[len(aliases) :]))
    return expand_search_cycle(definition, aliases)


def _named(output: LogicalOutput, definition: ast.CommonTableExpression) -> LogicalOutput:
    """The query under the column names that WITH gives it."""
    aliases = definition.column_aliases
    if not aliases:
        return output
    columns = output.columns
    if len(aliases) > len(columns):
        raise errors.InvalidColumnReference(
            f'WITH query "{definition.name}" has {len(columns)} columns available '
            f"but {len(aliases)} columns specified"
        ).at(definition.position)
    renamed = tuple(
        ColumnRef(column.index, column.type, name)
        for name, column in zip(aliases, columns, strict=False)
    )
    return LogicalOutput(output.input, (*renamed, *columns[len(aliases) :]))


def reference_cte(
    entry: CteEntry, item: ast.TableReference, scope: Scope
) -> tuple[LogicalPlan, list[ColumnRef]]:
    """A use of the name in FROM: a plan that yields the query's rows, and its columns."""
    state = scope.state
    name = entry.definition.name
    if entry.work_columns and entry.is_open:
        if state.subquery_depth > entry.open_depth:
            raise errors.InvalidRecursion(
                f'recursive reference to query "{name}" must not appear within a subquery'
            ).at(item.position)
        entry.self_references.add(id(item))
        scope.reads_own_recursion = True
        columns = [state.new_column(column.name, column.type) for column in entry.work_columns]
        return LogicalWorkTable(entry.cte_id, name, tuple(columns)), columns
    if entry.is_open and entry.is_recursive:
        raise errors.InvalidRecursion(
            f'recursive reference to query "{name}" must not appear within its non-recursive term'
        ).at(item.position)
    output = _ensure_bound(entry)
    if entry.is_modifying and not output.columns:
        raise errors.FeatureNotSupported(
            f'WITH query "{name}" does not have a RETURNING clause'
        ).at(item.position)
    entry.reference_count += 1
    if entry.is_correlated:
        return _own_copy(entry, output, item)
    columns = [state.new_column(column.name, column.type) for column in output.columns]
    scan = LogicalCteScan(entry.cte_id, name, item.alias or name, tuple(columns), output.columns)
    return scan, columns


def _own_copy(
    entry: CteEntry, output: LogicalOutput, item: ast.TableReference
) -> tuple[LogicalPlan, list[ColumnRef]]:
    if entry.reference_count > 1:
        if plan_is_volatile(output):
            raise errors.FeatureNotSupported(
                f'WITH query "{entry.definition.name}" is volatile, uses outer columns and is read twice'
            ).at(item.position)
        entry.cte_id = entry.scope.state.new_cte()
        entry.is_open, entry.output = True, None
        output = _bind_definition(entry)
        entry.is_open, entry.output = False, output
    return output.input, list(output.columns)
