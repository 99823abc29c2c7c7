"""Changes that read queries of WITH, which the planner puts in the place of their readers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lungfish

VALUES = "WITH s(id, amount) AS (VALUES (1, 10), (2, 20)) "
QUERY = "WITH s(id, amount) AS (SELECT g, g * 10 FROM generate_series(1, 2) g) "
MERGE = "MERGE INTO stock USING s ON stock.id = s.id "


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(":memory:", autocommit=True) as made:
        made.execute("CREATE TABLE stock (id int, amount int)")
        made.execute("INSERT INTO stock VALUES (2, 2)")
        yield made


@pytest.mark.parametrize("query", [VALUES, QUERY], ids=["values", "query"])
@pytest.mark.parametrize(
    ("change", "returned", "left"),
    [
        ("INSERT INTO stock SELECT * FROM s RETURNING *", [(1, 10), (2, 20)], [(1, 10), (2, 2), (2, 20)]),
        ("INSERT INTO stock (amount, id) SELECT id, amount FROM s RETURNING id", [(10,), (20,)], [(2, 2), (10, 1), (20, 2)]),
        ("INSERT INTO stock SELECT id, id FROM s RETURNING amount", [(1,), (2,)], [(1, 1), (2, 2), (2, 2)]),
        ("UPDATE stock SET amount = s.amount FROM s WHERE s.id = stock.id RETURNING s.*", [(2, 20)], [(2, 20)]),
        ("DELETE FROM stock USING s WHERE s.id = stock.id RETURNING s.amount", [(20,)], []),
        (MERGE + "WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.amount) RETURNING s.amount", [(10,)], [(1, 10), (2, 2)]),
        (MERGE + "WHEN MATCHED THEN UPDATE SET amount = s.amount WHEN NOT MATCHED THEN DO NOTHING RETURNING *", [(2, 20, 2, 20)], [(2, 20)]),
    ],
)  # fmt: skip
def test_a_change_reads_its_query(
    connection: lungfish.Connection,
    query: str,
    change: str,
    returned: list[tuple[int, ...]],
    left: list[tuple[int, int]],
) -> None:
    assert sorted(connection.execute(query + change).fetchall()) == returned
    assert connection.execute("SELECT * FROM stock ORDER BY id, amount").fetchall() == left


def test_merge_takes_no_recursive_query(connection: lungfish.Connection) -> None:
    sql = QUERY.replace("WITH", "WITH RECURSIVE") + MERGE + "WHEN MATCHED THEN DELETE"
    with pytest.raises(lungfish.Error) as caught:
        connection.execute(sql)
    assert caught.value.sqlstate == "42601"
    assert caught.value.position == sql.index("stock")
