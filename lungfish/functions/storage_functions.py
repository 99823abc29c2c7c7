"""Functions about storage: here are their names and types; `recovery/views/storage_functions.py` has what they do.

Those of schema `lungfish` are registered under their qualified name, so that they are reached by it alone.
"""

from __future__ import annotations

from typing import Any

from lungfish.functions.registry import Function, FunctionContext, ScalarForm, Volatility
from lungfish.types.sql_type import TEXT


def _answer(name: str) -> ScalarForm:
    def ask(context: FunctionContext, *arguments: Any) -> Any:
        return context.ask_storage(name, arguments)

    return ask


def _function(name: str, arguments: Any, result: Any, **options: Any) -> Function:
    return Function(
        name, arguments, result, _answer(name), volatility=Volatility.VOLATILE, needs_context=True, **options
    )  # fmt: skip


STORAGE_FUNCTIONS: tuple[Function, ...] = (_function("lungfish.openmetrics", (), TEXT),)
