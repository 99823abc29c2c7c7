"""Where blocking operators put rows that memory cannot hold: temporary files on the database's disk.

A `SpillFile` is a list of batches, each one Arrow IPC message stream at its offset. Nothing here is ever synced or read after a
crash: the files are removed at the end of the operator, the folder when the database is closed, and what a crash left behind when it is
opened again (`SpillSpace.clear`). A full disk raises DiskFull (53100), which ends the statement and nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pyarrow as pa

from lungfish.recovery.telemetry import Counter, StorageTelemetryRegistry
from lungfish.storage.disk import Disk, File
from lungfish.types.batch import Batch

_PREFIX = "spill-"


class SpillSpace:
    """A directory of temporary files. Shared by all statements of a database."""

    def __init__(self, disk: Disk, directory: str, telemetry: StorageTelemetryRegistry) -> None:
        self._disk = disk
        self._directory = directory
        self._numbers = itertools.count(1)
        self._files = telemetry.counter(
            "temp_files", unit="files", help="temporary files made by sorts, joins and aggregates"
        )
        self._bytes = telemetry.counter(
            "temp_bytes", unit="bytes", help="bytes written to temporary files"
        )

    def open(self) -> SpillFile:
        """A new, empty spill file."""
        self._disk.make_directory(self._directory)
        path = f"{self._directory}/{_PREFIX}{next(self._numbers)}"
        file = SpillFile(self._disk, self._disk.open(path, create=True), self._bytes)
        self._files.add()
        return file

    def clear(self) -> None:
        """Remove the folder and what is in it: when the database is opened, and when it is closed."""
        names = self._disk.list(self._directory)
        own = [name for name in names if name.startswith(_PREFIX)]
        for name in own:
            self._disk.remove(f"{self._directory}/{name}")
        if len(own) == len(names) and self._disk.exists(self._directory):
            self._disk.remove_directory(self._directory)


class SpillFile:
    """Batches in a temporary file, in the order in which they were appended. Removed by `close`, at the latest when nobody has it any more."""

    def __init__(self, disk: Disk, file: File, written: Counter) -> None:
        self._written = written
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
        self._written.add(data.size)

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

    def __del__(self) -> None:
        if self._end >= 0:
            self.close()
