"""Expressions written as ruleutils.c writes them: every operator in parentheses, or with `is_pretty` only where they are needed.

An implicit cast is shown where the choice of a function or operator hangs on it, so among arguments, and not elsewhere
(`show_implicit`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Oid, SqlFunction
from lungfish.planner.deparse.cast_kinds import is_done_by_function, needs_no_cast
from lungfish.planner.deparse.constants import write_const
from lungfish.planner.deparse.layout import VARIABLE, Layout
from lungfish.planner.deparse.nodes import (
    AggregateNode,
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
    Mixed,
    Node,
    NullIf,
    NullTest,
    Op,
    Param,
    QueryTree,
    RowCompare,
    RowNode,
    SortItem,
    Sublink,
    Subscript,
    SystemColumn,
    TargetNode,
    Window,
    WindowNode,
    Word,
)
from lungfish.planner.deparse.simple import is_simple
from lungfish.planner.deparse.sql_syntax import write_sql_syntax
from lungfish.planner.deparse.type_text import relation_text, type_text
from lungfish.planner.deparse.write_calls import write_aggregate, write_window, write_window_call
from lungfish.sql.quoting import quote_identifier, quote_qualified
from lungfish.types.sql_type import SqlType, TypeKind

# Functions whose names mean something else in GROUP BY.
_GROUPING_WORDS = frozenset({"cube", "rollup"})


@dataclass(slots=True)
class Surroundings:
    """What of the query around an expression its text depends on."""

    # Whether columns are shown with their table.
    has_prefix: bool = False
    # The targets with the names that they get, which ORDER BY must not be taken for.
    targets: Sequence[TargetNode] = ()
    is_in_group_by: bool = False
    is_in_order_by: bool = False


class ExpressionWriter:
    """Writes expressions into a layout. `write_query` does the queries inside of them."""

    def __init__(
        self,
        layout: Layout,
        catalog: Catalog,
        search_path: tuple[str, ...],
        write_query: Callable[[QueryTree], None],
        *,
        is_stored: bool,
    ) -> None:
        self.layout = layout
        self.around = Surroundings()
        self.catalog = catalog
        self.search_path = search_path
        self._write_query = write_query
        # Whether the text must be read back as it was analysed, not as PostgreSQL shows it.
        self.is_stored = is_stored

    def type(self, type_: SqlType) -> str:
        """The type's name, with its schema where the search path does not find it."""
        return type_text(type_, self.catalog, self.search_path)

    def _mixed(self, node: Mixed) -> None:
        for part in node.parts:
            match part:
                case str():
                    self.layout.add(part)
                case SqlType():
                    self.layout.add(self.type(part))
                case Window():
                    write_window(self, part)
                case tuple():
                    self.order(part)
                case _:
                    self.write(part, show_implicit=True)

    def within(self, node: Node, parent: Node, *, show_implicit: bool) -> None:
        """An operand: in parentheses where the pretty form needs them."""
        is_bare = not self.layout.is_pretty or is_simple(node, parent)
        self._enclosed(node, is_bare=is_bare, show_implicit=show_implicit)

    def _enclosed(self, node: Node, *, is_bare: bool, show_implicit: bool) -> None:
        if not is_bare:
            self.layout.add("(")
        self.write(node, show_implicit=show_implicit)
        if not is_bare:
            self.layout.add(")")

    def list(self, nodes: Sequence[Node], *, show_implicit: bool = True) -> None:
        """Expressions with commas between them."""
        for index, node in enumerate(nodes):
            if index:
                self.layout.add(", ")
            self.write(node, show_implicit=show_implicit)

    def top_level(self, node: Node, *, show_implicit: bool) -> None:
        """As `write`, but a whole row is kept from being read as all its columns."""
        if isinstance(node, Column):
            self.column(node, is_top_level=True)
        else:
            self.write(node, show_implicit=show_implicit)

    def _top_level_list(self, nodes: Sequence[Node]) -> None:
        for index, node in enumerate(nodes):
            if index:
                self.layout.add(", ")
            self.top_level(node, show_implicit=True)

    def _open(self) -> None:
        if not self.layout.is_pretty:
            self.layout.add("(")

    def _close(self) -> None:
        if not self.layout.is_pretty:
            self.layout.add(")")

    def write(self, node: Node, *, show_implicit: bool = False) -> None:
        """The expression."""
        add = self.layout.add
        match node:
            case Column():
                self.column(node)
            case SystemColumn():
                add(self._qualified(node.item.reference, node.name))
            case Const():
                add(self._constant(node))
            case Param():
                add(f"${node.index + 1}")
            case Mixed():
                self._mixed(node)
            case Word():
                add(node.text)
            case Func():
                self._func(node)
            case Cast():
                if node.is_implicit and not show_implicit:
                    self.within(node.operand, node, show_implicit=False)
                else:
                    self._cast(node)
            case Op():
                self._operator(node)
            case Bool():
                self._bool(node)
            case CaseNode():
                self._case(node)
            case Subscript():
                self._subscript(node, show_implicit=show_implicit)
            case AggregateNode():
                write_aggregate(self, node)
            case WindowNode():
                write_window_call(self, node)
            case Sublink():
                self._sublink(node)
            case _:
                self._other(node, show_implicit=show_implicit)

    def _constant(self, node: Const, label: int = 0) -> str:
        if node.type.kind is TypeKind.REGISTERED and isinstance(node.value, int):
            name = relation_text(node.value, self.catalog, self.search_path)
            node = Const(name, node.type, name)
        return write_const(node, self.type, label=label)

    def _other(self, node: Node, *, show_implicit: bool) -> None:
        add = self.layout.add
        match node:
            case Distinct():
                self._open()
                self.within(node.left, node, show_implicit=True)
                add(" IS DISTINCT FROM ")
                self.within(node.right, node, show_implicit=True)
                self._close()
            case NullTest() | BooleanTest():
                self._open()
                self.within(node.operand, node, show_implicit=True)
                add(f" IS {_test_words(node)}")
                self._close()
            case ArrayOp():
                self._array_operator(node)
            case CollateNode():
                self._open()
                self.within(node.operand, node, show_implicit=show_implicit)
                add(f" COLLATE {quote_identifier(node.collation)}")
                self._close()
            case RowCompare():
                add("(ROW(")
                self._top_level_list(node.left)
                add(f") {node.symbol} ROW(")
                self._top_level_list(node.right)
                add("))")
            case _:
                self._bracketed(node)

    def _bracketed(self, node: Node) -> None:
        """What is a word, and a list in parentheses or brackets."""
        add = self.layout.add
        match node:
            case NullIf():
                add("NULLIF(")
                self.list(node.operands)
                add(")")
            case Listed():
                add(f"{node.word}(")
                self.list(node.operands)
                add(")")
            case GroupingNode():
                add("GROUPING(")
                self.list(node.operands)
                add(")")
            case ArrayNode():
                add("ARRAY[")
                self.list(node.items)
                add("]")
                if not node.items:
                    add(f"::{self.type(node.type)}")
            case RowNode():
                add("ROW(")
                self._top_level_list(node.items)
                add(")")
                if node.type is not None:
                    add(f"::{self.type(node.type)}")
            case Field():
                is_bare = isinstance(node.operand, Subscript | Field)
                self._enclosed(node.operand, is_bare=is_bare, show_implicit=True)
                add(f".{quote_identifier(node.name)}")
            case _:
                raise AssertionError(f"no way to write {type(node).__name__}")

    # Columns.

    def column(self, node: Column, *, is_top_level: bool = False) -> str | None:
        """A column; answers its name, or None for a whole row."""
        item, add = node.item, self.layout.add
        name = None if node.position is None else item.names[node.position]
        if item.join is not None and item.alias is None:
            assert name is not None
            add(quote_identifier(name))
            return name
        if name is None:
            add(f"{quote_identifier(item.reference or '')}.*")
            if is_top_level:
                add(f"::{self._row_type(node)}")
            return None
        has_prefix = self.around.has_prefix or self._is_mistaken(node, name)
        add(self._qualified(item.reference, name) if has_prefix else quote_identifier(name))
        return name

    def _row_type(self, node: Column) -> str:
        return self.type(node.type) if node.type.oid else "record"

    def _qualified(self, reference: str | None, name: str) -> str:
        if not self.around.has_prefix and reference is not None and name == "tableoid":
            return quote_identifier(name)
        return quote_qualified(reference, name)

    def _is_mistaken(self, node: Column, name: str) -> bool:
        """Whether ORDER BY would take the bare name for another output column."""
        if not self.around.is_in_order_by or self.around.is_in_group_by:
            return False
        return any(
            target.name == name and target.expression != node for target in self.around.targets
        )

    # Calls and operators.

    def function_name(self, name: str, oid: int = 0) -> str:
        """A function's name, with its schema where that is needed."""
        function = self.catalog.object(Oid(oid)) if oid else None
        if isinstance(function, SqlFunction):
            found = self.catalog.find_functions(function.name, None, self.search_path)
            if any(each.oid == oid for each in found):
                return quote_identifier(function.name)
            schema = self.catalog.namespace_name(function.namespace_oid)
            return quote_qualified(schema, function.name)
        if name in _GROUPING_WORDS and self.around.is_in_group_by:
            return f"pg_catalog.{name}"
        return quote_identifier(name)

    def _func(self, node: Func) -> None:
        if node.is_sql_syntax and write_sql_syntax(self, node):
            return
        self.layout.add(f"{self.function_name(node.name, node.oid)}(")
        first_named = len(node.arguments) - len(node.names)
        for index, argument in enumerate(node.arguments):
            if index:
                self.layout.add(", ")
            if index >= first_named:
                self.layout.add(f"{quote_identifier(node.names[index - first_named])} => ")
            if node.is_variadic and index == len(node.arguments) - 1:
                self.layout.add("VARIADIC ")
            self.write(argument, show_implicit=True)
        self.layout.add(")")

    def _cast(self, node: Cast) -> None:
        operand = node.operand
        if (
            isinstance(operand, Const)
            and operand.type == node.type.unmodified
            and not operand.type.modifiers
        ):
            self.layout.add(self._constant(operand, -1))
        else:
            self._open()
            self.within(operand, node, show_implicit=False)
            self._close()
        self.layout.add(f"::{self.type(node.type)}")

    def _operator(self, node: Op) -> None:
        self._open()
        bare = Op(
            node.symbol, tuple(_bare_operand(node, place) for place in range(len(node.operands)))
        )
        *left, right = bare.operands
        if left:
            self.within(left[0], bare, show_implicit=True)
        self.layout.add(f" {bare.symbol} " if left else f"{bare.symbol} ")
        if self.is_stored and bare.symbol == "-" and not left and isinstance(right, Const):
            # With a bare number the parser would make a negative one of it.
            self.layout.add(self._constant(right, 1))
        else:
            self.within(right, bare, show_implicit=True)
        self._close()

    def _array_operator(self, node: ArrayOp) -> None:
        self._open()
        self.within(_bare_array_operand(node), node, show_implicit=True)
        self.layout.add(f" {node.symbol} {'ALL' if node.is_all else 'ANY'} (")
        self.within(node.right, node, show_implicit=True)
        if isinstance(node.right, Sublink) and node.right.kind == "scalar":
            self.layout.add(f"::{self.type(node.type)}")
        self.layout.add(")")
        self._close()

    def _bool(self, node: Bool) -> None:
        self._open()
        if node.kind == "not":
            self.layout.add("NOT ")
        for index, operand in enumerate(node.operands):
            if index:
                self.layout.add(f" {node.kind.upper()} ")
            if self.is_stored and not index and _is_merged(operand, node):
                self._enclosed(operand, is_bare=False, show_implicit=False)
                self.layout.add("::boolean")
            else:
                self.within(operand, node, show_implicit=False)
        self._close()

    def _case(self, node: CaseNode) -> None:
        layout = self.layout
        layout.keyword("CASE", 0, VARIABLE)
        if node.operand is not None:
            layout.add(" ")
            self.write(node.operand, show_implicit=True)
        for condition, result in node.branches:
            layout.keyword("WHEN ")
            self.write(condition)
            layout.add(" THEN ")
            self.write(result, show_implicit=True)
        layout.keyword("ELSE ")
        self.write(node.default, show_implicit=True)
        layout.keyword("END", -VARIABLE)

    def _subscript(self, node: Subscript, *, show_implicit: bool) -> None:
        is_bare = isinstance(node.operand, Column | Field)
        self._enclosed(node.operand, is_bare=is_bare, show_implicit=show_implicit)
        for lower, upper, is_slice in node.subscripts:
            self.layout.add("[")
            if is_slice:
                if lower is not None:
                    self.write(lower)
                self.layout.add(":")
            if upper is not None:
                self.write(upper)
            self.layout.add("]")

    def order(self, items: Sequence[SortItem]) -> None:
        """The items of ORDER BY."""
        for index, item in enumerate(items):
            if index:
                self.layout.add(", ")
            if item.number is not None:
                self.layout.add(str(item.number))
            else:
                self.sort_expression(item.expression)
            if item.is_descending:
                self.layout.add(" DESC" if item.nulls_first else " DESC NULLS LAST")
            elif item.nulls_first:
                self.layout.add(" NULLS FIRST")

    def sort_expression(self, node: Node) -> None:
        """What is sorted or grouped by, so that it is not taken for a number, an output column or a word of GROUP BY."""
        if isinstance(node, Const):
            self.layout.add(self._constant(node, 1))
        elif isinstance(node, Column):
            saved, self.around.is_in_order_by = self.around.is_in_order_by, True
            self.column(node)
            self.around.is_in_order_by = saved
        else:
            is_call = isinstance(node, Func | AggregateNode | WindowNode) or (
                isinstance(node, Cast) and is_done_by_function(node.source, node.type)
            )
            is_bare = not self.layout.is_pretty and not is_call
            self._enclosed(node, is_bare=is_bare, show_implicit=True)

    # Subqueries.

    def _sublink(self, node: Sublink) -> None:
        add = self.layout.add
        add("ARRAY(" if node.kind == "array" else "(")
        if len(node.left) == 1 and node.kind != "row":
            self.write(node.left[0], show_implicit=True)
        elif node.left:
            add("(")
            self.list(node.left)
            add(")")
        is_enclosed = True
        match node.kind:
            case "exists":
                add("EXISTS ")
            case "any":
                add(" IN " if node.symbol == "=" else f" {node.symbol} ANY ")
            case "all":
                add(f" {node.symbol} ALL ")
            case "row":
                add(f" {node.symbol} ")
            case _:
                is_enclosed = False
        add("(" if is_enclosed else "")
        self._write_query(node.query)
        add("))" if is_enclosed else ")")


def _is_merged(first: Node, parent: Bool) -> bool:
    """Whether the parser would take the first operand's own operands for the parent's; a cast that does nothing keeps them apart."""
    return isinstance(first, Bool) and first.kind == parent.kind and len(parent.operands) > 1


def _bare_operand(node: Op, index: int) -> Node:
    """An operand without a cast that PostgreSQL does not need, having the operator for both types."""
    operand = node.operands[index]
    if len(node.operands) != 2 or not isinstance(operand, Cast) or not operand.is_implicit:
        return operand
    return operand.operand if needs_no_cast(node.symbol, operand) else operand


def _bare_array_operand(node: ArrayOp) -> Node:
    left = node.left
    if isinstance(left, Cast) and left.is_implicit and not isinstance(node.right, Cast):
        return left.operand if needs_no_cast(node.symbol, left) else left
    return left


def _test_words(node: NullTest | BooleanTest) -> str:
    if isinstance(node, BooleanTest):
        return node.words
    return "NOT NULL" if node.is_negated else "NULL"
