"""The workloads of the crash drill. Each is short: what matters is that every kind of thing happens around every kind of disk operation."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from lungfish.storage.rows import Values
from tests.crash.drill import Drill, DrillTransaction

Workload = Callable[[Drill, random.Random], None]

# Small enough for several images in one restart.
RESTART_MEMORY_LIMIT = 12 * 1024
RESTART_CHECKPOINT_BYTES = 8 * 1024


def row(row_id: int, n: int = 0, size: int = 6) -> Values:
    """A row whose second key and body follow from `n`."""
    return (row_id, n, f"tag {n % 5}", f"{row_id}/{n} " + chr(97 + n % 26) * size)


def new_table(drill: Drill, row_count: int = 0) -> int:
    """A table with rows 1 to `row_count`, committed."""
    transaction = drill.begin()
    number = transaction.create_table()
    for row_id in range(1, row_count + 1):
        transaction.insert(number, row(row_id))
    transaction.commit()
    return number


def change_some(
    transaction: DrillTransaction,
    number: int,
    chance: random.Random,
    *,
    count: int,
    row_ids: range = range(1, 31),
    sizes: tuple[int, ...] = (6, 60, 300),
) -> None:
    """Insert, update (with another key, mostly) and delete rows of a range that nobody else is at."""
    there = set(transaction.row_ids(number))
    for _ in range(count):
        row_id = chance.choice(row_ids)
        changed = row(row_id, chance.randrange(1000), chance.choice(sizes))
        if row_id not in there:
            transaction.insert(number, changed)
            there.add(row_id)
        elif chance.random() < 0.3:
            transaction.delete(number, row_id)
            there.remove(row_id)
        else:
            transaction.update(number, changed)


def finish(transaction: DrillTransaction, chance: random.Random, rollback_share: float) -> None:
    """Commit, or sometimes roll back."""
    if chance.random() < rollback_share:
        transaction.rollback()
    else:
        transaction.commit()


def rows_and_indexes(drill: Drill, chance: random.Random) -> None:
    """Inserts, updates and deletes with two indexes, a checkpoint now and then."""
    number = new_table(drill, 8)
    for step in range(24):
        transaction = drill.begin()
        change_some(transaction, number, chance, count=chance.randint(1, 5))
        finish(transaction, chance, 0.2)
        if step in (6, 13, 18):
            drill.checkpoint()


def tables_come_and_go(drill: Drill, chance: random.Random) -> None:
    """DDL in transactions, with rows of the same transaction, committed and not, around checkpoints."""
    numbers = [new_table(drill, 3)]
    for step in range(12):
        transaction = drill.begin()
        made = transaction.create_table(index_count=chance.randint(1, 3))
        for row_id in range(1, 5):
            transaction.insert(made, row(row_id, step))
        is_kept = chance.random() < 0.6
        dropped = chance.choice(numbers) if len(numbers) > 1 and chance.random() < 0.4 else None
        if dropped is not None and is_kept:
            transaction.drop_table(dropped)
        if step % 4 == 2:
            drill.checkpoint()
        if is_kept:
            transaction.commit()
            numbers.append(made)
            if dropped is not None:
                numbers.remove(dropped)
        else:
            transaction.rollback()
        if step in (3, 8):
            transaction = drill.begin()
            transaction.create_index(numbers[0], drill.checkpoint)
            transaction.insert(numbers[0], row(100 + step, step))
            transaction.commit()
        if step in (5, 9):
            drill.checkpoint()


def long_values(drill: Drill, chance: random.Random) -> None:
    """Values of many pages: stored, replaced, put back, deleted, also across checkpoints."""
    number = new_table(drill, 2)
    for step in range(14):
        transaction = drill.begin()
        change_some(
            transaction,
            number,
            chance,
            count=chance.randint(1, 3),
            row_ids=range(1, 7),
            sizes=(5, 900, 3_000, 9_000, 30_000),
        )
        if step in (4, 10):
            drill.checkpoint()
        finish(transaction, chance, 0.3)


def full_pages(drill: Drill, chance: random.Random) -> None:
    """Rows that grow and shrink on pages without room, so that what fits where depends on the order of things."""
    number = new_table(drill, 60)
    transaction = drill.begin()
    for row_id in range(1, 6):
        # The page is full of short rows by now, so these long values go elsewhere.
        transaction.update(number, row(row_id, 1, 900))
    transaction.commit()
    for step in range(24):
        transaction = drill.begin()
        change_some(
            transaction,
            number,
            chance,
            count=chance.randint(2, 6),
            row_ids=range(1, 20 + 2 * step),
            sizes=(0, 20, 150, 400, 700, 900),
        )
        finish(transaction, chance, 0.1)
        if step in (7, 16):
            drill.checkpoint()


def savepoints(drill: Drill, chance: random.Random) -> None:
    """Rollbacks to savepoints, which are logged, and whole ones, which are not; some with a checkpoint in the middle."""
    number = new_table(drill, 10)
    for step in range(12):
        transaction = drill.begin()
        change_some(transaction, number, chance, count=3)
        transaction.savepoint("one")
        change_some(transaction, number, chance, count=3)
        if step % 5 == 1:
            drill.checkpoint()
        if chance.random() < 0.5:
            transaction.savepoint("two")
            change_some(transaction, number, chance, count=2)
            transaction.rollback_to("two")
        if chance.random() < 0.6:
            transaction.rollback_to("one")
            change_some(transaction, number, chance, count=2)
        if step % 5 == 3:
            drill.checkpoint()
        finish(transaction, chance, 0.3)


def writes_during_checkpoints(drill: Drill, chance: random.Random) -> None:
    """Transactions that begin before, run during, and end after the writing of an image."""
    number = new_table(drill, 30)

    def pace() -> Iterator[None]:
        while True:
            during = drill.begin()
            change_some(during, number, chance, count=2, row_ids=range(1, 16))
            yield
            finish(during, chance, 0.3)
            yield

    for _ in range(5):
        before = drill.begin()
        change_some(before, number, chance, count=4, row_ids=range(16, 31))
        writer = pace()
        steps = []

        def go_on(size: int, writer: Iterator[None] = writer, steps: list[int] = steps) -> None:
            steps.append(size)
            next(writer)

        drill.checkpoint(go_on)
        if len(steps) % 2:
            next(writer)
        change_some(before, number, chance, count=2, row_ids=range(16, 31))
        finish(before, chance, 0.4)


def bulk(drill: Drill, chance: random.Random) -> None:
    """Many rows at once, more than fit into memory, some of them by a transaction that never ends."""
    number = new_table(drill)
    for step in range(3):
        transaction = drill.begin()
        first = step * 1000
        transaction.insert_many(number, [row(first + each, each, 40) for each in range(240)])
        if step == 1:
            drill.checkpoint()
        finish(transaction, chance, 0.0 if step == 0 else 0.3)
        transaction = drill.begin()
        for row_id in list(drill.state[number])[::7]:
            transaction.delete(number, row_id)
        transaction.commit()
    endless = drill.begin()
    endless.insert_many(number, [row(9000 + each, each, 40) for each in range(150)])
    drill.checkpoint()
    transaction = drill.begin()
    transaction.insert_many(number, [row(5000 + each, each, 10) for each in range(100)])
    transaction.commit()


def opening_and_closing(drill: Drill, chance: random.Random) -> None:
    """Clean closes, kills and many small checkpoints, so that lives, segments and images take turns."""
    number = new_table(drill, 5)
    for step in range(8):
        for _ in range(3):
            transaction = drill.begin()
            change_some(transaction, number, chance, count=4)
            finish(transaction, chance, 0.2)
        if step % 4 == 1:
            drill.close()
        elif step % 4 == 3:
            unfinished = drill.begin()
            change_some(unfinished, number, chance, count=3)
            drill.kill()
        else:
            drill.checkpoint()


def long_restarts(drill: Drill, chance: random.Random) -> None:
    """Kills with a log of many windows of redo, which takes images of its own between them; what came before is there or was undone."""
    drill.options = replace(
        drill.options,
        recovery_memory_limit=RESTART_MEMORY_LIMIT,
        recovery_checkpoint_bytes=RESTART_CHECKPOINT_BYTES,
    )
    numbers = [new_table(drill, 6)]
    for step in range(3):
        if step != 1:
            drill.checkpoint()
        unfinished = drill.begin()
        change_some(unfinished, numbers[0], chance, count=2, row_ids=range(31, 41))
        if step == 1:
            drill.checkpoint()
        for _ in range(6):
            transaction = drill.begin()
            for number in numbers:
                change_some(transaction, number, chance, count=5, sizes=(6, 300, 5_000))
            finish(transaction, chance, 0.2)
        numbers.append(new_table(drill, 3))
        if step == 1:
            transaction = drill.begin()
            transaction.drop_table(numbers.pop(1))
            transaction.commit()
        drill.kill()


def snapshots_that_linger(drill: Drill, chance: random.Random) -> None:
    """Purges owed at a checkpoint, because a snapshot is held; several transactions at once."""
    number = new_table(drill, 30)
    for step in range(8):
        snapshot = drill.snapshot()
        one, other = drill.begin(), drill.begin()
        for _ in range(3):
            change_some(one, number, chance, count=2, row_ids=range(1, 16))
            change_some(other, number, chance, count=2, row_ids=range(16, 31))
        one.commit()
        if step % 2:
            drill.checkpoint()
        change_some(other, number, chance, count=2, row_ids=range(16, 31))
        finish(other, chance, 0.4)
        if step % 3 == 0:
            drill.checkpoint()
        drill.release(snapshot)


def checkpoints_at_bad_moments(drill: Drill, chance: random.Random) -> None:
    """Checkpoints between a commit record and its flush, and in the middle of a row operation."""
    number = new_table(drill, 10)
    for step in range(8):
        transaction = drill.begin()
        change_some(transaction, number, chance, count=4, row_ids=range(1, 21))
        transaction.commit(drill.checkpoint if step % 2 else None)
        transaction = drill.begin()
        drill.checkpoint_inside_the_next_row(number)
        transaction.insert(number, row(100 + step, step))
        change_some(transaction, number, chance, count=2, row_ids=range(1, 21))
        finish(transaction, chance, 0.2)


WORKLOADS: dict[str, Workload] = {
    each.__name__: each
    for each in (
        rows_and_indexes,
        tables_come_and_go,
        long_values,
        full_pages,
        savepoints,
        writes_during_checkpoints,
        bulk,
        opening_and_closing,
        long_restarts,
        snapshots_that_linger,
        checkpoints_at_bad_moments,
    )
}
