"""Calls as they were written: keywords, named arguments, functions written in SQL (which are inlined when they are bound),
aggregates and window functions.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import SqlFunction
from lungfish.planner.bind_hypothetical import HYPOTHETICAL
from lungfish.planner.bind_trace import Origin
from lungfish.planner.bind_window import effective_definition
from lungfish.planner.deparse.constants import settled_text
from lungfish.planner.deparse.nodes import (
    AggregateNode,
    ArrayNode,
    Cast,
    Const,
    Frame,
    Func,
    Mixed,
    Node,
    SortItem,
    Window,
    WindowNode,
)
from lungfish.planner.deparse.translate_expression import ExpressionTranslator, refuse
from lungfish.planner.expressions import (
    AggregateCall,
    BoundExpression,
    BoundFrame,
    Call,
    CastTo,
    Constant,
    WindowCall,
)
from lungfish.planner.literals import read_literal
from lungfish.planner.routine_calls import meant_routine
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.json import JsonAggregate
from lungfish.sql.ast.queries import OrderItem
from lungfish.sql.quoting import quote_identifier
from lungfish.types.sql_type import INTERVAL, TEXT, SqlType, TypeKind, array_of

# Aggregates that PostgreSQL has for text but not for these kinds, which it then casts.
_TEXT_ONLY = frozenset({"max", "min"})


class CallTranslator:
    """Translates calls; the rest of an expression is `expressions`' affair."""

    def __init__(self, catalog: Catalog, search_path: tuple[str, ...]) -> None:
        self._catalog = catalog
        self._search_path = search_path
        self.expressions: ExpressionTranslator | None = None

    @property
    def _others(self) -> ExpressionTranslator:
        assert self.expressions is not None, "set by whoever made both"
        return self.expressions

    def translate(
        self, node: ast.FunctionCall | JsonAggregate, bound: BoundExpression, origin: Origin
    ) -> Node | None:
        """The call; None where the bound expression tells all."""
        if isinstance(node, JsonAggregate):
            return self._json_aggregate(node, bound, origin)
        if isinstance(origin.call, WindowCall):
            return self._window_call(node, origin.call, origin.scope)
        if isinstance(origin.call, AggregateCall):
            return self._aggregate(node, origin.call)
        if node.is_within_group and node.name[-1] in HYPOTHETICAL:
            return AggregateNode(
                node.name[-1],
                self._others.nodes(node.arguments),
                self.order(node.order_by),
                self._condition(node),
                is_within_group=True,
            )
        found = self._sql_function(node)
        if found is not None:
            return self._user_call(node, *found)
        if isinstance(bound, Call) and (node.is_sql_syntax or node.argument_names):
            return self._with_syntax(node, bound)
        if isinstance(bound, Call) and len(bound.arguments) > len(node.arguments) > 0:
            # The defaults of the others are not shown.
            return self._positional(node, bound)
        return None

    def order(self, items: Sequence[OrderItem]) -> tuple[SortItem, ...]:
        """ORDER BY inside of a call or of a window."""
        return tuple([self.sort_item(item, self._sorted(item.expression)) for item in items])

    def sort_item(self, item: OrderItem, expression: Node) -> SortItem:
        """An item of ORDER BY with its direction."""
        is_descending = item.is_descending
        if item.using_operator is not None:
            is_descending = item.using_operator == ">"
        nulls_first = is_descending if item.nulls_first is None else item.nulls_first
        return SortItem(expression, is_descending, nulls_first)

    def _sorted(self, part: ast.Expression) -> Node:
        bound = self._others.trace.bound[id(part)]
        if isinstance(bound, Constant) and bound.type.kind is TypeKind.UNKNOWN:
            return Const(bound.value, TEXT)
        return self._others.translate(bound)

    def _condition(self, node: ast.FunctionCall) -> Node | None:
        return None if node.filter is None else self._others.node(node.filter)

    # Plain functions.

    def _sql_function(
        self, node: ast.FunctionCall
    ) -> tuple[SqlFunction, tuple[SqlType, ...]] | None:
        """The user's function that is called, and what its arguments are cast to."""
        schema = node.name[0] if len(node.name) == 2 else None
        candidates = self._catalog.find_functions(node.name[-1], schema, self._search_path)
        if not candidates or node.window is not None:
            return None
        types = [self._others.trace.bound[id(argument)].type for argument in node.arguments]
        return meant_routine(candidates, node, types)

    def _user_call(
        self, node: ast.FunctionCall, function: SqlFunction, kinds: Sequence[SqlType]
    ) -> Node:
        names = tuple(name for name, _ in node.argument_names)
        arguments = tuple(
            self._as(argument, kind) for argument, kind in zip(node.arguments, kinds, strict=True)
        )
        is_variadic = node.is_variadic
        count = len(function.parameter_types)
        if function.is_variadic and not is_variadic and not names and len(arguments) >= count:
            # PostgreSQL shows the array that it made of the last arguments.
            spread = ArrayNode(arguments[count - 1 :], array_of(kinds[-1]))
            arguments, is_variadic = (*arguments[: count - 1], spread), True
        return Func(function.name, arguments, names, oid=int(function.oid), is_variadic=is_variadic)

    def _as(self, part: ast.Expression, wanted: SqlType) -> Node:
        """An argument in the type that the call asks for."""
        bound = self._others.trace.bound[id(part)]
        if isinstance(bound, Constant) and bound.type.kind is TypeKind.UNKNOWN:
            return typed_literal(bound, wanted.unmodified)
        translated = self._others.translate(bound)
        if bound.type.unmodified == wanted.unmodified:
            return translated
        return Cast(translated, wanted.unmodified, bound.type, is_implicit=True)

    def _positional(self, node: ast.FunctionCall, bound: Call) -> Node | None:
        name = bound.function.name
        if not (name[:1].isalpha() or name[:1] == "_"):
            return None
        arguments = bound.arguments[: len(node.arguments)]
        translated = tuple([self._others.translate(each) for each in arguments])
        return Func(name, translated, is_variadic=bound.is_variadic_array)

    def _with_syntax(self, node: ast.FunctionCall, bound: Call) -> Node:
        name = bound.function.name
        if node.is_sql_syntax:
            arguments = bound.arguments[: len(node.arguments)]
            translated = tuple([self._others.translate(each) for each in arguments])
            is_pattern = name == "substring" and arguments[1].type.kind is TypeKind.TEXT
            # SUBSTRING(x FROM pattern) is a plain call to PostgreSQL; with ESCAPE it has words of its own.
            is_plain = is_pattern and len(arguments) == 2
            return Func(
                "substring similar" if is_pattern and not is_plain else name,
                translated,
                is_sql_syntax=not is_plain,
            )
        names = tuple(each for each, _ in node.argument_names)
        count = len(node.arguments) - len(names)
        arguments_of = list(bound.arguments)
        positional = [self._others.translate(each) for each in arguments_of[:count]]
        named = []
        for argument in node.arguments[count:]:
            inner = self._others.trace.bound[id(argument)]
            typed = next((each for each in arguments_of if _stripped(each) == inner), inner)
            named.append(self._others.translate(typed))
        return Func(name, (*positional, *named), names)

    # Aggregates and windows.

    def _aggregate(self, node: ast.FunctionCall, call: AggregateCall) -> Node:
        translate = self._others.translate
        name = call.aggregate.name
        if node.is_within_group:
            count = len(node.arguments)
            direct = tuple([translate(each) for each in call.arguments[:count]])
            keys = tuple(
                SortItem(translate(key.expression), key.is_descending, key.nulls_first)
                for key in call.order_by
            )
            return AggregateNode(name, direct, keys, self._condition(node), is_within_group=True)
        return AggregateNode(
            name,
            self._arguments(name, node, call.arguments),
            self.order(node.order_by),
            self._condition(node),
            is_distinct=node.is_distinct,
            is_star=node.is_star,
            is_variadic=node.is_variadic,
        )

    def _json_aggregate(self, node: JsonAggregate, bound: BoundExpression, origin: Origin) -> Node:
        """JSON_OBJECTAGG or JSON_ARRAYAGG, with RETURNING even where it was left out."""
        has_format = " FORMAT JSON" if node.value.format is not None else ""
        value = self._others.node(node.value.expression)
        parts: list[str | Node | SqlType | tuple[SortItem, ...] | Window]
        if node.key is not None:
            nulls = " ABSENT ON NULL" if node.is_absent_on_null else ""
            parts = [
                "JSON_OBJECTAGG(",
                self._others.node(node.key),
                " : ",
                value,
                has_format,
                nulls,
            ]
            parts.append(" WITH UNIQUE KEYS" if node.has_unique_keys else "")
        else:
            parts = ["JSON_ARRAYAGG(", value, has_format]
            if node.order_by:
                parts += [" ORDER BY ", self.order(node.order_by)]
            parts.append("" if node.is_absent_on_null else " NULL ON NULL")
        parts += [" RETURNING ", bound.type, ")"]
        if node.filter is not None:
            parts += [" FILTER (WHERE ", self._others.node(node.filter), ")"]
        definition = node.window
        if definition is not None:
            parts.append(" OVER ")
            if definition.name is not None and definition.name == definition.base:
                parts.append(quote_identifier(definition.name))
            else:
                frame = origin.call.frame if isinstance(origin.call, WindowCall) else None
                parts.append(self.window(definition, origin.scope, frame))
        return Mixed(tuple(parts))

    def _arguments(
        self, name: str, node: ast.FunctionCall, arguments: tuple[BoundExpression, ...]
    ) -> tuple[Node, ...]:
        if name in _TEXT_ONLY:
            return tuple([_as_text(self._others.translate(each), each.type) for each in arguments])
        shown = arguments[: len(node.arguments)]
        raw = [self._others.trace.bound[id(each)] for each in node.arguments]
        # A JSON aggregate's arguments go through a function that only we have.
        return tuple(
            [
                self._others.translate(
                    given if isinstance(typed, Call) and typed != given else typed
                )
                for typed, given in zip(shown, raw, strict=True)
            ]
        )

    def _window_call(self, node: ast.FunctionCall, call: WindowCall, scope: Scope) -> Node:
        assert node.window is not None
        definition = node.window
        if definition.name is not None and definition.name == definition.base:
            window = Window(definition.name, None, (), (), None)
        else:
            window = self.window(definition, scope, call.frame)
        return WindowNode(
            call.callee.name,
            self._arguments(call.callee.name, node, call.arguments),
            window,
            self._condition(node),
            is_star=node.is_star,
        )

    def window(
        self, node: ast.WindowDefinition, scope: Scope, bound: BoundFrame | None = None
    ) -> Window:
        """A window as it was defined; `bound` is its frame where a call told it."""
        keys = [*node.partition_by, *(item.expression for item in node.order_by)]
        if node.frame is not None:
            ends = (node.frame.start.offset, node.frame.end.offset)
            keys += [each for each in ends if each is not None]
        for key in keys:
            if id(key) not in self._others.trace.bound:
                # A window that no call uses.
                scope.bind(key)
        base = None if node.base is None else effective_definition(node, scope)
        is_inherited = base is not None and not node.order_by
        return Window(
            node.name,
            node.base,
            () if base is not None else tuple([self._sorted(key) for key in node.partition_by]),
            () if is_inherited else self.order(node.order_by),
            None if node.frame is None else self._frame(node.frame, bound),
        )

    def _frame(self, frame: ast.WindowFrame, bound: BoundFrame | None) -> Frame:
        typed = (None, None) if bound is None else (bound.start_offset, bound.end_offset)
        start = self._offset(frame.start, typed[0])
        end = self._offset(frame.end, typed[1])
        return Frame(frame.unit, start, end, frame.exclude, frame.is_between)

    def _offset(
        self, end: ast.FrameBound, typed: BoundExpression | None
    ) -> tuple[str, Node | None]:
        if end.offset is None:
            return end.kind, None
        bound = self._others.trace.bound[id(end.offset)]
        if not isinstance(bound, Constant) or bound.type.kind is not TypeKind.UNKNOWN:
            return end.kind, self._others.translate(bound)
        if typed is None:
            # Only intervals are written as strings in a window that nothing uses.
            return end.kind, typed_literal(bound, INTERVAL)
        if not isinstance(typed, Constant):
            raise refuse("this offset of a window's frame")
        return end.kind, Const(typed.value, typed.type)


def typed_literal(literal: Constant, type_: SqlType) -> Const:
    """A literal of unknown type as the type that its context gives it."""
    if literal.value is None:
        return Const(None, type_)
    typed = read_literal(literal, type_, is_explicit=False, position=-1)
    if isinstance(typed, Constant):
        return Const(typed.value, type_)
    return Const(literal.value, type_, settled_text(literal.value, type_))


def _stripped(bound: BoundExpression) -> BoundExpression:
    while isinstance(bound, CastTo) and not bound.is_explicit:
        bound = bound.operand
    return bound


def _as_text(node: Node, kind: SqlType) -> Node:
    if kind.kind is TypeKind.VARCHAR or (kind.kind is TypeKind.NAME):
        return Cast(node, TEXT, kind, is_implicit=True)
    return node
