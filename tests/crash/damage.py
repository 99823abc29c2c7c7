"""Trials 9, 10 and 17 of the matrix: what the disk changed, lost, put elsewhere or tore, and files that nobody wrote.

The disk of the other trials forgets but does not lie. Here it lies: a bit flips, a write that was synced is not there, or went to another
place, or an older version of it is back; a page is torn at sectors. Of each such disk is asked: does the database open with what it
held, or say by a typed error that it cannot? Anything else is a silent wrong answer, and there must be none.

One thing cannot be told from a crash: damage to the last batch of the log, of which no later sync speaks. There an earlier committed
state is right if the restart says that it found a torn tail. Nor can a disk be caught that loses *all* that it was given since some
moment and answers with the files of then.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lungfish import errors
from lungfish.recovery.wal_reader import TailState
from lungfish.storage.crash_state import (
    SECTOR_SIZE,
    DurableState,
    Operation,
    OperationKind,
    Persistence,
)
from lungfish.storage.memory_disk import FileContent
from lungfish.storage.page_table import UNIT_SIZE, unpack_location
from lungfish.storage.simulated_disk import SimulatedDisk
from tests.crash.crash_points import until_over
from tests.crash.drill import Drill, State
from tests.crash.harness import DrillFailure, check_state, describe_difference, run_workload
from tests.crash.small_database import OPTIONS, PATH, SmallDatabase
from tests.crash.tally import Budget, Tally
from tests.crash.workloads import WORKLOADS

SUPERBLOCKS_SIZE = 2 * UNIT_SIZE
LOG_HEADER_SIZE = 4096
SAMPLE_FLIPS = 90
SECTOR_MASKS = 256


@dataclass(frozen=True, slots=True)
class Place:
    """Bytes of a file that belong to one structure."""

    path: str
    offset: int
    size: int


def disk_of(contents: dict[str, FileContent]) -> SimulatedDisk:
    """A disk with these files."""
    state = DurableState()
    for number, (path, content) in enumerate(contents.items(), 1):
        state.contents[number] = content
        state.names[path] = number
        if "/" in path:
            state.directories.add(path.rsplit("/", 1)[0])
    return SimulatedDisk(state)


def files_of(disk: SimulatedDisk) -> dict[str, FileContent]:
    """The files of a disk, each a copy that may be changed."""
    names = [PATH, *(f"{PATH}-wal/{name}" for name in disk.list(f"{PATH}-wal"))]
    files = {}
    for name in names:
        file = disk.open(name)
        content = FileContent()
        content.write(0, file.read_at(0, file.size()))
        files[name] = content
    return files


def judge(
    disk: SimulatedDisk, allowed: list[State], earlier: list[State], *, is_end_lost: bool = False
) -> str:
    """Open a disk that lied: as it was, refused, or an earlier state, and it says so. Raises on a silent wrong answer.

    If the log's very last write is lost, nothing is left that could speak of it.
    """
    try:
        database = SmallDatabase(disk, OPTIONS)
    except errors.Error:
        return "refused at opening"
    try:
        found = database.dump()
        is_sound = is_found_sound(database)
    except errors.Error:
        return "refused when read"
    finally:
        report = database.report
        database.crash()
    if found in allowed:
        return "as it was" if is_sound else "as it was, and the check names the damage"
    if found in earlier and is_end_lost:
        return "earlier: the end of the log was lost"
    if found in earlier and report.tail.state is not TailState.CLEAN:
        return "earlier, and says so"
    raise DrillFailure(describe_difference(found, allowed))


def is_found_sound(database: SmallDatabase) -> bool:
    """Whether the check of everything is content; what it finds it says by an assertion."""
    try:
        database.check(allows_leaks=True)
    except AssertionError as error:
        if "Finding" not in str(error):
            raise
        return False
    return True


# Bits


def places_of(disk: SimulatedDisk) -> dict[str, list[Place]]:
    """Where each structure lies, of the newest image and the one before."""
    places: dict[str, list[Place]] = {"superblock": [Place(PATH, 0, SUPERBLOCKS_SIZE)]}
    database = SmallDatabase(disk.crash_state(disk.operation_count, Persistence.EVERYTHING))
    for image in database.core.store.slots.images:
        manifest = image.manifest
        places.setdefault("manifest", []).append(
            Place(PATH, manifest.first_unit * UNIT_SIZE, manifest.length)
        )
        for relation in image.relations.values():
            for chunk in relation.table.chunks:
                if chunk.address is not None:
                    place = Place(PATH, chunk.address.unit * UNIT_SIZE, UNIT_SIZE)
                    places.setdefault("page table", []).append(place)
            for page_id in range(relation.table.page_count):
                location = unpack_location(relation.table.entry(page_id)[0])
                if location.unit_count:
                    size = location.unit_count * UNIT_SIZE
                    place = Place(PATH, location.first_unit * UNIT_SIZE, size)
                    places.setdefault(f"{relation.kind.name.lower()} page", []).append(place)
    database.crash()
    for name in disk.list(f"{PATH}-wal"):
        if not name.endswith(".wal"):
            continue
        path = f"{PATH}-wal/{name}"
        file = disk.open(path)
        used = len(file.read_at(0, file.size()).rstrip(b"\0"))
        places.setdefault("log header", []).append(Place(path, 0, 96))
        if used > LOG_HEADER_SIZE:
            place = Place(path, LOG_HEADER_SIZE, used - LOG_HEADER_SIZE)
            places.setdefault("log records", []).append(place)
    return places


def check_flips(budget: Budget) -> Tally:
    """Trial 9: flipped bits in each structure, and writes that were lost or went elsewhere."""
    tally = Tally()
    names = list(WORKLOADS)
    for seed in budget.seeds(1, 40):
        name = names[seed % len(names)] if budget.is_release else "bulk"
        drill = run_workload(WORKLOADS[name], seed)
        disk = drill.disk.crash_state(drill.disk.operation_count, Persistence.EVERYTHING)
        chance = random.Random(f"flips {seed}")
        for structure, places in places_of(disk).items():
            count = budget.choose(SAMPLE_FLIPS, 4_000)
            for _ in until_over(range(count), budget):
                place = chance.choice(places)
                offset = place.offset + chance.randrange(place.size)
                damaged = flipped(disk, place.path, offset, 1 << chance.randrange(8))
                tally.add(
                    judged(damaged, drill, f"{structure} at {place.path} {offset}", structure)
                )
    return tally


def flipped(disk: SimulatedDisk, path: str, offset: int, bit: int) -> SimulatedDisk:
    files = files_of(disk)
    content = files[path]
    content.write(offset, bytes([content.read(offset, 1)[0] ^ bit]))
    return disk_of(files)


def judged(
    disk: SimulatedDisk, drill: Drill, where: str, what: str, *, is_end_lost: bool = False
) -> Tally:
    tally = Tally()
    earlier = [version.state for version in drill.versions]
    try:
        verdict = judge(disk, [drill.state], earlier, is_end_lost=is_end_lost)
        tally.verdicts[verdict] += 1
    except Exception:
        tally.fail(where)
    tally.count(f"x {what}")
    return tally


# Writes


def replayed(
    disk: SimulatedDisk, count: int, change: Callable[[Operation], Iterable[Operation]]
) -> SimulatedDisk:
    """The disk after so many operations, each of them changed; then a crash that leaves everything."""
    state = DurableState()
    for number in range(1, count + 1):
        for operation in change(disk.operation(number)):
            state.apply(operation)
    return SimulatedDisk(state.after_crash(Persistence.EVERYTHING, random.Random(0)))


def writes_of(drill: Drill) -> list[Operation]:
    """The recorded writes."""
    operations = map(drill.disk.operation, range(1, drill.disk.operation_count + 1))
    return [each for each in operations if each.kind is OperationKind.WRITE]


def check_lost_writes(budget: Budget) -> Tally:
    """Each write lost, although it was synced; each at the place of another one of its file; the older content back at the end."""
    tally = Tally()
    names = list(WORKLOADS)
    for seed in budget.seeds(1, 20):
        for name in names if budget.is_release else names[:4]:
            drill = run_workload(WORKLOADS[name], seed)
            writes = writes_of(drill)
            last_of_log = max(each.number for each in writes if each.path.endswith(".wal"))
            chance = random.Random(f"lost {name} {seed}")
            step = 1 if budget.is_release else max(1, len(writes) // 25)
            for write in until_over(writes[::step], budget):
                for what, change in lies_about(write, writes, chance):
                    disk = replayed(drill.disk, drill.disk.operation_count, change)
                    where = f"{name} seed {seed}: {what}, operation {write.number} of {write.path}"
                    is_end = write.number == last_of_log
                    tally.add(judged(disk, drill, where, what, is_end_lost=is_end))
    return tally


def lies_about(
    write: Operation, writes: list[Operation], chance: random.Random
) -> Iterator[tuple[str, Callable[[Operation], list[Operation]]]]:
    """What a disk may do with a write instead of doing it."""
    others = [
        each.offset
        for each in writes
        if each.file_id == write.file_id and each.offset != write.offset
    ]

    def lose(operation: Operation) -> list[Operation]:
        return [] if operation.number == write.number else [operation]

    yield "lost write", lose
    if others:
        elsewhere = chance.choice(others)

        def misdirect(operation: Operation) -> list[Operation]:
            if operation.number != write.number:
                return [operation]
            return [moved(operation, elsewhere)]

        yield "misdirected write", misdirect


def moved(write: Operation, offset: int) -> Operation:
    return Operation(
        write.number, write.kind, write.path, write.file_id, offset, write.length, write.data
    )


# Sectors


def check_torn_pages(budget: Budget) -> Tally:
    """Trial 10: a crash that leaves any of the 256 subsets of a page's sectors, for pages of every kind."""
    tally = Tally()
    for seed in budget.seeds(1, 10):
        for name in WORKLOADS if budget.is_release else ("rows_and_indexes",):
            drill = run_workload(WORKLOADS[name], seed)
            pages = [each for each in writes_of(drill) if len(each.data) >= UNIT_SIZE]
            cases = (
                ((mask, page) for page in pages for mask in range(SECTOR_MASKS))
                if budget.is_release
                else ((mask, pages[mask % len(pages)]) for mask in range(SECTOR_MASKS))
            )
            for mask, page in until_over(cases, budget):
                try:
                    check_torn(drill, page, mask)
                except Exception:
                    tally.fail(f"{name} seed {seed}: operation {page.number}, mask {mask:08b}")
                tally.count("torn pages")
    return tally


def check_torn(drill: Drill, page: Operation, mask: int) -> None:
    """The crash comes right after the write: of its sectors the mask says which are there, again and again along the write."""

    def tear(operation: Operation) -> list[Operation]:
        if operation.number != page.number:
            return [operation]
        return [
            Operation(
                operation.number,
                operation.kind,
                operation.path,
                operation.file_id,
                operation.offset + at,
                0,
                operation.data[at : at + SECTOR_SIZE],
            )
            for at in range(0, len(operation.data), SECTOR_SIZE)
            if mask >> at // SECTOR_SIZE % 8 & 1
        ]

    left = replayed(drill.disk, page.number, tear)
    check_state(left, drill.allowed(page.number), drill.options)


# Files


def check_fuzzed_files(budget: Budget) -> Tally:
    """Trial 17, whole files: bytes changed, cut, put in and moved about. Only typed errors, and no wrong answer is asked for here."""
    tally = Tally()
    names = list(WORKLOADS)
    for seed in budget.seeds(1, 200):
        drill = run_workload(WORKLOADS[names[seed % len(names)]], seed)
        chance = random.Random(f"fuzz {seed}")
        at = chance.randrange(drill.disk.operation_count // 2, drill.disk.operation_count)
        disk = drill.disk.crash_state(at, Persistence.EVERYTHING)
        for number in until_over(range(budget.choose(1_500, 50_000)), budget):
            try:
                open_and_read(disk_of(mutated(files_of(disk), chance)))
            except Exception:
                tally.fail(f"seed {seed}, file {number}")
            tally.count("mutated files")
    return tally


def mutated(files: dict[str, FileContent], chance: random.Random) -> dict[str, FileContent]:
    """The files with up to four mutations in one of them."""
    path = chance.choice(list(files))
    content = files[path]
    data = bytearray(content.read(0, content.size))
    for _ in range(chance.randint(1, 4)):
        # Most of a file is pages; what describes them is in its first units.
        limit = chance.choice((min(len(data), 3 * UNIT_SIZE), len(data))) or 1
        at = chance.randrange(limit)
        match chance.randrange(6):
            case 0 | 1:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 2:
                word = chance.choice((0, 1, 2**63 - 1, 2**64 - 1, 2**32, 4096, len(data)))
                data[at & ~7 : (at & ~7) + 8] = word.to_bytes(8, "little")
            case 3:
                del data[at:]
            case 4:
                size, source = chance.choice((8, 512, 4096)), chance.randrange(limit)
                data[at : at + size] = data[source : source + size]
            case _:
                data[at:at] = bytes(chance.choice((1, 8, 512, 4096)))
    files[path] = FileContent()
    files[path].write(0, bytes(data))
    return files


def open_and_read(disk: SimulatedDisk) -> None:
    """Open and read everything: whatever is wrong is an error of ours."""
    try:
        database = SmallDatabase(disk, OPTIONS)
    except errors.Error:
        return
    try:
        database.dump()
        is_found_sound(database)
    except errors.Error:
        return
    finally:
        database.crash()
