"""Runs a script against an engine: statement by statement, with the restarts, crashes and faults that it asks for.

A step is armed, carried out, and judged (`checks.py`). When the machine stops at a failpoint, the database is opened again, every session
begins anew, and the invariants are asked. Wrong rows are noted and the script goes on; an error that nobody expected ends it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lungfish import errors
from lungfish.script.block_runs import BlockCrashed, run_crash_each, run_permutations
from lungfish.script.checks import Verdict, golden_text, judge, record
from lungfish.script.engine import Engine, EngineCrashed, Outcome
from lungfish.script.local_engine import wait_a_moment
from lungfish.script.program import Block, Item, Note, Program, Step
from lungfish.script.report import Failure, ScriptReport
from lungfish.sql.ast import directives as ast
from lungfish.sql.directives import did_you_mean
from lungfish.sql.variables import substitute

FIRST_SESSION = "main"
# Asks for invariants and counters, beside the script's own sessions.
_OBSERVER = "(observer)"
_PLAIN = ast.CrashOptions()
# A restart between two statements would change what these give.
_ASKS_SESSION = ("currval", "lastval")


class ScriptEnded(Exception):
    """Nothing behind this can be relied on; the report says why."""


class ScriptSkipped(Exception):
    """The engine has not what the script requires; the text says what."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a script is run."""

    variables: Mapping[str, str]
    # After each statement at which no session has anything to lose: "restart", "crash", or "" for neither.
    force: str = ""
    # Say of each statement of which the script says nothing what came of it.
    records: bool = False


class ScriptRunner:
    """One run of one script."""

    def __init__(self, engine: Engine, program: Program, options: RunOptions) -> None:
        self.engine = engine
        self.program = program
        self.report = ScriptReport(program.path)
        self.variables = dict(options.variables)
        self._force = options.force
        self._records = options.records
        self.session = FIRST_SESSION
        # What runs in the background, by session.
        self.background: dict[str, Step] = {}
        self._invariants: list[tuple[str, int]] = []
        # In which run of a block we are, for reports; and the crash that the run is made for.
        self.context = ""
        self.awaits_crash = False
        # The session in use where the block that begins anew begins.
        self._block_session = FIRST_SESSION
        self._edited: set[int] = set()

    def run(self) -> ScriptReport:
        """Run it all. The engine is open before and after, or closed for good."""
        began = time.perf_counter()
        try:
            self.engine.open()
            self.run_items(self.program.items)
            for session, step in self.background.items():
                self.fail(step.line, step.text, f"session {session} is not waited for")
        except ScriptSkipped as reason:
            self.report.skipped = str(reason)
        except ScriptEnded:
            pass
        except errors.Error as error:
            self.fail(0, "", f"the database failed: {error.sqlstate}: {error}")
        finally:
            self.report.seconds = time.perf_counter() - began
        return self.report

    def fail(self, line: int, text: str, message: str, lines: Sequence[str] = ()) -> None:
        """Note a failure."""
        self.report.failures.append(
            Failure(self.program.path, line, text, message, tuple(lines), self.context)
        )

    # Items

    def run_items(self, items: Sequence[Item]) -> None:
        """Run them in their order."""
        for index, item in enumerate(items):
            if isinstance(item, Step):
                self.do_step(item)
                following = next(
                    (each for each in items[index + 1 :] if isinstance(each, Step)), None
                )
                self._force_end(following)
            elif isinstance(item, Note):
                self._obey(item)
            else:
                self._run_block(item)

    def _obey(self, note: Note) -> None:
        match note.directive:
            case ast.UseSession(name):
                self.session = name
            case ast.SetVariable(name, value):
                self.variables[name] = substitute(value, self.variables)
            case ast.Require(feature):
                self.require(feature)
            case ast.Invariant(sql):
                if (sql, note.line) not in self._invariants:
                    self._invariants.append((sql, note.line))
                self.check_invariants()

    def require(self, feature: str) -> None:
        """Raise ScriptSkipped if the engine has not got it."""
        has_it = not self._force if feature == "unforced" else feature in self.engine.features
        if not has_it:
            raise ScriptSkipped(f"it needs {feature}")

    def _run_block(self, block: Block) -> None:
        match block.head:
            case ast.Loop(variable, first, last):
                for number in range(first, last + 1):
                    self._run_with(variable, str(number), block)
            case ast.Foreach(variable, values):
                for value in values:
                    self._run_with(variable, substitute(value, self.variables), block)
            case ast.CrashEach():
                self.require("crash")
                run_crash_each(self, block, block.head)
            case ast.Permute():
                self.require("permute")
                run_permutations(self, block, block.head)

    @contextlib.contextmanager
    def without_force(self) -> Iterator[None]:
        """Inside a block that begins anew itself nothing is forced."""
        force, self._force = self._force, ""
        session = self._block_session
        self._block_session = self.session
        try:
            yield
        finally:
            self._force = force
            self._block_session = session

    def session_at_start(self) -> None:
        """Use the session that was used where the block begins."""
        self.session = self._block_session

    def _run_with(self, variable: str, value: str, block: Block) -> None:
        outer = self.context
        self.context = f"{outer + ', ' if outer else ''}{variable} = {value}"
        before = self.variables.get(variable)
        self.variables[variable] = value
        self.run_items(block.body)
        if before is None:
            del self.variables[variable]
        else:
            self.variables[variable] = before
        self.context = outer

    # Steps

    def do_step(self, step: Step) -> None:
        """Carry out a step and judge it."""
        crash = step.remark(ast.CrashAt)
        fault = step.remark(ast.Fault)
        self._prepare_faults(crash.directive if crash else None, fault.directive if fault else None)
        try:
            outcome = self._carry_out(step)
        except EngineCrashed:
            if self.awaits_crash:
                raise BlockCrashed from None
            assert crash is not None, "only what was armed crashes"
            assert isinstance(crash.directive, ast.CrashAt)
            self.recover(crash.directive.options)
            return
        if crash is not None or fault is not None:
            self.engine.disarm()
        if crash is not None and isinstance(crash.directive, ast.CrashAt):
            self._report_missed(step, crash.directive)
        if outcome is not None:
            self.judge_step(step, outcome)

    def _prepare_faults(self, crash: ast.Modifier | None, fault: ast.Modifier | None) -> None:
        if isinstance(crash, ast.CrashAt):
            self.require("crash")
            self.engine.arm_crash(crash.point, crash.hit, crash.options)
        if isinstance(fault, ast.Fault):
            self.require("fault")
            self.engine.plant(fault)

    def _report_missed(self, step: Step, crash: ast.CrashAt) -> None:
        self.fail(
            step.line,
            step.text,
            f"the statement ended without a hit {crash.hit} of failpoint {crash.point}",
            ["SELECT name, description FROM lungfish.failpoints says where each is met."],
        )

    def _carry_out(self, step: Step) -> Outcome | None:
        """Do it; None if there is nothing to judge yet. Raises EngineCrashed."""
        self.report.statement_count += 1
        if isinstance(step.action, ast.Restart):
            self._restart(is_crash=step.action.is_crash)
            return None
        if isinstance(step.action, ast.Wait):
            return self._wait_for(step, step.action.session)
        if self.session in self.background:
            self.fail(step.line, step.text, f"session {self.session} runs a statement; wait for it")
            raise ScriptEnded
        sql = substitute(step.sql, self.variables)
        self._check_plans(step, sql)
        counters = self._counters(step)
        self.engine.start(self.session, sql, step.data)
        blocked = step.remark(ast.ExpectBlocked)
        if blocked is not None or step.remark(ast.RunAsync) is not None:
            self._leave_running(step, blocked.directive if blocked is not None else None)
            return None
        outcome = self.finish(self.session, step)
        self._check_counters(step, counters)
        self.settle()
        return outcome

    def _leave_running(self, step: Step, blocked: ast.Modifier | None) -> None:
        """It goes on in the background: it is done or waits for a lock by now."""
        waited = self.engine.wait(self.session)
        if waited.state == "crashed":
            raise EngineCrashed
        self.background[self.session] = step
        if isinstance(blocked, ast.ExpectBlocked) and blocked.by not in waited.blockers:
            by = (
                f"it waits for {', '.join(waited.blockers)}"
                if waited.blockers
                else "it does not wait"
            )
            self.fail(step.line, step.text, f"expected to be blocked by {blocked.by}, but {by}")

    def _wait_for(self, step: Step, session: str) -> Outcome | None:
        begun = self.background.pop(session, None)
        if begun is None:
            hint = did_you_mean(session, self.background)
            self.fail(
                step.line, step.text, f"session {session} runs nothing", [hint] if hint else []
            )
            raise ScriptEnded
        outcome = self.finish(session, begun)
        self.settle()
        self.judge_step(merged(begun, step), outcome)
        return None

    def finish(self, session: str, step: Step) -> Outcome:
        """Let the statement come to its end, which may take others that run; one that nobody can free is stopped."""
        while True:
            waited = self.engine.wait(session)
            if waited.state == "crashed":
                raise EngineCrashed
            if waited.state == "done":
                return self.engine.take(session)
            if not any(each in self.background and each != session for each in waited.blockers):
                self.engine.cancel(session)
                names = ", ".join(waited.blockers)
                while self.engine.wait(session).state == "blocked":
                    wait_a_moment()
                self.engine.take(session)
                self.fail(
                    step.line,
                    step.text,
                    f"session {session} waits for session {names}, which does nothing",
                    ["Say --@ async before the statement, and --@ wait behind what frees it."],
                )
                raise ScriptEnded
            wait_a_moment()

    def begin_in_background(self, session: str, step: Step) -> None:
        """Begin a statement of a block of orders; it is done or waits by the end of this."""
        self.report.statement_count += 1
        self.session = session
        self.engine.start(session, substitute(step.sql, self.variables), step.data)
        self.background[session] = step
        self.settle()

    def check_stuck(self) -> None:
        """Raise ScriptEnded if those who run wait for sessions that run nothing."""
        for session, step in list(self.background.items()):
            waited = self.engine.wait(session)
            if waited.state == "done" or any(each in self.background for each in waited.blockers):
                wait_a_moment()
                return
            self.fail(step.line, step.text, f"session {session} waits for ever")
        raise ScriptEnded

    def settle(self) -> None:
        """Let what runs in the background come to where it is done or waits."""
        for session in self.background:
            if self.engine.wait(session).state == "crashed":
                raise EngineCrashed

    def judge_step(self, step: Step, outcome: Outcome) -> None:
        """Compare with what is said of the step; note what differs."""
        self.report.transcript.append((step.line, outcome))
        verdict = judge(step, outcome, self.program.text, self.variables)
        if self._records:
            recorded = record(step, outcome, self.program.text)
            if recorded:
                verdict = Verdict(edits=recorded)
        golden = step.remark(ast.Golden)
        if golden is not None and isinstance(golden.directive, ast.Golden):
            self._compare_golden(golden.directive.name, step, outcome)
            verdict.is_fatal = False
            verdict.problems = [] if outcome.sqlstate is not None else verdict.problems
        for message, lines in verdict.problems:
            self.fail(step.line, step.text, message, lines)
        if step.start not in self._edited:
            self.report.edits += verdict.edits
        self._edited.add(step.start)
        if verdict.is_fatal:
            raise ScriptEnded

    def _compare_golden(self, name: str, step: Step, outcome: Outcome) -> None:
        path = Path(self.program.path).with_suffix(".golden") / substitute(name, self.variables)
        got = golden_text(outcome)
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if got != expected:
            self.report.golden[str(path)] = got
            lines = [f"- {line}" for line in expected.splitlines()]
            lines += [f"+ {line}" for line in got.splitlines()]
            self.fail(step.line, step.text, f"the output is not that of {path}", lines)

    # Plans and counters

    def _check_plans(self, step: Step, sql: str) -> None:
        for remark in step.remarks:
            if isinstance(remark.directive, ast.ExpectPlan):
                self.require("lungfish")
                outcome = self.ask(self.session, f"EXPLAIN {sql}")
                plan = [row[0] or "" for row in outcome.rows]
                if remark.directive.text not in "\n".join(plan):
                    message = f"expected {remark.directive.text!r} in the plan"
                    self.fail(step.line, step.text, message, plan or [outcome.message])

    def _counters(self, step: Step) -> dict[str, float]:
        names = [
            remark.directive.name
            for remark in step.remarks
            if isinstance(remark.directive, ast.ExpectCounter)
        ]
        return {name: self._counter(name, step) for name in names}

    def _counter(self, name: str, step: Step) -> float:
        self.require("lungfish")
        outcome = self.ask(_OBSERVER, "SELECT name, sum(value) FROM lungfish.metrics GROUP BY name")
        values = {str(row[0]): float(row[1] or 0) for row in outcome.rows}
        if name not in values:
            hint = did_you_mean(name, values)
            self.fail(step.line, step.text, f"there is no counter {name}", [hint] if hint else [])
            raise ScriptEnded
        return values[name]

    def _check_counters(self, step: Step, before: Mapping[str, float]) -> None:
        for remark in step.remarks:
            if isinstance(remark.directive, ast.ExpectCounter):
                expected = remark.directive
                grown = self._counter(expected.name, step) - before[expected.name]
                if not _compares(grown, expected.comparison, expected.value):
                    wanted = f"{expected.comparison} {expected.value:g}"
                    message = f"expected {expected.name} to grow by {wanted}, it grew by {grown:g}"
                    self.fail(step.line, step.text, message)

    def ask(self, session: str, sql: str) -> Outcome:
        """Run a query of our own."""
        self.engine.start(session, sql, None)
        return self.finish(session, Step(0, 0, 0, sql))

    # Ends and beginnings

    def _restart(self, *, is_crash: bool) -> None:
        self.require("restart")
        self.engine.shut(is_crash=is_crash, options=_PLAIN)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Open the database again, with no session but those to come. Raises EngineCrashed."""
        self.background.clear()
        self.report.restart_count += 1
        self.engine.open()
        self.check_invariants()

    def recover(self, options: ast.CrashOptions) -> None:
        """After a crash: leave what the options say, and open the database again."""
        self.engine.shut(is_crash=True, options=options)
        self.engine.disarm()
        self.begin_anew()

    def _force_end(self, following: Step | None) -> None:
        """Restart or crash now, if a run with force is asked for and no session would lose anything."""
        if not self._force or self.awaits_crash or self.background or self.engine.own_state():
            return
        if following is not None and any(word in following.sql.lower() for word in _ASKS_SESSION):
            return
        self.engine.shut(
            is_crash=self._force == "crash", options=ast.CrashOptions(drops_unsynced=True)
        )
        self.begin_anew()

    def check_invariants(self) -> None:
        """Every invariant declared so far holds."""
        for sql, line in self._invariants:
            outcome = self.ask(_OBSERVER, substitute(sql, self.variables))
            if outcome.sqlstate is not None:
                self.fail(
                    line, sql, f"the invariant failed with {outcome.sqlstate}: {outcome.message}"
                )
            elif not outcome.rows or any(value != "t" for row in outcome.rows for value in row):
                rows = [" | ".join(value or "NULL" for value in row) for row in outcome.rows]
                self.fail(line, sql, "the invariant does not hold", rows or ["(no rows)"])


def merged(begun: Step, wait: Step) -> Step:
    """What is said of a statement in the background, before it and at its wait."""
    said = wait.remarks + tuple(
        each for each in begun.remarks if wait.remark(type(each.directive)) is None
    )
    rows = wait if wait.rows_start >= 0 or not begun.rows else begun
    return replace(
        begun,
        end=wait.end if rows is wait else begun.end,
        remarks=said,
        rows=rows.rows,
        rows_start=rows.rows_start,
        rows_end=rows.rows_end,
    )


def _compares(value: float, comparison: str, limit: float) -> bool:
    match comparison:
        case "<":
            return value < limit
        case "<=":
            return value <= limit
        case ">":
            return value > limit
        case ">=":
            return value >= limit
    return value == limit
