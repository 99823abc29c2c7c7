"""A disk around another one, on which the next operation of a kind goes wrong: for tests that say what is to fail and when.

    eio           the next operation fails with an I/O error, and is not done
    enospc        the next write finds no room, and so does every later one until `heal`
    short_write   of the next write only so many bytes are written, then it fails
    bit_flip      the next write is done with one bit turned over, and nobody is told

It works over any disk, so the same fault can be played on a simulated one and on the machine's own.
"""

from __future__ import annotations

from lungfish.errors import DiskFull, InvalidParameterValue, IoError
from lungfish.storage.checksum import BytesLike
from lungfish.storage.disk import Disk, File, Lock

_FLIPPED_AT = 64
FAULTS = ("eio", "enospc", "short_write", "bit_flip")


class FaultyDisk:
    """A `Disk` that does what the one inside does, but for the fault that is planted."""

    def __init__(self, inner: Disk) -> None:
        self.inner = inner
        # The fault that waits for its operation; "" for none.
        self._kind = ""
        self._bytes = 0

    def plant(self, kind: str, *, size: int = 0) -> None:
        """Let the next operation that fits go wrong; `size`: what a short write still writes. Raises InvalidParameterValue."""
        if kind not in FAULTS:
            raise InvalidParameterValue(f'there is no fault "{kind}" of a disk')
        self._kind, self._bytes = kind, size

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self._kind = ""

    # --- Disk ---

    def open(self, path: str, *, create: bool = False) -> File:
        if create and not self.inner.exists(path):
            self._refuse_growth(path)
        self._refuse(path)
        return FaultyFile(self, self.inner.open(path, create=create))

    def exists(self, path: str) -> bool:
        return self.inner.exists(path)

    def list(self, directory: str) -> list[str]:
        return self.inner.list(directory)

    def remove(self, path: str) -> None:
        self._refuse(path)
        self.inner.remove(path)

    def rename(self, old: str, new: str) -> None:
        self._refuse(old)
        self.inner.rename(old, new)

    def make_directory(self, path: str) -> None:
        self._refuse(path)
        self.inner.make_directory(path)

    def remove_directory(self, path: str) -> None:
        self._refuse(path)
        self.inner.remove_directory(path)

    def sync_directory(self, path: str) -> None:
        self._refuse(path)
        self.inner.sync_directory(path)

    def lock(self, path: str) -> Lock:
        return self.inner.lock(path)

    # --- For FaultyFile ---

    def write(self, file: File, offset: int, data: BytesLike) -> None:
        self._refuse(file.path)
        self._refuse_growth(file.path)
        kind = self._kind
        if kind == "short_write":
            self._kind = ""
            file.write_at(offset, bytes(data)[: self._bytes])
            raise IoError(f'could not write file "{file.path}" at {offset}: short write')
        if kind == "bit_flip":
            self._kind = ""
            flipped = bytearray(data)
            # Not in the zeros that fill a unit up: they mean nothing.
            flipped[min(len(flipped) - 1, _FLIPPED_AT)] ^= 1
            data = flipped
        file.write_at(offset, data)

    def read_failed(self, path: str) -> None:
        """Raise if a read is to fail."""
        self._refuse(path)

    def sync(self, file: File) -> None:
        self._refuse(file.path)
        file.sync()

    def truncate(self, file: File, size: int) -> None:
        self._refuse(file.path)
        if size > file.size():
            self._refuse_growth(file.path)
        file.truncate(size)

    def _refuse(self, path: str) -> None:
        if self._kind == "eio":
            self._kind = ""
            raise IoError(f'could not access file "{path}": Input/output error')

    def _refuse_growth(self, path: str) -> None:
        if self._kind == "enospc":
            raise DiskFull(f'could not write file "{path}": No space left on device')


class FaultyFile:
    """An open file of a `FaultyDisk`."""

    def __init__(self, disk: FaultyDisk, inner: File) -> None:
        self._disk = disk
        self._inner = inner

    @property
    def path(self) -> str:
        return self._inner.path

    def read_at(self, offset: int, length: int) -> bytes:
        self._disk.read_failed(self.path)
        return self._inner.read_at(offset, length)

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> int:
        self._disk.read_failed(self.path)
        return self._inner.read_into(offset, buffer)

    def write_at(self, offset: int, data: BytesLike) -> None:
        self._disk.write(self._inner, offset, data)

    def sync(self) -> None:
        self._disk.sync(self._inner)

    def truncate(self, size: int) -> None:
        self._disk.truncate(self._inner, size)

    def size(self) -> int:
        return self._inner.size()

    def close(self) -> None:
        self._inner.close()
