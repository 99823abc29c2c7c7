"""A file in front of another one: reads come through, writes stay in memory. For databases as a kept image has them.

Such a database is opened, recovered and read as any other; what undo changes in it, or an index built anew, must not touch the file.
Memory is taken for what is written only, by units of 4 KiB.
"""

from __future__ import annotations

import threading

from lungfish.storage.checksum import BytesLike
from lungfish.storage.disk import File
from lungfish.storage.page_table import UNIT_SIZE


class OverlayFile:
    """The file. The one behind it stays open when this is closed."""

    def __init__(self, base: File) -> None:
        self._base = base
        # Guards what follows.
        self._latch = threading.Lock()
        self._units: dict[int, bytes] = {}
        self._size = base.size()

    @property
    def path(self) -> str:
        return self._base.path

    def read_at(self, offset: int, length: int) -> bytes:
        buffer = bytearray(length)
        count = self.read_into(offset, buffer)
        return bytes(buffer[:count])

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> int:
        view = memoryview(buffer)
        with self._latch:
            count = max(0, min(len(view), self._size - offset))
        done = self._base.read_into(offset, view[:count])
        # Behind the end of the file behind, where nothing was written here either.
        view[done:count] = bytes(count - done)
        for unit in range(offset // UNIT_SIZE, -(-(offset + count) // UNIT_SIZE)):
            with self._latch:
                data = self._units.get(unit)
            if data is not None:
                start = unit * UNIT_SIZE
                first, last = max(start, offset), min(start + UNIT_SIZE, offset + count)
                view[first - offset : last - offset] = data[first - start : last - start]
        return count

    def write_at(self, offset: int, data: BytesLike) -> None:
        end = offset + len(data)
        first, last = offset // UNIT_SIZE, -(-end // UNIT_SIZE)
        whole = bytearray((last - first) * UNIT_SIZE)
        if len(whole) != len(data):
            self.read_into(first * UNIT_SIZE, whole)
        start = offset - first * UNIT_SIZE
        whole[start : start + len(data)] = data
        with self._latch:
            for index in range(last - first):
                unit = bytes(whole[index * UNIT_SIZE : (index + 1) * UNIT_SIZE])
                self._units[first + index] = unit
            self._size = max(self._size, end)

    def sync(self) -> None:
        """There is nothing to make durable."""

    def truncate(self, size: int) -> None:
        with self._latch:
            for unit in range(-(-size // UNIT_SIZE), -(-self._size // UNIT_SIZE)):
                # What is behind the end reads as zeros when the file grows again.
                self._units[unit] = bytes(UNIT_SIZE)
            self._size = size

    def size(self) -> int:
        with self._latch:
            return self._size

    def close(self) -> None:
        with self._latch:
            self._units.clear()
