"""KeyboardInterrupt at the n-th line executed in some modules: a signal handler may raise between any two bytecodes."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any

LINE_COUNT_MAX = 3000


class Interrupter:
    """A trace function that raises once."""

    def __init__(self, files: set[str], line_number: int) -> None:
        self.files = files
        self.left = line_number

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in self.files:
            return None
        if event == "line" and not _is_safe(frame):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


def _is_safe(frame: FrameType) -> bool:
    """Whether no signal is handled at the line, though it is traced.

    A `with` is traced again on leaving, before the lock is released; a `try` is an instruction that does nothing.
    """
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return line.lstrip().startswith(("with ", "try:"))


def is_interrupted(modules: list[ModuleType], line_number: int, act: Callable[[], object]) -> bool:
    """Act, with an interrupt at that line; False if the act was over before."""
    files = {module.__file__ for module in modules if module.__file__ is not None}
    previous = sys.gettrace()
    sys.settrace(Interrupter(files, line_number))
    try:
        act()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(previous)
    return False


def line_numbers() -> Iterator[int]:
    """1, 2, 3, ...: to be left when the act was not interrupted any more."""
    yield from range(1, LINE_COUNT_MAX)
    raise AssertionError("the act never came to its end")
