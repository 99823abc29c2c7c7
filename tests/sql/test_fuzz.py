"""Whatever the text, parsing ends in a tree or in one of our errors."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungfish import errors
from lungfish.sql import lift_literals, open_construct, parse, rewrite_parameters, split_script
from tests.sql.corpus import corpus_statements

SEEDS = [
    "select a.b, count(distinct c) filter (where d) over (partition by e rows 1 preceding) from f",
    "insert into t (a, b[1]) values ($1, default) on conflict (a) do update set b = excluded.b returning *",
    "create table t (a int default 1 primary key, b text references u on delete cascade, check (a > 0))",
    "alter table t add column c numeric(10,2), alter d type text using d::text, drop e cascade",
    "with recursive x as (select 1 union all select 2) select case when a then 'b' end from x join y using (z)",
    "checkpoint (mode fast, name 'x'); explain (format json) recovery; backup to 'y'",
    "copy t from stdin with (format csv); begin isolation level serializable; set a to 'b'",
    "merge into t using s on a = b when matched then update set (a, b) = (1, 2) when not matched then do nothing",
]
FRAGMENTS = st.sampled_from(
    [
        *sorted({word for seed in SEEDS for word in seed.split()}),
        "(",
        ")",
        "'",
        '"',
        "$$",
        "/*",
        "*/",
        "--",
        ";",
        "::",
        "\x00",
        "é",
        "😀",
        "\ud800",
        "\\",
        "$1",
        ":a",
        "?",
        "%s",
    ]
)


def survives(text: str) -> None:
    for attempt in (
        parse,
        lift_literals,
        rewrite_parameters,
        open_construct,
        lambda t: list(split_script(t)),
    ):
        try:
            attempt(text)
        except errors.Error as error:
            position = error.position
            assert position is None or 0 <= position <= len(text)


@given(st.lists(FRAGMENTS, max_size=20).map(" ".join) | st.text(max_size=40))
@settings(max_examples=300)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    survives(text)


def mutated(text: str, source: random.Random) -> str:
    """The text with a piece cut out, doubled, swapped with a neighbour, or a character changed."""
    words = text.split(" ")
    where = source.randrange(len(words))
    kind = source.randrange(5)
    if kind == 0:
        del words[where]
    elif kind == 1:
        words.insert(where, words[source.randrange(len(words))])
    elif kind == 2:
        words[where - 1], words[where] = words[where], words[where - 1]
    elif kind == 3:
        return text[: source.randrange(len(text) + 1)]
    else:
        place = source.randrange(len(text) + 1)
        return text[:place] + source.choice("'\"()[];:$,.*-+=<>\\é\n%?@#") + text[place + 1 :]
    return " ".join(words)


@pytest.mark.corpus
@pytest.mark.slow
def test_mutated_statements_of_the_corpora_are_parsed_or_refused(corpora: Path) -> None:
    source = random.Random(20260101)
    statements = [sql for sql in corpus_statements(corpora) if len(sql) < 2_000]
    for sql in source.sample(statements, 3_000):
        survives(mutated(mutated(sql, source), source))
