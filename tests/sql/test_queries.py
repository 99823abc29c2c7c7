"""Queries and the statements that change rows."""

from __future__ import annotations

import pytest

from lungfish import errors
from lungfish.sql.ast.dml import Copy, Delete, Insert, Merge, Truncate, Update
from lungfish.sql.ast.expressions import Default, Literal, Name, Row, Subquery
from lungfish.sql.ast.queries import (
    FunctionReference,
    GroupingSet,
    Join,
    JoinKind,
    Query,
    SetOperation,
    SubqueryReference,
    TableReference,
    Values,
)
from tests.sql.trees import same, select, statement


def query(sql: str) -> Query:
    node = statement(sql)
    assert isinstance(node, Query)
    return node


def test_clauses_of_a_select_arrive_in_their_places() -> None:
    body = select(
        "select distinct a as x from t where b group by c having d window w as (order by e)"
    )
    assert body.is_distinct
    assert body.items[0].alias == "x"
    assert same(body.where, Name(("b",)))
    assert same(body.group_by, (Name(("c",)),))
    assert same(body.having, Name(("d",)))
    assert body.windows[0].name == "w"


def test_distinct_on_is_not_distinct() -> None:
    body = select("select distinct on (a, b) c from t")
    assert not body.is_distinct
    assert len(body.distinct_on) == 2


def test_a_set_operation_keeps_each_sides_own_order() -> None:
    node = query("select 1 union all (select 2 order by 1 limit 1) order by 1 offset 3")
    assert isinstance(node.body, SetOperation)
    assert node.body.is_all
    assert node.order_by
    assert node.offset is not None
    assert not node.body.left.order_by
    assert node.body.right.limit is not None


def test_no_limit_is_none_and_limit_all_is_null() -> None:
    assert query("select 1").limit is None
    for limit in ("limit all", "limit null"):
        found = query(f"select 1 {limit}").limit
        assert isinstance(found, Literal)
        assert found.kind is Literal.Kind.NULL


def test_with_ties_and_locking() -> None:
    node = query(
        "select a from t order by a fetch first 3 rows with ties for no key update of t nowait"
    )
    assert node.has_ties
    assert (node.locking[0].strength, node.locking[0].tables, node.locking[0].wait) == (
        "no key update",
        ("t",),
        "nowait",
    )


def test_values_may_hold_default() -> None:
    node = statement("insert into t values (1, default)")
    assert isinstance(node, Insert)
    assert node.query is not None
    assert isinstance(node.query.body, Values)
    assert isinstance(node.query.body.rows[0][1], Default)


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("a join b on true", JoinKind.INNER),
        ("a left join b using (x)", JoinKind.LEFT),
        ("a natural right join b", JoinKind.RIGHT),
        ("a full join b on true", JoinKind.FULL),
        ("a cross join b", JoinKind.CROSS),
    ],
)
def test_joins(sql: str, kind: JoinKind) -> None:
    (item,) = select(f"select * from {sql}").from_items
    assert isinstance(item, Join)
    assert item.kind is kind
    assert item.is_natural is sql.startswith("a natural")


def test_things_in_from() -> None:
    items = select(
        "select * from only a.t as x(y), lateral (select 1) q, f(1) with ordinality g(z),"
        " rows from (f(1), g(2)) r, h() as (i int, j text), t tablesample system (1) repeatable (2)"
    ).from_items
    table, subquery, function, rows, records, sample = items
    assert isinstance(table, TableReference)
    assert table.is_only
    assert (str(table.name), table.alias, table.column_aliases) == ("a.t", "x", ("y",))
    assert isinstance(subquery, SubqueryReference)
    assert subquery.is_lateral
    assert isinstance(function, FunctionReference)
    assert function.with_ordinality
    assert isinstance(rows, FunctionReference)
    assert len(rows.calls) == 2
    assert isinstance(records, FunctionReference)
    assert [column.name for column in records.column_definitions] == ["i", "j"]
    assert isinstance(sample, TableReference)
    assert sample.sample is not None
    assert sample.sample.method == "system"


def test_grouping_sets_nest_and_bare_rows_in_group_by_are_lists() -> None:
    body = select(
        "select 1 from t group by (a, b), rollup (a, (b, c)), grouping sets ((), cube (a))"
    )
    a, b, rollup, sets = body.group_by
    assert same((a, b), (Name(("a",)), Name(("b",))))
    assert isinstance(rollup, GroupingSet)
    assert isinstance(rollup.items[1], GroupingSet)
    assert rollup.items[1].kind == "simple"
    assert isinstance(sets, GroupingSet)
    assert [item.kind for item in sets.items if isinstance(item, GroupingSet)] == ["empty", "cube"]


def test_with_keeps_search_cycle_and_materialized() -> None:
    node = query(
        "with recursive a (x) as not materialized (select 1) search depth first by x set s"
        " cycle x set c using p select 1"
    )
    assert node.with_clause is not None
    assert node.with_clause.is_recursive
    (cte,) = node.with_clause.expressions
    assert cte.is_materialized is False
    assert cte.search is not None
    assert not cte.search.is_breadth_first
    assert cte.cycle is not None
    assert cte.cycle.path_column == "p"


def test_into_inside_a_query_is_refused_as_postgresql_does() -> None:
    with pytest.raises(errors.SyntaxError, match="INTO is not allowed here") as caught:
        statement("select * from (select 1 into x) y")
    assert caught.value.position == 29


def test_insert_on_conflict() -> None:
    node = statement(
        "with c as (select 1) insert into t as x (a, b[1], c.d) overriding user value select 1"
        ' on conflict (a, lower(b) collate "C") where a > 0 do update set a = excluded.a where true'
        " returning with (old as o, new as n) *, a as z"
    )
    assert isinstance(node, Insert)
    assert node.table.alias == "x"
    assert [column.name for column in node.columns] == ["a", "b", "c"]
    assert node.columns[2].indirection == ("d",)
    assert node.overriding == "user"
    assert node.on_conflict is not None
    assert node.on_conflict.target is not None
    assert len(node.on_conflict.target.elements) == 2
    assert node.on_conflict.target.where is not None
    assert node.on_conflict.where is not None
    assert node.returning is not None
    assert (node.returning.old_alias, node.returning.new_alias) == ("o", "n")
    assert node.with_clause is not None


def test_insert_of_defaults_and_conflict_by_constraint() -> None:
    node = statement("insert into t default values on conflict on constraint k do nothing")
    assert isinstance(node, Insert)
    assert node.query is None
    assert node.on_conflict is not None
    assert node.on_conflict.target is not None
    assert node.on_conflict.target.constraint == "k"
    assert node.on_conflict.assignments == ()


def test_update_groups_the_columns_of_a_row_assignment() -> None:
    node = statement(
        "update t set a = 1, (b, c) = (select 1, 2), (d) = row (default) from s where x"
    )
    assert isinstance(node, Update)
    assert [[column.name for column in each.columns] for each in node.assignments] == [
        ["a"],
        ["b", "c"],
        ["d"],
    ]
    assert [each.is_row for each in node.assignments] == [False, True, True]
    assert isinstance(node.assignments[1].value, Subquery)
    assert isinstance(node.assignments[2].value, Row)


def test_delete_merge_truncate() -> None:
    delete = statement("delete from only t using s where t.a = s.a returning 1")
    assert isinstance(delete, Delete)
    assert delete.table.is_only
    merge = statement(
        "merge into t using s on a = b when matched and c then update set a = 1"
        " when not matched then insert (a) overriding system value values (default)"
        " when not matched by source then delete when matched then do nothing"
    )
    assert isinstance(merge, Merge)
    assert [(action.match, action.kind) for action in merge.actions] == [
        ("matched", "update"),
        ("not matched by target", "insert"),
        ("not matched by source", "delete"),
        ("matched", "nothing"),
    ]
    truncate = statement("truncate a, b.c restart identity cascade")
    assert isinstance(truncate, Truncate)
    assert truncate.restart_identity
    assert truncate.is_cascade
    assert [str(name) for name in truncate.tables] == ["a", "b.c"]


def test_copy() -> None:
    node = statement("copy t (a, b) from stdin (format csv, header, force_null (a), null '')")
    assert isinstance(node, Copy)
    assert node.is_from
    assert node.path is None
    assert node.columns == ("a", "b")
    assert node.options == (
        ("format", "csv"),
        ("header", True),
        ("force_null", ("a",)),
        ("null", ""),
    )
    out = statement("copy (select 1) to 'x.csv' with csv")
    assert isinstance(out, Copy)
    assert isinstance(out.query, Query)
    assert out.path == "x.csv"
