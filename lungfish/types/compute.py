"""pyarrow.compute under the name `pc`, loaded when the first of its functions is called.

Loading it makes 286 functions with their signatures and documentation, a twentieth of the time that a new process takes to its first answer;
and statements that look up rows by key need none of them. A function that is taken from `pc` before that, as tables of functions do
when they are imported, is a stand-in that loads it when it is called.
"""

from __future__ import annotations

import importlib
from typing import Any

from lungfish.types.late_loading import load_apart


class _Compute:
    """The module's functions; all of them at hand once it is loaded."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Late(name)


class _Late:
    """A function of a module that was not loaded yet when it was taken. Tables of functions keep it, so it looks once only."""

    __slots__ = ("_function", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._function: Any = None

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if self._function is None:
            module = load_apart(lambda: importlib.import_module("pyarrow.compute"))
            # From now on `pc` has the functions themselves.
            pc.__dict__.update(vars(module))
            self._function = getattr(module, self._name)
        return self._function(*arguments, **options)


# Typed as pyarrow is: not at all.
pc: Any = _Compute()
