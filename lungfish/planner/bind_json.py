"""SQL/JSON's constructors and IS JSON bound: each use is a call of a function made for it (`functions/sql_json.py`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish import errors
from lungfish.functions.sql_json import (
    ArrayForm,
    IsJsonForm,
    JsonForm,
    ObjectForm,
    ParseForm,
    ScalarForm,
    SerializeForm,
    json_form,
)
from lungfish.planner.bind_call import bind_call
from lungfish.planner.bind_json_query import bind_json_query
from lungfish.planner.bind_json_values import (
    JSON_KINDS,
    STRING_KINDS,
    bind_value,
    constructed_type,
    convert_returned,
    decoded,
    default_type,
    returned_type,
    text_of_json,
)
from lungfish.planner.coerce import coerce_explicit, resolve_unknown
from lungfish.planner.expressions import BoundExpression, Call
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.json import (
    IsJson,
    JsonAggregate,
    JsonArray,
    JsonArrayQuery,
    JsonFormat,
    JsonObject,
    JsonParse,
    JsonQuery,
    JsonScalar,
    JsonSerialize,
    JsonValue,
)
from lungfish.sql.ast.queries import Query, Select, SelectItem, SubqueryReference
from lungfish.types.sql_type import BOOLEAN, JSON, TEXT, SqlType, TypeKind

Binder = Callable[[Any, Scope], BoundExpression]


def _call(
    name: str,
    form: JsonForm,
    arguments: Sequence[BoundExpression],
    result: SqlType,
    position: int,
) -> Call:
    types = tuple(argument.type for argument in arguments)
    return Call(json_form(name, form, types, result), tuple(arguments), result, position=position)


def _bind_object(node: JsonObject, scope: Scope) -> BoundExpression:
    arguments: list[BoundExpression] = []
    for member in node.members:
        key = resolve_unknown(scope.bind(member.key), scope.state, member.key.position)
        arguments += (key, bind_value(member.value, scope))
    returning = returned_type(node.returning, default_type(arguments), scope)
    made = constructed_type(returning)
    form = ObjectForm(
        made,
        node.is_absent_on_null,
        node.has_unique_keys,
        tuple(member.value.format is not None for member in node.members),
    )
    scope.state.has_volatile = True
    call = _call("json_object", form, arguments, made, node.position)
    return convert_returned(call, "json_object", returning, scope, node.position)


def _bind_array(node: JsonArray, scope: Scope) -> BoundExpression:
    items = [bind_value(item, scope) for item in node.items]
    returning = returned_type(node.returning, default_type(items), scope)
    made = constructed_type(returning)
    formats = tuple(item.format is not None for item in node.items)
    scope.state.has_volatile = True
    form = ArrayForm(made, node.is_absent_on_null, formats)
    call = _call("json_array", form, items, made, node.position)
    return convert_returned(call, "json_array", returning, scope, node.position)


def _bind_array_query(node: JsonArrayQuery, scope: Scope) -> BoundExpression:
    """JSON_ARRAY(query) is (SELECT JSON_ARRAYAGG(a) FROM (query) q(a)), as PostgreSQL has it."""
    if _column_count(node.query, scope) != 1:
        raise errors.SyntaxError("subquery must return only one column").at(node.position)
    value = JsonValue(ast.Name(("a",), node.position), node.format)
    aggregate = JsonAggregate(
        None, value, is_absent_on_null=True, returning=node.returning, position=node.position
    )
    select = Select(
        (SelectItem(aggregate),),
        (SubqueryReference(node.query, "q", ("a",)),),
        position=node.position,
    )
    subquery = ast.Subquery(Query(select, position=node.position), node.position)
    if scope.state.trace is not None:
        scope.state.trace.expansions[id(node)] = subquery
    return scope.bind(subquery)


def _column_count(query: Query, scope: Scope) -> int:
    body = query.body
    if isinstance(body, Select) and not any(
        isinstance(item.expression, (ast.Star, ast.FieldAccess)) for item in body.items
    ):
        return len(body.items)
    # What a star stands for is known only once it is bound; that the query is bound again does not change it.
    return len(scope.state.bind_query(query, scope).columns)


def _bind_aggregate(node: JsonAggregate, scope: Scope) -> BoundExpression:
    """JSON_ARRAYAGG and JSON_OBJECTAGG are json_agg, jsonb_object_agg_unique_strict and the like."""
    value = node.value.expression
    if node.value.format is not None:
        value = JsonParse(node.value, position=value.position)
    operands = (value,) if node.key is None else (node.key, value)
    default = JSON if node.returning is not None else default_type(_looked_at(operands, scope))
    returning = returned_type(node.returning, default, scope)
    kind = "jsonb" if returning.kind is TypeKind.JSONB else "json"
    name = f"{kind}_agg" if node.key is None else f"{kind}_object_agg"
    name += "_unique" * node.has_unique_keys + "_strict" * node.is_absent_on_null
    call = ast.FunctionCall(
        (name,),
        operands,
        order_by=node.order_by,
        filter=node.filter,
        window=node.window,
        position=node.position,
    )
    shown = "json_arrayagg" if node.key is None else "json_objectagg"
    return convert_returned(bind_call(call, scope), shown, returning, scope, node.position)


def _looked_at(nodes: Sequence[ast.Expression], scope: Scope) -> list[BoundExpression]:
    """The operands of an aggregate bound for the sake of their types: what they use is not noted."""
    state = scope.state
    state.level_uses.append(set())
    state.nested_owners.append({})
    was_inside, scope.is_in_aggregate = scope.is_in_aggregate, True
    try:
        return [scope.bind(node) for node in nodes]
    finally:
        scope.is_in_aggregate = was_inside
        state.nested_owners.pop()
        state.level_uses.pop()


def _bind_parse(node: JsonParse, scope: Scope) -> BoundExpression:
    """JSON(x): x as json, by a cast unless the keys are to be looked at."""
    position = node.value.expression.position
    bound = resolve_unknown(scope.bind(node.value.expression), scope.state, position)
    kind = bound.type.kind
    if kind is TypeKind.BYTEA:
        bound = decoded(bound, position)
    elif kind not in STRING_KINDS:
        if node.has_unique_keys:
            raise errors.DatatypeMismatch(
                "cannot use non-string types with WITH UNIQUE KEYS clause"
            ).at(position)
        if node.value.format is not None and kind not in JSON_KINDS:
            bound = text_of_json(bound, node.value.format, position)
        return coerce_explicit(bound, JSON, scope.state, position)
    elif node.value.format is not None:
        bound = text_of_json(bound, node.value.format, position)
    form = ParseForm(node.has_unique_keys, node.value.format is not None)
    return _call("json", form, (bound,), JSON, node.position)


def _bind_scalar(node: JsonScalar, scope: Scope) -> BoundExpression:
    operand = resolve_unknown(scope.bind(node.operand), scope.state, node.operand.position)
    scope.state.has_volatile = True
    return _call("json_scalar", ScalarForm(), (operand,), JSON, node.position)


def _bind_serialize(node: JsonSerialize, scope: Scope) -> BoundExpression:
    position = node.value.expression.position
    bound = resolve_unknown(scope.bind(node.value.expression), scope.state, position)
    is_converted = bound.type.kind not in JSON_KINDS
    if is_converted:
        if bound.type.kind not in STRING_KINDS and bound.type.kind is not TypeKind.BYTEA:
            raise errors.DatatypeMismatch(
                "cannot use non-string types with implicit FORMAT JSON clause"
            ).at(position)
        written = node.value.format or JsonFormat()
        bound = coerce_explicit(text_of_json(bound, written, position), JSON, scope.state, position)
    returning = returned_type(node.returning, TEXT, scope)
    if returning.kind not in STRING_KINDS and returning.kind is not TypeKind.BYTEA:
        raise errors.DatatypeMismatch(
            f"cannot use type {returning.unmodified} in RETURNING clause of JSON_SERIALIZE()",
            hint="Try returning a string type or bytea.",
        ).at(node.position)
    form = SerializeForm(node.value.format is not None, is_converted)
    call = _call("json_serialize", form, (bound,), bound.type, node.position)
    return convert_returned(call, "json_serialize", returning, scope, node.position)


def _bind_is_json(node: IsJson, scope: Scope) -> BoundExpression:
    position = node.operand.expression.position
    bound = resolve_unknown(scope.bind(node.operand.expression), scope.state, position)
    kind = bound.type.kind
    if kind is TypeKind.BYTEA:
        bound = decoded(bound, position)
    elif kind in STRING_KINDS:
        bound = coerce_explicit(bound, TEXT, scope.state, position)
    elif kind not in JSON_KINDS:
        raise errors.DatatypeMismatch(f"cannot use type {bound.type} in IS JSON predicate").at(
            position
        )
    form = IsJsonForm(node.item_kind, node.has_unique_keys)
    return _call("is_json", form, (bound,), BOOLEAN, node.position)


JSON_BINDERS: dict[type, Binder] = {
    IsJson: _bind_is_json,
    JsonAggregate: _bind_aggregate,
    JsonArray: _bind_array,
    JsonArrayQuery: _bind_array_query,
    JsonObject: _bind_object,
    JsonParse: _bind_parse,
    JsonQuery: bind_json_query,
    JsonScalar: _bind_scalar,
    JsonSerialize: _bind_serialize,
}
