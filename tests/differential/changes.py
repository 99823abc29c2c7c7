"""Random changes of the tables of `schemas.py`: INSERT, UPDATE, DELETE, MERGE, alone and in WITH; their answers and what the tables hold then."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.differential.campaign import QUERIES_PER_SCHEMA, Finding, drop_schema, fill_schema
from tests.differential.compare import difference
from tests.differential.expressions import Column, Expressions
from tests.differential.fragments import Fragment, listed, optional, shrink, text
from tests.differential.queries import columns_of
from tests.differential.schemas import BASE_TYPES, Schema, Table
from tests.differential.sides import Answer, Side


class Changes:
    """Makes changes over one schema. Keys that are inserted are old keys moved by `KEY_STEPS`, so that some of them conflict."""

    KEY_STEPS = (0, 2, 40, 1000)

    def __init__(self, source: random.Random, schema: Schema, fresh_key: int) -> None:
        """`fresh_key`: no table has it, nor one of the thousand after it."""
        self.source = source
        self.schema = schema
        self.fresh_key = fresh_key

    def make(self) -> Fragment:
        """The next statement."""
        makers = (self._insert, self._update, self._update, self._delete, self._merge, self._with)
        return self.source.choice(makers)()

    def _table(self) -> Table:
        return self.source.choice(self.schema.tables)

    def _value(
        self, expressions: Expressions, kind: str, *, has_default: bool = True
    ) -> Fragment | str:
        if has_default and self.source.random() < 0.05:
            return "DEFAULT"
        # A constant too long for its column is an error for PostgreSQL when it plans, for us when a row needs it.
        return expressions.calm(BASE_TYPES.get(kind, kind), 0 if kind in BASE_TYPES else 2)

    def _where(self, expressions: Expressions) -> Fragment:
        return optional(" WHERE ", expressions.calm("boolean", 2))

    def _returning(self, columns: list[Column], *others: str) -> Fragment:
        if self.source.random() < 0.4:
            return text("")
        expressions = Expressions(self.source, columns)
        items = [text(expressions.calm(self.source.choice(("integer", "text", "numeric")), 2))]
        items += [text(self.source.choice(others)) for _ in others[:1]]
        return optional(" RETURNING ", listed(items))

    def _insert(self) -> Fragment:
        table, origin = self._table(), self._table()
        expressions = Expressions(self.source, columns_of(origin, "o"))
        chosen = [pair for pair in table.columns if self.source.random() < 0.7]
        key = text(f"o.id + {self.source.choice(self.KEY_STEPS)}")
        values = [key, *(self._value(expressions, kind) for _, kind in chosen)]
        names = ", ".join(["id", *(name for name, _ in chosen)])
        return text(
            f"INSERT INTO {table.name} AS t ({names}) SELECT ", _commas(values), f" FROM {origin.name} AS o", self._where(expressions),
            self._on_conflict(table), self._returning(columns_of(table, "t"), "old.id", "new.id", "t.c0"),
        )  # fmt: skip

    def _on_conflict(self, table: Table) -> Fragment:
        number = self.source.random()
        if number < 0.3:
            return text("")
        if number < 0.5:
            return text(
                self.source.choice((" ON CONFLICT DO NOTHING", " ON CONFLICT (id) DO NOTHING"))
            )
        both = Expressions(self.source, columns_of(table, "t") + columns_of(table, "excluded"))
        return text(
            " ON CONFLICT (id) DO UPDATE SET ", self._assignments(table, both), self._where(both)
        )

    def _assignments(self, table: Table, expressions: Expressions) -> Fragment:
        count = self.source.randint(1, min(3, len(table.columns)))
        chosen = self.source.sample(table.columns, count)
        return listed([text(f"{name} = ", self._value(expressions, kind)) for name, kind in chosen])

    def _update(self) -> Fragment:
        table, other = self._table(), self._table()
        columns = columns_of(table, "t")
        if self.source.random() < 0.5:
            expressions = Expressions(self.source, columns)
            return text(
                f"UPDATE {table.name} AS t SET ", self._assignments(table, expressions), self._where(expressions),
                self._returning(columns, "old.c0", "new.c0", "old.id"),
            )  # fmt: skip
        # Each row meets one row of the other table at most, so that what it becomes is decided.
        both = columns + columns_of(other, "o")
        expressions = Expressions(self.source, both)
        return text(
            f"UPDATE {table.name} AS t SET ", self._assignments(table, expressions), f" FROM {other.name} AS o WHERE o.id = t.c0",
            optional(" AND ", expressions.calm("boolean", 2)), self._returning(both, "old.c0", "o.id"),
        )  # fmt: skip

    def _delete(self) -> Fragment:
        table, other = self._table(), self._table()
        columns = columns_of(table, "t")
        expressions = Expressions(self.source, columns)
        if self.source.random() < 0.6:
            return text(
                f"DELETE FROM {table.name} AS t WHERE t.id % 5 = {self.source.randrange(5)}", optional(" AND ", expressions.calm("boolean", 2)),
                self._returning(columns, "old.c0", "t.id"),
            )  # fmt: skip
        both = columns + columns_of(other, "o")
        return text(
            f"DELETE FROM {table.name} AS t USING {other.name} AS o WHERE o.id = t.c0 AND ", Expressions(self.source, both).calm("boolean", 2),
            self._returning(both, "o.id"),
        )  # fmt: skip

    def _merge(self) -> Fragment:
        table, other = self._table(), self._table()
        target, source = columns_of(table, "t"), columns_of(other, "o")
        both, alone = Expressions(self.source, target + source), Expressions(self.source, source)
        arms = []
        for _ in range(self.source.randint(1, 3)):
            condition = optional(" AND ", both.calm("boolean", 1))
            match self.source.randrange(4):
                case 0:
                    arms.append(text(" WHEN MATCHED", condition, " THEN DELETE"))
                case 1:
                    arms.append(
                        text(
                            " WHEN MATCHED",
                            condition,
                            " THEN UPDATE SET ",
                            self._assignments(table, both),
                        )
                    )
                case 2:
                    arms.append(text(" WHEN MATCHED", condition, " THEN DO NOTHING"))
                case _:
                    of_target = Expressions(self.source, target)
                    arms.append(text(
                        " WHEN NOT MATCHED BY SOURCE", optional(" AND ", of_target.calm("boolean", 1)), " THEN UPDATE SET ",
                        self._assignments(table, of_target),
                    ))  # fmt: skip
        name, kind = self.source.choice(table.columns)
        if self.source.random() < 0.7:
            arms.append(text(
                " WHEN NOT MATCHED", optional(" AND ", alone.calm("boolean", 1)), f" THEN INSERT (id, {name}) VALUES (o.id % 1000 + {self.fresh_key}, ",
                self._value(alone, kind), ")",
            ))  # fmt: skip
        step = self.source.choice(self.KEY_STEPS)
        # Keys on both sides: a row of one meets one of the other at most.
        return text(
            f"MERGE INTO {table.name} AS t USING {other.name} AS o ON t.id = o.id + {step}", *arms,
            optional(" RETURNING t.id, o.id"),
        )  # fmt: skip

    def _with(self) -> Fragment:
        inner = self.source.choice((self._insert, self._update, self._delete))()
        table = self._table()
        if " RETURNING " in str(inner) or self.source.random() < 0.3:
            return text(
                "WITH q AS (", inner, f") SELECT count(*), count(c0), min(id) FROM {table.name}"
            )
        own = Expressions(self.source, columns_of(table, "t"))
        return text(
            "WITH q AS (", inner, f" RETURNING id AS k) UPDATE {table.name} AS t SET ", self._assignments(table, own),
            " FROM q WHERE q.k = t.id + 3",
        )  # fmt: skip


def _commas(items: list[Fragment]) -> Fragment:
    parts: list[str | Fragment] = []
    for item in items:
        parts += [", ", item] if parts else [item]
    return text(*parts)


def run_changes(
    postgres: Side, ours: Side, *, count: int, seed: int, first: int = 0
) -> Iterator[Finding | None]:
    """One item for each change: what was found, or None. Each is tried in a transaction that is rolled back; half of those
    that both sides answer alike are then made for good, so that tables change.
    """
    schema: Schema | None = None
    first -= first % QUERIES_PER_SCHEMA
    for number in range(first, first + count):
        if number % QUERIES_PER_SCHEMA == 0:
            drop_schema(schema, postgres, ours)
            schema = fill_schema(
                seed, number // QUERIES_PER_SCHEMA, postgres, ours, has_heirs=False
            )
        assert schema is not None
        source = random.Random(f"{seed}/change {number}")
        tree = Changes(source, schema, 10_000 + number % QUERIES_PER_SCHEMA * 1_000).make()
        finding = _examine(
            postgres, ours, schema, tree, f"--changes --seed {seed} --first {number}"
        )
        if finding is None and source.random() < 0.5:
            for side in (postgres, ours):
                side.run(str(tree))
        yield finding
    drop_schema(schema, postgres, ours)


def _examine(
    postgres: Side, ours: Side, schema: Schema, tree: Fragment, seed: str
) -> Finding | None:
    def verdict(candidate: Fragment) -> tuple[str | None, Answer, Answer]:
        for expected, got in zip(
            _tried(postgres, str(candidate), schema),
            _tried(ours, str(candidate), schema),
            strict=False,
        ):
            what = difference(expected, got, is_ordered=False, is_loose=False)
            if what is not None and not _is_excused(expected, got):
                return what, expected, got
        return None, expected, got

    what = verdict(tree)[0]
    if what is None:
        return None
    smallest = shrink(tree, lambda candidate: verdict(candidate)[0] == what)
    _, expected, got = verdict(smallest)
    return Finding(seed, schema.statements, str(smallest), what, expected, got)


def _is_excused(expected: Answer, got: Answer) -> bool:
    """The server was too slow for its own limit; or a value that does not fit and a row that conflicts: which is met first is nobody's promise."""
    classes = {(answer.sqlstate or "")[:2] for answer in (expected, got)}
    return expected.sqlstate == "57014" or classes == {"22", "23"}


def _tried(side: Side, sql: str, schema: Schema) -> list[Answer]:
    """The answer to a change, and what each table holds after it; the change is taken back."""
    side.run("BEGIN")
    answers = [side.run(sql)]
    if answers[0].sqlstate is None:
        answers += [side.run(f"SELECT * FROM {table.name}") for table in schema.tables]
    side.run("ROLLBACK")
    return answers
