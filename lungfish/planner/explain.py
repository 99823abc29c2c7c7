"""EXPLAIN: a physical plan as PostgreSQL's text or JSON."""

from __future__ import annotations

import json
from typing import Any

from lungfish import errors
from lungfish.planner.explain_tree import Actual, Actuals, ExplainNode, explain_tree
from lungfish.planner.physical import PhysicalStatement

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


def explain(
    statement: PhysicalStatement,
    *,
    format_name: str = "text",
    with_costs: bool = True,
    with_timing: bool = True,
    actuals: Actuals | None = None,
) -> list[str]:
    """The lines of EXPLAIN's answer. `actuals` gives what EXPLAIN ANALYZE measured of a node. `format_name`: text or json."""
    made = [statement] if statement.steps is None else [each.statement for each in statement.steps]
    roots = [explain_tree(each) for each in made]
    renderer = _Renderer(with_costs=with_costs, with_timing=with_timing, actuals=actuals)
    match format_name:
        case "text":
            lines: list[str] = []
            for root in roots:
                # Rules may have made several of a statement, or none.
                own: list[str] = []
                renderer.text(root, 0, own)
                lines += ["", *own] if lines else own
            return lines or ["Query rewrites to nothing"]
        case "json":
            whole = [{"Plan": renderer.json(root)} for root in roots]
            return json.dumps(whole, indent=2, ensure_ascii=False).split("\n")
        case _:
            raise errors.FeatureNotSupported(
                f"EXPLAIN (FORMAT {format_name.upper()}) is not supported"
            )


class _Renderer:
    """Writes nodes in one of the forms."""

    def __init__(self, *, with_costs: bool, with_timing: bool, actuals: Actuals | None) -> None:
        self._with_costs = with_costs
        self._with_timing = with_timing
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

    def json(self, node: ExplainNode) -> dict[str, Any]:
        """The node as PostgreSQL's JSON object."""
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
        shown.update((label, value) for label, value in node.properties if label in TEXT_PROPERTIES)
        if node.children:
            shown["Plans"] = [self.json(child) for child in node.children]
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
