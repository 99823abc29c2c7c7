"""The checks of domains, for functions that make values of them on their way: JSON read into a row, RETURNING of a domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lungfish.executor.compiler import RowEvaluator
from lungfish.executor.context import Run
from lungfish.executor.programs import new_compiler
from lungfish.planner import bind_domain_value

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext
    from lungfish.functions.registry import FunctionContext
    from lungfish.session.session import Session
    from lungfish.types.sql_type import SqlType


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """All that a check may need of a running statement: it holds no queries."""

    functions: FunctionContext


class DomainChecks:
    """The compiled checks of one session, made anew when the catalog changes."""

    def __init__(self, session: Session, functions: FunctionContext) -> None:
        self._session = session
        surroundings = _Surroundings(functions)
        self._run = Run(cast("ExecutionContext", surroundings))
        self._version = -1
        self._checks: dict[int, RowEvaluator] = {}

    def check(self, value: Any, domain: SqlType) -> None:
        """Raise 23514 or 23502 if the value of the base type is none of the domain's."""
        session = self._session
        if self._version != session.catalog.version:
            self._version = session.catalog.version
            self._checks.clear()
        check = self._checks.get(domain.domain_oid)
        if check is None:
            path = session.settings.search_path
            bound = bind_domain_value(domain, session.catalog, path)
            check = self._checks[domain.domain_oid] = new_compiler().row(bound)
        check((value,), self._run)
