"""Tests of programs that use Lungfish: databases made in milliseconds, crashes at chosen moments, restarts.

The fixtures `lungfish_db`, `lungfish_session` and `lungfish_fork` come with the package (`lungfish/pytest_plugin.py`); `docs/testing.md` shows
them. Start at `crash_at`.
"""

from lungfish.storage.failpoints import FailpointName
from lungfish.storage.simulated_disk import SimulatedCrash
from lungfish.testing.crashes import Crash, crash_at, crash_everywhere, failpoints
from lungfish.testing.forks import crashable_fork, restart

__all__ = [
    "Crash",
    "FailpointName",
    "SimulatedCrash",
    "crash_at",
    "crash_everywhere",
    "crashable_fork",
    "failpoints",
    "restart",
]
