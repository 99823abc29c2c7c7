"""The mutex of a session: threading.RLock, or the compiled one, into which compiled code can look (`native_mutex.pyx`)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lungfish.native import compiled_module

_compiled = compiled_module("lungfish.session.native_mutex")

if TYPE_CHECKING or _compiled is None:
    SessionMutex = threading.RLock
else:
    SessionMutex = _compiled.NativeMutex
