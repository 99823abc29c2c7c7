"""The garbage collector rests while a statement is being stopped.

It runs finalizers and the callbacks of weak references wherever something is allocated, also within a long call of C. What is raised there is
lost: so would be the stop that the thread was sent meanwhile, since it comes with the first instruction of Python's.
"""

from __future__ import annotations

import gc
from threading import RLock

# Guards the next two. One that is entered again: a signal's handler may ask for rest while its thread does.
_latch = RLock()
_sleepers: set[object] = set()
# Whether the collector was at work before it had to rest.
_was_enabled = False


def rest_collector(sleeper: object) -> None:
    """Have the collector rest until `wake_collector` was called for this sleeper, and for every other."""
    global _was_enabled
    with _latch:
        if not _sleepers:
            _was_enabled = gc.isenabled()
            gc.disable()
        _sleepers.add(sleeper)


def wake_collector(sleeper: object) -> None:
    """Nothing keeps the collector from its work on this sleeper's account. Can be done again."""
    with _latch:
        if sleeper in _sleepers:
            _sleepers.remove(sleeper)
            if not _sleepers and _was_enabled:
                gc.enable()
