"""The consistency conditions of clause 3.3.2: each a query that finds what is wrong."""

from __future__ import annotations

from typing import Any

CONDITIONS: dict[str, str] = {
    "1: W_YTD is the sum of D_YTD": """
        SELECT w_id FROM warehouse JOIN (SELECT d_w_id, sum(d_ytd) AS total FROM district GROUP BY d_w_id) d ON d_w_id = w_id
        WHERE w_ytd <> total""",
    "2: D_NEXT_O_ID follows the greatest O_ID and NO_O_ID": """
        SELECT d_w_id, d_id FROM district
        LEFT JOIN (SELECT o_w_id, o_d_id, max(o_id) AS newest FROM orders GROUP BY o_w_id, o_d_id) o ON o_w_id = d_w_id AND o_d_id = d_id
        LEFT JOIN (SELECT no_w_id, no_d_id, max(no_o_id) AS open_newest FROM new_order GROUP BY no_w_id, no_d_id) n
          ON no_w_id = d_w_id AND no_d_id = d_id
        WHERE newest IS NULL OR newest <> d_next_o_id - 1 OR open_newest <> newest""",
    "3: the open orders of a district have no gap": """
        SELECT no_w_id, no_d_id FROM new_order GROUP BY no_w_id, no_d_id HAVING max(no_o_id) - min(no_o_id) + 1 <> count(*)""",
    "4: a district has as many lines as its orders say": """
        SELECT o_w_id, o_d_id FROM (SELECT o_w_id, o_d_id, sum(o_ol_cnt) AS lines FROM orders GROUP BY o_w_id, o_d_id) o
        LEFT JOIN (SELECT ol_w_id, ol_d_id, count(*) AS found FROM order_line GROUP BY ol_w_id, ol_d_id) l
          ON ol_w_id = o_w_id AND ol_d_id = o_d_id
        WHERE found IS NULL OR found <> lines""",
    "5: an order without a carrier is open, and no other": """
        SELECT o_w_id, o_d_id, o_id FROM orders
        LEFT JOIN new_order ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id
        WHERE (o_carrier_id IS NULL) <> (no_o_id IS NOT NULL)""",
    "6: an order has as many lines as it says": """
        SELECT o_w_id, o_d_id, o_id FROM orders
        LEFT JOIN (SELECT ol_w_id, ol_d_id, ol_o_id, count(*) AS found FROM order_line GROUP BY ol_w_id, ol_d_id, ol_o_id) l
          ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id
        WHERE found IS NULL OR found <> o_ol_cnt""",
    "7: a line has a delivery date if its order has a carrier": """
        SELECT ol_w_id, ol_d_id, ol_o_id FROM order_line
        JOIN orders ON o_w_id = ol_w_id AND o_d_id = ol_d_id AND o_id = ol_o_id
        WHERE (ol_delivery_d IS NULL) <> (o_carrier_id IS NULL)""",
    "8: W_YTD is the sum of H_AMOUNT": """
        SELECT w_id FROM warehouse JOIN (SELECT h_w_id, sum(h_amount) AS total FROM history GROUP BY h_w_id) h ON h_w_id = w_id
        WHERE w_ytd <> total""",
    "9: D_YTD is the sum of H_AMOUNT": """
        SELECT d_w_id, d_id FROM district
        JOIN (SELECT h_w_id, h_d_id, sum(h_amount) AS total FROM history GROUP BY h_w_id, h_d_id) h ON h_w_id = d_w_id AND h_d_id = d_id
        WHERE d_ytd <> total""",
    "10: C_BALANCE is what was delivered less what was paid": """
        SELECT c_w_id, c_d_id, c_id FROM customer
        LEFT JOIN (SELECT o_w_id, o_d_id, o_c_id, sum(ol_amount) AS delivered FROM orders
                   JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id
                   WHERE ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, o_c_id) o
          ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id
        LEFT JOIN (SELECT h_c_w_id, h_c_d_id, h_c_id, sum(h_amount) AS paid FROM history GROUP BY h_c_w_id, h_c_d_id, h_c_id) h
          ON h_c_w_id = c_w_id AND h_c_d_id = c_d_id AND h_c_id = c_id
        WHERE c_balance <> coalesce(delivered, 0) - coalesce(paid, 0)""",
    "12: C_BALANCE and C_YTD_PAYMENT together are what was delivered": """
        SELECT c_w_id, c_d_id, c_id FROM customer
        LEFT JOIN (SELECT o_w_id, o_d_id, o_c_id, sum(ol_amount) AS delivered FROM orders
                   JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id
                   WHERE ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, o_c_id) o
          ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id
        WHERE c_balance + c_ytd_payment <> coalesce(delivered, 0)""",
}  # fmt: skip


# Condition 11 holds of what was loaded only: as many orders are delivered as `Scale.delivered` says.
DELIVERED_AT_FIRST = """
    SELECT o_w_id, o_d_id FROM orders LEFT JOIN new_order ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id
    GROUP BY o_w_id, o_d_id HAVING count(*) - count(no_o_id) <> ?"""


def broken_conditions(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    """The conditions that do not hold, and some rows for which they do not."""
    found = {}
    for name, sql in CONDITIONS.items():
        rows = connection.execute(sql).fetchall()
        if rows:
            found[name] = rows[:5]
    return found
