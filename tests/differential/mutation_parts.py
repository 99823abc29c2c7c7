"""What `mutants.py` puts into statements and around them, as texts."""

from __future__ import annotations

from typing import Any

# Nodes of the raw tree that are expressions.
EXPRESSIONS = frozenset(
    ["column_ref", "a_const", "a_expr", "func_call", "type_cast", "sub_link", "case_expr", "coalesce_expr", "min_max_expr", "bool_expr", "null_test", "boolean_test", "a_array_expr", "row_expr", "a_indirection", "sqlvalue_function", "collate_clause", "grouping_func", "param_ref", "json_is_predicate", "json_func_expr", "json_object_constructor", "json_array_constructor", "json_parse_expr", "json_scalar_expr", "json_serialize_expr", "json_object_agg", "json_array_agg"]
)  # fmt: skip
# Fields that may be cleared.
OPTIONAL = frozenset(
    ["where_clause", "having_clause", "limit_count", "limit_offset", "sort_clause", "group_clause", "distinct_clause", "window_clause", "with_clause", "agg_order", "agg_filter", "over", "alias", "on_conflict_clause", "returning_clause", "partition_clause", "order_clause", "locking_clause", "aliascolnames", "quals", "defresult", "start_offset", "end_offset", "constraints", "coll_clause", "search_clause", "cycle_clause", "colnames", "coldeflist", "using_clause", "cols", "opclass", "options"]
)  # fmt: skip
# Lists whose items may come and go.
LISTS = frozenset(
    ["target_list", "from_clause", "args", "group_clause", "sort_clause", "distinct_clause", "values_lists", "window_clause", "ctes", "elements", "merge_when_clauses", "cols", "table_elts", "constraints", "index_params", "cmds", "returning_list", "exprs", "items", "locking_clause", "aliascolnames", "colnames", "agg_order", "partition_clause", "order_clause", "content"]
)  # fmt: skip
# Choices that the grammar knows: message, field, values.
CHOICES: dict[str, tuple[tuple[str, tuple[Any, ...]], ...]] = {
    "JoinExpr": (("jointype", (1, 2, 3, 4)), ("is_natural", (True, False))),
    "SelectStmt": (("op", (2, 3, 4)), ("all", (True, False))),
    "SortBy": (("sortby_dir", (1, 2, 3)), ("sortby_nulls", (1, 2, 3))),
    "NullTest": (("nulltesttype", (1, 2)),),
    "BooleanTest": (("booltesttype", (1, 2, 3, 4, 5, 6)),),
    "BoolExpr": (("boolop", (1, 2)),),
    "MinMaxExpr": (("op", (1, 2)),),
    "FuncCall": (("agg_distinct", (True, False)), ("func_variadic", (True, False))),
    "RangeVar": (("inh", (True, False)),),
    "WithClause": (("recursive", (True, False)),),
    "CommonTableExpr": (("ctematerialized", (1, 2, 3)),),
    "RangeSubselect": (("lateral", (True, False)),),
    "IndexStmt": (("unique", (True, False)),),
    "ColumnDef": (("is_not_null", (True, False)),),
}
EDGES = (
    "NULL", "0", "1", "-1", "2", "32767", "-32768", "2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808", "1e15", "1e-15", "0.1",
    "1.0", "0.0001", "99999999999999999999", "1e400", "true", "false", "'NaN'", "'Infinity'", "'-Infinity'", "''", "'a'", "'0'", "'1'", "'-1'", "'1.5'",
    "'{}'", "'{1,2}'", "'{NULL}'", "'{{1,2},{3,4}}'", "'[]'", "'{\"a\":1}'", "'\\x'", "'\\xff'", "'2000-01-01'", "'2024-02-29 12:34:56'", "'epoch'",
    "'4713-01-01 BC'", "'294276-12-31'", "'1 day'", "'-1 mon'", "'00:00:01'", "'24:00:00'", "'empty'", "'[1,2]'", "'(,)'", "'t'", "'null'", "'a%'",
    "'%'", "'\\\\'", "'(1,2)'", "'ä'", "B'101'", "B''", "ARRAY[]::int[]", "ARRAY[1,NULL]", "'{}'::int[]", "NULL::int", "NULL::text", "NULL::numeric",
    "'NaN'::float8", "'NaN'::numeric", "'-0'::float8", "'infinity'::timestamp", "'infinity'::date", "'infinity'::interval", "'{}'::jsonb",
    "'null'::jsonb", "'[1,2]'::jsonb", "'empty'::int4range", "'{[1,3),[5,)}'::int4multirange", "ROW()", "ROW(NULL)", "ROW(1,'a')", "DEFAULT", "current_date",
    "'x'::char(3)", "'1'::\"char\"", "'1'::oid", "'int4'::regtype", "'1 year 2 mons -3 days'::interval", "'2024-02-29'::date",
    "'1999-12-31 23:59:59.999999'::timestamp", "'2024-06-30 12:00+02'::timestamptz", "'12:34:56.789'::time", "'[2024-01-01,2024-03-01)'::daterange",
    "'{a,NULL,\"b c\"}'::text[]", "'[0:1]={5,6}'::int[]", "'\\x00ff'::bytea", "B'0110'::varbit", "1.50::numeric(6,3)", "'ab'::varchar(2)",
)  # fmt: skip
TYPES = (
    "int2", "int4", "int8", "numeric", "numeric(4,2)", "numeric(3,-2)", "float4", "float8", "text", "varchar", "varchar(3)", "char(3)", "bpchar",
    "name", '"char"', "bool", "date", "time", "time(2)", "timetz", "timestamp", "timestamp(1)", "timestamptz", "interval",
    "interval day to second(2)", "uuid", "bytea", "json", "jsonb", "jsonpath", "int4[]", "text[]", "numeric[][]", "bit(3)", "varbit", "int4range",
    "numrange", "tsrange", "daterange", "int4multirange", "datemultirange", "int4range[]", "interval[]", "oid", "regclass", "regtype", "regproc",
    "record", "unknown", "anyelement", "money", "inet", "point", "xml", "tsvector", "void", "pg_lsn", "tid", "xid",
)  # fmt: skip
OPERATORS = (
    "=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "^", "||", "&", "|", "#", "<<", ">>", "~", "!~", "~*", "~~", "!~~", "@>", "<@", "&&",
    "->", "->>", "#>", "#>>", "@?", "@@", "-|-", "&<", "&>", "^@", "#-",
)  # fmt: skip
# A column named `it` stands for the expression that is wrapped.
AROUND = (
    "CASE WHEN it IS NULL THEN it ELSE it END", "CASE it WHEN it THEN 1 END", "coalesce(it, it)", "nullif(it, it)", "greatest(it, it)", "(SELECT it)",
    "ARRAY[it]", "ARRAY[it, NULL]", "ROW(it)", "ROW(it, 1)", "it::text", "it::text::int", "it IS NULL", "NOT it", "(it)[1]", "(it)[1:2]", "it COLLATE \"C\"",
    "count(it)", "max(it)", "sum(it)", "array_agg(it)", "count(it) OVER ()", "sum(it) OVER (ORDER BY it)", "first_value(it) OVER (ORDER BY it)",
    "it = ANY (ARRAY[it])", "it IN (it, NULL)", "it IN (SELECT it)", "it NOT IN (SELECT it WHERE it IS NULL)", "EXISTS (SELECT it)", "it BETWEEN it AND it",
    "it BETWEEN SYMMETRIC it AND 1", "it IS DISTINCT FROM it", "it LIKE it", "-it", "it || it", "it + 1", "json_build_object('a', it)", "to_jsonb(it)",
    "format('%s', it)", "it IS TRUE", "count(DISTINCT it)", "string_agg(it, ',' ORDER BY it)", "(ROW(it)).f1", "generate_series(1, it)", "unnest(it)",
    "unnest(ARRAY[it, it])", "percentile_disc(0.5) WITHIN GROUP (ORDER BY it)", "timezone('UTC', it)", "date_part('year', it)", "(it, it) < (it, it)",
    "grouping(it)", "count(*) FILTER (WHERE it)", "lag(it) OVER (ORDER BY it)", "sum(it) OVER (ORDER BY it RANGE BETWEEN it PRECEDING AND CURRENT ROW)",
    "length(it)", "abs(it)", "lower(it)", "substring(it, 2)", "overlaps(it, it, it, it)", "it IS JSON", "pg_typeof(it)", "concat(it, it)", "num_nulls(it)",
)  # fmt: skip
# The whole statement: each entry is what is run, in order; {q} the query.
WRAPPINGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "select_stmt": (
        ("SELECT * FROM ({q}) AS w",), ("WITH w AS ({q}) SELECT * FROM w",), ("WITH w AS MATERIALIZED ({q}) SELECT count(*) FROM w, w AS x",),
        ("CREATE VIEW w AS {q}", "TABLE w", "SELECT count(*) FROM w"), ("EXPLAIN {q}",), ("EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) {q}",),
        ("PREPARE w AS {q}", "EXECUTE w", "EXECUTE w"), ("CREATE TEMP TABLE w AS {q}", "TABLE w"), ("CREATE MATERIALIZED VIEW w AS {q}", "TABLE w"),
        ("DECLARE w SCROLL CURSOR FOR {q}", "FETCH ALL FROM w", "FETCH BACKWARD 1 FROM w"), ("SELECT count(*) FROM ({q}) AS w",), ("SELECT EXISTS ({q})",),
        ("SELECT ARRAY({q})",), ("SELECT ({q})",), ("({q}) UNION ALL ({q})",), ("({q}) EXCEPT ({q})",), ("({q}) INTERSECT ({q})",), ("({q}) UNION ({q})",),
        ("SELECT w FROM ({q}) AS w",), ("SELECT row_to_json(w) FROM ({q}) AS w",), ("SELECT w.* FROM (VALUES (1), (2)) AS o(a), LATERAL ({q}) AS w",),
        ("SELECT DISTINCT * FROM ({q}) AS w",), ("COPY ({q}) TO STDOUT",), ("COPY ({q}) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)",),
        ("SELECT * FROM ({q}) AS w NATURAL FULL JOIN ({q}) AS x",), ("SELECT w IS NULL, w = w, w::text FROM ({q}) AS w",),
        ("SELECT 1 WHERE ROW(1) IN ({q})",), ("SELECT * FROM ({q}) AS w(c1) ORDER BY c1",), ("SELECT * FROM ({q}) AS w(c1) WHERE c1 IS NOT NULL",),
        ("CREATE FUNCTION w() RETURNS SETOF record LANGUAGE sql AS $w${q}$w$", "SELECT w()"), ("SELECT max(c1), count(c1) FROM ({q}) AS w(c1)",),
        ("CREATE VIEW w AS {q}", "SELECT pg_get_viewdef('w')", "SELECT * FROM w LIMIT 0"), ("SELECT c1, count(*) FROM ({q}) AS w(c1) GROUP BY ROLLUP (c1)",),
        ("WITH RECURSIVE w(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM w WHERE a < 3 AND EXISTS ({q})) TABLE w",),
    ),
    "insert_stmt": (("EXPLAIN {q}",), ("PREPARE w AS {q}", "EXECUTE w"), ("CREATE FUNCTION w() RETURNS void LANGUAGE sql AS $w${q}$w$", "SELECT w()")),
}  # fmt: skip
WRAPPINGS["update_stmt"] = WRAPPINGS["delete_stmt"] = WRAPPINGS["merge_stmt"] = WRAPPINGS[
    "insert_stmt"
]
# What stands behind a change: its table is looked at then.
CHANGES = frozenset(WRAPPINGS) - {"select_stmt"}
# An expression of a query over the table {t}, put into a definition.
DEFINITIONS = (
    ("CREATE INDEX w ON {t} (({e}))", "TABLE {t}"), ("CREATE UNIQUE INDEX w ON {t} (({e})) WHERE {e} IS NOT NULL",), ("ALTER TABLE {t} ADD CHECK ({e})",),
    ("CREATE TABLE w (a int, b text DEFAULT {e})", "INSERT INTO w VALUES (1)", "TABLE w"), ("ALTER TABLE {t} ADD COLUMN w text DEFAULT {e}", "TABLE {t}"),
    ("ALTER TABLE {t} ADD COLUMN w text GENERATED ALWAYS AS ({e}) STORED", "TABLE {t}"), ("CREATE DOMAIN w AS int CHECK ({e})", "SELECT 1::w"),
    ("CREATE RULE w AS ON INSERT TO {t} DO ALSO SELECT {e}", "INSERT INTO {t} DEFAULT VALUES"), ("DELETE FROM {t} WHERE {e}", "TABLE {t}"),
    ("UPDATE {t} SET (w) = ROW({e})",), ("DELETE FROM {t} RETURNING {e}, old.*, new",), ("INSERT INTO {t} DEFAULT VALUES RETURNING {e}",),
    ("SELECT {e} FROM {t} GROUP BY {e}",), ("SELECT 1 FROM {t} HAVING {e}",), ("SELECT {e} FROM {t} ORDER BY {e} DESC",), ("SELECT DISTINCT {e} FROM {t}",),
    ("SELECT count(*) FROM {t} WHERE {e}",), ("SELECT {e}, {e} IS NULL FROM {t} AS t1 NATURAL JOIN {t}",), ("SELECT count(*), {e} FROM {t} GROUP BY GROUPING SETS (({e}), ())",),
    ("VALUES ({e}), ({e})",), ("SELECT * FROM (SELECT {e} FROM {t} OFFSET 0) AS w(c) WHERE c = c",), ("SELECT 1 FROM {t} LIMIT {e}",),
    ("SELECT (SELECT {e}) FROM {t}",), ("SELECT array_agg({e}) OVER () IS NULL FROM {t}",), ("SELECT * FROM {t}, LATERAL (SELECT {e}) AS w(c)",),
    ("CREATE TABLE w (LIKE {t} INCLUDING ALL)", "ALTER TABLE w ADD EXCLUDE USING btree (({e}) WITH =)"), ("SELECT * FROM {t} JOIN {t} AS w ON {e}",),
    ("CREATE STATISTICS w ON ({e}), ({e}) FROM {t}",), ("CREATE TABLE w PARTITION BY RANGE (({e})) AS SELECT 1",), ("PREPARE w(int) AS SELECT {e} FROM {t} WHERE $1 = 1", "EXECUTE w(1)"),
)  # fmt: skip
