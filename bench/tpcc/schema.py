"""The tables (clause 1.3) and what they hold at first (4.3.3), in SQL that Lungfish, sqlite3 and duckdb all take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.systems import System
from bench.tpcc.numbers import Numbers, last_name

ADDRESS = "street_1 text, street_2 text, city text, state text, zip text"

TABLES: tuple[str, ...] = (
    f"CREATE TABLE warehouse (w_id integer PRIMARY KEY, w_name text, {ADDRESS}, w_tax integer, w_ytd bigint)",
    f"""CREATE TABLE district (d_id integer, d_w_id integer, d_name text, {ADDRESS}, d_tax integer, d_ytd bigint,
        d_next_o_id integer, PRIMARY KEY (d_w_id, d_id))""",
    f"""CREATE TABLE customer (c_id integer, c_d_id integer, c_w_id integer, c_first text, c_middle text, c_last text,
        {ADDRESS}, c_phone text, c_since bigint, c_credit text, c_credit_lim bigint, c_discount integer, c_balance bigint,
        c_ytd_payment bigint, c_payment_cnt integer, c_delivery_cnt integer, c_data text, PRIMARY KEY (c_w_id, c_d_id, c_id))""",
    "CREATE INDEX customer_name ON customer (c_w_id, c_d_id, c_last, c_first)",
    """CREATE TABLE history (h_c_id integer, h_c_d_id integer, h_c_w_id integer, h_d_id integer, h_w_id integer, h_date bigint,
        h_amount bigint, h_data text)""",
    "CREATE TABLE item (i_id integer PRIMARY KEY, i_im_id integer, i_name text, i_price bigint, i_data text)",
    """CREATE TABLE stock (s_i_id integer, s_w_id integer, s_quantity integer, s_dist text, s_ytd bigint, s_order_cnt integer,
        s_remote_cnt integer, s_data text, PRIMARY KEY (s_w_id, s_i_id))""",
    """CREATE TABLE orders (o_id integer, o_d_id integer, o_w_id integer, o_c_id integer, o_entry_d bigint, o_carrier_id integer,
        o_ol_cnt integer, o_all_local integer, PRIMARY KEY (o_w_id, o_d_id, o_id))""",
    "CREATE INDEX orders_customer ON orders (o_w_id, o_d_id, o_c_id, o_id)",
    "CREATE TABLE new_order (no_o_id integer, no_d_id integer, no_w_id integer, PRIMARY KEY (no_w_id, no_d_id, no_o_id))",
    """CREATE TABLE order_line (ol_o_id integer, ol_d_id integer, ol_w_id integer, ol_number integer, ol_i_id integer,
        ol_supply_w_id integer, ol_delivery_d bigint, ol_quantity integer, ol_amount bigint, ol_dist_info text,
        PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number))""",
)  # fmt: skip

INITIAL_PAYMENT = 1000  # Cents (4.3.3.1): C_YTD_PAYMENT and H_AMOUNT of each customer.


@dataclass(frozen=True)
class Scale:
    """How much there is; the specification's own sizes are 10, 3,000 and 100,000."""

    warehouses: int = 1
    districts: int = 10
    customers: int = 60
    items: int = 1000

    @property
    def orders(self) -> int:
        """Orders of a district at first: one for each customer."""
        return self.customers

    @property
    def delivered(self) -> int:
        """How many of them are delivered already: 2,100 of 3,000 in the specification."""
        return self.orders * 7 // 10


def load(system: System, connection: Any, scale: Scale, seed: int = 1) -> None:
    """Make the tables and fill them."""
    for sql in TABLES:
        connection.execute(sql)
    rows = _Rows(Numbers(seed), scale)
    for warehouse in range(1, scale.warehouses + 1):
        rows.add_warehouse(warehouse)
    for item in range(1, scale.items + 1):
        number = rows.numbers
        rows.add("item", item, number.randint(1, 10_000), number.text(14, 24), number.randint(100, 10_000), number.data())  # fmt: skip
    for table, found in rows.tables.items():
        marks = ", ".join("?" * len(found[0]))
        system.many(connection, f"INSERT INTO {table} VALUES ({marks})", found)


class _Rows:
    """The rows of all tables, by table."""

    def __init__(self, numbers: Numbers, scale: Scale) -> None:
        self.numbers = numbers
        self.tables: dict[str, list[tuple[Any, ...]]] = {}
        self._scale = scale

    def add(self, table: str, *values: Any) -> None:
        self.tables.setdefault(table, []).append(values)

    def _address(self) -> tuple[str, ...]:
        number = self.numbers
        return (
            number.text(10, 20),
            number.text(10, 20),
            number.text(10, 20),
            number.text(2, 2).upper(),
            number.digits(4) + "11111",
        )

    def add_warehouse(self, warehouse: int) -> None:
        number, scale = self.numbers, self._scale
        ytd = INITIAL_PAYMENT * scale.customers
        self.add("warehouse", warehouse, number.text(6, 10), *self._address(), number.randint(0, 2000), ytd * scale.districts)  # fmt: skip
        for item in range(1, scale.items + 1):
            dist = "".join(number.text(24, 24) for _ in range(10))
            self.add("stock", item, warehouse, number.randint(10, 100), dist, 0, 0, 0, number.data())  # fmt: skip
        for district in range(1, scale.districts + 1):
            self.add("district", district, warehouse, number.text(6, 10), *self._address(), number.randint(0, 2000), ytd, scale.orders + 1)  # fmt: skip
            for customer in range(1, scale.customers + 1):
                self._add_customer(warehouse, district, customer)
            customers = list(range(1, scale.customers + 1))
            number.shuffle(customers)
            for order, customer in enumerate(customers, 1):
                self._add_order(warehouse, district, order, customer)

    def _add_customer(self, warehouse: int, district: int, customer: int) -> None:
        number = self.numbers
        name = last_name(customer - 1 if customer <= 1000 else number.nurand(255, 0, 999))
        credit = "GC" if number.randrange(10) else "BC"
        self.add(
            "customer", customer, district, warehouse, number.text(8, 16), "OE", name, *self._address(), number.digits(16), 0,
            credit, 5_000_000, number.randint(0, 5000), -INITIAL_PAYMENT, INITIAL_PAYMENT, 1, 0, number.text(300, 500),
        )  # fmt: skip
        self.add("history", customer, district, warehouse, district, warehouse, 0, INITIAL_PAYMENT, number.text(12, 24))  # fmt: skip

    def _add_order(self, warehouse: int, district: int, order: int, customer: int) -> None:
        number, scale = self.numbers, self._scale
        is_delivered = order <= scale.delivered
        count = number.randint(5, 15)
        carrier = number.randint(1, 10) if is_delivered else None
        self.add("orders", order, district, warehouse, customer, 0, carrier, count, 1)
        if not is_delivered:
            self.add("new_order", order, district, warehouse)
        for line in range(1, count + 1):
            amount = 0 if is_delivered else number.randint(1, 999_999)
            self.add(
                "order_line", order, district, warehouse, line, number.randint(1, scale.items), warehouse,
                0 if is_delivered else None, 5, amount, number.text(24, 24),
            )  # fmt: skip
