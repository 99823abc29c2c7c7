"""Implicit, assignment and explicit casts of bound expressions, and common types.

A literal of unknown type is read as the type that its context asks for, here and now, so a malformed one is an error of
planning with its place; a parameter of unknown type takes the first type that is asked of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.inheritance import ancestors
from lungfish.catalog.objects import Oid, Table
from lungfish.functions.json_path_patterns import check_path_patterns
from lungfish.functions.registry import Resolved
from lungfish.planner.bind_state import BindState
from lungfish.planner.collated_calls import COLLATE
from lungfish.planner.expressions import (
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    ColumnRef,
    Constant,
    DatedLiteral,
    ParameterRef,
    RowExpr,
)
from lungfish.planner.literals import convert_literal, is_dated, read_literal
from lungfish.planner.registered_literals import check_relation_name
from lungfish.planner.uncommitted_labels import refuse_uncommitted
from lungfish.types.coercion import (
    CastContext,
    can_coerce,
    category_of,
    chosen_type,
    common_type_of,
    is_same_type,
)
from lungfish.types.coercion import common_type as require_common_type
from lungfish.types.collations import collation_of_type
from lungfish.types.sql_type import BOOLEAN, TEXT, SqlType, TypeKind


def same_type(left: SqlType, right: SqlType) -> bool:
    """Whether the types differ at most in their modifiers."""
    return left is right or is_same_type(left, right)


def coerce_implicit(
    node: BoundExpression, target: SqlType, state: BindState, position: int
) -> BoundExpression:
    """The node as `target`, by an implicit cast. Raises DatatypeMismatch."""
    if node.type is target:
        return node
    return coerce_with(node, target, CastContext.IMPLICIT, state, position)


def coerce_explicit(
    node: BoundExpression, target: SqlType, state: BindState, position: int
) -> BoundExpression:
    """The node as `target`, as CAST does it. Raises CannotCoerce."""
    return coerce_with(node, target, CastContext.EXPLICIT, state, position)


def coerce_assignment(
    node: BoundExpression, target: SqlType, column: str, state: BindState, position: int
) -> BoundExpression:
    """The node as it is stored in a column. Raises DatatypeMismatch."""
    source = node.type
    if source is target:
        return node
    if not may_coerce(source, target, CastContext.ASSIGNMENT, state):
        raise errors.DatatypeMismatch(
            f'column "{column}" is of type {target.unmodified} but expression is of type {source.unmodified}',
            hint="You will need to rewrite or cast the expression.",
        ).at(position)
    return coerce_with(node, target, CastContext.ASSIGNMENT, state, position)


_CONTEXTS = {
    "implicit": CastContext.IMPLICIT,
    "assignment": CastContext.ASSIGNMENT,
    "explicit": CastContext.EXPLICIT,
}


def may_coerce(source: SqlType, target: SqlType, context: CastContext, state: BindState) -> bool:
    """As `can_coerce`; but where somebody has made a cast between the two types, that says in which context it may be."""
    cast = state.catalog.find_cast(source, target)
    if cast is not None:
        return _CONTEXTS[cast.context] <= context
    return can_coerce(source, target, context)


def may_assign(source: SqlType, target: SqlType, catalog: Catalog) -> bool:
    """Whether a column of the one type takes values of the other."""
    cast = catalog.find_cast(source, target)
    if cast is not None:
        return _CONTEXTS[cast.context] <= CastContext.ASSIGNMENT
    return can_coerce(source, target, CastContext.ASSIGNMENT)


def coerce_with(
    node: BoundExpression, target: SqlType, context: CastContext, state: BindState, position: int
) -> BoundExpression:
    """The node as `target`, by a cast that the context allows. Raises CannotCoerce."""
    source = node.type
    is_explicit = context is CastContext.EXPLICIT
    if target.domain is not None and source.domain_oid != target.domain_oid:
        if not isinstance(node, RowExpr) and not may_coerce(source, target, context, state):
            raise errors.CannotCoerce(
                f"cannot cast type {source.unmodified} to {target.unmodified}"
            ).at(position)
        value = coerce_with(node, target.base, context, state, position)
        return state.seams.make_domain_value(value, target, state, position)
    if target.holds_domains and not _goes_by_parts(node, target) and not same_type(source, target):
        _refuse_nested_arrays(target, position)
        value = coerce_with(node, target.without_domains, context, state, position)
        return state.seams.make_domain_value(value, target, state, position)
    if source.kind is TypeKind.UNKNOWN:
        return _coerce_unknown(node, target, context, state, position)
    if same_type(source, target):
        return _modify(node, target, is_explicit, position)
    cast = state.catalog.find_cast(source, target)
    if cast is not None and _CONTEXTS[cast.context] <= context:
        return state.seams.cast_with(cast, node, target, context, state)
    if source.kind is TypeKind.RECORD and target.kind is TypeKind.RECORD:
        if not target.fields:
            # Any row is a record, and keeps what it is.
            return node
        if not _may_become_row(source, target, state):
            raise errors.CannotCoerce(f"cannot cast type {source} to {target}").at(position)
        if target.oid and not source.oid:
            row = _row_of_parts(node)
            if row is None:
                raise errors.CannotCoerce(f"cannot cast type record to {target.unmodified}").at(
                    position
                )
            node = row
        if not target.oid:
            _refuse_mixed_rows(node, target, position)
    if isinstance(node, RowExpr) and _goes_by_parts(node, target):
        items = tuple(
            coerce_with(item, field, context, state, position)
            for item, field in zip(node.items, target.fields, strict=True)
        )
        return RowExpr(items, target)
    is_refused = cast is not None or not can_coerce(source, target, context)
    if is_refused or _are_anonymous_rows(source, target):
        raise errors.CannotCoerce(
            f"cannot cast type {source.unmodified} to {target.unmodified}"
        ).at(position)
    if source.kind is TypeKind.NAME:
        # Names have the collation "C", which their texts keep.
        state.has_collations = True
    if isinstance(node, Constant) and state.trace is None:
        converted = convert_literal(node, target)
        if converted is not None:
            return converted
    return CastTo(node, target, is_explicit, position)


def _coerce_unknown(
    node: BoundExpression, target: SqlType, context: CastContext, state: BindState, position: int
) -> BoundExpression:
    """A literal, or a parameter, whose type its context decides."""
    is_explicit = context is CastContext.EXPLICIT
    if isinstance(node, Constant):
        return _literal(node, target, is_explicit, state, position)
    if isinstance(node, ParameterRef):
        decided = state.parameters.decide(node.index, target, position)
        return _modify(decided, target, is_explicit, position)
    if isinstance(node, Call) and node.function is COLLATE:
        literal, collation = node.arguments
        typed = coerce_with(literal, target, context, state, position)
        if collation_of_type(target) is None:
            return typed
        return Call(COLLATE, (typed, collation), typed.type, position=node.position)
    return CastTo(node, target, is_explicit, position)


def _literal(
    node: Constant, target: SqlType, is_explicit: bool, state: BindState, position: int
) -> BoundExpression:
    """A literal read as a type; one that each execution reads is noted."""
    if node.value is not None:
        _check_literal(node.value, target, state, position)
    read = read_literal(node, target, is_explicit=is_explicit, position=position)
    if isinstance(read, CastTo) and is_dated(node.value, target):
        state.dated_literals.append(DatedLiteral(node.value, target, read.position))
    return read


def _check_literal(text: str, target: SqlType, state: BindState, position: int) -> None:
    """Raise for a text of which planning can tell that it will be no value of the type."""
    if target.name == "regclass" and state.trace is None:
        check_relation_name(text, state, position)
    if target.kind is TypeKind.JSONPATH:
        check_path_patterns(text)
    if target.kind is TypeKind.ENUM and state.catalog.added_labels:
        refuse_uncommitted(text, target, state.catalog, position)


def _goes_by_parts(node: BoundExpression, target: SqlType) -> bool:
    """Whether the node is a row whose fields are made those of the target one by one."""
    return (
        isinstance(node, RowExpr)
        and target.kind is TypeKind.RECORD
        and len(target.fields) == len(node.items)
    )


def _row_of_parts(node: BoundExpression) -> RowExpr | None:
    """The node as a row whose fields can be cast one by one: one that is written out, or the whole row of an item of FROM.

    The whole row that a join lacks becomes a row of nulls. Of other anonymous rows the fields are not known before they are there.
    """
    if isinstance(node, CaseExpr) and len(node.branches) == 1:
        result = node.branches[0][1]
        is_lacking = isinstance(node.default, Constant) and node.default.value is None
        if is_lacking and isinstance(result, RowExpr) and _has_only_columns(result):
            return result
    return node if isinstance(node, RowExpr) else None


def _are_anonymous_rows(source: SqlType, target: SqlType) -> bool:
    """Whether an array of anonymous rows would have to become one of rows of a type."""
    one, other = source.element, target.element
    if one is None or other is None or source.kind is not TypeKind.ARRAY:
        return False
    return one.kind is TypeKind.RECORD and not one.oid and bool(other.oid)


def _has_only_columns(row: RowExpr) -> bool:
    return all(isinstance(item, ColumnRef) for item in row.items)


def _refuse_nested_arrays(target: SqlType, position: int) -> None:
    """Raise FeatureNotSupported for arrays of a domain over arrays, whose elements are arrays with a shape of their own."""
    element = target.element
    if element is not None and element.kind is TypeKind.ARRAY:
        raise errors.FeatureNotSupported(
            f"arrays of domain {element.domain}, which is one over arrays, are not supported"
        ).at(position)
    for each in target.fields if element is None else (element,):
        _refuse_nested_arrays(each, position)


def _may_become_row(source: SqlType, target: SqlType, state: BindState) -> bool:
    """Whether a row of one type may become one of another: rows of children those of a parent, and anonymous ones any."""
    if not source.oid or source.oid == target.oid:
        return True
    if not target.oid:
        return False
    found = state.catalog.object(Oid(source.oid))
    return isinstance(found, Table) and target.oid in ancestors(found, state.catalog)


def _refuse_mixed_rows(node: BoundExpression, target: SqlType, position: int) -> None:
    """Raise FeatureNotSupported for anonymous rows whose fields are not those of the others: a column's values have one type."""
    fields = node.type.fields
    items: Sequence[BoundExpression | None] = (
        node.items if isinstance(node, RowExpr) else [None] * len(fields)
    )
    if len(fields) != len(target.fields) or any(
        not is_same_type(field, wanted) and not (isinstance(item, Constant) and item.value is None)
        for item, field, wanted in zip(items, fields, target.fields, strict=True)
    ):
        raise errors.FeatureNotSupported(
            "rows of different types among each other are not supported"
        ).at(position)


def _modify(
    node: BoundExpression, target: SqlType, is_explicit: bool, position: int
) -> BoundExpression:
    """Apply the target's modifiers, where it has any that the node has not."""
    if target.unmodified is target or node.type == target:
        return node
    return CastTo(node, target, is_explicit, position)


def resolve_unknown(node: BoundExpression, state: BindState, position: int) -> BoundExpression:
    """The node, made text if its type is still unknown."""
    if node.type.kind is TypeKind.UNKNOWN:
        return coerce_implicit(node, TEXT, state, position)
    return node


def coerce_boolean(
    node: BoundExpression, what: str, state: BindState, position: int
) -> BoundExpression:
    """The node as a condition of the clause `what`."""
    kind = node.type.kind
    if kind is TypeKind.BOOLEAN:
        return node
    if kind is not TypeKind.UNKNOWN and not can_coerce(node.type, BOOLEAN, CastContext.ASSIGNMENT):
        raise errors.DatatypeMismatch(
            f"argument of {what} must be type boolean, not type {node.type.unmodified}"
        ).at(position)
    return coerce_with(node, BOOLEAN, CastContext.ASSIGNMENT, state, position)


def coerce_arguments(
    arguments: Sequence[BoundExpression],
    found: Resolved[Any],
    state: BindState,
    positions: Sequence[int],
) -> tuple[BoundExpression, ...]:
    """The arguments cast to what the signature asks for, its defaults appended."""
    typed: list[BoundExpression] = []
    types = found.argument_types
    for index, argument in enumerate(arguments):
        target = types[index]
        if argument.type is not target:
            position = positions[index] if index < len(positions) else -1
            argument = coerce_with(argument, target, CastContext.IMPLICIT, state, position)
        typed.append(argument)
    if found.appended:
        rest = types[len(typed) :]
        typed.extend(
            Constant(value, type_) for value, type_ in zip(found.appended, rest, strict=True)
        )
    return tuple(typed)


def try_common_type(types: Sequence[SqlType]) -> SqlType | None:
    """The common type of several, unknown ones giving way; None if there is none."""
    first = types[0]
    for each in types:
        if each is not first and each != first:
            return common_type_of(types)
    return TEXT if first.kind is TypeKind.UNKNOWN else first


def common_type(types: Sequence[SqlType], context: str, positions: Sequence[int]) -> SqlType:
    """As `try_common_type`. Raises DatatypeMismatch at the first type that does not fit."""
    found = try_common_type(types)
    if found is not None:
        return found
    # What is of another category comes before what cannot be converted.
    count = next((n for n in range(2, len(types) + 1) if not _are_kin(types[:n])), len(types))
    place = count - 1
    if _are_kin(types):
        place = next(n for n, each in enumerate(types) if not can_coerce(each, chosen_type(types)))
    return require_common_type(
        types[:count], context, positions[place] if place < len(positions) else -1
    )


def _are_kin(types: Sequence[SqlType]) -> bool:
    """Whether all types are of one category, so that one of them is chosen."""
    known = [each.base for each in types if each.kind is not TypeKind.UNKNOWN]
    return all(category_of(each) is category_of(known[0]) for each in known)


def coerce_common(
    nodes: Sequence[BoundExpression], context: str, state: BindState, positions: Sequence[int]
) -> tuple[list[BoundExpression], SqlType]:
    """The nodes in their common type, and that type: a node may keep modifiers that the others have not."""
    type_ = common_type([node.type for node in nodes], context, positions)
    if type_.modifiers and any(node.type.kind is TypeKind.UNKNOWN for node in nodes):
        # A literal is read without the limits that the others have.
        type_ = type_.unmodified
    typed = [
        node if node.type is type_ else _coerce_common(node, type_, context, state, position)
        for node, position in zip(nodes, positions, strict=True)
    ]
    return typed, type_


def _coerce_common(
    node: BoundExpression, target: SqlType, context: str, state: BindState, position: int
) -> BoundExpression:
    is_other_row = (
        node.type.kind is target.kind is TypeKind.RECORD
        and bool(node.type.oid)
        and not same_type(node.type, target)
        and not _may_become_row(node.type, target, state)
    )
    if node.type.kind is target.kind is TypeKind.RECORD and not (node.type.oid or target.oid):
        _refuse_mixed_rows(node, target, position)
    if is_other_row or not may_coerce(node.type, target, CastContext.IMPLICIT, state):
        raise errors.CannotCoerce(
            f"{context} could not convert type {node.type.unmodified} to {target.unmodified}"
        ).at(position)
    return coerce_with(node, target, CastContext.IMPLICIT, state, position)
