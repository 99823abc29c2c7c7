"""Which operands need no parentheses in the pretty form: PostgreSQL's isSimpleNode."""

from __future__ import annotations

from lungfish.planner.deparse.cast_kinds import is_done_by_function
from lungfish.planner.deparse.nodes import (
    AggregateNode,
    ArrayNode,
    Bool,
    BooleanTest,
    CaseNode,
    Cast,
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
    RowNode,
    Sublink,
    Subscript,
    SystemColumn,
    WindowNode,
    Word,
)

# Single words, and what brings parentheses, brackets or words of its own.
_ALWAYS = (
    Column,
    SystemColumn,
    Const,
    Param,
    Word,
    Subscript,
    ArrayNode,
    RowNode,
    Listed,
    NullIf,
    AggregateNode,
    GroupingNode,
    WindowNode,
    Func,
    CaseNode,
    Mixed,
)
# Parents that set their operands apart.
_SEPARATING = (
    Subscript,
    ArrayNode,
    RowNode,
    Listed,
    NullIf,
    AggregateNode,
    GroupingNode,
    WindowNode,
    CaseNode,
)
_ADDING = frozenset("+-")
_MULTIPLYING = frozenset("*/%")


def is_simple(node: Node, parent: Node) -> bool:
    """Whether the operand is read as one without parentheses."""
    if isinstance(node, _ALWAYS):
        return True
    match node:
        case Field():
            return not isinstance(parent, Field)
        case Cast():
            # A cast that is done by a function looks like one.
            return is_done_by_function(node.source, node.type) or is_simple(node.operand, node)
        case Op() if isinstance(parent, Op):
            return _binds_tighter(node, parent)
        case Op() | Sublink() | NullTest() | BooleanTest() | Distinct():
            return isinstance(parent, (Bool, *_SEPARATING)) or _is_plain_call(parent)
        case Bool():
            if isinstance(parent, Bool):
                return parent.kind == "or" or (parent.kind == "and" and node.kind != "or")
            return isinstance(parent, _SEPARATING) or _is_plain_call(parent)
        case _:
            return False


def _is_plain_call(parent: Node) -> bool:
    return isinstance(parent, Func) and not parent.is_sql_syntax


def _binds_tighter(node: Op, parent: Op) -> bool:
    """Of + - * / and %: whether the inner operation comes first without parentheses."""
    if len(node.operands) != 2 or len(parent.operands) != 2:
        return False
    inner, outer = node.symbol, parent.symbol
    if inner in _MULTIPLYING and outer in _ADDING:
        return True
    same = (inner in _ADDING and outer in _ADDING) or (
        inner in _MULTIPLYING and outer in _MULTIPLYING
    )
    return same and node is parent.operands[0]
