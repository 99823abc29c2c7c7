"""The I/O budget: debt instead of refusal, floors, and who waits for whom."""

from __future__ import annotations

import pytest

from lungfish import errors
from lungfish.recovery.io_budget import IoBudget, IoClass
from lungfish.recovery.settings import StorageSettings
from lungfish.storage.clock import ManualClock

MIB = 1 << 20


def budget(**settings: str) -> tuple[IoBudget, ManualClock]:
    clock = ManualClock()
    return IoBudget(clock, StorageSettings(settings)), clock


def go_on() -> None:
    return


def test_without_a_rate_nobody_waits_and_everything_is_counted() -> None:
    made, clock = budget()
    assert made.wait(IoClass.CHECKPOINT, 100 * MIB, go_on) == 0
    assert made.shares[IoClass.CHECKPOINT].granted_bytes == 100 * MIB
    assert clock.monotonic_s() == 0


def test_a_request_larger_than_the_burst_runs_into_debt_and_is_paid_off() -> None:
    made, clock = budget(io_rate_checkpoint="1MB", io_burst_checkpoint="1MB")
    assert made.wait(IoClass.CHECKPOINT, 11 * MIB, go_on) == pytest.approx(10)
    assert made.wait(IoClass.CHECKPOINT, MIB, go_on) == pytest.approx(1)
    assert clock.monotonic_s() == pytest.approx(11)
    share = made.shares[IoClass.CHECKPOINT]
    assert (share.deferred_count, share.wait_max_ms) == (2, pytest.approx(10_000))


def test_the_rate_holds_over_time() -> None:
    made, clock = budget(io_rate="2MB", io_burst="64kB")
    for _ in range(1000):
        made.wait(IoClass.CHECKPOINT, 32 << 10, go_on)
    assert clock.monotonic_s() == pytest.approx(1000 * (32 << 10) / (2 * MIB), rel=0.01)


def test_a_class_with_a_floor_does_not_starve_however_busy_the_foreground_is() -> None:
    made, clock = budget(io_rate="10MB", io_burst="1MB", io_floor_checkpoint="1MB")
    waited = 0.0
    for _ in range(100):
        # Ten times what the budget allows, and nobody waits for it.
        made.charge(IoClass.FOREGROUND, 100 * MIB)
        waited += made.wait(IoClass.CHECKPOINT, 64 << 10, go_on)
    assert waited <= 100 * (64 << 10) / MIB + 0.01
    assert waited > 0
    assert clock.monotonic_s() == pytest.approx(waited)


def test_the_foreground_slows_the_checkpoint_down_and_not_itself() -> None:
    made, clock = budget(io_rate="10MB", io_burst="1MB", io_floor_checkpoint="4kB")
    made.charge(IoClass.FOREGROUND, 50 * MIB)
    assert clock.monotonic_s() == 0
    # The debt beyond one burst is forgiven: a tenth of a second, and the page's own.
    assert made.wait(IoClass.CHECKPOINT, 4096, go_on) == pytest.approx(0.1, rel=0.05)


def test_a_limit_of_its_own_holds_the_foreground_too() -> None:
    made, clock = budget(io_rate_foreground="1MB", io_burst_foreground="1MB")
    made.charge(IoClass.FOREGROUND, 3 * MIB)
    assert clock.monotonic_s() == pytest.approx(2)


def test_somebody_who_waits_can_be_stopped() -> None:
    made, clock = budget(io_rate_backup="1MB", io_burst_backup="4kB")

    def check() -> None:
        if clock.monotonic_s() > 1:
            raise errors.QueryCanceled("enough")

    with pytest.raises(errors.QueryCanceled):
        made.wait(IoClass.BACKUP, 100 * MIB, check)
    assert clock.monotonic_s() < 1.1


def test_a_changed_setting_counts_at_once() -> None:
    clock = ManualClock()
    settings = StorageSettings()
    made = IoBudget(clock, settings)
    settings.set("io_rate_checkpoint", "1MB")
    settings.set("io_burst_checkpoint", "4kB")
    assert made.wait(IoClass.CHECKPOINT, 2 * MIB, go_on) == pytest.approx(2, rel=0.01)
    settings.set("io_rate_checkpoint", None)
    assert made.wait(IoClass.CHECKPOINT, 100 * MIB, go_on) == 0
