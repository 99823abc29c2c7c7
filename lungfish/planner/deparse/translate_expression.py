"""Bound expressions as PostgreSQL's analysis would have left them.

What binding made of several nodes of the text (BETWEEN, IN, a CASE with an operand) is told by the node that it was bound from; see
`bind_trace.py`. Everything else follows from the bound expression alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lungfish import errors
from lungfish.functions.array_subscripts import OPEN_BOUNDS
from lungfish.functions.registry import Function
from lungfish.planner.bind_grouping import GROUPING
from lungfish.planner.bind_trace import BindTrace, Origin
from lungfish.planner.bind_type import find_type
from lungfish.planner.collated_calls import COLLATE
from lungfish.planner.deparse.columns import ColumnPlaces
from lungfish.planner.deparse.constants import settled_text
from lungfish.planner.deparse.nodes import (
    ArrayNode,
    ArrayOp,
    Bool,
    BooleanTest,
    CaseNode,
    Cast,
    CollateNode,
    Column,
    Const,
    Distinct,
    Field,
    Func,
    GroupingNode,
    Listed,
    Node,
    NullIf,
    NullTest,
    Op,
    Param,
    QueryTree,
    RangeItem,
    RowCompare,
    RowNode,
    Sublink,
    Subscript,
    SystemColumn,
    Word,
)
from lungfish.planner.deparse.translate_json import translate_json
from lungfish.planner.expressions import (
    AndAll,
    ArrayExpr,
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    CoalesceExpr,
    ColumnRef,
    Constant,
    DomainExpr,
    ExtremeExpr,
    InListExpr,
    IsBooleanExpr,
    IsDistinctExpr,
    IsNullExpr,
    NotExpr,
    OrAny,
    ParameterRef,
    QuantifiedArrayExpr,
    RowExpr,
    SubqueryExpr,
)
from lungfish.planner.row_fields import field_function
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.json import JsonAggregate, JsonArrayQuery
from lungfish.sql.ast.queries import Query
from lungfish.types.sql_type import SqlType, TypeKind, array_of

# Written without parentheses.
BARE_WORDS = frozenset(
    {"current_date", "current_user", "session_user", "current_role", "user", "current_catalog", "current_schema",
     "current_timestamp", "localtimestamp", "current_time", "localtime", "system_user"}
)  # fmt: skip
_ROW_ORDERS = frozenset({"<", "<=", ">", ">="})


def refuse(what: str) -> errors.Error:
    """The error for what cannot be written back."""
    return errors.FeatureNotSupported(f"writing {what} back as SQL is not supported")


class ExpressionTranslator:
    """Translates the expressions of one statement. `translate_query` does the queries inside of them."""

    def __init__(
        self,
        trace: BindTrace,
        places: ColumnPlaces,
        translate_query: Callable[[Query], QueryTree],
        translate_call: Callable[
            [ast.FunctionCall | JsonAggregate, BoundExpression, Origin], Node | None
        ],
        find_relation: Callable[[str], int | None],
    ) -> None:
        self.trace = trace
        self.places = places
        self._query = translate_query
        self._traced_call = translate_call
        self._find_relation = find_relation
        # The columns that were met.
        self.used: set[tuple[RangeItem, int]] = set()

    def note_used(self, *columns: ColumnRef) -> None:
        """Keep where columns come from."""
        self.used.update(self.places.places_of([each.index for each in columns]))

    def node(self, part: ast.Expression) -> Node:
        """What the binder made of a node of the text."""
        return self.translate(self.trace.bound[id(part)])

    def nodes(self, parts: Sequence[ast.Expression]) -> tuple[Node, ...]:
        """As `node`, for each."""
        return tuple([self.node(part) for part in parts])

    def translate(self, bound: BoundExpression) -> Node:
        """A bound expression."""
        origin = self.trace.origin(bound)
        if origin is not None:
            found = self._by_origin(bound, origin)
            if found is not None:
                return found
        return self._plain(bound)

    def _all(self, parts: Sequence[BoundExpression]) -> tuple[Node, ...]:
        return tuple([self.translate(part) for part in parts])

    # What the text tells.

    def _by_origin(self, bound: BoundExpression, origin: Origin) -> Node | None:
        match origin.node:
            case ast.FunctionCall() | JsonAggregate() as node:
                return self._traced_call(node, bound, origin)
            case JsonArrayQuery() as node:
                return self._sublink(self.trace.expansions[id(node)], bound)
            case ast.Name() | ast.Star() as node if not (
                isinstance(bound, ColumnRef) and self.places.knows(bound)
            ):
                return self._row_or_system(node, bound, origin)
            case ast.Cast() as node:
                return self._cast(node, bound, origin.scope)
            case ast.And() | ast.Or() as node:
                return self._logic(node)
            case ast.Case() as node:
                return self._case(node, bound)
            case ast.NullIf() if isinstance(bound, CaseExpr):
                condition = bound.branches[0][0]
                assert isinstance(condition, Call)
                return NullIf(self._all(condition.arguments))
            case ast.Between() as node if isinstance(bound, AndAll | OrAny):
                return self._between(node, bound)
            case ast.IsDistinct() as node if isinstance(bound, IsNullExpr):
                return self._distinct_from_null(node)
            case ast.InList() as node if isinstance(bound, AndAll | OrAny) and len(node.items) > 1:
                return self._one_by_one(node, bound)
            case ast.Binary() as node:
                return self._binary(node, bound)
            case ast.Subquery() | ast.Exists() | ast.ArraySubquery() | ast.QuantifiedSubquery():
                return self._sublink(origin.node, bound)
            case _:
                return None

    def _row_or_system(
        self, node: ast.Name | ast.Star, bound: BoundExpression, origin: Origin
    ) -> Node:
        if isinstance(node, ast.Name):
            found = origin.scope.find_entry(node.parts[-1])
            if found is None:
                owner = self.places.table_of(node, origin.scope)
                return SystemColumn(owner, node.parts[-1])
        else:
            found = origin.scope.find_entry(node.qualifier[-1])
        assert found is not None, "the name was found when it was bound"
        item = self.places.item_of(found[0])
        if item is None:
            # The columns that USING merged, under a name of their own.
            assert isinstance(bound, RowExpr)
            return RowNode(self._all(bound.items))
        return Column(item, None, bound.type)

    def _cast(self, node: ast.Cast, bound: BoundExpression, scope: Scope) -> Node | None:
        inner = self.trace.bound.get(id(node.operand))
        if isinstance(bound, Constant):
            return self._cast_constant(node, bound, scope)
        if inner is not None and inner == bound:
            found = self.translate(inner)
            if not inner.type.modifiers or node.type_name.modifiers:
                return found
            # What the cast takes away is the length.
            return Cast(found, inner.type.unmodified, inner.type, is_implicit=False)
        if isinstance(bound, DomainExpr):
            return Cast(
                self.translate(bound.operand), bound.type, bound.operand.type, is_implicit=False
            )
        if isinstance(bound, RowExpr) and bound.type.name is not None and inner is not None:
            return RowNode(self._all(bound.items), bound.type)
        return None

    def _cast_constant(self, node: ast.Cast, bound: Constant, scope: Scope) -> Node:
        """A literal of a type with a length is kept whole, beneath the cast that cuts it."""
        made = constant(bound)
        if bound.value is None and node.type_name.modifiers:
            declared = find_type(node.type_name, scope.state)
            return Cast(made, declared, made.type, is_implicit=False)
        plain = bound.type.unmodified
        literal = node.operand
        if plain == bound.type or bound.type.kind is TypeKind.INTERVAL:
            return made
        if isinstance(literal, ast.Literal) and literal.kind is ast.Literal.Kind.STRING:
            made = Const(bound.value, plain, settled_text(literal.text, plain))
        return Cast(made, bound.type, plain, is_implicit=False)

    def _logic(self, node: ast.And | ast.Or) -> Node | None:
        operands = [self.trace.bound.get(id(operand)) for operand in node.operands]
        if any(each is None or each.type.kind is not TypeKind.BOOLEAN for each in operands):
            return None
        kind = "and" if isinstance(node, ast.And) else "or"
        return Bool(kind, tuple([self.translate(each) for each in operands if each is not None]))

    def _case(self, node: ast.Case, bound: BoundExpression) -> Node | None:
        if node.operand is None or not isinstance(bound, CaseExpr):
            return None
        branches = []
        operand: Node | None = None
        for (condition, result), branch in zip(bound.branches, node.branches, strict=True):
            if isinstance(condition, Call) and len(condition.arguments) == 2:
                value = self.translate(condition.arguments[1])
                left = condition.arguments[0]
                operand = operand or (
                    self.translate(left) if isinstance(left, Constant) else self.node(node.operand)
                )
            else:
                value = self.node(branch.condition)
            branches.append((value, self.translate(result)))
        default = self.translate(bound.default)
        return CaseNode(operand or self.node(node.operand), tuple(branches), default)

    def _between(self, node: ast.Between, bound: AndAll | OrAny) -> Node:
        kind = "and" if isinstance(bound, AndAll) else "or"
        if not node.is_symmetric:
            return Bool(kind, self._all(bound.operands))
        inner = "or" if kind == "and" else "and"
        pairs = [part for part in bound.operands if isinstance(part, AndAll | OrAny)]
        return Bool(kind, tuple([Bool(inner, self._all(pair.operands)) for pair in pairs]))

    def _distinct_from_null(self, node: ast.IsDistinct) -> Node | None:
        """Only a NULL without a type makes a test for null of it."""
        kinds = ast.Literal.Kind
        for side in (node.left, node.right):
            if isinstance(side, ast.Literal) and side.kind is kinds.NULL:
                return None
        found = Distinct(self.node(node.left), self.node(node.right))
        return Bool("not", (found,)) if node.is_negated else found

    def _one_by_one(self, node: ast.InList, bound: AndAll | OrAny) -> Node:
        """IN whose items are not all compared as one list: the list first, then the others, each around what is before."""
        first, *rest = bound.operands
        if isinstance(first, InListExpr) and len(rest) == 1 and type(rest[0]) is type(bound):
            assert isinstance(rest[0], AndAll | OrAny)
            rest = list(rest[0].operands)
        found = self.translate(first)
        for part in rest:
            found = Bool("and" if node.is_negated else "or", (found, self.translate(part)))
        return found

    def _binary(self, node: ast.Binary, bound: BoundExpression) -> Node | None:
        if isinstance(node.left, ast.Row) and isinstance(node.right, ast.Subquery):
            left = self.nodes(node.left.items)
            return Sublink("row", self._query(node.right.query), left, node.operator)
        if node.operator in _ROW_ORDERS and isinstance(bound, OrAny):
            left_items, right_items = _compared_rows(bound)
            return RowCompare(node.operator, self._all(left_items), self._all(right_items))
        return None

    def _sublink(self, node: ast.Expression, bound: BoundExpression) -> Node:
        match node:
            case ast.Subquery():
                return Sublink("scalar", self._query(node.query))
            case ast.Exists():
                return Sublink("exists", self._query(node.query))
            case ast.ArraySubquery():
                return Sublink("array", self._query(node.query))
        assert isinstance(node, ast.QuantifiedSubquery)
        inner = bound.operand if isinstance(bound, NotExpr) else bound
        if not isinstance(inner, SubqueryExpr):
            raise refuse("this comparison with a subquery")
        left = self._all(inner.operands)
        tree = self._query(node.query)
        if node.is_not_in:
            return Bool("not", (Sublink("any", tree, left, "="),))
        return Sublink("all" if node.is_all else "any", tree, left, node.operator)

    # What the bound expression tells.

    def _plain(self, bound: BoundExpression) -> Node:
        match bound:
            case ColumnRef():
                self.note_used(bound)
                return self.places.column(bound)
            case Constant():
                return constant(bound)
            case ParameterRef():
                return Param(bound.index)
            case Call():
                return self._call(bound)
            case CastTo():
                return self._cast_to(bound)
            case DomainExpr():
                return Cast(
                    self.translate(bound.operand), bound.type, bound.operand.type, is_implicit=True
                )
            case AndAll():
                return Bool("and", self._all(bound.operands))
            case OrAny():
                return Bool("or", self._all(bound.operands))
            case NotExpr():
                return Bool("not", (self.translate(bound.operand),))
            case IsNullExpr():
                return NullTest(self.translate(bound.operand), bound.is_negated)
            case _:
                return self._compound(bound)

    def _compound(self, bound: BoundExpression) -> Node:
        match bound:
            case IsBooleanExpr():
                word = {True: "TRUE", False: "FALSE", None: "UNKNOWN"}[bound.value]
                return BooleanTest(
                    self.translate(bound.operand), f"NOT {word}" if bound.is_negated else word
                )
            case IsDistinctExpr():
                found = Distinct(self.translate(bound.left), self.translate(bound.right))
                return Bool("not", (found,)) if bound.is_negated else found
            case CaseExpr():
                branches = tuple(
                    (self.translate(condition), self.translate(result))
                    for condition, result in bound.branches
                )
                return CaseNode(None, branches, self.translate(bound.default))
            case CoalesceExpr():
                return Listed("COALESCE", self._all(bound.operands))
            case ExtremeExpr():
                word = "GREATEST" if bound.is_greatest else "LEAST"
                return Listed(word, self._all(bound.operands))
            case InListExpr():
                return self._in_list(bound)
            case ArrayExpr():
                return ArrayNode(self._all(bound.items), bound.type)
            case RowExpr():
                return RowNode(self._all(bound.items))
            case QuantifiedArrayExpr():
                left, right = self.translate(bound.operand), self.translate(bound.array)
                symbol = bound.operator.name
                return ArrayOp(symbol, left, right, bound.is_all, bound.array.type)
            case _:
                raise refuse(type(bound).__name__)

    def _in_list(self, bound: InListExpr) -> Node:
        symbol = "<>" if bound.is_negated else "="
        left = bound.operand
        items = bound.items
        inner = [item.operand if _is_implicit(item) else None for item in items]  # type: ignore[union-attr]
        if (
            _is_implicit(left)
            and isinstance(left, CastTo)
            and all(each is not None and each.type.kind is left.operand.type.kind for each in inner)
        ):
            # The list has the operand's type, and as a whole is cast to the operator's.
            element = left.operand.type.unmodified
            made = ArrayNode(
                self._all([each for each in inner if each is not None]), array_of(element)
            )
            cast = Cast(made, array_of(left.type), made.type, is_implicit=True)
            return ArrayOp(symbol, self.translate(left), cast, bound.is_negated, cast.type)
        array = ArrayNode(self._all(items), array_of(items[0].type.unmodified))
        return ArrayOp(symbol, self.translate(left), array, bound.is_negated, array.type)

    def _call(self, bound: Call) -> Node:
        json = translate_json(bound, self.translate)
        if json is not None:
            return json
        name, arguments = bound.function.name, bound.arguments
        if bound.function is COLLATE:
            collation = arguments[1]
            assert isinstance(collation, Constant)
            return CollateNode(self.translate(arguments[0]), collation.value)
        if bound.function is GROUPING:
            return GroupingNode(self._all(arguments))
        if name in BARE_WORDS:
            return Word(f"{name.upper()}{_digits(arguments)}")
        if name in ("array_subscript", "array_slice", "jsonb_subscript"):
            return self._subscripts(name, arguments)
        if name == "row_field":
            return Field(self.translate(arguments[0]), _field_name(arguments[0], bound.function))
        if name in ("row_is_null", "row_is_not_null"):
            return NullTest(self.translate(arguments[0]), name == "row_is_not_null")
        translated = self._all(arguments)
        if not (name[:1].isalpha() or name[:1] == "_") or name.startswith("OPERATOR("):
            return Op(name, translated)
        return Func(name, translated, is_variadic=bound.is_variadic_array)

    def _cast_to(self, bound: CastTo) -> Node:
        operand = bound.operand
        if isinstance(operand, Constant) and self._is_literal(operand, bound.type):
            plain = bound.type.unmodified
            if plain.kind is TypeKind.REGISTERED:
                return self.registered(operand.value, plain)
            if plain.kind is TypeKind.INTERVAL:
                plain = bound.type
            made = Const(operand.value, plain, settled_text(operand.value, plain))
            return made if plain == bound.type else Cast(made, bound.type, plain, is_implicit=True)
        return Cast(self.translate(operand), bound.type, operand.type, not bound.is_explicit)

    def _is_literal(self, operand: Constant, target: SqlType) -> bool:
        """Whether each execution reads a literal anew, as what it means depends on the settings."""
        is_text = operand.type.kind in (TypeKind.TEXT, TypeKind.UNKNOWN)
        is_made = self.trace.origin(operand) is None or operand.type.kind is TypeKind.UNKNOWN
        return is_text and is_made and target.kind is not TypeKind.TEXT

    def registered(self, text: str, type_: SqlType) -> Node:
        """A name that stands for an oid; that of a relation follows it."""
        if type_.name == "regclass":
            found = self._find_relation(text)
            if found is not None:
                return Const(found, type_)
        return Const(text, type_, text)

    def _subscripts(self, name: str, arguments: tuple[BoundExpression, ...]) -> Node:
        array, *bounds = arguments
        operand = self.translate(array)
        found: list[tuple[Node | None, Node | None, bool]] = []
        if name == "array_slice":
            for lower, upper in zip(bounds[::2], bounds[1::2], strict=True):
                pair = (self._bound(lower, OPEN_BOUNDS[0]), self._bound(upper, OPEN_BOUNDS[1]))
                found.append((*pair, True))
            return Subscript(operand, tuple(found))
        if name == "jsonb_subscript" and isinstance(operand, Subscript):
            return Subscript(
                operand.operand, (*operand.subscripts, (None, self.translate(bounds[0]), False))
            )
        return Subscript(operand, tuple((None, self.translate(each), False) for each in bounds))

    def _bound(self, bound: BoundExpression, open_bound: int) -> Node | None:
        if isinstance(bound, Constant) and bound.value == open_bound:
            return None
        return self.translate(bound)


def constant(bound: Constant) -> Const:
    """A constant, which has no length of its own, but for the fields of an interval."""
    kept = bound.type.kind is TypeKind.INTERVAL
    return Const(bound.value, bound.type if kept else bound.type.unmodified)


def _digits(arguments: tuple[BoundExpression, ...]) -> str:
    """The precision of CURRENT_TIMESTAMP(2)."""
    return "".join(f"({each.value})" for each in arguments if isinstance(each, Constant))


def _is_implicit(bound: BoundExpression) -> bool:
    return isinstance(bound, CastTo) and not bound.is_explicit


def _field_name(row: BoundExpression, take: Function) -> str:
    """The name of the field that the function takes out of the row."""
    for position, label in enumerate(row.type.labels):
        if field_function(position) is take:
            return label
    raise refuse("a field without a name")


def _compared_rows(
    bound: OrAny,
) -> tuple[list[BoundExpression], list[BoundExpression]]:
    """Both sides of a comparison that bind_operator.compare_rows took apart."""
    left: list[BoundExpression] = []
    right: list[BoundExpression] = []
    rest: BoundExpression = bound
    while isinstance(rest, OrAny):
        first, tied = rest.operands
        assert isinstance(first, Call)
        assert isinstance(tied, AndAll)
        left.append(first.arguments[0])
        right.append(first.arguments[1])
        rest = tied.operands[1]
    assert isinstance(rest, Call)
    left.append(rest.arguments[0])
    right.append(rest.arguments[1])
    return left, right
