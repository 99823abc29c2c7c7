"""Records found many at once: what looks like a header inside a row is stepped over, and nothing unsound is taken in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lungfish.recovery.wal_batch import batch_at
from lungfish.recovery.wal_records import HEADER, checksum
from lungfish.storage.ids import LSN

SEED = 0xF15
BASE = LSN(4096 * 7)


def record(lsn: int, body: bytes) -> bytes:
    return HEADER.pack(len(body), checksum(body, SEED), lsn) + body


def stretch(bodies: list[bytes], base: int = BASE) -> bytes:
    data = b""
    for body in bodies:
        data += record(base + len(data), body)
    return data


def bodies_of(data: bytes, limit: int | None = None) -> list[bytes]:
    batch = batch_at(BASE, memoryview(data), SEED, limit=limit)
    return [bytes(each.body) for each in batch.records()]


def decoy(at: int, offset: int, length: int) -> bytes:
    """A body of which the words from `offset` on look like a record's header, in its right place."""
    lsn = BASE + at + HEADER.size + offset
    return bytes(offset) + HEADER.pack(length, 77, lsn) + bytes(8)


def test_records_are_found_and_checked() -> None:
    bodies = [b"12345678", b"x" * 64, b"y" * 8]
    assert bodies_of(stretch(bodies)) == bodies


def test_what_looks_like_a_header_inside_a_record_is_stepped_over() -> None:
    first = b"a" * 16
    at = len(stretch([first]))
    for length in (8, 16, 24, 0, 7, 1 << 31):
        bodies = [first, decoy(at, 8, length), b"c" * 8]
        assert bodies_of(stretch(bodies)) == bodies


def test_long_records_are_found_as_short_ones_are() -> None:
    first = b"a" * 4096
    second = decoy(len(stretch([first])), 3000, 16)
    bodies = [first, second, b"c" * 2048]
    data = stretch(bodies)
    assert bodies_of(data) == bodies
    assert bodies_of(data[:-1]) == bodies[:2]
    assert bodies_of(data + bytes(64)) == bodies
    # Then many short ones: there are more than long ones could be.
    bodies += [bytes([number]) * 8 for number in range(200)]
    assert bodies_of(stretch(bodies)) == bodies


def test_a_record_that_is_cut_off_or_goes_past_the_limit_is_left_out() -> None:
    data = stretch([b"a" * 8, b"b" * 16, b"c" * 24])
    assert len(bodies_of(data[:-1])) == 2
    assert len(bodies_of(data[:30])) == 1
    assert len(bodies_of(data[:8])) == 0
    assert len(bodies_of(data, limit=len(data) - 8)) == 2
    assert len(bodies_of(data, limit=0)) == 0


def test_a_hole_ends_the_batch() -> None:
    data = stretch([b"a" * 8, b"b" * 16])
    data += bytes(8) + record(BASE + len(data) + 8, b"c" * 8)
    assert bodies_of(data) == [b"a" * 8, b"b" * 16]
    assert bodies_of(bytes(8) + data) == []


@given(
    st.lists(st.binary(min_size=1, max_size=6).map(lambda each: each * 8), max_size=12),
    st.integers(0, 600),
    st.integers(0, 7),
)
def test_no_record_at_or_behind_a_flipped_bit_is_taken(
    bodies: list[bytes], at: int, bit: int
) -> None:
    data = bytearray(stretch(bodies))
    if at >= len(data):
        assert bodies_of(bytes(data)) == bodies
        return
    data[at] ^= 1 << bit
    ends = [len(stretch(bodies[: count + 1])) for count in range(len(bodies))]
    whole = sum(end <= at for end in ends)
    assert bodies_of(bytes(data)) == bodies[:whole]


def test_a_whole_record_of_another_place_ends_the_batch() -> None:
    for size in (16, 4096):
        first = b"a" * size
        data = stretch([first]) + record(BASE + 8, b"b" * size)
        assert bodies_of(data) == [first]
