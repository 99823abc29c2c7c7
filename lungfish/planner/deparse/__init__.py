"""Stored queries and expressions written back as SQL, as PostgreSQL's ruleutils.c writes them.

    text -> bound under a trace -> nodes (translate_*) -> names chosen (range_names) -> text (write_*)

Start at `deparse.py`. What cannot be written back raises FeatureNotSupported.
"""

from lungfish.planner.deparse.deparse import (
    Deparsing,
    columns_read,
    deparse_query,
    translate_over_table,
    write_expression,
)

__all__ = [
    "Deparsing",
    "columns_read",
    "deparse_query",
    "translate_over_table",
    "write_expression",
]
