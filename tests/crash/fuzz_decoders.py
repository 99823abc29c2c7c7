"""Trial 17 of the matrix, behind the checksums: what decodes bytes of the file is given mutated ones, whose checksum somebody has put right.

Whole files are fuzzed in `damage.py`; there nearly every mutation ends at a checksum. Here it does not, so that each decoder must find
out by itself: it answers something, or raises an error of ours, and nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from lungfish import errors
from lungfish.recovery.checkpoint_facts import decode_facts
from lungfish.recovery.history import (
    CheckpointRecord,
    RecoveryRecord,
    decode_record,
    encode_record,
)
from lungfish.recovery.relation_state import decode_relation_state
from lungfish.recovery.wal_reader import LogReader
from lungfish.recovery.wal_records import RecordType, decode_note, decode_row, decode_rows
from lungfish.recovery.wal_segments import decode_header
from lungfish.storage.manifest import Manifest
from lungfish.storage.page_table import UNIT_SIZE, PageTableChunk
from lungfish.storage.superblock import Superblock
from tests.crash.drill import Drill
from tests.crash.harness import run_workload
from tests.crash.small_database import PATH
from tests.crash.tally import Budget, Tally
from tests.crash.workloads import WORKLOADS

Decoder = Callable[[bytes], Any]
INTERESTING = (0, 1, 7, 8, 255, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)
RECORD_DECODERS: dict[int, Callable[[memoryview], Any]] = {
    RecordType.ROW: decode_row,
    RecordType.ROWS: decode_rows,
    RecordType.NOTE: decode_note,
}


def samples_of(drill: Drill) -> list[tuple[str, bytes, Decoder]]:
    """Real bytes of each structure, with what decodes them."""
    core = drill.database.core
    image = core.store.slots.images[-1]
    file = drill.disk.open(PATH)
    manifest = file.read_at(image.manifest.first_unit * UNIT_SIZE, image.manifest.length)
    samples: list[tuple[str, bytes, Decoder]] = [
        ("manifest", manifest, Manifest.decode),
        ("facts", image.payload, decode_facts),
        ("page table", bytes(UNIT_SIZE), decode_chunk),
        ("superblock", file.read_at(0, UNIT_SIZE), lambda data: Superblock.decode(data, PATH)),
    ]
    for relation in image.relations.values():
        samples.append(("relation", relation.payload, decode_relation_state))
    for record in core.memory.checkpoints.rows():
        payload = encode_record(record)
        samples.append(("checkpoint", payload, lambda data: decode_record(CheckpointRecord, data)))
    for run in core.memory.recoveries.rows():
        payload = encode_record(run)
        samples.append(("recovery", payload, lambda data: decode_record(RecoveryRecord, data)))
    return samples + log_samples(drill)


def log_samples(drill: Drill) -> list[tuple[str, bytes, Decoder]]:
    core = drill.database.core
    core.log.flush_to(core.log.end_lsn())
    number = core.folder.numbers()[-1]
    header = core.folder.open(number).read_at(0, 512)
    samples: list[tuple[str, bytes, Decoder]] = [("log header", header, decode_header)]
    # What is before the lowest pin may be gone.
    binding = core.retention.binding()
    assert binding is not None, "the newest image holds the log"
    floor = binding.pinned_lsn
    reader = LogReader(core.folder, uuid=core.store.uuid, start=floor, durable_lsn=floor)
    seen: dict[int, int] = {}
    for record in reader.records():
        kind = record.body[0]
        decode = RECORD_DECODERS.get(kind)
        seen[kind] = seen.get(kind, 0) + 1
        if decode is not None and seen[kind] <= 6:
            samples.append((f"record {kind}", bytes(record.body), decoder_of(decode)))
    return samples


def decode_chunk(data: bytes) -> PageTableChunk:
    """A chunk is read as one unit, never more or less."""
    return PageTableChunk.decode(data[:UNIT_SIZE].ljust(UNIT_SIZE, b"\0"), None)


def decoder_of(decode: Callable[[memoryview], Any]) -> Decoder:
    return lambda data: decode(memoryview(data))


def check_decoders(budget: Budget) -> Tally:
    """Mutations of each structure, in turn."""
    tally = Tally()
    names = list(WORKLOADS)
    for seed in budget.seeds(1, 500):
        drill = run_workload(WORKLOADS[names[seed % len(names)]], seed)
        samples = samples_of(drill)
        chance = random.Random(f"decoders {seed}")
        for number in range(budget.choose(18_500, 20_000)):
            if budget.is_over:
                break
            name, data, decode = samples[number % len(samples)]
            damaged = mutated(data, chance)
            try:
                decode(damaged)
            except errors.Error:
                pass
            except Exception:
                tally.fail(f"{name}, seed {seed}, number {number}")
            tally.count("mutated structures")
        drill.kill()
    return tally


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes and words changed, cut off, put in."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed) or 1)
        match chance.randrange(5):
            case 0 | 1:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 2:
                size = chance.choice((1, 2, 4, 8))
                value = chance.choice(INTERESTING) % (1 << 8 * size)
                changed[at : at + size] = value.to_bytes(size, "little")
            case 3:
                del changed[at:]
            case _:
                changed[at:at] = chance.randbytes(chance.choice((1, 4, 16)))
    return bytes(changed)
