"""Calls of every function and operator with arguments of every type: does it resolve, to what type, or with which SQLSTATE.

The arguments are columns of one row of nulls, one of each type, and two literals of no type; so little more than the choosing is
done. Of all the calls with two arguments a sample is asked. PostgreSQL answers the whole list within one statement, through a function
that catches errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import psycopg

from lungfish.functions import AGGREGATES, FUNCTIONS, WINDOW_FUNCTIONS
from lungfish.functions.cast_functions import CAST_FUNCTIONS

_TYPES = {
    "bool": "bool", "i2": "int2", "i4": "int4", "i8": "int8", "f4": "float4", "f8": "float8", "num": "numeric",
    "text": "text", "vc": "varchar(5)", "bp": "char(3)", "name": "name", "ch": '"char"', "date": "date", "time": "time",
    "ttz": "timetz", "ts": "timestamp", "tstz": "timestamptz", "iv": "interval", "json": "json", "jsonb": "jsonb",
    "uuid": "uuid", "bytea": "bytea", "bit": "bit(3)", "varbit": "varbit", "ia": "int4[]", "ta": "text[]",
    "range": "int4range", "ranges": "int4multirange", "oid": "oid", "class": "regclass", "proc": "regproc",
    "path": "jsonpath", "lsn": "pg_lsn", "mood": "mood", "moods": "mood[]", "di": "d_int", "dis": "d_int[]",
    "dt": "d_text", "dm": "d_mood", "da": "d_array", "dr": "d_range", "pair": "pair",
}  # fmt: skip
SETUP = (
    "CREATE TYPE mood AS ENUM ('sad', 'ok')",
    "CREATE DOMAIN d_int AS int4",
    "CREATE DOMAIN d_text AS text",
    "CREATE DOMAIN d_mood AS mood",
    "CREATE DOMAIN d_array AS int4[]",
    "CREATE DOMAIN d_range AS int4range",
    "CREATE TYPE pair AS (a int4, b text)",
    f"CREATE TABLE nulls ({', '.join(f'c_{name} {kind}' for name, kind in _TYPES.items())})",
    "INSERT INTO nulls DEFAULT VALUES",
)
_PROBE = """
CREATE FUNCTION probe(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    EXECUTE query INTO answer;
    RETURN coalesce(answer, 'null');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS answer = RETURNED_SQLSTATE;
    RETURN 'error ' || answer;
END $$
"""
_ARGUMENTS = (*(f"c_{name}" for name in _TYPES), "'1'", "NULL")
# What types that we do not have stand in (aclitem, pg_node_tree), what looks at the server's files, and what looks up names and rights
# in another order before it fails.
_LEFT_OUT = frozenset(
    {
        "acldefault", "aclexplode", "currval", "has_database_privilege", "has_schema_privilege", "has_sequence_privilege",
        "json_to_record", "json_to_recordset", "jsonb_to_record", "jsonb_to_recordset", "nextval", "pg_get_expr",
        "pg_relation_size", "pg_sequence_last_value", "pg_sleep", "pg_tablespace_location", "setval",
    }
)  # fmt: skip


def calls(seed: int, count: int) -> list[str]:
    """A sample of queries, each of one call."""
    found = list(_one_argument())
    names = sorted({each.name for each in FUNCTIONS if 2 in _counts(each.name)} - _LEFT_OUT)
    random = Random(seed)
    sample = random.sample(found, count // 2)
    for _ in range(count - len(sample)):
        name = random.choice(names)
        one, other = random.choice(_ARGUMENTS), random.choice(_ARGUMENTS)
        call = f'"{name}"({one}, {other})' if _is_word(name) else f"{one} {name} {other}"
        sample.append(_query(call))
    return sample


def _one_argument() -> Iterator[str]:
    windows = {each.name for each in WINDOW_FUNCTIONS}
    names = {each.name for each in (*FUNCTIONS, *AGGREGATES, *WINDOW_FUNCTIONS)}
    for name in sorted({*names, *CAST_FUNCTIONS, "d_int", "money", "inet"} - _LEFT_OUT):
        if _is_word(name):
            over = " OVER ()" if name in windows else ""
            yield from (_query(f'"{name}"({argument}){over}') for argument in _ARGUMENTS)
        elif 1 in _counts(name):
            yield from (_query(f"{name} {argument}") for argument in _ARGUMENTS)


def _counts(name: str) -> set[int]:
    return _COUNTS.get(name, set())


_COUNTS: dict[str, set[int]] = {}
for _each in FUNCTIONS:
    # Names with a point are of schemas of ours.
    if "." not in _each.name:
        _COUNTS.setdefault(_each.name, set()).add(len(_each.arguments))


def _is_word(name: str) -> bool:
    return name[0].isalpha() or name[0] == "_"


def _query(call: str) -> str:
    return f"SELECT pg_typeof((SELECT {call} LIMIT 1)) FROM nulls"


def known_names(connection: psycopg.Connection) -> frozenset[str]:
    """The names of PostgreSQL's functions and operators."""
    rows = connection.execute("SELECT proname FROM pg_proc UNION SELECT oprname FROM pg_operator")
    return frozenset(str(name) for (name,) in rows)


def answers(
    connection: psycopg.Connection, setup: Sequence[str], queries: Sequence[str]
) -> list[str]:
    """What PostgreSQL answers in an empty schema: one text, or `error` and the SQLSTATE."""
    for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", *setup, _PROBE):
        connection.execute(statement.encode())
    found = connection.execute(
        "SELECT probe(query) FROM unnest(%s::text[]) WITH ORDINALITY AS q(query, n) ORDER BY n",
        (list(queries),),
    )
    return [str(answer) for (answer,) in found]
