"""A script as a tree: statements with what is said of them, and blocks.

    --@ expect error 23505            a modifier, which stands before the statement it speaks of
    INSERT INTO t VALUES (1);         a Step
    --@ loop n 1..3                   a Block, up to its end
    SELECT :n;
    --| 1                             rows that the step before is expected to give
    --@ end

Raises of `parse_program`: SyntaxError with the place in the script, for directives that do not fit together too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from lungfish import errors
from lungfish.sql.ast import directives as ast
from lungfish.sql.directives import parse_directive
from lungfish.sql.split import ROW_MARK, ScriptPiece, split_script

_MODIFIERS = (
    ast.RunAsync,
    ast.CrashAt,
    ast.Fault,
    ast.Golden,
    ast.ExpectRows,
    ast.ExpectError,
    ast.ExpectBlocked,
    ast.ExpectPlan,
    ast.ExpectCounter,
    ast.ExpectWithin,
    ast.ExpectCount,
    ast.ExpectTag,
)
_BLOCKS = (ast.CrashEach, ast.Permute, ast.Loop, ast.Foreach)
# What excludes each other before one statement.
_OUTCOMES = (ast.ExpectError, ast.ExpectRows, ast.CrashAt)


@dataclass(frozen=True, slots=True)
class Remark:
    """A directive before a step, with its place."""

    directive: ast.Modifier
    line: int
    start: int
    end: int


@dataclass(slots=True)
class Step:
    """A statement, or a Wait or Restart, that is carried out and looked at."""

    line: int
    # Where the script's text of it begins and ends.
    start: int
    end: int
    # The statement; empty for an action.
    sql: str = ""
    data: str | None = None
    action: ast.Wait | ast.Restart | None = None
    remarks: tuple[Remark, ...] = ()
    # The lines `--| ...` behind it, as written, and where they begin and end.
    rows: list[str] = field(default_factory=list)
    rows_start: int = -1
    rows_end: int = -1

    def remark(self, kind: type[ast.Modifier]) -> Remark | None:
        """What was said of that kind."""
        return next((each for each in self.remarks if isinstance(each.directive, kind)), None)

    @property
    def text(self) -> str:
        """What a report shows of it."""
        if self.action is None:
            return self.sql
        if isinstance(self.action, ast.Wait):
            return f"--@ wait {self.action.session}"
        return f"--@ restart {'crash' if self.action.is_crash else 'clean'}"


@dataclass(slots=True)
class Note:
    """A directive that stands for itself."""

    line: int
    directive: ast.UseSession | ast.SetVariable | ast.Require | ast.Invariant


@dataclass(slots=True)
class Block:
    """Items that are run more than once."""

    line: int
    head: ast.BlockHead
    body: list[Item] = field(default_factory=list)


Item: TypeAlias = Step | Note | Block


@dataclass(frozen=True, slots=True)
class Program:
    """A parsed script. `path` names it in reports."""

    path: str
    text: str
    items: list[Item]

    def steps(self) -> Iterator[Step]:
        """All steps, those in blocks too."""
        stack = list(reversed(self.items))
        while stack:
            item = stack.pop()
            if isinstance(item, Step):
                yield item
            elif isinstance(item, Block):
                stack += reversed(item.body)


def parse_program(text: str, path: str) -> Program:
    """Parse a script."""
    return _ProgramParser(text, path).parse()


class _ProgramParser:
    """Puts the pieces of a script together."""

    def __init__(self, text: str, path: str) -> None:
        self._text = text
        self._path = path
        self._items: list[Item] = []
        # The blocks that are open, outermost first, with their pieces.
        self._open: list[tuple[Block, ScriptPiece]] = []
        self._pending: list[Remark] = []
        self._last: Step | None = None

    def parse(self) -> Program:
        for piece in split_script(self._text):
            if piece.kind == "directive":
                self._directive(piece)
            elif piece.kind == "row":
                self._row(piece)
            elif piece.kind == "command":
                raise self._error(piece, f"{piece.text} is a command of the shell")
            else:
                self._step(Step(piece.line, piece.start, piece.end, piece.text, piece.data))
        if self._open:
            _, piece = self._open[-1]
            raise self._error(piece, "the block that begins here has no --@ end")
        self._require_none_pending()
        return Program(self._path, self._text, self._items)

    def _directive(self, piece: ScriptPiece) -> None:
        directive = parse_directive(piece, self._text)
        if isinstance(directive, _MODIFIERS):
            self._remember(directive, piece)
            return
        if isinstance(directive, ast.Wait | ast.Restart):
            self._step(Step(piece.line, piece.start, piece.end, action=directive))
            return
        if not isinstance(directive, ast.UseSession):
            self._require_none_pending()
        self._last = None
        if isinstance(directive, _BLOCKS):
            block = Block(piece.line, directive)
            self._body().append(block)
            self._open.append((block, piece))
        elif isinstance(directive, ast.End):
            if not self._open:
                raise self._error(piece, "no block is open that could end here")
            self._open.pop()
        else:
            assert isinstance(
                directive, ast.UseSession | ast.SetVariable | ast.Require | ast.Invariant
            )
            self._body().append(Note(piece.line, directive))

    def _remember(self, directive: ast.Modifier, piece: ScriptPiece) -> None:
        for other in self._pending:
            is_same = type(other.directive) is type(directive) and not isinstance(
                directive, ast.ExpectCounter | ast.ExpectPlan
            )
            both_outcomes = isinstance(directive, _OUTCOMES) and isinstance(
                other.directive, _OUTCOMES
            )
            if is_same or both_outcomes:
                raise self._error(
                    piece, f"line {other.line} says already what comes of the next statement"
                )
        self._last = None
        self._pending.append(Remark(directive, piece.line, piece.start, piece.end))

    def _step(self, step: Step) -> None:
        step.remarks, self._pending = tuple(self._pending), []
        self._body().append(step)
        self._last = step

    def _row(self, piece: ScriptPiece) -> None:
        step = self._last
        if step is None:
            raise self._error(piece, "rows stand behind the statement that gives them")
        if step.rows_start < 0:
            step.rows_start = piece.start
        step.rows.append(piece.text[len(ROW_MARK) :])
        step.rows_end = piece.end

    def _body(self) -> list[Item]:
        return self._open[-1][0].body if self._open else self._items

    def _require_none_pending(self) -> None:
        if self._pending:
            remark = self._pending[0]
            raise errors.SyntaxError(
                "no statement follows that this could speak of", position=remark.start
            ).with_statement(self._text)

    def _error(self, piece: ScriptPiece, message: str) -> errors.Error:
        return errors.SyntaxError(message, position=piece.start).with_statement(self._text)
