"""Several threads in one tree."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from test_btree_model import make_pool, make_tree

from lungfish.storage.btree_check import check_btree
from lungfish.storage.ids import LSN, TupleId
from lungfish.storage.keys import WHOLE_RANGE, KeyCodec
from lungfish.types.sql_type import BIGINT, TEXT


@pytest.mark.slow
@pytest.mark.parametrize("kind", [BIGINT, TEXT], ids=["integers", "texts"])
def test_writers_and_scans_do_not_disturb_each_other(kind: object) -> None:
    codec = KeyCodec([BIGINT] if kind is BIGINT else [TEXT])
    pool = make_pool(budget_bytes=16 * 4096)
    tree = make_tree(pool, codec)

    def key(number: int) -> object:
        return codec.encode((number if kind is BIGINT else f"{number:06}",))

    # What stays all the time, and must be in every scan.
    for number in range(0, 6000, 3):
        tree.add(key(number), TupleId(0), LSN(1))  # type: ignore[arg-type]

    def write(seed: int) -> None:
        source = random.Random(seed)
        mine = [number for number in range(6000) if number % 3 == 1 + seed]
        for _ in range(2):
            source.shuffle(mine)
            for number in mine:
                tree.add(key(number), TupleId(seed), LSN(2))  # type: ignore[arg-type]
            pool.trim()
            source.shuffle(mine)
            for number in mine:
                assert tree.remove(key(number), TupleId(seed), LSN(3))  # type: ignore[arg-type]
            pool.trim()

    def scan(is_backward: bool) -> None:
        for _ in range(8):
            found = [
                entry
                for chunk in tree.scan(WHOLE_RANGE, is_backward=is_backward)
                for entry in chunk
            ]
            assert found == sorted(set(found), reverse=is_backward)
            assert sum(address == 0 for _, address in found) >= 2000
            pool.trim()

    with ThreadPoolExecutor(4) as threads:
        work = [threads.submit(write, seed) for seed in (0, 1)]
        work += [threads.submit(scan, is_backward) for is_backward in (False, True)]
        for each in work:
            each.result(timeout=120)
    assert check_btree(tree).entry_count == 2000
