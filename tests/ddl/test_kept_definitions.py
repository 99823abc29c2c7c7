"""What DDL declares is there again after a restart: typed tables, operator classes."""

from __future__ import annotations

from pathlib import Path

import pytest

import lungfish
from lungfish import errors


def reopened(path: Path, *statements: str) -> lungfish.Connection:
    """A database in which the statements were run before it was closed and opened."""
    with lungfish.connect(path, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
    return lungfish.connect(path, autocommit=True)


def test_a_typed_table_follows_its_type_after_a_restart(tmp_path: Path) -> None:
    with reopened(
        tmp_path / "app.db",
        "create type city as (name text, people int)",
        "create table cities of city (name with options primary key)",
        "insert into cities values ('Ur', 3)",
    ) as connection:
        with pytest.raises(errors.WrongObjectType, match="cannot add column to typed table"):
            connection.execute("alter table cities add column x int")
        connection.execute("alter type city add attribute river text cascade")
        assert connection.execute("select * from cities").fetchall() == [("Ur", 3, None)]


def test_a_rolled_back_change_of_a_type_leaves_its_tables_typed() -> None:
    with lungfish.connect(autocommit=True) as connection:
        connection.execute("create type city as (name text)")
        connection.execute("create table cities of city")
        connection.execute("begin")
        connection.execute("alter type city add attribute people int cascade")
        connection.execute("alter table cities not of")
        connection.execute("rollback")
        assert connection.execute("table cities").description[0].name == "name"
        with pytest.raises(errors.DependentObjectsStillExist, match="type of a typed table"):
            connection.execute("alter type city add attribute people int")


def test_an_index_keeps_the_operator_class_that_it_names(tmp_path: Path) -> None:
    with reopened(
        tmp_path / "app.db",
        "create table t (a text)",
        "create index t_like on t (a text_pattern_ops)",
    ) as connection:
        row = connection.execute("select pg_get_indexdef('t_like'::regclass)").fetchone()
        assert row == ("CREATE INDEX t_like ON public.t USING btree (a text_pattern_ops)",)


OPERATOR = (
    "create type pair as (x int, y int)",
    "create function add(pair, pair) returns pair language sql as 'select row($1.x + $2.x, $1.y + $2.y)::pair'",
    "create function along(int) returns pair language sql as 'select row($1, 0)::pair'",
    "create operator + (leftarg = pair, rightarg = pair, function = add, commutator = +)",
    "create cast (int as pair) with function along(int) as implicit",
)


def test_operators_and_casts_are_there_after_a_restart(tmp_path: Path) -> None:
    with reopened(tmp_path / "app.db", *OPERATOR) as connection:
        row = connection.execute("select (row(1, 2)::pair + 3)::text").fetchone()
        assert row == ("(4,2)",)
        with pytest.raises(errors.DependentObjectsStillExist, match="function add"):
            connection.execute("drop function add(pair, pair)")


def test_an_operator_that_was_rolled_back_is_not_there() -> None:
    with lungfish.connect(autocommit=True) as connection:
        for statement in OPERATOR[:3]:
            connection.execute(statement)
        connection.execute("begin")
        connection.execute(OPERATOR[3])
        connection.execute("select row(1, 2)::pair + row(3, 4)::pair")
        connection.execute("rollback")
        with pytest.raises(errors.UndefinedFunction, match=r"pair \+ pair"):
            connection.execute("select row(1, 2)::pair + row(3, 4)::pair")


def test_a_period_that_nothing_covers_any_more_is_found_after_a_restart(tmp_path: Path) -> None:
    with reopened(
        tmp_path / "app.db",
        "create table rooms (id int, held daterange, primary key (id, held without overlaps))",
        "create table stays (room int, held daterange, foreign key (room, period held) references rooms)",
        "insert into rooms values (1, '[2020-01-01,2020-02-01)'), (1, '[2020-02-01,2020-03-01)')",
        "insert into stays values (1, '[2020-01-15,2020-02-15)')",
    ) as connection:
        with pytest.raises(errors.ForeignKeyViolation):
            connection.execute("delete from rooms where held @> date '2020-02-10'")
        connection.execute("update rooms set held = daterange(lower(held), upper(held))")
        with pytest.raises(errors.ForeignKeyViolation):
            connection.execute("insert into stays values (1, '[2020-01-15,2020-03-15)')")


def test_a_period_that_was_not_valid_is_looked_at_when_it_is_validated() -> None:
    with lungfish.connect(autocommit=True) as connection:
        connection.execute(
            "create table rooms (id int, held daterange, primary key (id, held without overlaps))"
        )
        connection.execute("create table stays (room int, held daterange)")
        connection.execute("insert into stays values (1, '[2020-01-15,2020-02-15)')")
        connection.execute(
            "alter table stays add constraint held foreign key (room, period held) references rooms not valid"
        )
        with pytest.raises(errors.ForeignKeyViolation):
            connection.execute("alter table stays validate constraint held")
        connection.execute("insert into rooms values (1, '[2020-01-01,2020-03-01)')")
        connection.execute("alter table stays validate constraint held")
