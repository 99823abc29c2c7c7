"""Leaves written and read by compiled code are those of the Python code, byte for byte."""

from __future__ import annotations

import random
from typing import Any

import pytest

from lungfish.native import compiled_module
from lungfish.storage import btree_byte_node
from lungfish.storage.btree_byte_node import ByteForm, ByteLeaf
from lungfish.storage.btree_node import UNFENCED, Fences

PAGE_SIZE = 4096

pytestmark = pytest.mark.skipif(
    compiled_module("lungfish.storage.native_leaves") is None,
    reason="the compiled modules are not built here, or LUNGFISH_PLAIN is set",
)


def entries(numbers: random.Random, prefix: bytes) -> tuple[list[bytes], list[int]]:
    """Keys in order, short, equal and long ones, with addresses of both signs."""
    count = numbers.randrange(40)
    keys = sorted(
        prefix + numbers.randbytes(numbers.choice((0, 1, 3, 4, 5, 9, 60))) for _ in range(count)
    )
    return keys, [numbers.randrange(-(2**63), 2**63) for _ in range(count)]


def made_leaf(keys: list[bytes], addresses: list[int], fences: Fences) -> ByteLeaf:
    form, page = ByteForm(PAGE_SIZE), bytearray(b"\xee" * PAGE_SIZE)
    form.write_leaf(page, keys, addresses, fences)
    return form.read_leaf(page, 7)


@pytest.mark.parametrize("seed", range(40))
def test_a_leaf_is_the_same_in_both_forms(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = random.Random(seed)
    prefix = numbers.randbytes(numbers.choice((0, 1, 7)))
    keys, addresses = entries(numbers, prefix)
    fences = Fences((prefix, 0), (prefix + b"\xff" * 70, 0)) if prefix else UNFENCED
    compiled = made_leaf(keys, addresses, fences)
    answers: list[Any] = []
    for is_plain in (False, True):
        if is_plain:
            monkeypatch.setattr(btree_byte_node, "_compiled", None)
        plain = made_leaf(keys, addresses, fences)
        assert plain.data == compiled.data
        # With a hole, which is closed.
        for index in (0, len(keys) // 2):
            if index < plain.count:
                plain.delete(index)
        plain._compact()
        some = plain.count // 3, plain.count
        answers.append((plain.data, plain.keys_between(*some), plain.addresses_between(*some)))
    assert answers[0] == answers[1]
    assert compiled.keys_between(0, len(keys)) == keys
    assert compiled.addresses_between(0, len(keys)) == addresses
