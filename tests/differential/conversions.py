"""Values at the edges of every type, cast to every other type and put into columns of every type, as values and as literals."""

from __future__ import annotations

from random import Random

_VALUES: dict[str, tuple[str, ...]] = {
    "bool": ("true", "false"),
    "int2": ("0", "1", "-32768", "32767"),
    "int4": ("0", "65", "2147483647", "-2147483648", "256"),
    "int8": ("0", "1", "9223372036854775807", "-9223372036854775807"),
    "float4": ("0", "1.5", "-2.5", "3e38", "NaN", "Infinity", "1e-40"),
    "float8": ("0", "0.5", "1.5", "-1e300", "NaN", "-Infinity", "32767.5", "2147483647.5", "1e-320"),
    "numeric": ("0", "1.50", "-0.5", "32767.5", "NaN", "Infinity", "1e400", "1e-20", "9223372036854775807.5"),
    "text": ("", "1", "true", "abc", "2020-01-01", "10:20", "{1,2}", "[1,3)", " 5 ", "(1,a)", "ok", "$x"),
    "varchar(5)": ("", "abc", "12345"),
    "char(3)": ("", "a", "1"),
    "name": ("abc", "1"),
    '"char"': ("a", "1"),
    "date": ("2020-02-29", "infinity", "-infinity", "0001-01-01 BC", "5874897-12-31"),
    "time": ("00:00", "23:59:59.999999", "24:00"),
    "timetz": ("12:00+05", "24:00-10"),
    "timestamp": ("2020-02-29 12:34:56.789", "infinity", "0044-03-15 BC"),
    "timestamptz": ("2020-06-01 12:00+00", "-infinity"),
    "interval": ("1 day", "25:00:00", "-1 mon", "1 year 2 mons 3 days 04:05:06.7", "infinity"),
    "json": ("1", '"a"', "null", '{"a":1}', "true"),
    "jsonb": ("1", "1.5", '"a"', "null", "true", "[]", "1e400", "32768"),
    "uuid": ("00000000-0000-0000-0000-000000000001",),
    "bytea": (r"\x", r"\x01", r"\xffff", r"\x0102030405", r"\x8000000000000000"),
    "bit(3)": ("101",),
    "varbit": ("", "1", "1010101010101010101010101010101010"),
    "int4[]": ("{}", "{1,2}", "{{1},{2}}", "{NULL,300}"),
    "text[]": ("{}", "{a,1}"),
    "numeric[]": ("{1.5,2}",),
    "int4range": ("empty", "[1,5)", "(,)"),
    "int4multirange": ("{}", "{[1,2),[5,7)}"),
    "oid": ("0", "16", "4294967295"),
    "regclass": ("pg_class", "0"),
    "mood": ("sad",),
    "d_int": ("7",),
    "d_positive": ("5",),
    "d_text": ("x", "12"),
    "d_mood": ("ok",),
    "d_array": ("{1}",),
    "pair": ("(1,a)", "(,)"),
    "jsonpath": ("$.a",),
    "pg_lsn": ("0/1",),
}  # fmt: skip
_TARGETS = (
    *_VALUES, "varchar(2)", "char(2)", "bpchar", "bit(5)", "varbit(2)", "numeric(4,1)", "numeric(3,-1)", "timestamp(0)",
    "timestamptz(0)", "time(0)", "interval day to minute", "interval(0)", "int2[]", "varchar(2)[]", "float4[]", "date[]",
    "int8range", "regnamespace", "money", "xml",
)  # fmt: skip
_COLUMNS = tuple(kind for kind in _TARGETS if kind not in ("money", "xml"))
SETUP = (
    "CREATE TYPE mood AS ENUM ('sad', 'ok')",
    "CREATE DOMAIN d_int AS int4",
    "CREATE DOMAIN d_positive AS int4 CHECK (value > 0)",
    "CREATE DOMAIN d_text AS text",
    "CREATE DOMAIN d_mood AS mood",
    "CREATE DOMAIN d_array AS int4[]",
    "CREATE TYPE pair AS (a int4, b text)",
    *(f"CREATE TABLE c{number} (v {kind})" for number, kind in enumerate(_COLUMNS)),
)


def conversions(seed: int, count: int) -> list[str]:
    """A sample of queries, each of one cast or one insert."""
    casts = [
        f"SELECT CAST({value} AS {target})::text || ' ' || pg_typeof(CAST({value} AS {target}))"
        for target in _TARGETS
        for value in _typed()
    ]
    inserts = [
        f"INSERT INTO c{number} VALUES ({value}) RETURNING v::text"
        for number in range(len(_COLUMNS))
        for value in (*_typed(), *_untyped())
    ]
    random = Random(seed)
    return [*random.sample(casts, count // 2), *random.sample(inserts, count - count // 2)]


def _typed() -> list[str]:
    return [f"'{text}'::{kind}" for kind, texts in _VALUES.items() for text in texts]


def _untyped() -> list[str]:
    return sorted({f"'{text}'" for texts in _VALUES.values() for text in texts})
