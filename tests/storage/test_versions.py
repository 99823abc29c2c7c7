"""Version chains, and the rows that an image retains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish import errors
from lungfish.storage.ids import TransactionId, tuple_id
from lungfish.storage.rows import RowLayout
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.versions import (
    RetainedRow,
    VersionChains,
    decode_retained,
    encode_retained,
)
from lungfish.types.sql_type import INTEGER

LAYOUT = RowLayout([INTEGER])
ADDRESS = tuple_id(3, 17)

retained_rows = st.lists(
    st.builds(
        RetainedRow,
        st.integers(0, 2**63 - 1),
        st.integers(0, 2**62),
        st.none() | st.binary(max_size=50),
    )
)


def snapshot(xmin: int, xmax: int, *running: int) -> Snapshot:
    ids = frozenset(TransactionId(each) for each in running)
    return Snapshot(TransactionId(xmin), TransactionId(xmax), ids)


def test_a_reader_gets_the_newest_version_that_it_sees() -> None:
    chains = VersionChains()
    versions = [LAYOUT.pack((writer,), writer) for writer in (5, 9, 12)]
    for version in versions:
        chains.push(ADDRESS, version)
    assert chains.visible(ADDRESS, snapshot(20, 20)) is versions[2]
    assert chains.visible(ADDRESS, snapshot(12, 20, 12)) is versions[1]
    assert chains.visible(ADDRESS, snapshot(6, 6)) is versions[0]
    assert chains.visible(ADDRESS, snapshot(3, 3)) is None
    assert chains.visible(tuple_id(0, 0), snapshot(20, 20)) is None


def test_a_version_is_dropped_once_and_by_identity() -> None:
    chains = VersionChains()
    first, second = (LAYOUT.pack((1,), 5) for _ in range(2))
    assert first == second
    chains.push(ADDRESS, first)
    chains.push(ADDRESS, second)
    assert chains.drop(ADDRESS, first)
    assert chains.of(ADDRESS)[0] is second
    assert not chains.drop(ADDRESS, first)
    assert chains.drop(ADDRESS, second)
    assert ADDRESS not in chains
    assert not chains.drop(ADDRESS, second)


@given(retained_rows)
def test_retained_rows_survive_encoding(rows: list[RetainedRow]) -> None:
    assert list(decode_retained(encode_retained(rows))) == rows


@given(retained_rows.filter(bool), st.data())
def test_retained_rows_cut_off_are_refused(rows: list[RetainedRow], data: st.DataObject) -> None:
    encoded = encode_retained(rows)
    last = encode_retained(rows[-1:])
    size = data.draw(st.integers(1, len(last) - 1))
    with pytest.raises(errors.CorruptPage):
        list(decode_retained(encoded[: len(encoded) - size]))
