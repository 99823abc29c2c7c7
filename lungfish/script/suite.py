"""Script files and folders of them, run as one suite: what `lungfish test` and a project's own pytest run do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lungfish import errors
from lungfish.script.checks import applied
from lungfish.script.engine import Engine
from lungfish.script.isolated_engine import IsolatedEngine
from lungfish.script.local_engine import LocalEngine
from lungfish.script.media import SimulatedMedium
from lungfish.script.program import Program, parse_program
from lungfish.script.report import Failure, ScriptReport
from lungfish.script.runner import RunOptions, ScriptRunner

FORCES = ("restart", "crash")


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """How scripts are run."""

    variables: Mapping[str, str] = field(default_factory=dict)
    # After each statement: "restart", "crash", or "" for neither.
    force: str = ""
    is_isolated: bool = False
    # Write what was got in the place of what was expected.
    updates: bool = False
    # And say what came of statements of which nothing is said.
    records: bool = False

    def engine(self) -> Engine:
        """A new database for one script."""
        return IsolatedEngine() if self.is_isolated else LocalEngine(SimulatedMedium())


def find_scripts(paths: Iterable[str], filter_text: str = "") -> list[Path]:
    """The files, and the `*.sql` files of the folders, whose paths contain the text. Raises UndefinedFile."""
    found: list[Path] = []
    for name in paths:
        path = Path(name)
        if path.is_dir():
            found += sorted(path.rglob("*.sql"))
        elif path.exists():
            found.append(path)
        else:
            raise errors.UndefinedFile(f'there is no file or folder "{name}"')
    return [path for path in dict.fromkeys(found) if filter_text in str(path)]


def run_script_file(
    path: Path, options: SuiteOptions, engine: Engine | None = None
) -> ScriptReport:
    """Run one file, on the engine or a new one. Errors in the script are failures in the report too."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        program = parse_program(text, str(path))
    except (errors.Error, OSError, UnicodeDecodeError) as error:
        return _unreadable(path, error)
    with closing(engine if engine is not None else options.engine()) as used:
        run_options = RunOptions(options.variables, options.force, options.records)
        report = ScriptRunner(used, program, run_options).run()
    if options.updates or options.records:
        _update(program, report)
    return report


def _unreadable(path: Path, error: Exception) -> ScriptReport:
    report = ScriptReport(str(path))
    if isinstance(error, errors.Error):
        line, column = error.line_and_column or (1, 1)
        lines = str(error).split("\n")[1:]
        message = f"column {column}: {error.message}"
        report.failures.append(Failure(str(path), line, "", message, tuple(lines)))
    else:
        report.failures.append(Failure(str(path), 1, "", f"cannot be read: {error}"))
    return report


# Updating


def _update(program: Program, report: ScriptReport) -> None:
    """Write the edits into the file. What they put right is no failure any more."""
    for name, golden in report.golden.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(golden, encoding="utf-8")
    if report.edits:
        Path(program.path).write_text(applied(program.text, report.edits), encoding="utf-8")


def update_diff(path: Path, before: str) -> list[str]:
    """What an update has changed in a file."""
    after = path.read_text(encoding="utf-8-sig")
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(path), f"{path} (updated)", lineterm="", n=2
    )
    return list(lines)
