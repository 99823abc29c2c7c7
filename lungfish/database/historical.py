"""The database as a kept image has it: opened beside the present one, over the same file, read-only.

A whole `Database` is made of the image: its own catalog, buffer pool and caches. Opening it undoes what transactions then running had
changed, as a restart would, so that committed rows alone show; what that writes stays in memory (`storage/overlay_file.py`). Tables
dropped since are there, and nothing of the present is looked at.

An image that is open so is pinned: its space is not used again, even if its name is dropped meanwhile. The last few stay open, so that the
next statement AS OF the same checkpoint pays nothing.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from lungfish.database.database import Database
from lungfish.errors import ConnectionDoesNotExist
from lungfish.storage.image import Image

# Memory for the pages of one image.
BUFFER_BYTES_MAX = 64 << 20
# So many images stay open though nobody reads them.
OPEN_COUNT_MAX = 2

Use = TypeVar("Use")


class HistoricalDatabase(Database):
    """A database that shows one image of another. Its end is the other's, or that of `open_historical`."""

    is_historical = True

    def __init__(self, present: Database, image: Image, *, reader: str) -> None:
        self.image = image
        self._pin = contextlib.ExitStack()
        self._pin.enter_context(present.core.images.reading(image, f"AS OF, {reader}"))
        try:
            buffer_bytes = min(present.options.buffer_bytes, BUFFER_BYTES_MAX)
            core = present.core.at_image(image, buffer_size=buffer_bytes)
            # Numbers of this database name nothing: chance of its own keeps the present's undisturbed.
            options = replace(
                present.options, checkpoint_wal_bytes=0, random=random.Random(image.generation)
            )
            super().__init__(core, _NoLock(), name=present.name, options=options)
        except BaseException:
            self._pin.close()
            raise

    @property
    def is_read(self) -> bool:
        """Whether a session has it open."""
        with self._lock:
            return bool(self._members)

    def leave(self, member: object) -> None:
        """Let a session go; the database stays open for the next."""
        with self._lock:
            self._members.pop(member, None)

    def close(self) -> None:
        """Drop it: there is nothing to keep. Twice is harmless."""
        self.crash()

    def crash(self) -> None:
        super().crash()
        self._pin.close()


class _NoLock:
    """The present database holds the file's lock."""

    last_end = "unknown"

    def release(self, *, is_crash: bool = False) -> None:
        """Nothing was locked."""


def open_historical(
    present: Database, name: str, *, reader: str, use: Callable[[Database], Use]
) -> Use:
    """The answer of `use`, which joins the database as the checkpoint of that name has it: opened now if it is not.

    Raises UndefinedObject, CorruptPage.
    """
    with present.past_lock:
        if present.is_closed:
            raise ConnectionDoesNotExist("the database is closed")
        image = present.core.images.named(name)
        found = present.past.pop(image.generation, None)
        if found is None:
            found = HistoricalDatabase(present, image, reader=reader)
        # The one used last stands at the end.
        present.past[image.generation] = found
        answer = use(found)
        _close_idle(present, count=len(present.past) - OPEN_COUNT_MAX)
        return answer


def forget_historical(present: Database, names: Iterable[str]) -> None:
    """Close what is open of images by these names, unless somebody reads it: so that their space can be used again."""
    with present.past_lock:
        wanted = set(names)
        for generation, past in list(present.past.items()):
            assert isinstance(past, HistoricalDatabase)
            if past.image.name in wanted and not past.is_read:
                del present.past[generation]
                past.crash()


def _close_idle(present: Database, *, count: int) -> None:
    """Close so many of those that nobody reads, the ones used longest ago first."""
    for generation, past in list(present.past.items()):
        assert isinstance(past, HistoricalDatabase)
        if count > 0 and not past.is_read:
            del present.past[generation]
            past.crash()
            count -= 1
