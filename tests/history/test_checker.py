"""The checker knows each anomaly from a history made by hand, and finds nothing wrong in an orderly one."""

from __future__ import annotations

from tests.history.checker import FORBIDDEN, History, Transaction, clusters, find_anomalies


def made(
    number: int,
    *,
    reads: list[tuple[int, tuple[int, ...]]] | None = None,
    appends: list[tuple[int, int]] | None = None,
    is_acknowledged: bool = True,
) -> Transaction:
    return Transaction(number, reads or [], appends or [], is_acknowledged=is_acknowledged)


def names(lists: dict[int, tuple[int, ...]], *transactions: Transaction) -> set[str]:
    return {each.name for each in find_anomalies(History(transactions, lists, {}))}


def test_an_orderly_history_shows_nothing() -> None:
    assert not names(
        {1: (10, 11), 2: (20,)},
        made(1, appends=[(1, 10)]),
        made(2, reads=[(1, (10,)), (2, ())], appends=[(1, 11), (2, 20)]),
        made(3, reads=[(1, (10, 11)), (2, (20,))]),
    )


def test_mixed_writes_are_g0() -> None:
    one, two = made(1, appends=[(1, 10), (2, 20)]), made(2, appends=[(1, 11), (2, 21)])
    assert "G0" in names({1: (10, 11), 2: (21, 20)}, one, two)


def test_reads_of_what_was_rolled_back_or_not_finished_are_g1a_and_g1b() -> None:
    assert names({}, made(1, reads=[(1, (10,))])) == {"G1a"}
    assert "G1a" in names({1: (10,)}, made(1))
    half = made(1, appends=[(1, 10), (1, 11)])
    assert "G1b" in names({1: (10, 11)}, half, made(2, reads=[(1, (10,))]))


def test_information_that_flows_in_a_circle_is_g1c() -> None:
    one = made(1, reads=[(2, (20,))], appends=[(1, 10)])
    two = made(2, reads=[(1, (10,))], appends=[(2, 20)])
    assert "G1c" in names({1: (10,), 2: (20,)}, one, two)


def test_read_skew_is_g_single() -> None:
    reader = made(1, reads=[(1, ()), (2, (20,))])
    assert names({1: (10,), 2: (20,)}, reader, made(2, appends=[(1, 10), (2, 20)])) == {"G-single"}


def test_a_lost_update_of_a_register_is_g_single() -> None:
    one, two = made(1), made(2)
    one.register_writes.append((1, 0, 5))
    two.register_writes.append((1, 0, 6))
    found = find_anomalies(History([one, two], {}, {1: 6}))
    assert "G-single" in {each.name for each in found}


def test_write_skew_is_g2_also_over_lists_that_are_not_there() -> None:
    one = made(1, reads=[(2, ())], appends=[(1, 10)])
    two = made(2, reads=[(1, ())], appends=[(2, 20)])
    assert names({1: (10,), 2: (20,)}, one, two) == {"G2"}


def test_rw_edges_that_are_never_neighbours_are_told_apart() -> None:
    """Long fork: two readers see two independent writes in different orders."""
    first, second = made(1, appends=[(1, 10)]), made(2, appends=[(2, 20)])
    one, two = made(3, reads=[(1, (10,)), (2, ())]), made(4, reads=[(1, ()), (2, (20,))])
    assert names({1: (10,), 2: (20,)}, first, second, one, two) == {"G-nonadjacent"}


def test_what_was_acknowledged_and_is_gone_is_lost() -> None:
    assert names({}, made(1, appends=[(1, 10)])) == {"lost"}
    in_doubt = made(1, appends=[(1, 10)], is_acknowledged=False)
    assert not names({}, in_doubt)
    assert not names({1: (10,)}, in_doubt)
    half = made(1, appends=[(1, 10), (2, 20)], is_acknowledged=False)
    assert "lost" in names({1: (10,)}, half)


def test_each_level_forbids_what_the_one_below_does() -> None:
    levels = [set(forbidden) for forbidden in FORBIDDEN.values()]
    assert levels[0] < levels[1] < levels[2]


def test_clusters_are_found_without_recursion() -> None:
    ring = {node: [(node + 1) % 5_000] for node in range(5_000)}
    assert [len(each) for each in clusters(ring)] == [5_000]
    assert list(clusters({node: [node + 1] for node in range(5_000)})) == []
