"""What ALTER SYSTEM SET keeps: with each image as a participant's facts, and between two images as a note in the log."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from lungfish.recovery.checkpoint_facts import Facts
from lungfish.recovery.settings import StorageSettings, decode_settings, encode_settings
from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_records import NoteKind
from lungfish.storage.fence import Fence

# Under which name the image has them.
SETTINGS = "settings"


class StoredSettings:
    """Keeps settings, durably."""

    def __init__(self, settings: StorageSettings, log: WriteAheadLog, fence: Fence) -> None:
        self._settings = settings
        self._log = log
        self._fence = fence
        # One change at a time: each note has all of them.
        self._lock = threading.Lock()

    def facts(self) -> Facts:
        """What a checkpoint keeps. Inside the closed fence."""
        return dict(self._settings.stored)

    def restore(self, facts: Mapping[str, str], notes: Sequence[bytes]) -> None:
        """At the opening: what the image has, or the newest of the notes since."""
        self._settings.restore(decode_settings(notes[-1]) if notes else dict(facts))

    def keep(self, name: str, value: str | None) -> None:
        """Keep a value that was checked, or (None) keep it no longer; durable when it returns, and in force."""
        with self._lock:
            stored = {key: kept for key, kept in self._settings.stored.items() if key != name}
            if value is not None:
                stored[name] = value
            self._change(stored)

    def forget_all(self) -> None:
        """Keep nothing any longer."""
        with self._lock:
            self._change({})

    def _change(self, stored: Mapping[str, str]) -> None:
        # In one passage of the fence: a checkpoint has both the note and the value, or neither.
        with self._fence:
            lsn = self._log.append_note(NoteKind.SETTINGS, encode_settings(stored))
            self._settings.restore(stored)
        self._log.flush_to(lsn)
