"""What happens to a statement's text before it is planned: the library's parse, our tree, placeholders, literals, splitting.

python bench/sql_text.py [--sqlglot]    # beside sqlglot's parse, where it is installed
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable

from lungfish.sql import lift_literals, parse, rewrite_parameters, split_script
from lungfish.sql.libpg import parse_raw
from lungfish.sql.literal_shapes import LiteralShapes

STATEMENTS = {
    "point": "select a, b + 1 from t where id = 7",
    "insert": "insert into t (a, b, c) values (1, 'x', 2.5) returning id",
    "report": (
        "select l_returnflag, sum(l_quantity) as s, avg(x) from lineitem l join orders o on l.k = o.k"
        " where l_shipdate <= date '1998-12-01' - interval '90 day' group by l_returnflag order by 1"
    ),
    "create": (
        "create table t (id int primary key, name varchar(30) not null default 'x',"
        " amount numeric(10,2) check (amount > 0), u int references u (id) on delete cascade)"
    ),
    "1,000 rows": "insert into t (a, b) values "
    + ", ".join(f"({i}, 'abc{i}')" for i in range(1_000)),
}
SHAPES = LiteralShapes()
PASSES: dict[str, Callable[[str], object]] = {
    "parse_raw": parse_raw,
    "parse": parse,
    "rewrite": rewrite_parameters,
    "lift": lift_literals,
    "known": SHAPES.find,
    "split": lambda sql: list(split_script(sql)),
}


def best_us(run: Callable[[str], object], sql: str) -> float:
    """The best of five rounds, in microseconds a call."""
    count = 500 if len(sql) < 1_000 else 5
    run(sql)
    rounds = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(count):
            run(sql)
        rounds.append((time.perf_counter() - started) / count * 1e6)
    return min(rounds)


def main() -> None:
    """Print the table."""
    for sql in STATEMENTS.values():
        lifted = lift_literals(sql)
        if lifted is not None:
            SHAPES.note(sql, lifted)
    passes = dict(PASSES)
    if "--sqlglot" in sys.argv[1:]:
        sqlglot = importlib.import_module("sqlglot")
        passes["sqlglot"] = lambda sql: sqlglot.parse(sql, dialect="postgres")
    print(f"{'us a statement':16}" + "".join(f"{name:>12}" for name in passes))
    for name, sql in STATEMENTS.items():
        print(f"{name:16}" + "".join(f"{best_us(run, sql):12.1f}" for run in passes.values()))


if __name__ == "__main__":
    main()
