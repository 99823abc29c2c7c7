"""The hot half of Connection and Cursor in the form that is in use: compiled where the install could build it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.native import compiled_module

_compiled = compiled_module("lungfish.connection.native_front")

if TYPE_CHECKING or _compiled is None:
    from lungfish.connection.plain_front import PlainConnectionFront as ConnectionFront
    from lungfish.connection.plain_front import PlainCursorFront as CursorFront
else:
    ConnectionFront, CursorFront = _compiled.ConnectionFront, _compiled.CursorFront

__all__ = ["ConnectionFront", "CursorFront"]
