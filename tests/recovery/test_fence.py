"""The fence holds writers, lets those inside finish, gives up in time, and says whom it held."""

from __future__ import annotations

import threading

import pytest

from lungfish.storage import fence as fence_module
from lungfish.storage.fence import Fence
from tests.storage.interrupts import is_interrupted, line_numbers

WAIT_S = 10


def test_an_open_fence_lets_everybody_pass() -> None:
    fence = Fence()
    for _ in range(2):
        with fence:
            assert fence.waiting == 0
    assert fence.close(0)
    fence.open()


def test_closing_waits_for_the_writer_inside() -> None:
    fence = Fence()
    inside, leave = threading.Event(), threading.Event()

    def write() -> None:
        with fence:
            inside.set()
            assert leave.wait(WAIT_S)

    writer = threading.Thread(target=write)
    writer.start()
    assert inside.wait(WAIT_S)
    assert not fence.close(0.001)
    leave.set()
    assert fence.close(WAIT_S)
    writer.join(WAIT_S)
    fence.open()


def test_a_fence_that_gave_up_is_open_again() -> None:
    fence = Fence()
    with fence:
        assert not fence.close(0)
    with fence:
        assert fence.waiting == 0
    assert fence.close(0)
    fence.open()


def test_a_closed_fence_holds_new_writers_and_counts_them() -> None:
    fence = Fence()
    assert fence.close(0)
    passed = []

    def write() -> None:
        with fence:
            passed.append(fence._is_closed)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    pause = threading.Event()
    while fence.waiting < 3:
        pause.wait(0.001)
    assert passed == []
    fence.open()
    for writer in writers:
        writer.join(WAIT_S)
    assert passed == [False] * 3
    assert (fence.waiting, fence.held_count) == (0, 3)
    assert fence.held_max_s <= fence.held_total_s


def test_what_was_put_off_is_done_once_by_the_next_writer_that_leaves() -> None:
    fence = Fence()
    done: list[str] = []
    with fence:
        fence.relief = lambda: done.append("relief")
        assert done == []
    with fence:
        pass
    assert done == ["relief"]


def test_a_writer_that_fails_does_not_do_what_was_put_off() -> None:
    fence = Fence()
    fence.relief = lambda: pytest.fail("not by one who failed")
    with pytest.raises(KeyError), fence:
        raise KeyError
    fence.relief = None


def test_a_writer_cut_off_by_ctrl_c_on_its_way_in_or_out_holds_up_no_checkpoint() -> None:
    for number in line_numbers():
        fence = Fence()

        def write(fence: Fence = fence) -> None:
            with fence:
                pass

        was_interrupted = is_interrupted([fence_module], number, write)
        assert fence.close(0)
        fence.open()
        if not was_interrupted:
            break
