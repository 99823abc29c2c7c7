"""An outcome beside what the script says of it: the problems, and the edits that would make the script right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lungfish.script.engine import Outcome
from lungfish.script.program import Remark, Step
from lungfish.script.report import Edit
from lungfish.script.rows import Cells, cells_of, difference, parse_cells, written
from lungfish.sql.ast import directives as ast

_VARIABLE = re.compile(r"(?<![:\w])[:$]([A-Za-z_]\w*)")


@dataclass(slots=True)
class Verdict:
    """What one step's outcome amounts to."""

    # Each with a message, and lines that show it.
    problems: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    # The statement failed and was not expected to: nothing behind it can be relied on.
    is_fatal: bool = False

    def add(self, message: str, *lines: str) -> None:
        """One more problem."""
        self.problems.append((message, lines))


def judge(step: Step, outcome: Outcome, text: str, variables: Mapping[str, str]) -> Verdict:
    """Compare the outcome with what is said of the step. `text`: the script's, for edits."""
    verdict = Verdict()
    expected_error = step.remark(ast.ExpectError)
    if outcome.sqlstate is not None:
        _judge_error(expected_error, outcome, verdict)
        return verdict
    if expected_error is not None:
        assert isinstance(expected_error.directive, ast.ExpectError)
        codes = " or ".join(expected_error.directive.sqlstates)
        verdict.add(f"expected error {codes}, but the statement succeeded: {outcome.tag}")
    _judge_rows(step, outcome, text, variables, verdict)
    for remark in step.remarks:
        _judge_figure(remark, outcome, verdict)
    return verdict


def _judge_error(remark: Remark | None, outcome: Outcome, verdict: Verdict) -> None:
    lines = tuple(outcome.more.split("\n")) if outcome.more else ()
    error = f"{outcome.sqlstate}: {outcome.message}"
    if remark is None:
        verdict.add(f"the statement failed with {error}", *lines)
        verdict.is_fatal = True
        return
    assert isinstance(remark.directive, ast.ExpectError)
    if outcome.sqlstate not in remark.directive.sqlstates:
        codes = " or ".join(remark.directive.sqlstates)
        verdict.add(f"expected error {codes}, got {error}", *lines)
        edit = Edit(remark.start, remark.end, f"--@ expect error {outcome.sqlstate}")
        verdict.edits.append(edit)


def _judge_rows(
    step: Step, outcome: Outcome, text: str, variables: Mapping[str, str], verdict: Verdict
) -> None:
    remark = step.remark(ast.ExpectRows)
    if remark is None and not step.rows:
        return
    if outcome.columns is None:
        verdict.add(f"expected rows, but the statement gives none: {outcome.tag}")
        return
    order = remark.directive.order if remark is not None and isinstance(remark.directive, ast.ExpectRows) else "ordered"  # fmt: skip
    expected = [parse_cells(_with_variables(line, variables)) for line in step.rows]
    got = [cells_of(row) for row in outcome.rows]
    lines = difference(expected, got, order)
    if lines is None:
        return
    counts = f"{len(expected)} expected, {len(got)} got"
    verdict.add(f"the rows are not those expected (-), but these (+): {counts}", *lines)
    if order != "subset":
        verdict.edits.append(_rows_edit(step, got, text))


def _rows_edit(step: Step, got: list[Cells], text: str) -> Edit:
    """Put what was got in the place of the expected rows, or behind the statement."""
    lines = [f"--| {line}".rstrip() for line in written(got)]
    if step.rows_start >= 0:
        start, end = step.rows_start, step.rows_end
        if not lines and text[end : end + 1] == "\n":
            end += 1
        return Edit(start, end, "\n".join(lines))
    end = text.find("\n", step.end)
    place = len(text) if end < 0 else end
    return Edit(place, place, "".join(f"\n{line}" for line in lines))


def _judge_figure(remark: Remark, outcome: Outcome, verdict: Verdict) -> None:
    """Counts, tags and times."""
    match remark.directive:
        case ast.ExpectCount(rows) if rows != outcome.row_count:
            verdict.add(f"expected {rows} rows, got {outcome.row_count}")
            text = f"--@ expect count {outcome.row_count}"
            verdict.edits.append(Edit(remark.start, remark.end, text))
        case ast.ExpectTag(tag) if tag != outcome.tag:
            verdict.add(f"expected the tag {tag}, got {outcome.tag}")
            text = f"--@ expect tag {outcome.tag}"
            verdict.edits.append(Edit(remark.start, remark.end, text))
        case ast.ExpectWithin(seconds) if outcome.seconds > seconds:
            verdict.add(f"expected within {seconds * 1000:g} ms, took {outcome.seconds * 1000:.0f}")
        case _:
            pass


def _with_variables(line: str, variables: Mapping[str, str]) -> str:
    if not variables:
        return line
    return _VARIABLE.sub(lambda found: str(variables.get(found[1], found[0])), line)


def record(step: Step, outcome: Outcome, text: str) -> list[Edit]:
    """The edits that say what came of a step of which the script says nothing yet; none if it does, or there is nothing to say."""
    said = (ast.ExpectError, ast.ExpectRows, ast.ExpectCount, ast.Golden)
    if step.rows_start >= 0 or any(step.remark(kind) for kind in said):
        return []
    if outcome.sqlstate is not None:
        return [Edit(step.start, step.start, f"--@ expect error {outcome.sqlstate}\n")]
    if outcome.columns is None:
        return []
    if not outcome.rows:
        return [Edit(step.start, step.start, "--@ expect rows\n")]
    return [_rows_edit(step, [cells_of(row) for row in outcome.rows], text)]


def golden_text(outcome: Outcome) -> str:
    """A statement's whole output as a golden file has it."""
    if outcome.sqlstate is not None:
        return f"ERROR {outcome.sqlstate}: {outcome.message}\n"
    lines = [outcome.tag]
    if outcome.columns is not None:
        lines += written([outcome.columns, *(cells_of(row) for row in outcome.rows)])
    return "\n".join(lines) + "\n"


def applied(text: str, edits: list[Edit]) -> str:
    """The text with the edits made; of two at one place the first counts."""
    places = {edit.start: edit for edit in reversed(edits)}
    for start in sorted(places, reverse=True):
        edit = places[start]
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text
