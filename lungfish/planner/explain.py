"""EXPLAIN: a physical plan as PostgreSQL's text, JSON, YAML or XML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lungfish.planner.explain_formats import FORMATS
from lungfish.planner.explain_node import Actual, Actuals, ExplainNode
from lungfish.planner.explain_tree import explain_tree
from lungfish.planner.physical import PhysicalStatement
from lungfish.types.frozen import frozen

# Properties that the text form shows; the others are in its titles already.
TEXT_PROPERTIES = frozenset(
    {
        "Filter",
        "Join Filter",
        "Hash Cond",
        "Index Cond",
        "Sort Key",
        "Sort Method",
        "Group Key",
        "Hash Key",
        "Window",
        "One-Time Filter",
        "Conflict Resolution",
        "Conflict Arbiter Indexes",
    }
)


@frozen
class ExplainOptions:
    """What EXPLAIN was asked to show. `format_name`: text, json, yaml or xml."""

    format_name: str = "text"
    with_costs: bool = True
    with_timing: bool = True
    # VERBOSE: the name of a namespace by its oid.
    schema_of: Callable[[int], str] | None = None


def explain(
    statement: PhysicalStatement, options: ExplainOptions, actuals: Actuals | None = None
) -> list[str]:
    """The lines of EXPLAIN's answer. `actuals` gives what EXPLAIN ANALYZE measured of a node."""
    made = [statement] if statement.steps is None else [each.statement for each in statement.steps]
    roots = [explain_tree(each, options.schema_of) for each in made]
    renderer = _Renderer(options, actuals)
    if options.format_name != "text":
        return FORMATS[options.format_name]([renderer.tree(root) for root in roots])
    lines: list[str] = []
    for root in roots:
        # Rules may have made several of a statement, or none.
        own: list[str] = []
        renderer.text(root, 0, own)
        lines += ["", *own] if lines else own
    return lines or ["Query rewrites to nothing"]


class _Renderer:
    """Writes nodes in one of the forms."""

    def __init__(self, options: ExplainOptions, actuals: Actuals | None) -> None:
        self._with_costs = options.with_costs
        self._with_timing = options.with_timing
        self._actuals = actuals

    # Text: PostgreSQL indents the children of a node by six, those of the root by two.

    def text(self, node: ExplainNode, indent: int, lines: list[str]) -> None:
        """The node's lines, and those of its children."""
        if node.subplan_name:
            lines.append(f"{' ' * indent}{node.subplan_name}")
            indent += 2
        is_root = not lines
        lead = "" if is_root else "->  "
        lines.append(f"{' ' * indent}{lead}{node.title}{self._figures(node)}")
        inner = indent + (2 if is_root else 6)
        if node.output:
            lines.append(f"{' ' * inner}Output: {', '.join(node.output)}")
        for label, value in node.properties:
            if label in TEXT_PROPERTIES:
                shown = ", ".join(value) if isinstance(value, list) else value
                lines.append(f"{' ' * inner}{label}: {shown}")
        actual = self._actual(node)
        if actual is not None and actual.memory_bytes:
            lines.append(f"{' ' * inner}Memory Usage: {_kilobytes(actual)}kB")
        for child in node.children:
            self.text(child, inner, lines)

    def _figures(self, node: ExplainNode) -> str:
        text = ""
        if self._with_costs:
            estimate = node.estimate
            text += (
                f"  (cost={estimate.startup_cost:.2f}..{estimate.total_cost:.2f}"
                f" rows={_whole(estimate.rows)} width={node.width})"
            )
        if self._actuals is None:
            return text
        actual = self._actual(node)
        if actual is None or not actual.loop_count:
            return f"{text} (never executed)"
        loops = actual.loop_count
        time = ""
        if self._with_timing:
            time = f"time={actual.startup_s * 1000:.3f}..{actual.total_s * 1000 / loops:.3f} "
        return f"{text} (actual {time}rows={actual.row_count / loops:.2f} loops={loops})"

    def _actual(self, node: ExplainNode) -> Actual | None:
        return None if self._actuals is None else self._actuals(node.plan)

    def tree(self, node: ExplainNode) -> dict[str, Any]:
        """The node as PostgreSQL's JSON object, of which the other forms are made too."""
        shown: dict[str, Any] = {"Node Type": node.node_type}
        if node.relationship:
            shown["Parent Relationship"] = node.relationship
        if node.subplan_name:
            shown["Subplan Name"] = node.subplan_name
        shown["Parallel Aware"] = False
        shown["Async Capable"] = False
        shown.update(
            (label, value) for label, value in node.properties if label not in TEXT_PROPERTIES
        )
        if self._with_costs:
            estimate = node.estimate
            shown["Startup Cost"] = round(estimate.startup_cost, 2)
            shown["Total Cost"] = round(estimate.total_cost, 2)
            shown["Plan Rows"] = _whole(estimate.rows)
            shown["Plan Width"] = node.width
        if self._actuals is not None:
            shown.update(self._actual_json(self._actual(node)))
        shown.setdefault("Disabled", False)
        if node.output:
            shown["Output"] = node.output
        shown.update((label, value) for label, value in node.properties if label in TEXT_PROPERTIES)
        if node.children:
            shown["Plans"] = [self.tree(child) for child in node.children]
        return shown

    def _actual_json(self, actual: Actual | None) -> dict[str, Any]:
        if actual is None or not actual.loop_count:
            return {"Actual Rows": 0, "Actual Loops": 0}
        loops = actual.loop_count
        shown: dict[str, Any] = {}
        if self._with_timing:
            shown["Actual Startup Time"] = round(actual.startup_s * 1000, 3)
            shown["Actual Total Time"] = round(actual.total_s * 1000 / loops, 3)
        shown["Actual Rows"] = round(actual.row_count / loops, 2)
        shown["Actual Loops"] = loops
        if actual.memory_bytes:
            shown["Memory Usage"] = _kilobytes(actual)
        return shown


def _whole(rows: float) -> int:
    return max(round(rows), 1)


def _kilobytes(actual: Actual) -> int:
    return -(-actual.memory_bytes // 1024)
