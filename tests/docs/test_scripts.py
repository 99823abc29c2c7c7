"""docs/scripts.md: every example is run, and the one that fails says what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lungfish.script.suite import SuiteOptions
from lungfish.sql.ast.directives import FAULT_KINDS
from lungfish.sql.directives import USAGE
from tests.script.support import messages, run_text

PAGE = (Path(__file__).parents[2] / "docs" / "scripts.md").read_text(encoding="utf-8")
FIRST, *EXAMPLES = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_gives_what_it_expects(tmp_path: Path, number: int) -> None:
    report = run_text(tmp_path, EXAMPLES[number])
    assert messages(report) == []
    assert not report.skipped


def test_the_example_that_fails_says_what_the_page_says(tmp_path: Path) -> None:
    report = run_text(tmp_path, FIRST, name="friends.sql")
    told = re.findall(r"^    (.*)\n", PAGE.split("```")[2], re.MULTILINE)
    (failure,) = report.failures
    assert str(failure).replace(f"{tmp_path}/", "").split("\n")[: len(told)] == told


@pytest.mark.parametrize("force", ["restart", "crash"])
def test_an_example_gives_the_same_with_force(tmp_path: Path, force: str) -> None:
    (example,) = [each for each in EXAMPLES if "CREATE TABLE album" in each]
    assert messages(run_text(tmp_path, example, SuiteOptions(force=force))) == []


def test_every_directive_and_every_fault_is_on_the_page() -> None:
    missing = [name for name in USAGE if f"`{name}" not in PAGE and f"--@ {name}" not in PAGE]
    assert missing == []
    assert [kind for kind in FAULT_KINDS if f"| `{kind}` |" not in PAGE] == []
