"""Aggregate and window calls, and the definitions of windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.planner.deparse.nodes import AggregateNode, Frame, Node, Window, WindowNode
from lungfish.sql.quoting import quote_identifier

if TYPE_CHECKING:
    from lungfish.planner.deparse.write_expression import ExpressionWriter


def write_aggregate(writer: ExpressionWriter, node: AggregateNode) -> None:
    """An aggregate call."""
    add = writer.layout.add
    add(f"{writer.function_name(node.name)}({'DISTINCT ' if node.is_distinct else ''}")
    if node.is_within_group:
        writer.list(node.direct)
        add(") WITHIN GROUP (ORDER BY ")
        writer.order(node.order_by)
    else:
        if node.is_star:
            add("*")
        if node.is_variadic:
            writer.list(node.direct[:-1])
            add(", VARIADIC " if len(node.direct) > 1 else "VARIADIC ")
        writer.list(node.direct[-1:] if node.is_variadic else node.direct)
        if node.order_by:
            add(" ORDER BY ")
            writer.order(node.order_by)
    _write_filter(writer, node.condition)
    add(")")


def _write_filter(writer: ExpressionWriter, condition: Node | None) -> None:
    if condition is not None:
        writer.layout.add(") FILTER (WHERE ")
        writer.write(condition)


def write_window_call(writer: ExpressionWriter, node: WindowNode) -> None:
    """A call with OVER."""
    add = writer.layout.add
    add(f"{writer.function_name(node.name)}(")
    if node.is_star:
        add("*")
    writer.list(node.arguments)
    _write_filter(writer, node.condition)
    add(") OVER ")
    if node.window.name is not None:
        add(quote_identifier(node.window.name))
    else:
        write_window(writer, node.window)


def write_window(writer: ExpressionWriter, node: Window) -> None:
    """A window's definition in parentheses."""
    add = writer.layout.add
    add("(")
    space = ""
    if node.base is not None:
        add(quote_identifier(node.base))
        space = " "
    if node.partition_by:
        add(f"{space}PARTITION BY ")
        for index, key in enumerate(node.partition_by):
            if index:
                add(", ")
            writer.sort_expression(key)
        space = " "
    if node.order_by:
        add(f"{space}ORDER BY ")
        writer.order(node.order_by)
        space = " "
    if node.frame is not None:
        add(space)
        _write_frame(writer, node.frame)
    add(")")


def _write_frame(writer: ExpressionWriter, frame: Frame) -> None:
    add = writer.layout.add
    add(f"{frame.unit.upper()} ")
    if frame.is_between:
        add("BETWEEN ")
    _write_frame_end(writer, frame.start)
    if frame.is_between:
        add(" AND ")
        _write_frame_end(writer, frame.end)
    if frame.exclude != "no others":
        add(f" EXCLUDE {frame.exclude.upper()}")


def _write_frame_end(writer: ExpressionWriter, end: tuple[str, Node | None]) -> None:
    kind, offset = end
    if offset is not None:
        writer.write(offset)
        writer.layout.add(" ")
    writer.layout.add(kind.upper())
