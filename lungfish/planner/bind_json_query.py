"""JSON_EXISTS, JSON_VALUE and JSON_QUERY bound."""

from __future__ import annotations

from dataclasses import replace

from lungfish import errors
from lungfish.functions.sql_json_query import QueryForm, is_steady, query_function
from lungfish.planner.bind_json_values import (
    JSON_KINDS,
    STRING_KINDS,
    bind_value,
    returned_type,
    text_of_json,
)
from lungfish.planner.coerce import coerce_explicit, resolve_unknown
from lungfish.planner.expression_tree import walk
from lungfish.planner.expressions import BoundExpression, Call, CastTo, Constant
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.json import JsonBehavior, JsonQuery, JsonValue
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import BOOLEAN, JSONB, JSONPATH, TEXT, SqlType, TypeKind

# What may stand before ON EMPTY and ON ERROR.
_EXISTS = frozenset({"error", "true", "false", "unknown"})
_VALUE = frozenset({"error", "null", "default"})
_QUERY = frozenset({"error", "null", "default", "empty array", "empty object"})
_ALLOWED = {
    "exists": (_EXISTS, "Only ERROR, TRUE, FALSE, or UNKNOWN is allowed in {} for {}."),
    "value": (_VALUE, "Only ERROR, NULL, or DEFAULT expression is allowed in {} for {}."),
    "query": (
        _QUERY,
        "Only ERROR, NULL, EMPTY ARRAY, EMPTY OBJECT, or DEFAULT expression is allowed in {} for {}.",
    ),
}
_DEFAULT_TYPES = {"exists": BOOLEAN, "value": TEXT, "query": JSONB}
_CONSTANT_NODES = (Constant, Call, CastTo)


def bind_json_query(node: JsonQuery, scope: Scope) -> BoundExpression:
    """One of the three functions."""
    context = bind_context(node.context, scope)
    path = _bind_path(node.path, scope)
    values = [bind_value(value, scope) for _, value in node.passing]
    if (
        node.function == "value"
        and node.returning is not None
        and node.returning.format is not None
    ):
        raise errors.SyntaxError(
            "cannot specify FORMAT JSON in RETURNING clause of JSON_VALUE()"
        ).at(node.returning.format.position)
    returning = returned_type(node.returning, _DEFAULT_TYPES[node.function], scope)
    check_quotes(node.wrapper, node.quotes, node.position)
    shown = f"JSON_{node.function.upper()}()"
    behaviors = bind_behaviors(node.function, node.on_empty, node.on_error, returning, shown, scope)
    form = QueryForm(
        node.function,
        returning,
        tuple(name for name, _ in node.passing),
        node.wrapper or "none",
        omits_quotes=node.quotes == "omit",
        on_empty=behaviors.on_empty,
        on_error=behaviors.on_error,
        formats=tuple(
            value.format is not None
            for value in (node.context, *(each for _, each in node.passing))
        ),
    )
    known = path.value if isinstance(path, Constant) else None
    if is_steady(form, known, [value.type for value in values]):
        form = replace(form, is_immutable=True)
    else:
        scope.state.has_volatile = True
    arguments = (context, path, *values, *behaviors.defaults)
    function = query_function(
        f"json_{node.function}", form, [argument.type for argument in arguments]
    )
    return Call(function, arguments, returning, position=node.position)


def bind_context(value: JsonValue, scope: Scope) -> BoundExpression:
    """The document, as jsonb. Raises 42846 for what is neither JSON nor text."""
    position = value.expression.position
    bound = resolve_unknown(scope.bind(value.expression), scope.state, position)
    kind = bound.type.kind
    if kind not in JSON_KINDS:
        if value.format is not None:
            bound = text_of_json(bound, value.format, position)
        elif kind not in STRING_KINDS:
            raise errors.CannotCoerce(f"cannot cast type {bound.type} to jsonb").at(position)
    if isinstance(bound, Constant) and kind in STRING_KINDS:
        # A literal is read here and now, as PostgreSQL does.
        bound = Constant(bound.value, SqlType(TypeKind.UNKNOWN), position)
    return coerce_explicit(bound, JSONB, scope.state, position)


def _bind_path(node: ast.Expression, scope: Scope) -> BoundExpression:
    bound = scope.bind(node)
    if bound.type.kind is not TypeKind.JSONPATH and bound.type.kind not in STRING_KINDS:
        raise errors.DatatypeMismatch(
            f"JSON path expression must be of type jsonpath, not of type {bound.type}"
        ).at(node.position)
    return coerce_explicit(bound, JSONPATH, scope.state, node.position)


def check_quotes(wrapper: str, quotes: str, position: int) -> None:
    """Raise if OMIT QUOTES stands beside WITH WRAPPER; KEEP QUOTES says what is so anyway."""
    if quotes == "omit" and wrapper in ("conditional", "unconditional"):
        raise errors.SyntaxError(
            "SQL/JSON QUOTES behavior must not be specified when WITH WRAPPER is used"
        ).at(position)


@frozen
class Behaviors:
    """What ON EMPTY and ON ERROR give, and the expressions of those that are DEFAULT."""

    on_empty: str
    on_error: str
    defaults: tuple[BoundExpression, ...]


def bind_behaviors(
    function: str,
    on_empty: JsonBehavior | None,
    on_error: JsonBehavior | None,
    returning: SqlType,
    shown: str,
    scope: Scope,
) -> Behaviors:
    """The two clauses; `shown` names the function or column in errors. Raises 42601, 42804."""
    allowed, detail = _ALLOWED[function]
    usual = "false" if function == "exists" else "null"
    kinds: list[str] = []
    defaults: list[BoundExpression] = []
    for clause, behavior in (("ON EMPTY", on_empty), ("ON ERROR", on_error)):
        kind = usual if behavior is None else behavior.kind
        if kind == "empty":
            kind = "empty array"
        if kind not in allowed:
            assert behavior is not None
            raise errors.SyntaxError(
                f"invalid {clause} behavior{_of_column(shown)}", detail=detail.format(clause, shown)
            ).at(behavior.position)
        kinds.append(kind)
        if behavior is not None and behavior.expression is not None:
            defaults.append(_bind_default(behavior.expression, returning, scope))
    return Behaviors(kinds[0], kinds[1], tuple(defaults))


def _of_column(shown: str) -> str:
    return "" if shown.startswith("JSON_") else f" for {shown}"


def _bind_default(node: ast.Expression, returning: SqlType, scope: Scope) -> BoundExpression:
    before = scope.last_set_call
    bound = scope.bind(node)
    if not all(isinstance(part, _CONSTANT_NODES) for part in walk(bound)):
        raise errors.DatatypeMismatch(
            "can only specify a constant, non-aggregate function, or operator expression for DEFAULT"
        ).at(node.position)
    if scope.last_set_call is not before:
        raise errors.DatatypeMismatch("DEFAULT expression must not return a set").at(node.position)
    return coerce_explicit(bound, returning.base, scope.state, node.position)
