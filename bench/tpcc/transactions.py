"""The five transactions (clauses 2.4 to 2.8) and their mix, each a function of a terminal.

They are written for READ COMMITTED: what is counted on is changed in the statement that reads it (UPDATE ... RETURNING), so nothing
need be locked ahead. A transaction that the system gives up (a deadlock) is run again by the caller.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench.tpcc.numbers import Numbers, last_name
from bench.tpcc.schema import Scale


class RolledBack(Exception):
    """A New-Order with an item that does not exist, as one in a hundred is (2.4.1.4)."""


class Terminal:
    """One client: its connection, its warehouse, its random numbers."""

    def __init__(self, connection: Any, scale: Scale, warehouse: int, seed: int) -> None:
        self.connection = connection
        self.scale = scale
        self.warehouse = warehouse
        self.numbers = Numbers(seed)
        self._deck: list[Callable[[Terminal], object]] = []

    def one(self, sql: str, *values: Any) -> Any:
        """The first row of a statement's result, None if it has none."""
        return self.connection.execute(sql, values).fetchone()

    def all(self, sql: str, *values: Any) -> Any:
        """All rows."""
        return self.connection.execute(sql, values).fetchall()

    def change(self, sql: str, *values: Any) -> int:
        """How many rows a statement has changed."""
        count: int = self.connection.execute(sql, values).rowcount
        return count

    def district(self) -> int:
        """Any of the warehouse's."""
        return self.numbers.randint(1, self.scale.districts)

    def other_warehouse(self) -> int:
        """Any but the terminal's own, if there is one."""
        others = [w for w in range(1, self.scale.warehouses + 1) if w != self.warehouse]
        return self.numbers.choice(others or [self.warehouse])

    def customer_number(self) -> int:
        """A customer, some far more often than others."""
        return self.numbers.nurand(1023, 1, self.scale.customers)

    def customer_name(self) -> str:
        """A last name that some customer has."""
        return last_name(self.numbers.nurand(255, 0, min(999, self.scale.customers - 1)))

    def next_transaction(self) -> Callable[[Terminal], object]:
        """By cards from a deck, so that each comes as often as it should (5.2.4.2)."""
        if not self._deck:
            self._deck = [kind for kind, count in MIX for _ in range(count)]
            self.numbers.shuffle(self._deck)
        return self._deck.pop()

    def run(self, transaction: Callable[[Terminal], object]) -> object:
        """Run a transaction to its end; answers what it answers. An error leaves nothing of it."""
        self.connection.execute("BEGIN")
        try:
            answer = transaction(self)
        except RolledBack:
            self.connection.execute("ROLLBACK")
            return None
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return answer


def new_order(terminal: Terminal) -> tuple[int, int, int]:
    """Clause 2.4; answers the order's key."""
    number, scale, warehouse = terminal.numbers, terminal.scale, terminal.warehouse
    district, customer = terminal.district(), terminal.customer_number()
    count = number.randint(5, 15)
    is_wrong = number.randrange(100) == 0
    lines = []
    for index in range(count):
        item = number.nurand(8191, 1, scale.items)
        if is_wrong and index == count - 1:
            item = scale.items + 1
        supplier = warehouse if number.randrange(100) else terminal.other_warehouse()
        lines.append((item, supplier, number.randint(1, 10)))
    # Whoever orders the same items in the same order cannot wait for each other in a circle.
    lines.sort()
    (warehouse_tax,) = terminal.one("SELECT w_tax FROM warehouse WHERE w_id = ?", warehouse)
    order, district_tax = terminal.one(
        "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = ? AND d_id = ? RETURNING d_next_o_id - 1, d_tax",
        warehouse, district,
    )  # fmt: skip
    discount, _, _ = terminal.one(
        "SELECT c_discount, c_last, c_credit FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
        warehouse, district, customer,
    )  # fmt: skip
    is_local = all(supplier == warehouse for _, supplier, _ in lines)
    terminal.change(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, NULL, ?, ?)",
        order, district, warehouse, customer, _now(), count, int(is_local),
    )  # fmt: skip
    terminal.change("INSERT INTO new_order VALUES (?, ?, ?)", order, district, warehouse)
    total = 0
    for line, (item, supplier, quantity) in enumerate(lines, 1):
        total += _order_line(terminal, (order, district, line), item, supplier, quantity)
    _ = total * (10_000 - discount) * (10_000 + warehouse_tax + district_tax) // 10_000**2
    return warehouse, district, order


def _order_line(
    terminal: Terminal, place: tuple[int, int, int], item: int, supplier: int, quantity: int
) -> int:
    """One line of a New-Order; answers its amount."""
    order, district, line = place
    warehouse = terminal.warehouse
    found = terminal.one("SELECT i_price, i_name, i_data FROM item WHERE i_id = ?", item)
    if found is None:
        raise RolledBack
    amount: int = found[0] * quantity
    stock = terminal.one(
        "UPDATE stock SET s_quantity = CASE WHEN s_quantity >= ? THEN s_quantity - ? ELSE s_quantity + ? END,"
        " s_ytd = s_ytd + ?, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + ?"
        " WHERE s_w_id = ? AND s_i_id = ? RETURNING s_quantity, s_dist, s_data",
        quantity + 10, quantity, 91 - quantity, quantity, int(supplier != warehouse), supplier, item,
    )  # fmt: skip
    info = stock[1][24 * (district - 1) : 24 * district]
    terminal.change(
        "INSERT INTO order_line VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?)",
        order, district, warehouse, line, item, supplier, quantity, amount, info,
    )  # fmt: skip
    return amount


def payment(terminal: Terminal) -> None:
    """Clause 2.5."""
    number, warehouse, district = terminal.numbers, terminal.warehouse, terminal.district()
    home = (warehouse, district)
    if number.randrange(100) >= 85:
        home = terminal.other_warehouse(), terminal.district()
    amount = number.randint(100, 500_000)
    (warehouse_name,) = terminal.one(
        "UPDATE warehouse SET w_ytd = w_ytd + ? WHERE w_id = ? RETURNING w_name", amount, warehouse
    )
    (district_name,) = terminal.one(
        "UPDATE district SET d_ytd = d_ytd + ? WHERE d_w_id = ? AND d_id = ? RETURNING d_name",
        amount, warehouse, district,
    )  # fmt: skip
    customer = _find_customer(terminal, *home)
    credit, data = terminal.one(
        "UPDATE customer SET c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?, c_payment_cnt = c_payment_cnt + 1"
        " WHERE c_w_id = ? AND c_d_id = ? AND c_id = ? RETURNING c_credit, c_data",
        amount, amount, *home, customer,
    )  # fmt: skip
    if credit == "BC":
        data = f"{customer} {home[1]} {home[0]} {district} {warehouse} {amount} | {data}"[:500]
        terminal.change(
            "UPDATE customer SET c_data = ? WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
            data, *home, customer,
        )  # fmt: skip
    terminal.change(
        "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        customer, home[1], home[0], district, warehouse, _now(), amount, f"{warehouse_name}    {district_name}",
    )  # fmt: skip


def _find_customer(terminal: Terminal, warehouse: int, district: int) -> int:
    """By last name three times in five, the one in the middle by first name (2.5.2.2); else by number."""
    if terminal.numbers.randrange(100) >= 60:
        return terminal.customer_number()
    rows = terminal.all(
        "SELECT c_id FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_last = ? ORDER BY c_first",
        warehouse, district, terminal.customer_name(),
    )  # fmt: skip
    found: int = rows[len(rows) // 2][0] if rows else terminal.customer_number()
    return found


def order_status(terminal: Terminal) -> None:
    """Clause 2.6."""
    warehouse, district = terminal.warehouse, terminal.district()
    customer = _find_customer(terminal, warehouse, district)
    terminal.one(
        "SELECT c_balance, c_first, c_middle, c_last FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
        warehouse, district, customer,
    )  # fmt: skip
    order = terminal.one(
        "SELECT o_id, o_entry_d, o_carrier_id FROM orders WHERE o_w_id = ? AND o_d_id = ? AND o_c_id = ? ORDER BY o_id DESC LIMIT 1",
        warehouse, district, customer,
    )  # fmt: skip
    if order is not None:
        terminal.all(
            "SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM order_line"
            " WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
            warehouse, district, order[0],
        )  # fmt: skip


def delivery(terminal: Terminal) -> None:
    """Clause 2.7: the oldest open order of each district."""
    carrier = terminal.numbers.randint(1, 10)
    for district in range(1, terminal.scale.districts + 1):
        _deliver(terminal, district, carrier)


def _deliver(terminal: Terminal, district: int, carrier: int) -> None:
    warehouse = terminal.warehouse
    while True:
        (order,) = terminal.one(
            "SELECT min(no_o_id) FROM new_order WHERE no_w_id = ? AND no_d_id = ?",
            warehouse, district,
        )  # fmt: skip
        if order is None:
            return
        # Another delivery may have come first.
        if terminal.change(
            "DELETE FROM new_order WHERE no_w_id = ? AND no_d_id = ? AND no_o_id = ?",
            warehouse, district, order,
        ):  # fmt: skip
            break
    (customer,) = terminal.one(
        "UPDATE orders SET o_carrier_id = ? WHERE o_w_id = ? AND o_d_id = ? AND o_id = ? RETURNING o_c_id",
        carrier, warehouse, district, order,
    )  # fmt: skip
    terminal.change(
        "UPDATE order_line SET ol_delivery_d = ? WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
        _now(), warehouse, district, order,
    )  # fmt: skip
    (amount,) = terminal.one(
        "SELECT sum(ol_amount) FROM order_line WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
        warehouse, district, order,
    )  # fmt: skip
    terminal.change(
        "UPDATE customer SET c_balance = c_balance + ?, c_delivery_cnt = c_delivery_cnt + 1 WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
        int(amount), warehouse, district, customer,
    )  # fmt: skip


def stock_level(terminal: Terminal) -> None:
    """Clause 2.8: how many items of the last twenty orders are running low."""
    warehouse, district = terminal.warehouse, terminal.district()
    (following,) = terminal.one(
        "SELECT d_next_o_id FROM district WHERE d_w_id = ? AND d_id = ?", warehouse, district
    )
    terminal.one(
        "SELECT count(DISTINCT s_i_id) FROM order_line JOIN stock ON s_w_id = ? AND s_i_id = ol_i_id"
        " WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id >= ? AND ol_o_id < ? AND s_quantity < ?",
        warehouse, warehouse, district, following - 20, following, terminal.numbers.randint(10, 20),
    )  # fmt: skip


def _now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


# How many cards of each the deck has: the least shares of clause 5.2.3, the rest being New-Orders.
MIX: tuple[tuple[Callable[[Terminal], object], int], ...] = (
    (new_order, 45),
    (payment, 43),
    (order_status, 4),
    (delivery, 4),
    (stock_level, 4),
)
