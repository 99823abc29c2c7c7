"""The demo's database: a shop with customers, products and purchases, and accounts between which the writer transfers money."""

from __future__ import annotations

import datetime
import decimal
import random
from collections.abc import Iterator

from lungfish import Connection

CUSTOMER_COUNT = 20_000
PRODUCT_COUNT = 500
PURCHASE_COUNT = 100_000
ACCOUNT_COUNT = 1_000
OPENING_BALANCE = 1_000

SCHEMA = """
CREATE TABLE customer (
    customer_id integer PRIMARY KEY,
    name text NOT NULL,
    country varchar(20) NOT NULL
);
CREATE TABLE product (
    product_id integer PRIMARY KEY,
    name text NOT NULL UNIQUE,
    price numeric(10,2) NOT NULL CHECK (price > 0)
);
CREATE TABLE purchase (
    purchase_id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customer,
    product_id integer NOT NULL REFERENCES product,
    bought_on date NOT NULL,
    quantity integer NOT NULL
);
CREATE INDEX purchase_customer ON purchase (customer_id);
CREATE TABLE account (
    account_id integer PRIMARY KEY,
    balance integer NOT NULL
);
CREATE TABLE transfer (
    transfer_id bigint PRIMARY KEY,
    amount integer NOT NULL CHECK (amount > 0)
);
CREATE TABLE entry (
    transfer_id bigint NOT NULL REFERENCES transfer,
    account_id integer NOT NULL REFERENCES account,
    delta integer NOT NULL,
    PRIMARY KEY (transfer_id, account_id)
);
"""

BEST_COUNTRIES = """
SELECT c.country, count(*) AS purchases, sum(p.quantity * r.price) AS revenue
FROM purchase p
JOIN customer c USING (customer_id)
JOIN product r USING (product_id)
GROUP BY c.country
ORDER BY revenue DESC
LIMIT 5
"""

_COUNTRIES = (
    "Brazil",
    "Canada",
    "Chile",
    "France",
    "Germany",
    "India",
    "Italy",
    "Japan",
    "Kenya",
    "Norway",
)
_FIRST = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Fatou", "Goran", "Hana", "Ines", "Jonas")
_LAST = ("Abreu", "Berg", "Costa", "Diaz", "Egede", "Fischer", "Gupta", "Hansen", "Ito", "Jansen")
_THINGS = ("lamp", "chair", "kettle", "radio", "clock", "scarf", "globe", "flute", "kite", "mug")
_COLOURS = ("amber", "black", "blue", "coral", "green", "grey", "ivory", "red", "teal", "white")
_FIRST_DAY = datetime.date(2024, 1, 1)


def load(connection: Connection, chance: random.Random) -> int:
    """Make the tables and fill them, in one transaction; the number of rows."""
    with connection.transaction():
        connection.execute(SCHEMA)
        connection.executemany("INSERT INTO customer VALUES (?, ?, ?)", _customers(chance))
        connection.executemany("INSERT INTO product VALUES (?, ?, ?)", _products(chance))
        connection.executemany("INSERT INTO purchase VALUES (?, ?, ?, ?, ?)", _purchases(chance))
        connection.executemany(
            "INSERT INTO account VALUES (?, ?)",
            [(number, OPENING_BALANCE) for number in range(1, ACCOUNT_COUNT + 1)],
        )
    return CUSTOMER_COUNT + PRODUCT_COUNT + PURCHASE_COUNT + ACCOUNT_COUNT


def _customers(chance: random.Random) -> Iterator[tuple[int, str, str]]:
    for number in range(1, CUSTOMER_COUNT + 1):
        name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
        yield number, name, chance.choice(_COUNTRIES)


def _products(chance: random.Random) -> Iterator[tuple[int, str, decimal.Decimal]]:
    for number in range(1, PRODUCT_COUNT + 1):
        name = f"{chance.choice(_COLOURS)} {chance.choice(_THINGS)} no. {number}"
        yield number, name, decimal.Decimal(chance.randint(199, 29_999)).scaleb(-2)


def _purchases(chance: random.Random) -> Iterator[tuple[int, int, int, datetime.date, int]]:
    for number in range(1, PURCHASE_COUNT + 1):
        day = _FIRST_DAY + datetime.timedelta(days=chance.randrange(730))
        yield (
            number,
            chance.randint(1, CUSTOMER_COUNT),
            chance.randint(1, PRODUCT_COUNT),
            day,
            chance.randint(1, 5),
        )
