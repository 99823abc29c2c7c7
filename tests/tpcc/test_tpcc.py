"""TPC-C's transactions by eight threads: the consistency conditions hold afterwards, also after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from bench.systems import SYSTEMS, System
from bench.tpcc.checks import CONDITIONS, DELIVERED_AT_FIRST, broken_conditions
from bench.tpcc.run import run_one
from bench.tpcc.schema import Scale, load
from bench.tpcc.transactions import Terminal

SMALL = Scale(warehouses=2, districts=3, customers=20, items=100)
THREADS = 8
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def system() -> System:
    return SYSTEMS["lungfish"]


def committed_orders(text: str) -> set[tuple[int, ...]]:
    """What the threads have told of, but for a line that was cut off."""
    lines = text.splitlines(keepends=True)
    words = [line.split() for line in lines if line.startswith("order ") and line.endswith("\n")]
    return {tuple(map(int, each[1:])) for each in words}


def orders_of(connection: Any) -> set[tuple[int, ...]]:
    return set(connection.execute("SELECT o_w_id, o_d_id, o_id FROM orders").fetchall())


@pytest.mark.slow
def test_eight_threads_keep_every_condition(
    system: System, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = system.open(tmp_path)
    load(system, first, SMALL)
    assert not broken_conditions(first)
    assert first.execute(DELIVERED_AT_FIRST, (SMALL.delivered,)).fetchall() == []
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with system.open(tmp_path) as connection:
                terminal = Terminal(connection, SMALL, number % SMALL.warehouses + 1, seed=number)
                for _ in range(25):
                    run_one(terminal)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert not broken_conditions(first)
    told = committed_orders(capfd.readouterr().out)
    assert told
    assert told <= orders_of(first)
    first.close()


@pytest.mark.slow
def test_every_condition_can_fail(system: System, tmp_path: Path) -> None:
    with system.open(tmp_path) as connection:
        load(system, connection, Scale(warehouses=1, districts=2, customers=10, items=10))
        for number, damage in {
            1: "UPDATE warehouse SET w_ytd = w_ytd + 1",
            2: "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_id = 2",
            3: "DELETE FROM new_order WHERE no_d_id = 1 AND no_o_id = 9",
            4: "DELETE FROM order_line WHERE ol_number = 1 AND ol_o_id = 3",
            5: "UPDATE orders SET o_carrier_id = NULL WHERE o_id = 1 AND o_d_id = 1",
            6: "UPDATE orders SET o_ol_cnt = o_ol_cnt + 1 WHERE o_id = 1",
            7: "UPDATE order_line SET ol_delivery_d = NULL WHERE ol_o_id = 2",
            8: "DELETE FROM history WHERE h_c_id = 3",
            9: "UPDATE history SET h_amount = h_amount + 1 WHERE h_c_id = 4",
            10: "UPDATE customer SET c_balance = c_balance + 1 WHERE c_id = 5",
            12: "UPDATE customer SET c_ytd_payment = c_ytd_payment + 1 WHERE c_id = 6",
        }.items():
            connection.execute("BEGIN")
            connection.execute(damage)
            broken = {int(name.partition(":")[0]) for name in broken_conditions(connection)}
            connection.execute("ROLLBACK")
            assert number in broken
        assert not broken_conditions(connection)
        assert len(CONDITIONS) == 11


@pytest.mark.slow
def test_after_a_kill_every_condition_holds_and_no_committed_order_is_lost(
    system: System, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "bench.tpcc.run", str(tmp_path)]
    command += ["--seconds", "60", "--warehouses", "1", "--customers", "20"]
    told: set[tuple[int, ...]] = set()
    # The second round goes on with what the first has left.
    for _ in range(2):
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(150)]
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
        child.stdout.close()
        child.wait()
        told |= committed_orders("".join(lines))
        with system.open(tmp_path) as connection:
            assert not broken_conditions(connection)
            assert told <= orders_of(connection)
    assert len(told) > 250
