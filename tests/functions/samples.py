"""Sample values of every type, at the edges and in the middle, and the calls of every registered function made of them.

The choice depends on nothing but the names, so that answers kept in a file can be matched again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lungfish.functions import FUNCTIONS, aggregate_steps
from lungfish.functions.registry import ArgumentType, Function, Polymorphic, Volatility
from lungfish.types.sql_type import SqlType, TypeKind, array_of

K = TypeKind
SAMPLES: dict[TypeKind, tuple[str, ...]] = {
    K.BOOLEAN: ("t", "f"),
    K.SMALLINT: ("0", "1", "-1", "3", "17", "-32768", "32767"),
    K.INTEGER: ("0", "1", "-1", "2", "5", "-7", "31", "100", "-2147483648", "2147483647"),
    K.BIGINT: (
        "0",
        "1",
        "-1",
        "3",
        "62",
        "1000000007",
        "-9223372036854775808",
        "9223372036854775807",
    ),
    K.OID: ("0", "1", "26", "4294967295"),
    K.REAL: ("0", "1.5", "-2.25", "-0", "1e-30", "3.4e38", "NaN", "Infinity", "-Infinity"),
    K.DOUBLE: (
        "0",
        "0.5",
        "1",
        "-1",
        "-2.5",
        "3.7",
        "100",
        "-0",
        "1e-300",
        "1.7e308",
        "NaN",
        "Infinity",
        "-Infinity",
    ),
    K.NUMERIC: (
        "0",
        "1",
        "-1",
        "0.00",
        "2.50",
        "-3.5",
        "7",
        "0.5",
        "123456789012345678901234567890.123",
        "-0.000001",
        "99999.995",
        "NaN",
        "Infinity",
        "-Infinity",
    ),
    K.TEXT: (
        "",
        "a",
        "abc",
        "Hello World",
        "  pad  ",
        "123",
        "äöü ß",
        "a,b,,c",
        "x%y_z",
        "日本語",
        "aXbXc",
        "a.c",
        "(b+)",
        'it\'s "q" \\n',
    ),
    K.VARCHAR: ("", "abc", "Hello"),
    K.CHAR: ("a", "z"),
    K.NAME: ("abc", "Hello World", ""),
    K.BYTEA: ("", "\\x00", "\\x0102ff", "\\x616263", "\\xdeadbeef00"),
    K.DATE: (
        "2000-01-01",
        "2024-02-29",
        "1969-12-31",
        "0044-03-15 BC",
        "9999-12-31",
        "infinity",
        "-infinity",
    ),
    K.TIME: ("00:00:00", "12:34:56.789012", "23:59:59.999999", "24:00:00"),
    K.TIMETZ: ("00:00:00+00", "12:34:56.5-08", "23:59:59+05:30"),
    K.TIMESTAMP: (
        "2000-01-01 00:00:00",
        "2024-02-29 12:34:56.789",
        "1969-12-31 23:59:59.999999",
        "0044-03-15 10:00:00 BC",
        "infinity",
        "-infinity",
    ),
    K.TIMESTAMPTZ: (
        "2000-01-01 00:00:00+00",
        "2024-07-04 12:34:56.789+02",
        "1969-12-31 23:59:59.5+00",
        "infinity",
        "-infinity",
    ),
    K.INTERVAL: (
        "0",
        "1 day",
        "-1 mon",
        "1 year 2 mons 3 days 04:05:06.789",
        "-36:00:00",
        "40 days 25:00:00",
        "100 years",
        "infinity",
        "-infinity",
    ),
    K.UUID: (
        "00000000-0000-0000-0000-000000000000",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "0190163d-8694-739b-aea5-966c26f8ad91",
    ),
    K.PG_LSN: ("0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"),
    K.JSON: ('{"a": 1, "b": [1, 2, null]}', "[1, 2, 3]", '"x"', "null", "12.50"),
    K.JSONB: ('{"a": 1, "b": [1, 2, null]}', "[1, 2, 3]", '"x"', "null", "12.50"),
    K.BIT: ("0", "1"),
    K.VARBIT: ("", "1", "0101", "111000111"),
}
# Words that some functions want in a text argument, by the function's name and the argument's index.
WORDS: dict[tuple[str, int], tuple[str, ...]] = {
    **{
        (name, 0): ("year", "month", "day", "hour", "minute", "second", "quarter", "week", "decade", "century", "millennium", "milliseconds", "microseconds", "epoch", "dow", "isodow", "doy", "isoyear", "julian", "timezone", "nonsense")
        for name in ("extract", "date_part", "date_trunc")
    },
    ("date_trunc", 2): ("UTC", "Europe/Berlin", "nowhere"),
    ("date_add", 2): ("UTC", "Europe/Berlin"),
    ("date_subtract", 2): ("UTC", "America/New_York"),
    ("timezone", 0): ("UTC", "Europe/Berlin", "America/New_York", "+02:30", "nowhere"),
    ("make_timestamptz", 6): ("UTC", "Europe/Berlin"),
    ("encode", 1): ("hex", "base64", "escape", "other"),
    ("decode", 1): ("hex", "base64", "escape", "other"),
    ("decode", 0): ("", "616263", "YWJj", "a\\\\b", "6", "zz"),
    ("convert_from", 1): ("UTF8", "LATIN1", "nonsense"),
    ("convert_to", 1): ("UTF8", "LATIN1", "nonsense"),
    ("normalize", 1): ("NFC", "NFD", "NFKC", "NFKD", "x"),
    ("pg_size_bytes", 0): ("1", "1 kB", "1.5 GB", " -2 MB ", "3 XB", "abc", "1e3", "12 b", "8 PB", "9999 PB"),
    ("length", 1): ("UTF8", "LATIN1", "nonsense"),
    ("is_normalized", 1): ("NFC", "NFD", "NFKC", "NFKD", "x"),
    ("format", 0): ("Hello", "%s|%s", "%I and %L", "%2$s %1$s", "%-10s|", "%%", "%z", "%10s"),
    ("to_char", 1): (
        "YYYY-MM-DD HH24:MI:SS.US", "FMDay, DD FMMonth YYYY", "Dy DDD IYYY-IW", "HH12:MI AM", "J Q WW W CC", "MS SSSSS TZ OF",
        "999.99", "S9,999,999.000", "FM999990.099", "9.99EEEE", "RN", "0999PR", "L99G999D99", "MI99V99", "TH 9th", '"text" DDth',
    ),
    ("to_date", 0): ("2024-02-29", "05 Dec 2000", "20240101", "2023-02-30", "abc"),
    ("to_date", 1): ("YYYY-MM-DD", "DD Mon YYYY", "YYYYMMDD", "DDD YYYY"),
    ("to_number", 0): ("12,454.8-", "1,234.50", "-12", "  7 ", "abc", "$12"),
    ("to_number", 1): ("99G999D9S", "9,999.99", "S99", "999", "L99"),
    ("to_timestamp", 0): ("2024-02-29 12:34:56", "05 Dec 2000", "1:02 PM", "abc"),
    ("to_timestamp", 1): ("YYYY-MM-DD HH24:MI:SS", "DD Mon YYYY", "HH:MI AM"),
    ("unistr", 0): ("d\\0061t", "\\+01F600", "\\u00e4", "\\", "\\zz"),
    ("parse_ident", 0): ("a.b", '"A b".c', "1x", "a.", ""),
    **{
        (name, 1): ("a", "b+", "[a-z]+", "(l+)(o)", "^H", "\\s", "\\mW", "(?i)hello", "(", "x*", ".")
        for name in (
            "regexp_count", "regexp_instr", "regexp_like", "regexp_match", "regexp_matches", "regexp_replace",
            "regexp_split_to_array", "regexp_split_to_table", "regexp_substr", "~", "~*", "!~", "!~*",
        )
    },
    ("regexp_match", 2): ("", "i", "g", "x", "q"), ("regexp_matches", 2): ("", "i", "g"), ("regexp_split_to_array", 2): ("", "i", "g"),
    ("regexp_split_to_table", 2): ("", "i"), ("regexp_like", 2): ("", "i", "n", "zz"), ("regexp_replace", 2): ("", "<\\1>", "\\&\\&", "-"),
    **{(name, 1): ("a%", "%l%", "_b_", "", "x\\%y\\_z", "%\\") for name in ("~~", "~~*", "!~~", "!~~*", "like", "notlike")},
    ("similar_to_escape", 0): ("a%", "(b|c)+", "_x[0-9]"), ("similar_to_escape", 1): ("\\", "#", "ab"),
}  # fmt: skip
# Their answers depend on the session, the clock or chance.
_UNREPEATABLE = ("random_normal", "array_shuffle", "array_sample")
# Operators and subscripts that are functions here and syntax there.
_INNER = (
    # Their rows need a column list, which a call alone has not.
    "json_to_record",
    "json_to_recordset",
    "jsonb_to_record",
    "jsonb_to_recordset",
    "array_subscript",
    "array_slice",
    "jsonb_subscript",
)
# What they are given as a state is what they have made themselves.
_STEPS = tuple(function.name for function in aggregate_steps.FUNCTIONS)
# Their last digit is the platform's.
_INEXACT = ("gamma", "lgamma")
# Named so there too, but with a VARIADIC last argument.
_VARIADIC_THERE = ("jsonb_delete", "text[]")
# STABLE, because they depend on settings that the tests hold fixed.
_STABLE = ("to_char", "to_date", "to_timestamp", "to_number", "timezone")
_CALLS_PER_SIGNATURE = 10
_ANY_TYPES = (K.INTEGER, K.TEXT, K.NUMERIC, K.BOOLEAN)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function or operator with typed texts (None: NULL)."""

    name: str
    arguments: tuple[tuple[SqlType, str | None], ...]

    def sql(self) -> str:
        """The expression as PostgreSQL reads it."""
        texts = [typed_literal(sql_type, text) for sql_type, text in self.arguments]
        if self.name[0].isalpha():
            return f'"{self.name}"({", ".join(texts)})'
        if len(texts) == 1:
            return f"({self.name} {texts[0]})"
        return f"({texts[0]} {self.name} {texts[1]})"


def typed_literal(sql_type: SqlType, text: str | None) -> str:
    if text is None:
        return f"NULL::{sql_type}"
    quoted = text.replace("'", "''")
    return f"'{quoted}'::{sql_type}"


def is_callable_here(function: Function) -> bool:
    """Whether the answer follows from the arguments alone, and every argument's type has samples."""
    return (function.volatility is Volatility.IMMUTABLE or function.name in _STABLE) and (
        bool(function.arguments)
        and function.name not in (*_UNREPEATABLE, *_INNER, *_STEPS, *_INEXACT)
        # Casts to regclass and its kin are functions here and casts there.
        and not (function.name.startswith("reg") and function.name.endswith("cast"))
        and not function.is_variadic
        and (function.name, str(function.arguments[-1])) != _VARIADIC_THERE
        and "." not in function.name
        and all(_has_samples(argument) for argument in function.arguments)
    )


def _has_samples(argument: ArgumentType) -> bool:
    if isinstance(argument, Polymorphic):
        return argument in (
            Polymorphic.ANY,
            Polymorphic.ANYELEMENT,
            Polymorphic.ANYNONARRAY,
            Polymorphic.ANYCOMPATIBLE,
            Polymorphic.ANYARRAY,
            Polymorphic.ANYCOMPATIBLEARRAY,
        )
    if argument.kind is K.ARRAY and argument.element is not None:
        return argument.element.kind in SAMPLES
    return argument.kind in SAMPLES


def calls_of(function: Function, count: int = _CALLS_PER_SIGNATURE) -> Iterator[Call]:
    """Calls of one signature; the same ones each time."""
    shown = ", ".join(str(argument) for argument in function.arguments)
    source = random.Random(f"{function.name}({shown})")
    seen = set()
    for number in range(count * 4):
        types = _actual_types(function.arguments, source)
        arguments = tuple(
            (sql_type, _sample(function.name, index, sql_type, source))
            for index, sql_type in enumerate(types)
        )
        if number == 0:
            arguments = tuple((sql_type, None) for sql_type in types)
        if arguments not in seen:
            seen.add(arguments)
            yield Call(function.name, arguments)
        if len(seen) == count:
            return


def _actual_types(arguments: Sequence[ArgumentType], source: random.Random) -> list[SqlType]:
    element = SqlType(source.choice(_ANY_TYPES))
    types = []
    for argument in arguments:
        match argument:
            case Polymorphic.ANYARRAY | Polymorphic.ANYCOMPATIBLEARRAY:
                types.append(array_of(element))
            case Polymorphic():
                types.append(element)
            case SqlType():
                types.append(argument)
    return types


def _sample(name: str, index: int, sql_type: SqlType, source: random.Random) -> str | None:
    if source.random() < 0.05:
        return None
    words = WORDS.get((name, index))
    if words is not None and sql_type.kind in (K.TEXT, K.NAME, K.CHAR):
        return source.choice(words)
    if sql_type.kind is K.ARRAY and sql_type.element is not None:
        return _array_sample(sql_type.element, source)
    if name == "generate_series" and sql_type.kind in _SERIES:
        return source.choice(_SERIES[sql_type.kind])
    if name in _SMALL and sql_type.kind in (K.INTEGER, K.BIGINT):
        return source.choice(("0", "1", "2", "3", "-1", "-2", "7", "20"))
    return source.choice(SAMPLES[sql_type.kind])


# Functions whose integers are lengths and places: huge ones only say that memory is short.
_SMALL = ("repeat", "lpad", "rpad", "array_fill", "generate_series", "factorial", "substr", "substring", "left", "right", "overlay", "split_part", "round", "trunc", "<<", ">>", "chr")  # fmt: skip


# Series that end.
_SERIES = {
    K.NUMERIC: ("0", "1", "2.5", "-1", "3.00", "NaN"),
    K.TIMESTAMP: ("2024-01-31 00:00:00", "2024-03-03 12:00:00", "2024-03-31 01:00:00"),
    K.TIMESTAMPTZ: ("2024-01-31 00:00:00+00", "2024-03-03 12:00:00+00", "2024-03-31 01:00:00+00"),
    K.INTERVAL: ("1 day", "36:00:00", "-1 day", "0", "1 mon"),
    K.TEXT: ("UTC", "Europe/Berlin", "nowhere"),
}


def _array_sample(element: SqlType, source: random.Random) -> str:
    values = [source.choice(SAMPLES[element.kind]) for _ in range(source.randrange(4))]
    quoted = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    return "{" + ",".join(quoted) + "}"


def all_calls() -> list[Call]:
    """Every call whose answer is kept, in the registry's order."""
    return [
        call for function in FUNCTIONS if is_callable_here(function) for call in calls_of(function)
    ]
