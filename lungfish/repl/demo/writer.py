"""The process that is killed: one thread transfers money as fast as it can, another takes one checkpoint after the other.

    python -m lungfish.repl.demo.writer DB FIRST_TRANSFER SEED PAUSE_AT

Each step is told on standard output, a line each, written at once:

    half N         transfer N has taken the money from one account and not yet given it to the other
    done N         the commit of transfer N was acknowledged
    checkpoint     a checkpoint begins
    checkpointed   it is done

At `half PAUSE_AT` it stands still, so that it can be killed there for sure (0: nowhere).
"""

from __future__ import annotations

import os
import random
import sys
import threading

import lungfish
from lungfish.repl.demo.shop import ACCOUNT_COUNT

_CHECKPOINT_PAUSE_S = 0.05


def _tell(line: str) -> None:
    # One call, unbuffered and atomic on a pipe at this length, so that the two threads' lines do not mix.
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def _transfer(
    connection: lungfish.Connection, number: int, chance: random.Random, pause_at: int
) -> None:
    source, target = chance.sample(range(1, ACCOUNT_COUNT + 1), 2)
    amount = chance.randint(1, 100)
    with connection.transaction():
        connection.execute("INSERT INTO transfer VALUES (?, ?)", (number, amount))
        connection.execute(
            "UPDATE account SET balance = balance - ? WHERE account_id = ?", (amount, source)
        )
        connection.execute("INSERT INTO entry VALUES (?, ?, ?)", (number, source, -amount))
        _tell(f"half {number}")
        if number == pause_at:
            threading.Event().wait()
        connection.execute(
            "UPDATE account SET balance = balance + ? WHERE account_id = ?", (amount, target)
        )
        connection.execute("INSERT INTO entry VALUES (?, ?, ?)", (number, target, amount))
    _tell(f"done {number}")


def _take_checkpoints(database: lungfish.Database) -> None:
    pause = threading.Event()
    try:
        connection = database.connect(autocommit=True)
        while True:
            _tell("checkpoint")
            connection.execute("CHECKPOINT")
            _tell("checkpointed")
            pause.wait(_CHECKPOINT_PAUSE_S)
    except lungfish.Error as error:
        print(f"writer: checkpoint failed: {error}", file=sys.stderr, flush=True)
    finally:
        # A writer without checkpoints would go on for ever, waiting to be killed in one.
        os._exit(1)


def run(path: str, first: int, seed: int, pause_at: int) -> None:
    """Write until killed."""
    database = lungfish.open(path, create=False)
    threading.Thread(target=_take_checkpoints, args=(database,), daemon=True).start()
    chance = random.Random(seed)
    connection = database.connect(autocommit=True)
    number = first
    while True:
        _transfer(connection, number, chance, pause_at)
        number += 1


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
