"""Calls: functions, aggregates, window functions, and the keywords that stand for functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lungfish.sql.ast.expressions import (
    Expression,
    FrameBound,
    FunctionCall,
    Literal,
    WindowDefinition,
    WindowFrame,
)
from lungfish.sql.ast.queries import OrderItem
from lungfish.sql.libpg import Node
from lungfish.sql.lowering import Lowering, operator_name, require_only, strings

_CALL_FIELDS = frozenset(
    {
        "funcname",
        "args",
        "agg_order",
        "agg_filter",
        "over",
        "agg_within_group",
        "agg_star",
        "agg_distinct",
        "func_variadic",
        "funcformat",
        "location",
    }
)
# The fields of a plain call, which most calls are.
_PLAIN_CALL_FIELDS = frozenset({"funcname", "args", "funcformat", "location"})


def lower_call(fields: Node, lowering: Lowering) -> FunctionCall:
    """A FuncCall. The keyword spellings (EXTRACT, POSITION, AT TIME ZONE, ...) are already calls in the raw tree."""
    position = fields.get("location", 0)
    arguments, names = _lower_arguments(fields.get("args", ()), lowering)
    name = strings(fields["funcname"])
    is_sql_syntax = fields.get("funcformat") == "COERCE_SQL_SYNTAX"
    if fields.keys() <= _PLAIN_CALL_FIELDS:
        return FunctionCall(name, arguments, names, is_sql_syntax=is_sql_syntax, position=position)
    require_only(fields, _CALL_FIELDS, position=position)
    over = fields.get("over")
    return FunctionCall(
        name=name,
        arguments=arguments,
        argument_names=names,
        is_star=fields.get("agg_star", False),
        is_distinct=fields.get("agg_distinct", False),
        is_variadic=fields.get("func_variadic", False),
        order_by=lower_order(fields.get("agg_order", ()), lowering),
        is_within_group=fields.get("agg_within_group", False),
        filter=lowering.optional_expression(fields.get("agg_filter")),
        window=None if over is None else lower_over(over, lowering),
        position=position,
    )


def _lower_arguments(
    nodes: Sequence[Node], lowering: Lowering
) -> tuple[tuple[Expression, ...], tuple[tuple[str, int], ...]]:
    """The arguments, and the names of those that have one."""
    arguments = []
    names = []
    for index, node in enumerate(nodes):
        named = node.get("NamedArgExpr")
        if named is not None:
            names.append((named["name"], index))
            node = named["arg"]
        arguments.append(lowering.expression(node))
    return tuple(arguments), tuple(names)


def lower_value_function(fields: Node, _lowering: Lowering) -> FunctionCall:
    """CURRENT_DATE and its kin: calls under the same names; a precision is the argument."""
    position = fields.get("location", 0)
    keyword = fields["op"].removeprefix("SVFOP_")
    arguments: tuple[Expression, ...] = ()
    if keyword.endswith("_N"):
        keyword = keyword.removesuffix("_N")
        arguments = (Literal(Literal.Kind.INTEGER, str(fields.get("typmod", 0)), position),)
    name = ("pg_catalog", keyword.lower())
    return FunctionCall(name, arguments, is_sql_syntax=True, position=position)


# ORDER BY.

_NULLS_FIRST: Mapping[str, bool | None] = {
    "SORTBY_NULLS_DEFAULT": None,
    "SORTBY_NULLS_FIRST": True,
    "SORTBY_NULLS_LAST": False,
}


def lower_order(nodes: Sequence[Node], lowering: Lowering) -> tuple[OrderItem, ...]:
    """A list of SortBy nodes."""
    return tuple([_lower_order_item(node["SortBy"], lowering) for node in nodes])


def _lower_order_item(fields: Node, lowering: Lowering) -> OrderItem:
    expression = lowering.expression(fields["node"])
    using = fields.get("useOp")
    return OrderItem(
        expression=expression,
        is_descending=fields["sortby_dir"] == "SORTBY_DESC",
        nulls_first=_NULLS_FIRST[fields["sortby_nulls"]],
        using_operator=None if using is None else operator_name(using, fields.get("location", 0)),
        position=expression.position,
    )


# Windows.

_WINDOW_FIELDS = frozenset(
    {
        "name",
        "refname",
        "partitionClause",
        "orderClause",
        "frameOptions",
        "startOffset",
        "endOffset",
        "location",
    }
)

# PostgreSQL's FRAMEOPTION bits (nodes/parsenodes.h).
_FRAME_NON_DEFAULT = 0x00001
_FRAME_BETWEEN = 0x00010
_FRAME_UNITS = ((0x00002, "range"), (0x00004, "rows"), (0x00008, "groups"))
_FRAME_STARTS = (
    (0x00020, "unbounded preceding"),
    (0x00080, "unbounded following"),
    (0x00200, "current row"),
    (0x00800, "preceding"),
    (0x02000, "following"),
)
_FRAME_ENDS = (
    (0x00040, "unbounded preceding"),
    (0x00100, "unbounded following"),
    (0x00400, "current row"),
    (0x01000, "preceding"),
    (0x04000, "following"),
)
_FRAME_EXCLUSIONS = ((0x08000, "current row"), (0x10000, "group"), (0x20000, "ties"))


def lower_over(fields: Node, lowering: Lowering) -> WindowDefinition:
    """OVER w or OVER (...). For OVER w, `name` and `base` are both w: that window as it is, its frame included."""
    name = fields.get("name")
    if name is not None:
        return WindowDefinition(name, name, (), (), None, fields.get("location", 0))
    return lower_window(fields, lowering)


def lower_window(fields: Node, lowering: Lowering) -> WindowDefinition:
    """A window's definition, in OVER (...) or in WINDOW."""
    position = fields.get("location", 0)
    require_only(fields, _WINDOW_FIELDS, position=position)
    return WindowDefinition(
        name=fields.get("name"),
        base=fields.get("refname"),
        partition_by=lowering.expressions(fields.get("partitionClause", ())),
        order_by=lower_order(fields.get("orderClause", ()), lowering),
        frame=_lower_frame(fields, lowering),
        position=position,
    )


def _lower_frame(fields: Node, lowering: Lowering) -> WindowFrame | None:
    options = fields["frameOptions"]
    if not options & _FRAME_NON_DEFAULT:
        return None
    exclusions = [word for bit, word in _FRAME_EXCLUSIONS if options & bit]
    return WindowFrame(
        unit=_word(options, _FRAME_UNITS),
        start=FrameBound(
            _word(options, _FRAME_STARTS), lowering.optional_expression(fields.get("startOffset"))
        ),
        end=FrameBound(
            _word(options, _FRAME_ENDS), lowering.optional_expression(fields.get("endOffset"))
        ),
        exclude=exclusions[0] if exclusions else "no others",
        is_between=bool(options & _FRAME_BETWEEN),
    )


def _word(options: int, words: tuple[tuple[int, str], ...]) -> str:
    """The word of the one bit that is set."""
    (found,) = [word for bit, word in words if options & bit]
    return found
