"""The mix by several threads over one database of Lungfish, then the consistency conditions.

    python -m bench.tpcc.run FOLDER --threads 8 --seconds 20

An empty FOLDER is loaded first. Each order is told on standard output once its commit has returned ("order W D O"): whoever kills this
process knows what must be there afterwards (tests/tpcc/test_tpcc.py does).
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path

from bench.systems import SYSTEMS
from bench.tpcc.checks import broken_conditions
from bench.tpcc.schema import Scale, load
from bench.tpcc.transactions import Terminal, new_order
from lungfish import errors


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description="Run TPC-C's transactions on Lungfish.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--warehouses", type=int, default=2)
    parser.add_argument("--customers", type=int, default=Scale.customers, help="of a district")
    options = parser.parse_args()
    system = SYSTEMS["lungfish"]
    scale = Scale(options.warehouses, customers=options.customers)
    is_new = not any(options.folder.iterdir())
    first = system.open(options.folder)
    if is_new:
        load(system, first, scale)
    print("loaded", flush=True)
    counts: list[int] = []
    ends_at = time.monotonic() + options.seconds

    def work(number: int) -> None:
        connection = system.open(options.folder)
        terminal = Terminal(connection, scale, number % scale.warehouses + 1, seed=number)
        count = 0
        while time.monotonic() < ends_at:
            count += run_one(terminal)
        counts.append(count)
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{sum(counts) / options.seconds:.0f} transactions a second")
    print(broken_conditions(first) or "all conditions hold")
    first.close()


def run_one(terminal: Terminal) -> bool:
    """Run the next transaction of the deck, again as long as the system gives it up; tells of a committed order."""
    transaction = terminal.next_transaction()
    while True:
        try:
            answer = terminal.run(transaction)
        except (errors.SerializationFailure, errors.DeadlockDetected):
            continue
        if transaction is new_order and answer is not None:
            # One write, so that lines of several threads do not mix.
            warehouse, district, order = answer  # type: ignore[misc]
            sys.stdout.write(f"order {warehouse} {district} {order}\n")
            sys.stdout.flush()
        return True


if __name__ == "__main__":
    main()
