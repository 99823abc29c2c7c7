"""What must hold after every crash, asked in SQL.

1. Every transfer that was acknowledged is there.
2. Every transfer that is there is whole: two entries that add up to nothing. One that was under way may be there or not.
3. Every account's balance is the opening balance and its entries, so no update came through alone.
4. No money was made or lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from lungfish import Connection
from lungfish.repl.demo.shop import ACCOUNT_COUNT, OPENING_BALANCE

_HALF_TRANSFERS = """
SELECT t.transfer_id FROM transfer t
LEFT JOIN (SELECT transfer_id, count(*) AS entries, sum(delta) AS total FROM entry GROUP BY transfer_id) e
  USING (transfer_id)
WHERE e.entries IS DISTINCT FROM 2 OR e.total <> 0
"""
_STRAY_ENTRIES = """
SELECT transfer_id FROM entry WHERE transfer_id NOT IN (SELECT transfer_id FROM transfer)
"""
_WRONG_BALANCES = """
SELECT a.account_id FROM account a
LEFT JOIN (SELECT account_id, sum(delta) AS total FROM entry GROUP BY account_id) e USING (account_id)
WHERE a.balance <> :opening + coalesce(e.total, 0)
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the queries found."""

    present: frozenset[int]
    missing: frozenset[int]
    # There, though its commit was not reported: it was under way when the process died.
    unreported: frozenset[int]
    half_done: int
    wrong_balances: int
    lost_money: int

    @property
    def is_good(self) -> bool:
        """Whether everything that must hold does."""
        return not (self.missing or self.half_done or self.wrong_balances or self.lost_money)


def examine(connection: Connection, acknowledged: frozenset[int]) -> Findings:
    """Ask everything that must hold."""
    rows = connection.execute("SELECT transfer_id FROM transfer").fetchall()
    present = frozenset(number for (number,) in rows)
    halves = connection.execute(_HALF_TRANSFERS).fetchall()
    strays = connection.execute(_STRAY_ENTRIES).fetchall()
    wrong = connection.execute(_WRONG_BALANCES, {"opening": OPENING_BALANCE}).fetchall()
    total = connection.execute("SELECT sum(balance) FROM account").fetchval()
    return Findings(
        present=present,
        missing=acknowledged - present,
        unreported=present - acknowledged,
        half_done=len(halves) + len(strays),
        wrong_balances=len(wrong),
        lost_money=ACCOUNT_COUNT * OPENING_BALANCE - int(total),
    )
