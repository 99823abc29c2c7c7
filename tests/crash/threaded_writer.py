"""A process to be killed: threads that insert, update and delete, each its own rows, while checkpoints come one after the other.

    python -m tests.crash.threaded_writer FOLDER ROUND

After each acknowledged commit a line `thread row n` goes to standard output: the row's id and the value it has now (-1: deleted).
"""

from __future__ import annotations

import os
import random
import sys
import threading

from lungfish.recovery import CheckpointRequest
from lungfish.recovery.core import CoreOptions
from lungfish.storage.disk import LocalDisk
from tests.crash.small_database import SmallDatabase
from tests.crash.workloads import row

THREAD_COUNT = 4
# Each thread has so many ids of its own.
ROW_COUNT = 60
OPTIONS = CoreOptions(page_size=4096, segment_size=64 * 1024, buffer_size=64 * 4096)


def write_rows(database: SmallDatabase, thread: int, chance: random.Random) -> None:
    """Change rows for ever, two in each transaction; every fifth one is rolled back."""
    there = {row_id for row_id in database.dump()[0] if row_id // ROW_COUNT == thread}
    while True:
        transaction = database.begin()
        kept = set(there)
        lines = []
        first = chance.randrange(ROW_COUNT)
        for row_id in {first, (first + 7) % ROW_COUNT}:
            row_id += thread * ROW_COUNT
            n = chance.randrange(1_000_000)
            if row_id not in kept:
                database.insert(transaction, 0, row(row_id, n, chance.choice((6, 300, 5_000))))
                kept.add(row_id)
            elif chance.random() < 0.3:
                database.delete(transaction, 0, row_id)
                kept.discard(row_id)
                n = -1
            else:
                database.update(transaction, 0, row(row_id, n, chance.choice((6, 300, 5_000))))
            lines.append(f"{row_id} {n}")
        if chance.random() < 0.2:
            transaction.rollback()
            continue
        os.write(1, f"? {' '.join(lines)}\n".encode())
        transaction.commit()
        there = kept
        os.write(1, f"! {' '.join(lines)}\n".encode())


def main() -> None:
    folder, seed = sys.argv[1], int(sys.argv[2])
    os.chdir(folder)
    database = SmallDatabase(LocalDisk(), OPTIONS)
    if not database.relations:
        transaction = database.begin()
        database.create_table(transaction)
        transaction.commit()
    os.write(1, b"ready\n")
    for thread in range(THREAD_COUNT):
        chance = random.Random(f"{seed} {thread}")
        threading.Thread(target=write_rows, args=(database, thread, chance), daemon=True).start()
    while True:
        database.core.checkpoints.run(CheckpointRequest(requested_by="drill"))


if __name__ == "__main__":
    main()
