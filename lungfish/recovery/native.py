"""The compiled part of the log's flush, where the install could build it (native_flush.pyx)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lungfish.native import compiled_module

if TYPE_CHECKING:
    from lungfish.recovery.wal import WriteAheadLog
    from lungfish.recovery.wal_group import GroupSync
    from lungfish.storage.ids import LSN


def quick_flush(log: WriteAheadLog, group: GroupSync) -> Callable[[LSN], bool] | None:
    """What `GroupSync.quick` is to be for a log; None if it is not built."""
    module = compiled_module("lungfish.recovery.native_flush")
    if module is None:
        return None
    made: Callable[[LSN], bool] = module.NativeFlush(log, group).sync_to
    return made
