"""Files into tables: kinds, types that are inferred, tables that exist, and the report of what is wrong."""

from __future__ import annotations

import datetime
import decimal
import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

import lungfish
from lungfish import errors
from lungfish.transfer import FileOptions, LoadOptions, LoadReport, load
from lungfish.transfer.inference import infer_types


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def bad_places(report: LoadReport) -> list[tuple[str, str]]:
    return [(bad.row, bad.column) for bad in report.bad]


def test_a_csv_file_makes_its_table_with_the_narrowest_types(
    connection: lungfish.Connection, tmp_path: Path
) -> None:
    path = write(
        tmp_path,
        "people.csv",
        "id,Full Name,zip,born,seen,pay,ok,big,none\n"
        '1,"Ann, A.",00123,2001-02-03,2020-01-01 10:00:00,1.50,true,5000000000,\n'
        '2,"say ""hi""",99999,,2020-01-02 11:00:00,2,false,1,\n',
    )
    report = load(connection, path)
    assert report.is_good
    assert report.rows == {"public.people": 2}
    types = connection.execute(
        "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'people'::regclass and attnum > 0 order by attnum"
    ).fetchall()
    assert [kind for (kind,) in types] == [
        "integer", "text", "text", "date", "timestamp without time zone", "numeric", "boolean", "bigint", "text",
    ]  # fmt: skip
    row = connection.execute(
        'select "Full Name", zip, born, pay from people order by id'
    ).fetchone()
    assert row == ("Ann, A.", "00123", datetime.date(2001, 2, 3), decimal.Decimal("1.50"))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2"], "integer"),
        (["1", "2147483648"], "bigint"),
        (["1", "9223372036854775808"], "numeric"),
        (["1", "1.5"], "numeric"),
        (["1", "1e5"], "double precision"),
        (["true", "false"], "boolean"),
        (["true", "1"], "text"),
        (["2020-01-01", "2020-01-01 10:00"], "timestamp"),
        (["2020-01-01 10:00Z"], "timestamptz"),
        (["10:00", "2020-01-01"], "text"),
        (["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], "uuid"),
        (["007"], "text"),
        ([None, None], "text"),
    ],
)
def test_types_are_inferred(values: list[str | None], kind: str) -> None:
    assert infer_types(([value] for value in values), 1) == [kind]


def test_rows_go_into_a_table_that_is_there_by_the_names_of_columns(
    connection: lungfish.Connection, tmp_path: Path
) -> None:
    connection.execute(
        "create table t (id serial, a int, b text default 'usual', c int generated always as (a * 2) stored)"
    )
    load(connection, write(tmp_path, "t.tsv", "B\ta\nx\t1\n\t2\n"))
    assert connection.execute("select * from t order by id").fetchall() == [
        (1, 1, "x", 2),
        (2, 2, None, 4),
    ]
    with pytest.raises(errors.UndefinedColumn, match='column "z" of the file'):
        load(connection, write(tmp_path, "t.csv", "z\n1\n"))


def test_a_file_without_names_goes_by_place(
    connection: lungfish.Connection, tmp_path: Path
) -> None:
    connection.execute("create schema s; create table s.t (a int, b text)")
    options = LoadOptions(
        kind="csv", table="s.t", file=FileOptions(has_header=False, delimiter=";", null="-")
    )
    load(connection, write(tmp_path, "rows.txt", "1;x\n2;-\n"), options)
    assert connection.execute("select * from s.t").fetchall() == [(1, "x"), (2, None)]


def test_lines_of_json_keep_their_numbers(connection: lungfish.Connection, tmp_path: Path) -> None:
    connection.execute("create table t (a numeric, b jsonb, c int[], d text, e boolean)")
    text = '{"a": 12345678901234567890.10, "b": {"x": [1.50, null]}, "c": [1, null, 3]}\n\n{"d": "é", "e": true}\n'
    assert load(connection, write(tmp_path, "t.jsonl", text)).is_good
    assert connection.execute("select a::text, b::text, c, d, e from t").fetchall() == [
        ("12345678901234567890.10", '{"x": [1.50, null]}', [1, None, 3], None, None),
        (None, None, None, "é", True),
    ]
    with pytest.raises(errors.BadCopyFileFormat, match="line 2 is not JSON"):
        load(connection, write(tmp_path, "t.jsonl", '{"a": 1}\n{"a"\n'))


def test_a_parquet_file_brings_its_types(connection: lungfish.Connection, tmp_path: Path) -> None:
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int32()),
            "d": pa.array([decimal.Decimal("1.50"), None], pa.decimal128(9, 2)),
            "t": pa.array([datetime.datetime(2020, 1, 1), None], pa.timestamp("ns")),
            "b": pa.array([b"\x00\xff", b""], pa.binary()),
            "l": pa.array([[1, 2], None], pa.list_(pa.int64())),
        }
    )
    path = tmp_path / "p.parquet"
    parquet.write_table(table, path)
    assert load(connection, str(path)).is_good
    assert connection.execute("select i, d, t, b, l::text from p").fetchall() == [
        (1, decimal.Decimal("1.50"), datetime.datetime(2020, 1, 1), b"\x00\xff", "[1, 2]"),
        (None, None, None, b"", None),
    ]
    with pytest.raises(errors.BadCopyFileFormat, match="not a parquet file"):
        load(connection, write(tmp_path, "q.parquet", "no"))


def test_all_that_is_wrong_is_told_and_nothing_is_kept(
    connection: lungfish.Connection, tmp_path: Path
) -> None:
    connection.execute("create table t (a int primary key, b date, check (a < 100))")
    path = write(
        tmp_path, "t.csv", "a,b\n1,2020-01-01\nx,never\n1,2020-01-02\n200,2020-01-03\n5\n7,\n"
    )
    report = load(connection, path)
    wrong = [("3", "a"), ("3", "b"), ("6", ""), ("4", ""), ("5", "")]
    assert bad_places(report) == wrong
    assert 'invalid input syntax for type integer: "x"' in str(report.bad[0])
    assert "duplicate key" in report.bad[3].reason
    assert not report.is_kept
    assert connection.execute("select count(*) from t").fetchval() == 0
    kept = load(connection, path, LoadOptions(stops_at_error=False))
    assert bad_places(kept) == wrong
    assert connection.execute("select a from t order by a").fetchall() == [(1,), (7,)]


def test_sql_is_all_or_nothing_and_says_the_line(
    connection: lungfish.Connection, tmp_path: Path
) -> None:
    text = "create table t (a int);\nGRANT ALL ON t TO bob;\ninsert into t values (1);\nselect nothing;\n"
    with pytest.raises(errors.UndefinedColumn) as caught:
        load(connection, write(tmp_path, "x.sql", text))
    assert caught.value.detail == "line 4"
    assert connection.execute("select to_regclass('t')").fetchval() is None
    report = load(connection, write(tmp_path, "x.sql", text), LoadOptions(stops_at_error=False))
    assert report.failed == ['line 4: 42703 column "nothing" does not exist']
    assert dict(report.left_out) == {"GRANT and REVOKE (of other roles)": 1}
    assert connection.execute("select a from t").fetchval() == 1


def test_a_kind_that_is_not_known_is_asked_for(connection: lungfish.Connection) -> None:
    with pytest.raises(errors.InvalidParameterValue, match="cannot be told"):
        load(connection, "data.bin")


@pytest.fixture
def old(tmp_path: Path) -> sqlite3.Connection:
    made = sqlite3.connect(tmp_path / "old.db")
    made.executescript(
        """create table person (id integer primary key autoincrement, name varchar(10) not null unique, born date,
             active boolean default 1, score real, note, data blob, price decimal(6,2), made datetime default current_timestamp);
           create table "order" (a int, b text, person int references person on delete cascade, primary key (a, b)) without rowid;
           create index "by born" on person (born desc); create view v as select 1;"""
    )
    return made


def test_a_sqlite_database_comes_over_with_keys_and_defaults(
    connection: lungfish.Connection, tmp_path: Path, old: sqlite3.Connection
) -> None:
    old.executescript(
        """insert into person values (7, 'Ann', '2001-02-03', 0, 1.5, 5, x'00ff', 12.5, '2020-01-01 10:00:00');
           insert into "order" values (1, 'x', 7), (2, 'y', null);"""
    )
    old.close()
    report = load(connection, f"sqlite:{tmp_path / 'old.db'}")
    assert report.is_good, report
    assert report.rows == {"public.person": 1, 'public."order"': 2}
    row = connection.execute("select name, born, active, data, price, note from person").fetchone()
    assert row == (
        "Ann",
        datetime.date(2001, 2, 3),
        False,
        b"\x00\xff",
        decimal.Decimal("12.50"),
        5,
    )
    connection.execute("insert into person (name) values ('Bob')")
    assert connection.execute("select id, active from person where name = 'Bob'").fetchone() == (
        8,
        True,
    )
    with pytest.raises(errors.UniqueViolation):
        connection.execute("insert into person (name) values ('Bob')")
    connection.execute("delete from person where id = 7")
    assert connection.execute('select a from "order"').fetchall() == [(2,)]
    assert "view v is left out" in report.notes


def test_each_value_that_breaks_its_declared_type_is_told(
    connection: lungfish.Connection, tmp_path: Path, old: sqlite3.Connection
) -> None:
    old.executescript(
        """insert into person (name, born, active, score, data, price, made) values
             ('Bob', 'yesterday', 2, 'high', 'txt', 99999.5, 1700000000), ('Good', null, 1, 2, null, 1, null),
             ('A very long name indeed', null, 0, null, null, null, null);
           insert into "order" values (1, 'x', 2), (2, 'y', 77);"""
    )
    old.close()
    source = f"sqlite:{tmp_path / 'old.db'}"
    report = load(connection, source)
    assert sorted((bad.row, bad.column) for bad in report.bad) == [
        ("1", "active"), ("1", "born"), ("1", "data"), ("1", "made"), ("1", "price"), ("1", "score"),
        ("2, y", "person"), ("3", "name"),
    ]  # fmt: skip
    assert connection.execute("select to_regclass('person')").fetchval() is None
    load(connection, source, LoadOptions(stops_at_error=False))
    assert connection.execute("select name from person").fetchall() == [("Good",)]


def test_what_is_no_sqlite_database_is_told(
    connection: lungfish.Connection, tmp_path: Path
) -> None:
    with pytest.raises(errors.BadCopyFileFormat, match="cannot be read as a SQLite database"):
        load(connection, "sqlite:" + write(tmp_path, "no.db", "x" * 5000))
    with pytest.raises(errors.UndefinedFile):
        load(connection, f"sqlite:{tmp_path / 'absent.db'}")
