"""docs/sql-support.md says what the registry says."""

from __future__ import annotations

import json

from lungfish.functions import function_names
from tests.differential.support import FIGURES, PAGE, REFUSED, families, page


def test_every_registered_function_stands_in_a_family() -> None:
    listed = {name for names in families().values() for name in names}
    assert {name for name in function_names() if "." not in name} <= listed
    assert set(REFUSED) <= listed


def test_the_page_names_every_registered_function() -> None:
    written = PAGE.read_text(encoding="utf-8").replace("*", "")
    missing = [
        name for name in function_names() if "." not in name and name not in written.split()
        and f"{name}," not in written.split()
    ]  # fmt: skip
    # A new function comes with its line: python -m tests.differential.support
    assert len(missing) <= 0.1 * len(function_names()), missing


def test_the_pages_figures_are_the_kept_ones() -> None:
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    written = PAGE.read_text(encoding="utf-8")
    head = page(figures).split("## Functions")[0]
    assert written.startswith(head)
    for row in figures["runs"].values():
        assert row["agree"] >= 0.9 * row["of"]
