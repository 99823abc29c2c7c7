"""Where blocking operators put rows that memory cannot hold: temporary files on the database's disk.

A `SpillFile` is a list of batches, each one Arrow IPC message stream at its offset. Nothing here is ever synced or read after a
crash: the files are removed at the end of the operator, and the database removes what a crash left behind
(`SpillSpace.remove_leftovers`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pyarrow as pa

from lungfish.storage.disk import Disk, File
from lungfish.types.batch import Batch

_PREFIX = "spill-"


class SpillSpace:
    """A directory of temporary files. Shared by all statements of a database."""

    def __init__(self, disk: Disk, directory: str) -> None:
        self._disk = disk
        self._directory = directory
        self._numbers = itertools.count(1)

    def open(self) -> SpillFile:
        """A new, empty spill file."""
        self._disk.make_directory(self._directory)
        path = f"{self._directory}/{_PREFIX}{next(self._numbers)}"
        return SpillFile(self._disk, self._disk.open(path, create=True))

    def remove_leftovers(self) -> None:
        """Remove the files that a crash left behind; when the database is opened."""
        for name in self._disk.list(self._directory):
            if name.startswith(_PREFIX):
                self._disk.remove(f"{self._directory}/{name}")


class SpillFile:
    """Batches in a temporary file, in the order in which they were appended. Removed by `close`."""

    def __init__(self, disk: Disk, file: File) -> None:
        self._disk = disk
        self._file = file
        self._end = 0
        self._places: list[tuple[int, int, int]] = []

    @property
    def size_bytes(self) -> int:
        """How much has been written."""
        return self._end

    @property
    def batch_count(self) -> int:
        """How many batches there are."""
        return len(self._places)

    def append(self, batch: Batch) -> None:
        """Write one batch."""
        if not batch.columns:
            self._places.append((self._end, 0, batch.row_count))
            return
        names = [str(index) for index in range(len(batch.columns))]
        record = pa.RecordBatch.from_arrays(list(batch.columns), names=names)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, record.schema) as writer:
            writer.write_batch(record)
        data = sink.getvalue()
        self._file.write_at(self._end, memoryview(data))
        self._places.append((self._end, data.size, batch.row_count))
        self._end += data.size

    def read(self, number: int) -> Batch:
        """The batch of that number."""
        offset, length, row_count = self._places[number]
        if not length:
            return Batch((), row_count)
        data = self._file.read_at(offset, length)
        with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
            record = reader.read_next_batch()
        return Batch(tuple(record.columns), row_count)

    def batches(self) -> Iterator[Batch]:
        """All batches, in order."""
        for number in range(len(self._places)):
            yield self.read(number)

    def close(self) -> None:
        """Remove the file. Twice is harmless."""
        if self._places or self._end >= 0:
            path = self._file.path
            self._file.close()
            if self._disk.exists(path):
                self._disk.remove(path)
        self._places = []
        self._end = -1
