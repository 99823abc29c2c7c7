"""Scripts run from texts."""

from __future__ import annotations

from pathlib import Path

from lungfish.script.report import ScriptReport
from lungfish.script.suite import SuiteOptions, run_script_file


def run_text(
    folder: Path, text: str, options: SuiteOptions | None = None, *, name: str = "s.sql"
) -> ScriptReport:
    """Run a script's text as a file of the folder."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return run_script_file(path, options or SuiteOptions())


def messages(report: ScriptReport) -> list[str]:
    """What failed, each with its line."""
    return [f"{failure.line}: {failure.message}" for failure in report.failures]
