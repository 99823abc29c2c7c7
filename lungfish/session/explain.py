"""EXPLAIN: its options, and of which statements there is a plan to show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import Oid
from lungfish.errors import (
    FeatureNotSupported,
    InvalidParameterValue,
    UndefinedParameter,
)
from lungfish.executor.instrument import execute_measured
from lungfish.planner import ExplainOptions, explain
from lungfish.planner.expressions import OutputColumn
from lungfish.session.parameters import infer_values
from lungfish.session.prepared import argument_values, find_prepared
from lungfish.session.results import StatementResult
from lungfish.sql.ast import ddl, dml, queries, utility
from lungfish.types.sql_type import JSON, TEXT, SqlType

if TYPE_CHECKING:
    from lungfish.session.session import Session

_FORMATS = ("text", "xml", "json", "yaml")
_SERIALIZATIONS = ("none", "off", "text", "binary")
_PLANNED = (queries.Query, dml.Insert, dml.Update, dml.Delete, dml.Merge)
# What only a statement that runs can tell.
_OF_ANALYZE = ("wal", "timing", "serialize")
# Figures that are not kept.
_MISSING = ("settings", "memory", "wal")


def run_explain(session: Session, statement: utility.Explain) -> StatementResult:
    """Run EXPLAIN."""
    options = dict(statement.options)
    is_analyze = bool(options.get("analyze", False))
    _check(options, statement, is_analyze=is_analyze)
    inner, values, types = _explained(session, statement, is_analyze=is_analyze)
    if inner is None:
        return _rows(["Utility statements have no plan structure"], "text")
    if not isinstance(inner, _PLANNED):
        raise FeatureNotSupported(
            "EXPLAIN of this statement is not supported", position=statement.position
        )
    if is_analyze:
        plan = session.locked_plan(inner, None, types).plan
        if plan.steps is not None:
            raise FeatureNotSupported(
                "EXPLAIN ANALYZE of a statement that rules rewrite is not supported",
                position=statement.position,
            )
        if not plan.is_read_only:
            session.require_writable(inner)
        clock = session.database.clock
        values = infer_values(values, types, plan.parameter_types, session.settings.text)
        actuals = execute_measured(plan, session.execution_context(values), clock).of
    else:
        plan, actuals = session.plan(inner, None, types).plan, None
    if len(plan.parameter_types) > len(types) and not options.get("generic_plan"):
        raise UndefinedParameter(f"there is no parameter ${len(types) + 1}")
    catalog = session.catalog
    format_name = str(options.get("format", "text"))
    shown = ExplainOptions(
        format_name=format_name,
        with_costs=bool(options.get("costs", True)),
        with_timing=bool(options.get("timing", True)),
        schema_of=(
            (lambda oid: catalog.namespace_name(Oid(oid))) if options.get("verbose") else None
        ),
    )
    return _rows(explain(plan, shown, actuals), format_name)


def _rows(lines: list[str], format_name: str) -> StatementResult:
    """Text line by line; the forms for programs are one value."""
    rows = [(line,) for line in lines] if format_name == "text" else [("\n".join(lines),)]
    kind = JSON if format_name == "json" else TEXT
    return StatementResult((OutputColumn("QUERY PLAN", kind),), "EXPLAIN", len(rows), rows=rows)


def _check(options: dict[str, object], statement: utility.Explain, *, is_analyze: bool) -> None:
    """Raise InvalidParameterValue for options that contradict each other, FeatureNotSupported for what is not measured."""
    if options.get("format", "text") not in _FORMATS:
        raise InvalidParameterValue(
            f'unrecognized value for EXPLAIN option "format": "{options["format"]}"'
        )
    word = options.get("serialize", "none")
    if word not in _SERIALIZATIONS:
        raise InvalidParameterValue(f'unrecognized value for EXPLAIN option "serialize": "{word}"')
    for name in _OF_ANALYZE:
        if options.get(name) not in (None, False, "none", "off") and not is_analyze:
            raise InvalidParameterValue(f"EXPLAIN option {name.upper()} requires ANALYZE")
    if is_analyze and options.get("generic_plan"):
        raise InvalidParameterValue(
            "EXPLAIN options ANALYZE and GENERIC_PLAN cannot be used together"
        )
    missing = [name for name in _MISSING if options.get(name)]
    if is_analyze:
        missing += [name for name in ("buffers",) if options.get(name)]
        missing += ["serialize"] if word not in ("none", "off") else []
    if missing:
        raise FeatureNotSupported(
            f"EXPLAIN ({missing[0].upper()}) is not supported", position=statement.position
        )


def _explained(
    session: Session, statement: utility.Explain, *, is_analyze: bool
) -> tuple[Any, tuple[Any, ...], tuple[SqlType | None, ...]]:
    """The statement whose plan is shown (None: there is none), and its parameters. Raises FeatureNotSupported."""
    inner = statement.statement
    match inner:
        case utility.Execute():
            found = find_prepared(session, inner)
            values, types = argument_values(session, inner, found)
            return found.statement, values, types
        case utility.DeclareCursor():
            return inner.query, (), ()
        case ddl.CreateTableAs() if not is_analyze:
            if isinstance(inner.query, utility.Execute):
                below = replace(statement, statement=inner.query)
                return _explained(session, below, is_analyze=is_analyze)
            return inner.query, (), ()
        case ddl.RefreshMaterializedView() if not is_analyze:
            return None, (), ()
    return inner, (), ()
