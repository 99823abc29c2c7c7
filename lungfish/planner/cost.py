"""Prices of physical plans, in PostgreSQL's unit: 1.0 is a page read in sequence; here that is taken to be about 10 us.

The constants are our own engine's: a row in a vectorised operator is nearly free, while whatever is done once a row in Python
(fetching it through an index, starting a plan again for it) costs as much as hundreds of vectorised rows. That is why a
hash join wins over probing an index unless few rows probe.
"""

from __future__ import annotations

import math

# A row read by a scan, and an operator evaluated over one row of a batch.
SCAN_ROW = 0.01
OPERATOR = 0.0025
# Reading a row through an index, and going down the tree.
INDEX_ROW = 0.1
INDEX_DESCENT = 1.0
# Starting an operator, paid by each rescan of a lateral join's right side.
OPERATOR_START = 1.0
HASH_BUILD_ROW = 0.02
HASH_PROBE_ROW = 0.01
JOIN_OUTPUT_ROW = 0.005
NESTED_PAIR = 0.003
GROUP_ROW = 0.02
SORT_ROW = 0.004


def seq_scan_cost(row_count: float, conjunct_count: int) -> float:
    """Reading the whole table and filtering it."""
    return OPERATOR_START + row_count * (SCAN_ROW + OPERATOR * conjunct_count)


def index_scan_cost(row_count: float, descents: float, conjunct_count: int) -> float:
    """Reading `row_count` rows by their keys."""
    return (
        OPERATOR_START
        + descents * INDEX_DESCENT
        + row_count * (INDEX_ROW + OPERATOR * conjunct_count)
    )


def sort_cost(row_count: float) -> float:
    """Sorting; a heap of the first few rows is as dear while n is small."""
    return OPERATOR_START + row_count * math.log2(max(row_count, 2.0)) * SORT_ROW


def hash_join_cost(left_rows: float, right_rows: float, output_rows: float) -> float:
    """Building a table of the right side and probing it with the left one, without the inputs' own cost."""
    return (
        OPERATOR_START
        + right_rows * HASH_BUILD_ROW
        + left_rows * HASH_PROBE_ROW
        + output_rows * JOIN_OUTPUT_ROW
    )


def nested_loop_cost(left_rows: float, right_rows: float, output_rows: float) -> float:
    """Trying all pairs, the right side kept in memory, without the inputs' own cost."""
    return OPERATOR_START + left_rows * right_rows * NESTED_PAIR + output_rows * JOIN_OUTPUT_ROW


def lateral_join_cost(left_rows: float, right_cost: float, output_rows: float) -> float:
    """Running the right side once for each left row."""
    return (
        OPERATOR_START + left_rows * (OPERATOR_START + right_cost) + output_rows * JOIN_OUTPUT_ROW
    )
