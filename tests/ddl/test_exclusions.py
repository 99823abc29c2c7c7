"""Exclusion constraints: what they hold apart, beside other transactions, after a crash, in a dump."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish import errors
from lungfish.transfer import dump, load

_BOOKINGS = """
    CREATE TABLE bookings (id integer, room integer, during tstzrange, note text,
        CONSTRAINT no_double EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (note IS NULL));
    INSERT INTO bookings VALUES (1, 1, '[2026-01-01,2026-01-05)'), (2, 2, '[2026-01-01,2026-01-05)');
"""


def _insert(room: int, first: int, last: int) -> str:
    return f"INSERT INTO bookings VALUES (9, {room}, '[2026-01-{first:02},2026-01-{last:02})')"


@pytest.fixture
def bookings() -> Any:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute(_BOOKINGS)
        yield connection


def test_a_clash_names_both_keys(bookings: Any) -> None:
    with pytest.raises(errors.ExclusionViolation) as caught:
        bookings.execute(_insert(1, 4, 8))
    assert caught.value.sqlstate == "23P01"
    assert caught.value.constraint == "no_double"
    assert caught.value.detail == (
        'Key (room, during)=(1, ["2026-01-04 00:00:00+00","2026-01-08 00:00:00+00")) conflicts with existing key'
        ' (room, during)=(1, ["2026-01-01 00:00:00+00","2026-01-05 00:00:00+00")).'
    )
    bookings.execute(_insert(1, 5, 8))
    bookings.execute(_insert(3, 4, 8))


def test_rows_that_the_condition_leaves_out_clash_with_nothing(bookings: Any) -> None:
    bookings.execute("INSERT INTO bookings VALUES (3, 1, '[2026-01-02,2026-01-03)', 'a guess')")
    with pytest.raises(errors.ExclusionViolation):
        bookings.execute("UPDATE bookings SET note = NULL WHERE id = 3")
    bookings.execute("UPDATE bookings SET note = 'gone' WHERE id = 1")
    bookings.execute("UPDATE bookings SET note = NULL WHERE id = 3")


def test_rows_that_are_there_already_are_looked_at(bookings: Any) -> None:
    bookings.execute("ALTER TABLE bookings DROP CONSTRAINT no_double")
    bookings.execute(_insert(1, 2, 3))
    with pytest.raises(errors.ExclusionViolation, match="could not create") as caught:
        bookings.execute(
            "ALTER TABLE bookings ADD CONSTRAINT again EXCLUDE USING gist (room WITH =, during WITH &&)"
        )
    assert "conflicts with key" in str(caught.value.detail)
    bookings.execute("DELETE FROM bookings WHERE id = 9")
    bookings.execute(
        "ALTER TABLE bookings ADD CONSTRAINT again EXCLUDE USING gist (room WITH =, during WITH &&)"
    )
    with pytest.raises(errors.ExclusionViolation):
        bookings.execute(_insert(1, 2, 3))


def _wait_for(holds: Callable[[], bool]) -> None:
    ready = threading.Event()
    for _ in range(3000):
        if holds():
            return
        ready.wait(0.001)
    raise AssertionError("nothing has begun to wait")


@pytest.mark.parametrize(("ending", "outcome"), [("COMMIT", "23P01"), ("ROLLBACK", "stored")])
@pytest.mark.parametrize(
    "statement",
    [
        _insert(1, 6, 8),
        "UPDATE bookings SET during = '[2026-01-06,2026-01-08)' WHERE id = 2; UPDATE bookings SET room = 1 WHERE id = 2",
    ],
)
def test_a_writer_waits_for_one_that_has_written_what_it_clashes_with(
    tmp_path: Path, statement: str, ending: str, outcome: str
) -> None:
    path = str(tmp_path / "b.db")
    found: list[str] = []
    with (
        lungfish.connect(path, autocommit=True) as one,
        lungfish.connect(path, autocommit=True) as two,
    ):
        one.execute(_BOOKINGS)
        one.execute("BEGIN")
        one.execute(_insert(1, 7, 9))

        def write() -> None:
            try:
                two.execute(statement)
                found.append("stored")
            except lungfish.Error as error:
                found.append(str(error.sqlstate))

        thread = threading.Thread(target=write)
        thread.start()
        _wait_for(
            lambda: one.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchval() == 1
        )
        assert not found
        one.execute(ending)
        thread.join(30)
    assert found == [outcome]


def test_a_row_whose_deletion_is_not_decided_is_still_in_the_way(tmp_path: Path) -> None:
    path = str(tmp_path / "b.db")
    with (
        lungfish.connect(path, autocommit=True) as one,
        lungfish.connect(path, autocommit=True) as two,
    ):
        one.execute(_BOOKINGS)
        one.execute("BEGIN")
        one.execute("DELETE FROM bookings WHERE id = 1")
        two.execute("SET lock_timeout = '20ms'")
        with pytest.raises(errors.LockNotAvailable):
            two.execute(_insert(1, 2, 3))
        one.execute("COMMIT")
        two.execute(_insert(1, 2, 3))


def test_a_constraint_and_its_rows_are_there_after_a_crash(tmp_path: Path) -> None:
    path = str(tmp_path / "b.db")
    connection = lungfish.connect(path, autocommit=True)
    connection.execute(_BOOKINGS)
    connection.execute("CHECKPOINT")
    connection.execute(_insert(1, 5, 6))
    lungfish.open(path).crash()
    connection.close()
    with lungfish.connect(path, autocommit=True) as again:
        for first, last in ((1, 2), (5, 7)):
            with pytest.raises(errors.ExclusionViolation):
                again.execute(_insert(1, first, last))
        again.execute(_insert(1, 6, 7))


def test_a_dump_has_the_constraint(bookings: Any, tmp_path: Path) -> None:
    out = io.StringIO()
    dump(bookings, out)
    text = out.getvalue()
    assert "CREATE EXTENSION IF NOT EXISTS btree_gist;" in text
    assert (
        "ADD CONSTRAINT no_double EXCLUDE USING gist (room WITH =, during WITH &&) WHERE ((note IS NULL));"
        in text
    )
    with lungfish.connect(":memory:", autocommit=True) as other:
        file = tmp_path / "dump.sql"
        file.write_text(text)
        assert load(other, str(file)).is_good
        with pytest.raises(errors.ExclusionViolation):
            other.execute(_insert(1, 4, 8))


@pytest.mark.parametrize("seed", range(6))
def test_random_ranges_are_held_apart_as_by_looking_at_all(seed: int) -> None:
    """Inserts, updates and deletes, some of them rolled back: what is refused is what overlaps one of the model's rows."""
    chance = random.Random(seed)
    model: dict[int, tuple[int, int, int]] = {}

    def clashes(number: int, room: int, first: int, last: int) -> bool:
        return first < last and any(
            key != number and other == room and start < last and first < end and start < end
            for key, (other, start, end) in model.items()
        )

    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE t (id integer PRIMARY KEY, room integer, span int4range, EXCLUDE USING gist (room WITH =, span WITH &&))"
        )
        for number in range(250):
            room, first = chance.randrange(3), chance.randrange(150)
            row = room, first, first + chance.randrange(0, 9)
            target = chance.choice(list(model)) if model and chance.random() < 0.4 else number
            is_new = target not in model
            sql = (
                "INSERT INTO t (room, span, id) VALUES (:room, int4range(:first, :last), :id)"
                if is_new
                else "UPDATE t SET room = :room, span = int4range(:first, :last) WHERE id = :id"
            )
            values = {"room": row[0], "first": row[1], "last": row[2], "id": target}
            is_kept = chance.random() < 0.8
            connection.execute("BEGIN")
            if clashes(target, *row):
                with pytest.raises(errors.ExclusionViolation):
                    connection.execute(sql, values)
                is_kept = False
            else:
                connection.execute(sql, values)
            connection.execute("COMMIT" if is_kept else "ROLLBACK")
            if is_kept:
                model[target] = row
            if model and chance.random() < 0.15:
                gone = chance.choice(list(model))
                connection.execute("DELETE FROM t WHERE id = :id", {"id": gone})
                del model[gone]
        assert connection.execute("SELECT count(*) FROM t").fetchval() == len(model)


def test_deferred_constraints_are_looked_at_when_the_transaction_ends(bookings: Any) -> None:
    bookings.execute(
        "CREATE TABLE d (r int4range, CONSTRAINT dx EXCLUDE USING gist (r WITH &&) DEFERRABLE INITIALLY DEFERRED)"
    )
    bookings.execute("INSERT INTO d SELECT int4range(n, n + 1) FROM generate_series(1, 20) n")
    bookings.execute("UPDATE d SET r = int4range(lower(r) + 1, upper(r) + 1)")
    bookings.execute("BEGIN")
    bookings.execute("INSERT INTO d VALUES ('[1,4)')")
    with pytest.raises(errors.ExclusionViolation):
        bookings.execute("COMMIT")
    assert bookings.execute("SELECT count(*) FROM d").fetchval() == 20


def test_what_is_loaded_by_column_is_looked_at(bookings: Any, tmp_path: Path) -> None:
    rows = "\n".join(f'{n},7,"[2026-02-{n:02},2026-02-{n + 2:02})"' for n in range(1, 5))
    file = tmp_path / "rows.csv"
    file.write_text(rows)
    with pytest.raises(errors.ExclusionViolation):
        bookings.execute(f"COPY bookings (id, room, during) FROM '{file}' (FORMAT csv)")
    assert bookings.execute("SELECT count(*) FROM bookings").fetchval() == 2
