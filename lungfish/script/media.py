"""Where a script's database lies: on a simulated disk in memory, or in files of a folder. Each can crash, be kept and be put back."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import NoReturn, Protocol

from lungfish.sql.ast.directives import CrashOptions
from lungfish.storage import LocalDisk
from lungfish.storage.crash_state import Persistence
from lungfish.storage.disk import Disk
from lungfish.storage.simulated_disk import SimulatedCrash, SimulatedDisk
from lungfish.storage.volatile_disk import VolatileDisk

_NAME = "script.db"


class Medium(Protocol):
    """A place for one database."""

    path: str

    @property
    def disk(self) -> Disk:
        """Where its files are."""

    def stop(self, options: CrashOptions) -> NoReturn:
        """The machine stops here and now, and leaves what the options say."""

    def lose(self, options: CrashOptions) -> None:
        """After the database was dropped: leave of it what a crash would."""

    def save(self) -> object:
        """Keep what is there."""

    def revert(self, saved: object) -> None:
        """Put it back."""


class SimulatedMedium:
    """A disk in memory, exact to the single write."""

    def __init__(self) -> None:
        self.path = _NAME
        self._disk = SimulatedDisk()

    @property
    def disk(self) -> Disk:
        return self._disk

    def stop(self, options: CrashOptions) -> NoReturn:
        self._disk.halt()
        raise SimulatedCrash

    def lose(self, options: CrashOptions) -> None:
        disk = self._disk
        if options.torn_bytes is not None:
            self._disk = disk.torn_state(
                options.torn_bytes, keeps_others=not options.drops_unsynced
            )
            return
        persistence = Persistence.SYNCED if options.drops_unsynced else Persistence.EVERYTHING
        self._disk = disk.crash_state(disk.operation_count, persistence)

    def save(self) -> SimulatedDisk:
        return self._disk.crash_state(self._disk.operation_count, Persistence.EVERYTHING)

    def revert(self, saved: object) -> None:
        assert isinstance(saved, SimulatedDisk)
        self._disk = saved.crash_state(0, Persistence.EVERYTHING)


class FileMedium:
    """Real files; to stop the machine is to kill this process."""

    def __init__(self, folder: str) -> None:
        self.path = str(Path(folder, _NAME))
        self._disk = VolatileDisk(LocalDisk())

    @property
    def disk(self) -> Disk:
        return self._disk

    def stop(self, options: CrashOptions) -> NoReturn:
        self.lose(options)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("a killed process does not come here")

    def lose(self, options: CrashOptions) -> None:
        if not options.drops_unsynced or options.torn_bytes is not None:
            self._disk.spill(torn_bytes=options.torn_bytes, keeps_others=not options.drops_unsynced)
        self._disk = VolatileDisk(LocalDisk())

    def save(self) -> object:
        return save_folder(Path(self.path).parent)

    def revert(self, saved: object) -> None:
        revert_folder(Path(self.path).parent, saved)


def save_folder(folder: Path) -> Path:
    """Copy the folder of a closed database beside it; answers where to."""
    number = len(list(folder.parent.glob(f"{folder.name}.saved-*")))
    saved = folder.with_name(f"{folder.name}.saved-{number}")
    shutil.copytree(folder, saved)
    return saved


def revert_folder(folder: Path, saved: object) -> None:
    """Put a copy back in the folder's place."""
    assert isinstance(saved, Path)
    shutil.rmtree(folder)
    shutil.copytree(saved, folder)
