r"""`\if`, `\elif`, `\else`, `\endif`: which parts of a script run. Conditions nest."""

from __future__ import annotations

from dataclasses import dataclass

from lungfish import errors


@dataclass(slots=True)
class _Condition:
    # Whether what stands in the present branch runs.
    is_active: bool
    # Whether a branch has run, or none may.
    is_settled: bool
    has_else: bool = False


class Conditions:
    """The conditions that are open, outermost first."""

    def __init__(self) -> None:
        self._open: list[_Condition] = []

    @property
    def is_active(self) -> bool:
        """Whether what comes now runs."""
        return not self._open or self._open[-1].is_active

    @property
    def depth(self) -> int:
        """How many are open."""
        return len(self._open)

    def begin(self, *, is_true: bool) -> None:
        r"""`\if`. Within a branch that does not run, no branch runs."""
        is_running = self.is_active
        self._open.append(_Condition(is_running and is_true, is_true or not is_running))

    def is_undecided(self, command: str) -> bool:
        r"""Whether the expression of an `\elif` matters. Raises SyntaxError where it may not stand."""
        top = self._top(command)
        if top.has_else:
            raise errors.SyntaxError(f"{command}: cannot occur after \\else")
        return not top.is_settled

    def otherwise(self, *, is_true: bool, is_last: bool, command: str) -> None:
        r"""`\elif` and `\else`."""
        is_undecided = self.is_undecided(command)
        top = self._top(command)
        top.is_active = is_undecided and is_true
        top.is_settled = top.is_settled or is_true
        top.has_else = is_last

    def end(self) -> None:
        r"""`\endif`."""
        self._top("\\endif")
        self._open.pop()

    def close_to(self, depth: int) -> bool:
        """Drop what a script left open; whether there was something."""
        has_open = len(self._open) > depth
        del self._open[depth:]
        return has_open

    def _top(self, command: str) -> _Condition:
        if not self._open:
            raise errors.SyntaxError(f"{command}: no matching \\if")
        return self._open[-1]
