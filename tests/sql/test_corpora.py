"""The corpora: PostgreSQL's grammar as PostgreSQL has it, every tree writable, every lifted shape the same tree."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lungfish import errors
from lungfish.sql import lift_literals, parse, unparse_query
from lungfish.sql.ast.queries import Query
from tests.sql.corpus import CorpusText, corpus_statements, corpus_texts
from tests.sql.trees import same, with_literals

pytestmark = [pytest.mark.corpus, pytest.mark.slow]


# What PostgreSQL says where a refusal of ours is as good; some scripts switch standard_conforming_strings off.
SYNTAX_ERRORS = ("42601", "0A000", None)


def verdict(text: CorpusText) -> str:
    """How parsing fares beside PostgreSQL: ok, missing (0A000), refused (both), or what is wrong."""
    try:
        parse(text.sql)
    except errors.FeatureNotSupported:
        return "missing"
    except errors.SyntaxError as error:
        if text.sqlstate in SYNTAX_ERRORS:
            return "refused"
        return f"wrongly refused: {error.message}"
    except errors.Error as error:
        return (
            "refused"
            if text.sqlstate in (error.sqlstate, None)
            else f"other code: {error.sqlstate}"
        )
    return "ok"


def test_every_statement_that_postgresql_runs_is_parsed(corpora: Path) -> None:
    counts: Counter[str] = Counter()
    wrong = []
    seen = set()
    for text in corpus_texts(corpora):
        if (text.sql, text.sqlstate) in seen:
            continue
        seen.add((text.sql, text.sqlstate))
        found = verdict(text)
        counts[found.split(":")[0]] += 1
        if ":" in found:
            wrong.append((text.source, text.sql[:300], text.sqlstate, found))
    print(dict(counts))
    assert wrong == []
    assert counts["ok"] > 15_000


def test_every_query_survives_the_way_to_text_and_back(corpora: Path) -> None:
    differing = []
    count = 0
    for sql in corpus_statements(corpora):
        try:
            pieces = parse(sql)
            texts = [
                (p.statement, unparse_query(p.statement))
                for p in pieces
                if isinstance(p.statement, Query)
            ]
        except errors.Error:
            continue
        for tree, text in texts:
            count += 1
            (again,) = parse(text)
            if not same(again.statement, tree):
                differing.append((sql, text))
    assert differing == []
    assert count > 10_000


def test_every_lifted_shape_is_the_same_tree(corpora: Path) -> None:
    differing = []
    count = 0
    for sql in corpus_statements(corpora):
        lifted = lift_literals(sql)
        if lifted is None:
            continue
        try:
            (piece,) = parse(sql)
        except errors.Error:
            continue
        count += 1
        (shape,) = parse(lifted.shape)
        if not same(with_literals(shape.statement, lifted.literals), piece.statement):
            differing.append((sql, lifted.shape))
    assert differing == []
    assert count > 10_000
