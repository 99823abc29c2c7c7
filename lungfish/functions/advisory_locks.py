"""pg_advisory_lock and its kin: locks on numbers, which mean what the application says."""

from __future__ import annotations

from typing import Any

from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.sql_type import BIGINT, BOOLEAN, INTEGER, VOID

_KEYS = ((BIGINT,), (INTEGER, INTEGER))


def _lock(*, is_shared: bool, is_session: bool, waits: bool) -> Any:
    def lock(context: FunctionContext, *keys: int) -> bool | str:
        granted = context.advisory_lock(
            keys, is_shared=is_shared, is_session=is_session, waits=waits
        )
        return "" if waits else granted

    return lock


def _unlock(*, is_shared: bool) -> Any:
    def unlock(context: FunctionContext, *keys: int) -> bool:
        return context.advisory_unlock(keys, is_shared=is_shared)

    return unlock


def _make(name: str, arguments: Any, result: Any, scalar: Any) -> Function:
    return Function(
        name, arguments, result, scalar, volatility=Volatility.VOLATILE, needs_context=True
    )


def _unlock_all(context: FunctionContext) -> str:
    context.advisory_unlock_all()
    return ""


ADVISORY_LOCK_FUNCTIONS: tuple[Function, ...] = (
    *(
        _make(
            f"pg_{'' if waits else 'try_'}advisory_{'' if is_session else 'xact_'}lock{'_shared' if is_shared else ''}",
            arguments,
            VOID if waits else BOOLEAN,
            _lock(is_shared=is_shared, is_session=is_session, waits=waits),
        )
        for arguments in _KEYS
        for waits in (True, False)
        for is_session in (True, False)
        for is_shared in (True, False)
    ),
    *(
        _make(
            f"pg_advisory_unlock{'_shared' if is_shared else ''}",
            arguments,
            BOOLEAN,
            _unlock(is_shared=is_shared),
        )
        for arguments in _KEYS
        for is_shared in (True, False)
    ),
    _make("pg_advisory_unlock_all", (), VOID, _unlock_all),
)
