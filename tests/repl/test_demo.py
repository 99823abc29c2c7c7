"""The demo: its parts see what they should, and the whole of it ends well."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

import lungfish
from lungfish.repl.demo import shop
from lungfish.repl.demo.demo import demo_main
from lungfish.repl.demo.proof import examine
from lungfish.repl.demo.victim import Witness
from lungfish.repl.exit_codes import ExitCode


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Iterator[lungfish.Connection]:
    """The shop with few rows, and three whole transfers."""
    for name, count in (("CUSTOMER_COUNT", 20), ("PRODUCT_COUNT", 10), ("PURCHASE_COUNT", 50)):
        monkeypatch.setattr(shop, name, count)
    with lungfish.connect(autocommit=True) as connection:
        shop.load(connection, random.Random(1))
        for number in (1, 2, 3):
            connection.execute("insert into transfer values (?, 10)", (number,))
            for account, delta in ((number, -10), (number + 1, 10)):
                connection.execute("insert into entry values (?, ?, ?)", (number, account, delta))
                connection.execute(
                    "update account set balance = balance + ? where account_id = ?",
                    (delta, account),
                )
        yield connection


def test_whole_transfers_pass_the_proof(books: lungfish.Connection) -> None:
    findings = examine(books, frozenset({1, 2}))
    assert findings.is_good
    assert findings.unreported == {3}


def test_a_lost_commit_is_seen(books: lungfish.Connection) -> None:
    findings = examine(books, frozenset({1, 2, 3, 4}))
    assert findings.missing == {4}
    assert not findings.is_good


@pytest.mark.parametrize(
    "damage",
    [
        "delete from entry where transfer_id = 2 and delta > 0",
        "delete from entry where transfer_id = 2",
        "update account set balance = balance + 1 where account_id = 1",
        "update entry set delta = 11 where transfer_id = 1 and delta = 10",
    ],
)
def test_half_a_transfer_is_seen(books: lungfish.Connection, damage: str) -> None:
    books.execute(damage)
    assert not examine(books, frozenset({1, 2, 3})).is_good


def test_the_witness_knows_what_was_acknowledged_and_what_was_under_way() -> None:
    witness = Witness()
    for line in (
        "checkpoint",
        "half 1",
        "done 1",
        "checkpointed",
        "half 2",
        "done 2",
        "checkpoint",
        "half 3",
    ):
        witness.take(line)
    assert witness.acknowledged == {1, 2}
    assert witness.in_flight == 3
    assert witness.checkpoints_done == 1
    assert witness.is_in_checkpoint


@pytest.mark.slow
def test_the_whole_demo_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo_main([]) == ExitCode.OK
    told = capsys.readouterr().out
    assert told.count("SIGKILL") == 3
    assert told.count("0 acknowledged ones missing, 0 half there, 0 balances wrong") == 3
    assert "nothing is half there" in told
    # Tables stand together, line by line.
    assert told.count("| total_ms \n   -------+") == 3
