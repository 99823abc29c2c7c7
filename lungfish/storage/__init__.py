"""Pages, rows, versions and transactions: all that keeps data, and knows nothing of SQL.

Start at `page_store.py` (the file), `buffer_pool.py` (the memory), `table.py` (rows under MVCC). What the rooms promise
each other is in `docs/architecture.md`, the bytes in `docs/file-format.md`. Every byte of I/O goes through a `Disk`, every look at the
time through a `Clock`: so any run can be replayed, and crashed at any operation.
"""

from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.clock import Clock, ManualClock, SystemClock
from lungfish.storage.disk import Disk, File, LocalDisk
from lungfish.storage.image import RelationKind
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_store import PageStore
from lungfish.storage.relation_pages import Frame, PageMiss, RelationPages

__all__ = [
    "BufferPool",
    "Clock",
    "Disk",
    "File",
    "Frame",
    "LocalDisk",
    "ManualClock",
    "MemoryDisk",
    "PageMiss",
    "PageStore",
    "RelationKind",
    "RelationPages",
    "SystemClock",
]
