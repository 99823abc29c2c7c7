"""What the SQL functions about storage answer; `functions/storage_functions.py` has their names and types.

Each takes the `StorageCore` and the call's internal values, and answers one value, or the rows of a function that gives several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from lungfish.recovery.openmetrics import openmetrics_text

STORAGE_ANSWERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "lungfish.openmetrics": lambda core: openmetrics_text(core.telemetry.metrics()),
    }
)
