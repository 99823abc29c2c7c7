"""Plans as golden text: each statement of `tests/plans/*.plan` bound, after each rule that changed it, and as EXPLAIN shows it.

    -- why this statement is here
    SELECT ...
    ---
    bound / the rules' names / plan, each with its lines

`LUNGFISH_UPDATE_PLANS=1 pytest tests/planner/test_golden_plans.py` writes the files anew; read the difference before
it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lungfish.planner.binder import bind_statement, new_state
from lungfish.planner.explain import ExplainOptions, explain
from lungfish.planner.logical import LogicalPlan
from lungfish.planner.optimizer import optimize
from lungfish.planner.physical_planner import plan_physical
from tests.planner.logical_text import NumberNames, logical_text
from tests.planner.world import CATALOG, STATISTICS, parse_statement

FOLDER = Path(__file__).resolve().parent.parent / "plans"
FILES = sorted(FOLDER.glob("*.plan"))


def statements_of(text: str) -> list[str]:
    """The statements of a golden file, each with the comment above it."""
    found = []
    for block in text.split("\n\n\n"):
        head = block.split("\n---\n")[0].strip()
        if head:
            found.append(head)
    return found


def golden_text(head: str) -> str:
    """The block of one statement."""
    sql = "\n".join(line for line in head.split("\n") if not line.startswith("--"))
    state = new_state(CATALOG, ("public",))
    bound = bind_statement(parse_statement(sql), state)
    names = NumberNames()
    sections = [("bound", logical_text(bound.root, names))]

    def observe(rule: str, plan: LogicalPlan) -> None:
        lines = logical_text(plan, names)
        if lines != sections[-1][1]:
            sections.append((rule, lines))

    optimized = optimize(bound, STATISTICS, observe)
    physical = plan_physical(optimized, STATISTICS, state)
    sections.append(("plan", explain(physical, ExplainOptions(with_costs=False))))
    shown = [f"{name}:\n" + "\n".join(f"  {line}" for line in lines) for name, lines in sections]
    return f"{head}\n---\n" + "\n".join(shown)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_plans_are_those_in_the_golden_file(path: Path) -> None:
    text = path.read_text()
    made = "\n\n\n".join(golden_text(head) for head in statements_of(text)) + "\n"
    if os.environ.get("LUNGFISH_UPDATE_PLANS"):
        path.write_text(made)
    assert made == text or os.environ.get("LUNGFISH_UPDATE_PLANS")


def test_there_are_golden_plans() -> None:
    assert len(FILES) >= 8
