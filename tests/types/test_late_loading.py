"""Modules that are needed in the middle of a statement are loaded where no Ctrl-C comes."""

from __future__ import annotations

import _thread
import threading

import pytest

from lungfish.types.late_loading import load_apart


def test_loading_is_done_in_another_thread_and_asked_for_again_in_this_one() -> None:
    threads: list[threading.Thread] = []
    load_apart(lambda: threads.append(threading.current_thread()))
    assert threads[0] is not threading.current_thread()
    assert threads[1] is threading.current_thread()


def test_ctrl_c_cuts_off_who_waits_and_not_the_loading() -> None:
    done: list[str] = []

    def load() -> None:
        if threading.current_thread() is not threading.main_thread():
            _thread.interrupt_main()
            done.append("loaded")

    with pytest.raises(KeyboardInterrupt):
        load_apart(load)
        # The signal is handled by now at the latest.
        threading.Event().wait(10)
    # It takes one errand after the other.
    load_apart(lambda: None)
    assert done == ["loaded"]


def test_what_cannot_be_loaded_raises_where_it_is_asked_for() -> None:
    def load() -> None:
        raise LookupError("unknown encoding")

    with pytest.raises(LookupError):
        load_apart(load)
