"""PostgreSQL 18's answers to the calls of `samples.py`, kept beside this file.

python -m tests.functions.answers            # asks a server again and writes the file
python -m tests.functions.answers --compare  # asks a server, writes nothing, prints where Lungfish answers otherwise
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path

from tests.differential.server import start_server
from tests.differential.sides import PostgresSide
from tests.functions.evaluate import evaluate, evaluate_vector
from tests.functions.samples import Call, all_calls

PATH = Path(__file__).with_name("answers.tsv.gz")
# Set-returning functions answer their rows joined by |.
_SETS = ("generate_series", "unnest", "string_to_table", "regexp_matches", "regexp_split_to_table", "generate_subscripts")  # fmt: skip


def query_of(call: Call) -> str:
    """The SELECT whose one text is the call's answer."""
    if call.name.endswith(("json_each", "json_each_text", "jsonb_each", "jsonb_each_text")):
        return (
            f"SELECT string_agg(key || ',' || coalesce(value::text, 'NULL'), '|') FROM {call.sql()}"
        )
    if call.name in _SETS or call.name.endswith(("_elements", "_elements_text", "object_keys")):
        as_text = "CASE t::text WHEN 'true' THEN 't' WHEN 'false' THEN 'f' ELSE t::text END"
        is_bool = call.name == "unnest"
        value = as_text if is_bool else "t::text"
        return f"SELECT string_agg(coalesce({value}, 'NULL'), '|') FROM {call.sql()} AS t(t)"
    return f"SELECT {call.sql()}"


def ask(side: PostgresSide, sql: str) -> str | None:
    """The one text that a query selects, None for NULL, or ERROR and the SQLSTATE."""
    answer = side.run(sql)
    return answer.rows[0][0] if answer.sqlstate is None else f"ERROR {answer.sqlstate}"


def read_answers() -> dict[str, str | None]:
    """The kept answer of each expression: a text, None for NULL, or ERROR and the SQLSTATE."""
    with gzip.open(PATH, "rt", encoding="utf-8") as stream:
        rows = [line.rstrip("\n").split("\t") for line in stream]
    return {row[0]: json.loads(row[1]) for row in rows}


def write_answers(answers: dict[str, str | None]) -> None:
    lines = [f"{sql}\t{json.dumps(answer)}\n" for sql, answer in answers.items()]
    # Without a time stamp, so that equal answers make an equal file.
    with PATH.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as stream:
        stream.write("".join(lines).encode())


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask PostgreSQL 18 about every function.")
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    calls = all_calls()
    with start_server() as uri:
        side = PostgresSide(uri)
        answers = [ask(side, query_of(call)) for call in calls]
        side.close()
    kept = dict(zip([call.sql() for call in calls], answers, strict=True))
    if not options.compare:
        write_answers(kept)
        print(f"{len(kept)} answers written")
        return 0
    different = 0
    for call, expected in zip(calls, answers, strict=True):
        got = {evaluate(call.name, call.arguments)}
        has_vector, vector = evaluate_vector(call.name, call.arguments)
        if has_vector:
            got.add(vector)
        if got != {expected}:
            different += 1
            print(f"{call.sql()}: {got}, PostgreSQL {expected!r}")
    print(f"{different} of {len(calls)} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
