"""Intervals summed, bits put together, and frames with rows left out; the answers are PostgreSQL 18's."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT sum(i), avg(i) FROM (VALUES (interval '1 day'), ('2 mons'), (NULL)) t(i)", [("2 mons 1 day", "1 mon 12:00:00")]),
        ("SELECT sum(i) FROM (SELECT interval '1 day' AS i WHERE false) t", [(None,)]),
        ("SELECT bit_and(i), bit_or(i), bit_xor(i) FROM (VALUES (12), (10), (NULL)) t(i)", [("8", "14", "6")]),
        ("SELECT bit_and(i::smallint), bit_or(i::bigint) FROM (SELECT 1 AS i WHERE false) t", [(None, None)]),
        ("SELECT bit_and(b), bit_or(b) FROM (VALUES (B'1100'), (B'1010')) t(b)", [("1000", "1110")]),
        (
            "SELECT i, first_value(i) OVER w, last_value(i) OVER w, nth_value(i, 2) OVER w FROM generate_series(1, 3) i"
            " WINDOW w AS (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW)",
            [("1", "2", "3", "3"), ("2", "1", "3", "3"), ("3", "1", "2", "2")],
        ),
        (
            "SELECT i, first_value(i) OVER w, last_value(i) OVER w FROM generate_series(0, 3) i"
            " WINDOW w AS (ORDER BY i / 2 GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES)",
            [("0", "0", "0"), ("1", "1", "1"), ("2", "0", "2"), ("3", "0", "3")],
        ),
        ("SELECT 'a'::text, count(*) FROM (VALUES (1)) t(x) GROUP BY ROLLUP ('a'::text)", [("a", "1"), (None, "1")]),
    ],
)  # fmt: skip
def test_an_aggregate_answers_as_postgresql_does(
    connection: Any, query: str, expected: list[tuple[str | None, ...]]
) -> None:
    assert sorted(connection.execute(query).fetch_text(), key=str) == sorted(expected, key=str)


def test_bits_of_different_lengths_do_not_go_together(connection: Any) -> None:
    with pytest.raises(Exception, match="different sizes") as raised:
        connection.execute("SELECT bit_or(b) FROM (VALUES (B'1'), (B'11')) t(b)")
    assert raised.value.sqlstate == "22026"  # type: ignore[attr-defined]
