"""Calls as they were written: keywords, named arguments, functions written in SQL (which are inlined when they are bound),
aggregates and window functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import SqlFunction
from lungfish.functions.registry import (
    Aggregate,
    ArgumentType,
    Function,
    Polymorphic,
    WindowFunction,
)
from lungfish.planner.bind_hypothetical import HYPOTHETICAL
from lungfish.planner.bind_trace import Origin
from lungfish.planner.bind_window import effective_definition
from lungfish.planner.coerce import try_common_type
from lungfish.planner.deparse.cast_kinds import is_done_by_function
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
from lungfish.planner.deparse.translate_expression import (
    BARE_WORDS,
    ExpressionTranslator,
    refuse,
)
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
from lungfish.planner.own_aggregates import AggregateSteps
from lungfish.planner.routine_calls import meant_routine
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.json import JsonAggregate
from lungfish.sql.ast.queries import OrderItem
from lungfish.sql.quoting import quote_identifier, split_name
from lungfish.types.sql_type import INTERVAL, TEXT, UNKNOWN, SqlType, TypeKind, array_of
from lungfish.types.type_oids import registered_type

_SEQUENCE_FUNCTIONS = frozenset({"nextval", "currval", "setval"})
_REGCLASS = registered_type("regclass")
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
            return self._hypothetical(node)
        found = self._sql_function(node)
        if found is not None:
            return self._user_call(node, *found)
        if isinstance(bound, CastTo) and is_done_by_function(bound.operand.type, bound.type):
            # A type's name called as a function is one that does the cast.
            return Func(node.name[-1], (self._others.translate(bound.operand),))
        if isinstance(bound, Call) and bound.function.name in BARE_WORDS:
            return None
        if isinstance(bound, Call) and (node.is_sql_syntax or node.argument_names):
            return self._with_syntax(node, bound)
        if isinstance(bound, Call):
            return self._positional(node, bound)
        return None

    def find_relation(self, text: str) -> int | None:
        """The oid of the relation that regclass finds under a name; None if there is none."""
        try:
            parts = split_name(text)
        except errors.InvalidName:
            return None
        schema = parts[-2] if len(parts) > 1 else None
        found = self._catalog.find_relation(parts[-1], schema, self._search_path)
        return None if found is None else int(found.oid)

    def order(self, items: Sequence[OrderItem]) -> tuple[SortItem, ...]:
        """ORDER BY inside of a call or of a window."""
        found: list[SortItem] = []
        for item in items:
            key = self.sort_item(item, self._sorted(item.expression))
            if all(known.expression != key.expression for known in found):
                found.append(key)
        return tuple(found)

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
        return meant_routine(candidates, node, types, self._catalog, self._search_path)

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
        """A plain call with what was given to it: without the defaults of the other parameters."""
        name = bound.function.name
        is_plain = name in _SEQUENCE_FUNCTIONS or _takes_any(bound)
        if not is_plain and len(bound.arguments) <= len(node.arguments):
            return None
        if not (name[:1].isalpha() or name[:1] == "_") or not node.arguments:
            return None
        pairs = zip(node.arguments, bound.arguments, strict=False)
        translated = [self._given(part, typed, bound) for part, typed in pairs]
        if name in _SEQUENCE_FUNCTIONS:
            translated[0] = self._sequence(node.arguments[0])
        return Func(name, tuple(translated), is_variadic=bound.is_variadic_array)

    def _given(self, part: ast.Expression, typed: BoundExpression, call: Call) -> Node:
        """An argument; a literal that is given as a value of any type has none."""
        given = self._others.trace.bound[id(part)]
        if isinstance(given, Constant) and given.type.kind is TypeKind.UNKNOWN and _takes_any(call):
            position = next(at for at, each in enumerate(call.arguments) if each is typed)
            if _argument_type(call.function, position) is Polymorphic.ANY:
                return Const(given.value, UNKNOWN)
        return self._others.translate(typed)

    def _sequence(self, part: ast.Expression) -> Node:
        """The sequence of nextval and its kin, which PostgreSQL takes as regclass."""
        given = self._others.trace.bound[id(part)]
        if isinstance(given, Constant) and given.type.kind is TypeKind.UNKNOWN:
            return self._others.registered(str(given.value), _REGCLASS)
        node = self._others.translate(given)
        if given.type.kind is TypeKind.REGISTERED:
            return node
        return Cast(node, _REGCLASS, given.type, is_implicit=True)

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
        name = self._aggregate_name(call.aggregate)
        if node.is_within_group:
            count = len(node.arguments)
            direct = tuple([translate(each) for each in call.arguments[:count]])
            keys = tuple(
                SortItem(translate(key.expression), key.is_descending, key.nulls_first)
                for key in call.order_by
            )
            return AggregateNode(name, direct, keys, self._condition(node), is_within_group=True)
        arguments = self._arguments(name, node, call.arguments)
        # What an argument was before it was cast is ordered by as it is now.
        casts = {_without_cast(each): each for each in reversed(arguments)}
        order_by = tuple(
            replace(item, expression=casts.get(item.expression, item.expression))
            for item in self.order(node.order_by)
        )
        return AggregateNode(
            name,
            arguments,
            order_by,
            self._condition(node),
            is_distinct=node.is_distinct,
            is_star=node.is_star,
            is_variadic=node.is_variadic,
        )

    def _aggregate_name(self, callee: Aggregate | WindowFunction) -> str:
        """The name under which it is called."""
        steps = callee.create if isinstance(callee, Aggregate) else None
        if not isinstance(steps, AggregateSteps):
            return callee.name
        routine = steps.routine
        found = self._catalog.find_functions(routine.name, None, self._search_path)
        if all(each.oid != routine.oid for each in found):
            raise refuse("an aggregate of a schema that is not on the search path")
        return routine.name

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

    def _hypothetical(self, node: ast.FunctionCall) -> Node:
        """Direct arguments and sorted ones are brought to common types in pairs."""
        bound = self._others.trace.bound
        direct, keys = [], []
        for argument, item in zip(node.arguments, node.order_by, strict=True):
            types = (bound[id(item.expression)].type, bound[id(argument)].type)
            wanted = try_common_type(types) or types[0]
            direct.append(self._as(argument, wanted))
            keys.append(self.sort_item(item, self._as(item.expression, wanted)))
        return AggregateNode(
            node.name[-1],
            tuple(direct),
            tuple(keys),
            self._condition(node),
            is_within_group=True,
        )

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
        name = self._aggregate_name(call.callee)
        return WindowNode(
            name,
            self._arguments(name, node, call.arguments),
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


def _argument_type(function: Function, position: int) -> ArgumentType:
    return function.arguments[min(position, len(function.arguments) - 1)]


def _takes_any(call: Call) -> bool:
    return any(each is Polymorphic.ANY for each in call.function.arguments)


def typed_literal(literal: Constant, type_: SqlType) -> Const:
    """A literal of unknown type as the type that its context gives it."""
    if literal.value is None:
        return Const(None, type_)
    typed = read_literal(literal, type_, is_explicit=False, position=-1)
    if isinstance(typed, Constant):
        return Const(typed.value, type_)
    return Const(literal.value, type_, settled_text(literal.value, type_))


def _without_cast(node: Node) -> Node:
    while isinstance(node, Cast) and node.is_implicit:
        node = node.operand
    return node


def _stripped(bound: BoundExpression) -> BoundExpression:
    while isinstance(bound, CastTo) and not bound.is_explicit:
        bound = bound.operand
    return bound


def _as_text(node: Node, kind: SqlType) -> Node:
    if kind.kind is TypeKind.VARCHAR or (kind.kind is TypeKind.NAME):
        return Cast(node, TEXT, kind, is_implicit=True)
    return node
