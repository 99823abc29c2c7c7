"""The child of an `IsolatedEngine`: runs a `LocalEngine` over real files, as its parent asks, until it is killed.

Heavy libraries are imported here, at the top: the server process that children are forked from loads this module once for all of them.
"""

from __future__ import annotations

from multiprocessing.connection import Connection as Pipe
from typing import Any

import numpy as np  # noqa: F401
import pyarrow.compute  # noqa: F401

from lungfish import errors
from lungfish.script.engine import EngineCrashed
from lungfish.script.local_engine import LocalEngine
from lungfish.script.media import FileMedium
from lungfish.sql.ast.directives import CrashOptions

# What the parent may ask for, by the names of the engine's methods.
_METHODS = frozenset(
    [
        "open",
        "start",
        "wait",
        "take",
        "cancel",
        "shut",
        "arm_crash",
        "plant",
        "disarm",
        "hits",
        "own_state",
        "close",
    ]
)


def run_child(pipe: Pipe, folder: str) -> None:
    """Answer requests (a method's name, its arguments by name) until the pipe is closed."""
    medium = FileMedium(folder)
    engine = LocalEngine(medium)
    while True:
        try:
            name, arguments = pipe.recv()
        except EOFError:
            engine.close()
            return
        if name == "die":
            medium.stop(CrashOptions(**arguments))
        pipe.send(_answer(engine, name, arguments))


def _answer(engine: LocalEngine, name: str, arguments: dict[str, Any]) -> tuple[str, Any]:
    assert name in _METHODS, "the parent asks for what there is"
    try:
        return "ok", getattr(engine, name)(**arguments)
    except EngineCrashed:
        return "crashed", None
    except errors.Error as error:
        return "error", (type(error).__name__, error.message, error.detail, error.hint)
