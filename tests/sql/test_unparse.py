"""Trees written back to text parse to the same trees."""

from __future__ import annotations

import pytest

from lungfish import errors
from lungfish.sql import parse_one, unparse_command, unparse_expression, unparse_query
from lungfish.sql.ast.dml import Delete, Insert, Update
from lungfish.sql.ast.queries import Query
from tests.sql.trees import expression, same, statement

EXPRESSIONS = [
    "-5",
    "- a - -5",
    "'it''s \\ back'",
    "B'10' || X'1f'",
    '"Select"."x y" + limit_',
    "a = any (select 1) and b <> all (array[1, 2]) or not c in (1, 2)",
    'x::timestamp(3) with time zone - y::interval day to second(2) + z::bit(3)::"char"::bpchar',
    "cast(a as numeric(10,2)[][]) is not distinct from b::s.mood",
    "case a when 1 then 'x' else null end || case when b then c end",
    "extract(epoch from a) + position('x' in b) + \"extract\"(a, b)",
    "coalesce(current_date, localtime, current_timestamp(3))",
    "f(distinct a, b order by c desc nulls first) filter (where d) + g(1, variadic x => array[]::int[])",
    "percentile_cont(0.5) within group (order by a)",
    (
        "sum(a) over (w partition by b order by c range between '1'::interval preceding"
        " and unbounded following exclude current row)"
    ),
    "count(*) over w",
    "(a, b) = row(1, (c).d) and (e).* is null",
    "a[1:2][3] || (b)[:]",
    "a collate \"de-x-icu\" like b escape '!' and c not similar to d",
    "a between symmetric 1 and 2 is unknown",
    "coalesce(nullif(a, b), greatest(c, d), least($1, e), grouping(f))",
    "exists (select 1) and array(select a) @> (select b)",
    "@ a + |/ b operator(pg_catalog.*) c",
    "a at time zone 'UTC' at local",
    "json_object('a' value 1 format json, b: c absent on null with unique keys returning bytea format json encoding utf8)",
    "json_array(1, a format json, null null on null returning jsonb) || json_array() || json_array(select 1 returning text)",
    "json_arrayagg(a order by b desc null on null returning text) filter (where c) over w",
    "json_objectagg(a: b absent on null with unique keys) || json_arrayagg(a) over (partition by b)",
    "json(a with unique keys) is not json array with unique keys and json_scalar(1) is json",
    "json_serialize(a format json returning varchar(3)) is json scalar",
    (
        "json_query(a, b passing 1 as x, '[]' format json as \"Y\" returning text without wrapper omit quotes"
        " empty object on empty default 1 + 2 on error)"
    ),
    "json_value(a format json, '$' returning int null on empty error on error) = json_query(a, '$' with conditional wrapper)",
    "json_exists(a, '$' unknown on error)",
]

QUERIES = [
    "select",
    'select distinct on (a) a as "B c", * from t order by a using <, b desc nulls last',
    "values (1, 'a'), (2, null) order by 1 offset 3 limit 2",
    "(select 1 limit 1) union all (select 2 intersect select 3 order by 1) except select 4",
    (
        "select a from only s.t as x (y) cross join (b left join c using (d) as e) as f (g),"
        " lateral (select x.y) z, rows from (f(1), g(2)) with ordinality h, i() as (j int, k text)"
    ),
    "select a from t natural full join (u right join v on true) tablesample_ where b",
    (
        "select a from t tablesample bernoulli (10) repeatable (2) group by distinct rollup (a, (b, c)),"
        " grouping sets ((), cube (d)) having e window w as (order by f), w2 as (w rows 2 preceding)"
    ),
    (
        "with recursive a (b) as materialized (select 1) search breadth first by b set o cycle b set m"
        " to 1 default 0 using p, c as (select 2) select * from a, c for no key update of a skip locked"
    ),
    "select a from t order by a fetch first 3 rows with ties",
    (
        "select * from t, json_table(a, '$.x' as root passing 1 as b columns (o for ordinality, c int path '$' default 1"
        " on empty error on error, d text format json with wrapper, e bool exists path '$.q' true on error, nested '$.n' as n"
        " columns (f jsonb omit quotes), nested path '$.m' columns (g int))) as j (x, y),"
        " json_table('[]', '$' columns (a int) error on error)"
    ),
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_survives_the_way_to_text_and_back(text: str) -> None:
    tree = expression(text)
    assert same(expression(unparse_expression(tree)), tree)


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_survives_the_way_to_text_and_back(sql: str) -> None:
    tree = statement(sql)
    assert isinstance(tree, Query)
    assert same(statement(unparse_query(tree)), tree)


def test_writing_is_stable() -> None:
    tree = statement("select a+b*c from t where not x or y and z is null")
    assert isinstance(tree, Query)
    assert unparse_query(tree) == "SELECT a + (b * c) FROM t WHERE (NOT x) OR (y AND (z IS NULL))"


def test_a_stored_query_cannot_change_rows() -> None:
    with pytest.raises(errors.FeatureNotSupported):
        parse_one("create view v as with d as (delete from t returning 1) select * from d")


COMMANDS = (
    "insert into s.t as x (a, b[1], c.d) overriding user value values (1, default, 'q'), (new.a, old.b, null)",
    "insert into t default values returning with (old as o, new as n) o.a, n.*",
    'insert into t select new.* on conflict (lower(a) collate "C", b) where b > 1 do update set a = excluded.a where t.b > 2',
    'insert into t table u on conflict on constraint "Key" do nothing',
    (
        "with w (k) as (delete from u where a = old.a returning a), r as materialized (select 1)"
        " insert into t select k from w, r"
    ),
    (
        "update only t x set a = new.a, (b, c) = (select 1, 2), (d, e) = row(x.*), (f, g) = (1, default),"
        " h[1:2] = null from u join v using (k) where x.a = old.a returning *"
    ),
    (
        "delete from t using u, lateral (select old.a) s where t.a = u.a or exists (select 1 from s)"
        ' returning t.a as "A b"'
    ),
    "select new.a from t where old.b is null",
)


@pytest.mark.parametrize("sql", COMMANDS)
def test_a_command_of_a_rule_survives_the_way_to_text_and_back(sql: str) -> None:
    tree = statement(sql)
    assert isinstance(tree, (Insert, Update, Delete, Query))
    assert same(statement(unparse_command(tree)), tree)
