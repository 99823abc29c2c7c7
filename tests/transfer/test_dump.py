"""Dumps load into PostgreSQL 18 and into Lungfish, and come back equal, with every type and every kind of object."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish import errors
from lungfish.transfer import DumpOptions, LoadReport, dump, load
from tests.transfer.postgres import Target

EVERYTHING = Path(__file__).parent / "everything.sql"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lungfish.Connection]:
    with lungfish.connect(autocommit=True) as connection:
        report = load(connection, str(EVERYTHING))
        assert report.is_good
        yield connection


@pytest.fixture
def target(postgres_database: str) -> Target:
    return Target(postgres_database)


def dumped(connection: lungfish.Connection, options: DumpOptions | None = None) -> str:
    out = io.StringIO()
    dump(connection, out, options)
    return out.getvalue()


def loaded(text: str, folder: Path) -> tuple[lungfish.Connection, LoadReport]:
    script = folder / "dump.sql"
    script.write_text(text, encoding="utf-8")
    connection = lungfish.connect(autocommit=True)
    try:
        return connection, load(connection, str(script))
    except BaseException:
        connection.close()
        raise


def relations(connection: lungfish.Connection) -> list[str]:
    found = connection.execute(
        "select c.oid::regclass::text, n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where relkind in ('r', 'p', 'v', 'm') and nspname not in ('pg_catalog', 'information_schema', 'lungfish')"
    )
    return [f'"{schema}"."{name.replace(chr(34), chr(34) * 2)}"' for _, schema, name in found]


def rows(connection: lungfish.Connection, query: str) -> list[str]:
    with connection.copy(f"COPY ({query}) TO STDOUT") as copy:
        return sorted(line.decode() for line in copy)


def test_a_dump_loads_into_lungfish_and_dumps_the_same_again(
    everything: lungfish.Connection, tmp_path: Path
) -> None:
    text = dumped(everything)
    connection, report = loaded(text, tmp_path)
    with connection:
        assert report.is_good
        assert not report.left_out
        assert dumped(connection) == text


def test_a_dump_loads_into_postgresql_with_the_same_rows(
    everything: lungfish.Connection, tmp_path: Path, target: Target
) -> None:
    script = tmp_path / "dump.sql"
    script.write_text(dumped(everything), encoding="utf-8")
    target.load(script)
    names = [name for name in relations(everything) if "hollow" not in name]
    assert len(names) > 14
    for name in names:
        if "empty_table" not in name:
            query = f"select * from {name}"
            assert target.rows(query) == rows(everything, query), name
    for query in (
        "select last_value, is_called from seq1",
        "select last_value, is_called from unused",
        "select last_value, is_called from every_big_seq",
        "select nextval(pg_get_serial_sequence('every', 'id'))",
        "select obj_description('child'::regclass), obj_description('other'::regnamespace)",
        "select count(*) from other.empty_table",
        "select indexdef from pg_indexes where schemaname = 'public' and tablename = 'parent'",
        "select relname, reloptions, relreplident from pg_class where relname ~ '^(tuned|full)'",
        "select attname, attstattarget, attstorage, attcompression, attoptions from pg_attribute"
        " where attrelid = 'tuned'::regclass and attnum > 0",
        "select attname, attstattarget from pg_attribute where attrelid = 'tuned_sum'::regclass",
        "select stxname, stxnamespace::regnamespace, stxrelid::regclass, stxkeys, stxstattarget, stxkind,"
        " pg_get_statisticsobjdef_columns(oid), obj_description(oid) from pg_statistic_ext",
        "select indexrelid::regclass from pg_index where indisreplident",
    ):
        assert target.rows(query) == rows(everything, query), query


def test_what_pg_dump_makes_of_it_loads_back_with_the_same_rows(
    everything: lungfish.Connection, tmp_path: Path, target: Target
) -> None:
    script = tmp_path / "dump.sql"
    script.write_text(dumped(everything), encoding="utf-8")
    target.load(script)
    connection, report = loaded(target.dump(), tmp_path)
    with connection:
        assert report.is_good
        # Owners have no meaning in a file, which is said.
        assert any("OWNER" in what for what in report.left_out)
        assert sorted(relations(connection)) == sorted(relations(everything))
        for name in relations(everything):
            if "hollow" not in name and "empty_table" not in name:
                query = f"select * from {name}"
                assert rows(connection, query) == rows(everything, query), name
        connection.execute("set search_path = public")
        constraints = (
            "select conrelid::regclass::text, conname, contype, convalidated, confupdtype, confdeltype, condeferrable"
            " from pg_constraint where conrelid > 0 and contype <> 'n' order by 1, 2"
        )
        assert rows(connection, constraints) == rows(everything, constraints)


def test_partitions_and_heirs_load_into_postgresql_and_back(tmp_path: Path, target: Target) -> None:
    with lungfish.connect(autocommit=True) as connection:
        load(connection, str(EVERYTHING.with_name("partitions.sql")))
        text = dumped(connection)
        again, report = loaded(text, tmp_path)
        target.load(tmp_path / "dump.sql")
        with again:
            assert report.is_good
            assert dumped(again) == text
            names = relations(connection)
            assert len(names) == 10
            for name in names:
                query = f"select * from only {name}"
                assert target.rows(query) == rows(connection, query) == rows(again, query), name
            for query in (
                "select relid::text, parentrelid::text, isleaf from pg_partition_tree('parts')",
                "select c.relname, pg_get_expr(c.relpartbound, c.oid) from pg_class c where relispartition and relkind <> 'I'",
                "select inhrelid::regclass::text, inhparent::regclass::text from pg_inherits where inhrelid = 'heir'::regclass",
                "insert into parts values (99, '2026-01-01') returning tableoid::regclass::text",
            ):
                assert target.rows(query) == rows(connection, query) == rows(again, query), query


@pytest.mark.corpus
def test_chinook_goes_to_postgresql_and_back(corpora: Path, tmp_path: Path, target: Target) -> None:
    with lungfish.connect(autocommit=True) as connection:
        report = load(connection, str(corpora / "chinook" / "Chinook_PostgreSql.sql"))
        assert report.is_good
        script = tmp_path / "chinook.sql"
        script.write_text(dumped(connection), encoding="utf-8")
        target.load(script)
        again, _ = loaded(target.dump(), tmp_path)
        with again:
            names = relations(connection)
            assert len(names) == 11
            for name in names:
                query = f"select * from {name}"
                assert target.rows(query) == rows(connection, query) == rows(again, query), name


def test_parts_and_tables_can_be_chosen() -> None:
    with lungfish.connect(autocommit=True) as connection:
        connection.execute(
            "create type mood as enum ('a'); create table p (id serial primary key, m mood);"
            "create table c (p int references p); create table d (x int); insert into p values (1)"
        )
        schema = dumped(connection, DumpOptions(has_data=False))
        assert "CREATE TABLE public.p" in schema
        assert "COPY" not in schema
        data = dumped(connection, DumpOptions(has_schema=False))
        assert "CREATE" not in data
        assert "COPY public.p (id, m) FROM stdin;\n1\t\\N\n\\.\n" in data
        out = io.StringIO()
        report = dump(connection, out, DumpOptions(tables=("c", "public.[p]")))
        assert "CREATE TYPE public.mood" in out.getvalue()
        assert "ADD CONSTRAINT c_p_fkey" in out.getvalue()
        assert "public.d" not in out.getvalue()
        assert not report.left_out
        alone = dump(connection, io.StringIO(), DumpOptions(tables=("c",)))
        assert alone.left_out == [
            "foreign key c_p_fkey of public.c: the table that it refers to is not in this dump"
        ]
        with pytest.raises(errors.UndefinedTable, match="no matching tables"):
            dumped(connection, DumpOptions(tables=("nothing",)))


def test_a_dump_is_one_snapshot() -> None:
    with (
        lungfish.open(":memory:") as database,
        database.connect(autocommit=True) as writer,
        database.connect(autocommit=True) as reader,
    ):
        writer.execute("create table a (x int); create table b (x int); insert into a values (1)")

        def write_more(_name: str, _done: int, _total: int) -> None:
            writer.execute("insert into a values (2); insert into b values (2)")

        out = io.StringIO()
        report = dump(reader, out, progress=write_more)
        assert report.row_count == 1
        assert dump(reader, io.StringIO()).row_count == 5


def test_values_are_written_the_same_whatever_the_session_shows() -> None:
    with lungfish.connect(autocommit=True) as connection:
        connection.execute(
            "create table t (a timestamptz, b bytea, c interval);"
            "insert into t values ('2020-01-01 00:00+00', '\\x00', '1 day -1 hour')"
        )
        plain = dumped(connection)
        connection.execute(
            "set TimeZone = 'Asia/Tokyo'; set bytea_output = 'escape'; set IntervalStyle = 'iso_8601'"
        )
        assert dumped(connection) == plain
        assert connection.execute("show TimeZone").fetchval() == "Asia/Tokyo"
