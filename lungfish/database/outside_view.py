"""What a process can see of a database that another one has open, without disturbing it: its files, and what they say.

The image of the newest checkpoint is held while its facts are read, as any reader does (`reader.py`). Sessions and locks are in the memory of
the process that has it open: they are seen there, by `pg_stat_activity`, `pg_locks`, and `\\top` of its shell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lungfish.errors import UndefinedFile
from lungfish.recovery.checkpoint_facts import CheckpointFacts, decode_facts
from lungfish.recovery.core import LOG_SUFFIX
from lungfish.recovery.restart_progress import read_status
from lungfish.recovery.wal_segments import SegmentFolder
from lungfish.storage import Disk, LocalDisk
from lungfish.storage.clock import Clock, SystemClock
from lungfish.storage.disk import find_holder
from lungfish.storage.page_table import UNIT_SIZE
from lungfish.storage.reader_pins import HeldImage, ReaderPins


@dataclass(frozen=True, slots=True)
class OutsideView:
    """A database at a moment, seen from outside. Sizes in bytes, times in microseconds since 1970 (UTC)."""

    path: str
    at_us: int
    # In words: closed; open; recovering; not closed, with nobody who has it open.
    state: str
    # pid, host, command and since when; empty if nobody has it open.
    holder: Mapping[str, Any]
    file_bytes: int
    log_bytes: int
    log_segments: int
    checkpoint_id: int
    checkpoint_at_us: int
    image_bytes: int
    relations: int
    # Processes that read an image.
    readers: tuple[Mapping[str, Any], ...]
    # The columns of lungfish.recovery_progress, while it recovers.
    recovery: Mapping[str, Any] | None


def look_from_outside(
    path: str, *, disk: Disk | None = None, clock: Clock | None = None
) -> OutsideView:
    """Look at a database. Raises UndefinedFile, CorruptDatabase and its kin, InsufficientPrivilege."""
    used_clock = clock or SystemClock()
    used_disk = disk or LocalDisk(used_clock)
    if not used_disk.exists(path):
        raise UndefinedFile(f'database "{path}" does not exist')
    folder = SegmentFolder(used_disk, path + LOG_SUFFIX)
    segments = folder.numbers()
    log_bytes = sum(folder.size_of(name) for name in used_disk.list(path + LOG_SUFFIX))
    readers = ReaderPins(used_disk, path, used_clock).living()
    now_us = used_clock.utc_us()
    held = HeldImage(used_disk, path, now_us=now_us)
    try:
        image = held.image
        facts: CheckpointFacts = decode_facts(image.payload)
        file_bytes = held.file.size()
    finally:
        held.release()
    found = find_holder(path)
    is_held = found is not None and found[1] and not found[0].has_crashed
    recovery = read_status(used_disk, path) if is_held else None
    if recovery is not None:
        state = "recovering"
    elif is_held:
        state = "open"
    else:
        state = "closed" if not segments else "not closed: the next opening recovers it"
    holder: Mapping[str, Any] = {}
    if found is not None and is_held:
        who = found[0]
        holder = {
            "pid": who.pid,
            "host": who.host,
            "command": who.command,
            "since_us": who.since_us,
        }
    return OutsideView(
        path=path,
        at_us=now_us,
        state=state,
        holder=holder,
        file_bytes=file_bytes,
        log_bytes=log_bytes,
        log_segments=len(segments),
        checkpoint_id=facts.checkpoint_id,
        checkpoint_at_us=facts.taken_at,
        image_bytes=image.unit_count * UNIT_SIZE,
        relations=len(image.relations),
        readers=tuple(
            {"pid": pin.process_id, "since_us": pin.since_us, "generation": pin.generation}
            for pin in readers
        ),
        recovery=recovery,
    )
