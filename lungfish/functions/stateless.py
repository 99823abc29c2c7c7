"""A function's context where there is none: for uses of a function that ask for nothing but the canonical settings."""

from __future__ import annotations

from typing import Any, cast

from lungfish.functions.registry import FunctionContext
from lungfish.types.settings import CANONICAL


class _Stateless:
    """Knows the canonical settings of text, and nothing else."""

    def session_fact(self, name: str) -> Any:
        """The settings."""
        assert name == "text_settings", "who asks for more is not immutable"
        return CANONICAL


# Only what is immutable is called with it, and that asks for no more.
STATELESS = cast(FunctionContext, _Stateless())
