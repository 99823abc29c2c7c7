"""What a checkpoint keeps with its image beside the pages: the image's payload in the manifest.

    "lungfish-facts" version u32, then zlib of a JSON object

JSON, since it is small (compressed: some hundred bytes, and about 60 for each row of history) and grows by members; the manifest's checksum
guards it. What a participant gave at `prepare` stands under `participants` by the participant's name.
"""

from __future__ import annotations

import functools
import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

from lungfish import errors
from lungfish.recovery.history import CheckpointRecord, RecoveryRecord, record_from, values_of
from lungfish.storage.ids import LSN

MAGIC = b"lungfish-facts"
VERSION = 2
_HEAD = struct.Struct(f"<{len(MAGIC)}sI")
_NO_LSN = LSN(0)
# What a participant leaves: JSON values.
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CheckpointFacts:
    """The checkpoint's own facts. An image that was never checkpointed, of a database just made, has the defaults."""

    checkpoint_id: int = 0
    # The image has everything before; for relations with a mark of their own, that counts.
    redo_lsn: LSN = _NO_LSN
    # The newest life of the log of which there were segments; 0 if there was no log.
    log_generation: int = 0
    # The size of the log's segments, for the database's whole life; 0: not chosen yet.
    segment_size: int = 0
    # The database was closed after this image: the log holds nothing beyond it, or is gone already.
    is_clean: bool = True
    # Microseconds since 1970, UTC.
    taken_at: int = 0
    # For a named image: when its name ends, microseconds since 1970 (UTC); 0: never.
    keep_until: int = 0
    # For a named image: the log is kept from its lowest mark on.
    retains_log: bool = False
    # What the last scrubs of retained images found: generation, when, bad pages.
    verdicts: tuple[tuple[int, int, int], ...] = ()
    participants: dict[str, Facts] = field(default_factory=dict)
    checkpoints: tuple[CheckpointRecord, ...] = ()
    recoveries: tuple[RecoveryRecord, ...] = ()

    def of(self, participant: str) -> Facts:
        """What a participant left; empty if it was not there."""
        return self.participants.get(participant, {})


def encode_facts(facts: CheckpointFacts) -> bytes:
    """The facts as an image's payload."""
    document = {
        "checkpoint_id": facts.checkpoint_id,
        "redo_lsn": facts.redo_lsn,
        "log_generation": facts.log_generation,
        "segment_size": facts.segment_size,
        "is_clean": facts.is_clean,
        "taken_at": facts.taken_at,
        "keep_until": facts.keep_until,
        "retains_log": facts.retains_log,
        "verdicts": facts.verdicts,
        "participants": facts.participants,
    }
    members = json.dumps(document, separators=(",", ":"), sort_keys=True)[1:-1]
    checkpoints = ",".join(map(_row_text, facts.checkpoints))
    recoveries = ",".join(map(_row_text, facts.recoveries))
    text = f'{{{members},"checkpoints":[{checkpoints}],"recoveries":[{recoveries}]}}'
    return _HEAD.pack(MAGIC, VERSION) + zlib.compress(text.encode(), 1)


@functools.lru_cache(maxsize=2048)
def _row_text(record: CheckpointRecord | RecoveryRecord) -> str:
    """A row of a history as JSON. Each checkpoint writes all rows again, and commits want the interpreter meanwhile: so they are kept."""
    return json.dumps(values_of(record), separators=(",", ":"))


def decode_facts(payload: bytes) -> CheckpointFacts:
    """The inverse of `encode_facts`; the empty payload is that of a database just made.

    Raises CorruptDatabase, and FeatureNotSupported for a version that this program does not know.
    """
    if not payload:
        return CheckpointFacts()
    if len(payload) < _HEAD.size or not payload.startswith(MAGIC):
        raise errors.CorruptDatabase("the checkpoint's facts are not what was written")
    version = _HEAD.unpack_from(payload)[1]
    if version != VERSION:
        raise errors.FeatureNotSupported(
            f"checkpoint of format version {version}; this program reads version {VERSION}"
        )
    try:
        document = json.loads(zlib.decompress(payload[_HEAD.size :]))
        return CheckpointFacts(
            checkpoint_id=int(document["checkpoint_id"]),
            redo_lsn=LSN(int(document["redo_lsn"])),
            log_generation=int(document["log_generation"]),
            segment_size=int(document["segment_size"]),
            is_clean=bool(document["is_clean"]),
            taken_at=int(document["taken_at"]),
            keep_until=int(document["keep_until"]),
            retains_log=bool(document["retains_log"]),
            verdicts=tuple((int(a), int(b), int(c)) for a, b, c in document["verdicts"]),
            participants=dict(document["participants"]),
            checkpoints=tuple(
                record_from(CheckpointRecord, each) for each in document["checkpoints"]
            ),
            recoveries=tuple(record_from(RecoveryRecord, each) for each in document["recoveries"]),
        )
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise errors.CorruptDatabase("the checkpoint's facts cannot be read") from error
