"""pyarrow.compute, loaded when it is first called."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from lungfish.types import compute
from lungfish.types.late_loading import load_apart


def test_a_function_that_was_taken_early_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Any] = []

    def counted(load: Any) -> Any:
        loads.append(load)
        return load_apart(load)

    monkeypatch.setattr(compute, "load_apart", counted)
    add = compute._Late("add")
    assert [add(pa.array([1]), pa.array([number]))[0].as_py() for number in range(3)] == [1, 2, 3]
    assert len(loads) == 1
