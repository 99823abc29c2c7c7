"""Prices of physical plans. The unit is about 10 us on the machine where bench/ was last run; only ratios matter.

The constants are our own engine's: a row in a vectorised operator is nearly free, while whatever is done once a row in Python
(fetching it through an index, starting a plan again for it) costs as much as a hundred or thousands of vectorised rows. That is why
a hash join wins over probing an index unless few rows probe, and a scan over an index unless few rows are found. Plans that read a few rows
only by indexes are run without vectors, mostly by compiled code, which has no start to speak of.
"""

from __future__ import annotations

import math

# Starting an operator, which is paid again by each run of a lateral join's right side.
OPERATOR_START = 1.5
# Starting a vectorised scan; a row read by it; an operator evaluated over a row of a batch.
SCAN_START = 4.0
SCAN_ROW = 0.001
OPERATOR = 0.0003
# Going down an index, and reading a row by its address.
INDEX_DESCENT = 1.0
INDEX_ROW = 0.1
# Of so few rows that they are read row by row (executor/row_source.py): starting, and each row.
SHORT_ROW_COUNT = 64
SHORT_START = 0.5
SHORT_ROW = 0.05
# Looking a key up for a row of a join's left side: if there are few, which is done row by row to the end, and if there are many.
SHORT_PROBE = 0.1
PROBE = 0.5
# Starting a join that makes pairs of whole batches.
JOIN_START = 8.0
HASH_BUILD_ROW = 0.006
HASH_PROBE_ROW = 0.001
JOIN_OUTPUT_ROW = 0.0007
NESTED_PAIR = 0.0007
GROUP_ROW = 0.002
SORT_ROW = 0.00016


def seq_scan_cost(row_count: float, conjunct_count: int) -> float:
    """Reading the whole table and filtering it."""
    return SCAN_START + row_count * (SCAN_ROW + OPERATOR * conjunct_count)


def index_scan_cost(row_count: float, descents: float, conjunct_count: int) -> float:
    """Reading `row_count` rows by their keys."""
    if row_count <= SHORT_ROW_COUNT and descents <= 1:
        return SHORT_START + row_count * (SHORT_ROW + OPERATOR * conjunct_count)
    each = INDEX_ROW + OPERATOR * conjunct_count
    return OPERATOR_START + descents * INDEX_DESCENT + row_count * each


def sort_cost(row_count: float) -> float:
    """Sorting; keeping the first few rows only is as dear while there are few."""
    return OPERATOR_START + row_count * math.log2(max(row_count, 2.0)) * SORT_ROW


def group_cost(row_count: float) -> float:
    """Hashing rows into groups, or into distinct ones."""
    return OPERATOR_START + row_count * GROUP_ROW


def hash_join_cost(left_rows: float, right_rows: float, output_rows: float) -> float:
    """Building a table of the right side and probing it with the left one, without the inputs' own cost."""
    return (
        JOIN_START
        + right_rows * HASH_BUILD_ROW
        + left_rows * HASH_PROBE_ROW
        + output_rows * JOIN_OUTPUT_ROW
    )


def nested_loop_cost(left_rows: float, right_rows: float, output_rows: float) -> float:
    """Trying all pairs, the right side kept in memory, without the inputs' own cost."""
    return JOIN_START + left_rows * right_rows * NESTED_PAIR + output_rows * JOIN_OUTPUT_ROW


def lateral_join_cost(left_rows: float, right_cost: float, output_rows: float) -> float:
    """Running the right side once for each left row."""
    each = OPERATOR_START + right_cost
    return OPERATOR_START + left_rows * each + output_rows * JOIN_OUTPUT_ROW


def probe_join_cost(left_rows: float, right_cost: float, output_rows: float) -> float:
    """Running the right side, an index scan of that cost, once for each left row, without the left side's own cost."""
    probe = SHORT_PROBE if left_rows <= SHORT_ROW_COUNT else PROBE
    each = probe + max(right_cost - SHORT_START - SHORT_ROW, 0.0)
    return OPERATOR_START + left_rows * each + output_rows * JOIN_OUTPUT_ROW
