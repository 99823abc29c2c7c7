"""Records are taken apart into what they were made of, and what is too short is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish import errors
from lungfish.recovery.wal_records import (
    NoteKind,
    RowChange,
    decode_note,
    decode_row,
    decode_rows,
    encode_note,
    encode_row,
    encode_rows,
    format_lsn,
)
from lungfish.storage.ids import RelationId, TransactionId, TupleId

rows = st.binary(max_size=60)
changes = st.builds(
    RowChange,
    st.integers(1, 2**60).map(TransactionId),
    st.integers(1, 2**32 - 1).map(RelationId),
    st.integers(0, 2**62).map(TupleId),
    st.none() | rows,
    st.none() | rows,
)


@given(changes)
def test_a_row_change_comes_back_as_it_was(change: RowChange) -> None:
    assert decode_row(memoryview(encode_row(change))) == change


@given(st.lists(st.tuples(st.integers(0, 2**62), rows), max_size=20))
def test_a_batch_comes_back_as_it_was(batch: list[tuple[int, bytes]]) -> None:
    addresses = [TupleId(address) for address, _ in batch]
    packed = [row for _, row in batch]
    body = encode_rows(TransactionId(7), RelationId(8), addresses, packed)
    assert decode_rows(memoryview(body)) == (addresses, packed)


@given(rows)
def test_a_note_comes_back_as_it_was(payload: bytes) -> None:
    assert decode_note(memoryview(encode_note(NoteKind.RECOVERY, payload))) == (2, payload)


@given(changes)
def test_every_body_is_a_multiple_of_eight_bytes(change: RowChange) -> None:
    assert len(encode_row(change)) % 8 == 0


def test_a_body_that_is_shorter_than_it_claims_is_refused() -> None:
    row = encode_row(RowChange(TransactionId(1), RelationId(2), TupleId(3), b"a" * 40, b"b" * 40))
    batch = encode_rows(TransactionId(1), RelationId(2), [TupleId(3)], [b"c" * 64])
    note = encode_note(NoteKind.CHECKPOINT, b"d" * 64)
    with pytest.raises(errors.CorruptLog):
        decode_row(memoryview(row)[:-16])
    with pytest.raises(errors.CorruptLog):
        decode_rows(memoryview(batch)[:-16])
    with pytest.raises(errors.CorruptLog):
        decode_rows(memoryview(batch)[:24])
    with pytest.raises(errors.CorruptLog):
        decode_note(memoryview(note)[:-16])


def test_an_lsn_is_written_as_postgresql_writes_it() -> None:
    assert format_lsn(0x16_B374_D848) == "16/B374D848"
    assert format_lsn(0) == "0/0"
