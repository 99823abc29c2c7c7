"""The relations of pg_catalog and information_schema: those of PostgreSQL 18, with the same columns in the same order."""

from __future__ import annotations

import psycopg
import pytest

import lungfish

Columns = dict[str, list[tuple[str, str]]]

QUERY = """
    SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND a.attnum > 0
    ORDER BY 1, a.attnum"""
# Types that are missing, and what stands for them.
STAND_INS = {
    "aclitem[]": "text[]", "anyarray": "text", "inet": "text", "pg_dependencies": "text", "pg_mcv_list": "text",
    "pg_ndistinct": "text", "pg_node_tree": "text", "pg_statistic[]": "text", "xid": "bigint",
    "information_schema.cardinal_number": "integer", "information_schema.character_data": "character varying",
    "information_schema.sql_identifier": "name", "information_schema.time_stamp": "timestamp with time zone",
    "information_schema.yes_or_no": "character varying(3)",
}  # fmt: skip
# The helpers of information_schema's views of foreign data, which nobody asks for.
MISSING = {
    f"information_schema._pg_{name}"
    for name in (
        "foreign_data_wrappers", "foreign_servers", "foreign_table_columns", "foreign_tables", "user_mappings",
    )
}  # fmt: skip
# PostgreSQL 19 has these, or has more of them.
AHEAD = {"pg_catalog.pg_stat_recovery", "pg_catalog.pg_stat_wal"}
# Nothing asks the system to write early, so nobody counts how often.
SHORTER = {"pg_catalog.pg_stat_io": {"writebacks", "writeback_time"}}


def read(rows: list[tuple[str, str, str]]) -> Columns:
    found: Columns = {}
    for relation, column, kind in rows:
        found.setdefault(relation, []).append((column, STAND_INS.get(kind, kind)))
    return found


@pytest.mark.slow
def test_catalogs_have_the_columns_of_postgresql(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as theirs:
        wanted = read(theirs.execute(QUERY).fetchall())
    with lungfish.connect(":memory:") as connection:
        found = read(connection.execute(QUERY).fetchall())
    assert wanted.keys() - found.keys() == MISSING
    assert found.keys() - wanted.keys() <= AHEAD
    for relation in wanted.keys() - MISSING - AHEAD:
        left_out = SHORTER.get(relation, set())
        columns = [each for each in wanted[relation] if each[0] not in left_out]
        assert found[relation] == columns, relation
