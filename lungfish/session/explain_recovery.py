"""EXPLAIN [(FORMAT JSON)] RECOVERY: what a restart now would do, as text or as one JSON value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lungfish.database.restart_catalog import relations_of
from lungfish.errors import InvalidParameterValue
from lungfish.planner.expressions import OutputColumn
from lungfish.recovery.restart_plan import RecoveryPlan, TablePlan, plan_recovery
from lungfish.recovery.wal_records import format_lsn
from lungfish.session.results import StatementResult
from lungfish.sql.ast import utility
from lungfish.types.sql_type import JSON, TEXT

if TYPE_CHECKING:
    from lungfish.session.session import Session


def run_explain_recovery(session: Session, statement: utility.ExplainRecovery) -> StatementResult:
    """Look, and answer a row for each line, or one with the JSON. Writes nothing; may run anywhere."""
    catalog = session.database.catalog
    plan = plan_recovery(session.database.core, relations_of(catalog))
    names = {table.relation_id: table.name for table in catalog.tables()}
    document = _document(plan, names)
    match statement.format.lower():
        case "json":
            text = json.dumps([document], indent=2)
            return StatementResult(
                (OutputColumn("QUERY PLAN", JSON),), "EXPLAIN", 1, rows=[(text,)]
            )
        case "text":
            rows = [(line,) for line in _lines(document)]
            return StatementResult(
                (OutputColumn("QUERY PLAN", TEXT),), "EXPLAIN", len(rows), rows=rows
            )
        case other:
            raise InvalidParameterValue(
                f'unrecognized value for EXPLAIN option "format": "{other}"',
                position=statement.position,
            )


def _document(plan: RecoveryPlan, names: dict[int, str]) -> dict[str, Any]:
    """The plan as JSON values; the text is made of them too."""
    prediction = plan.prediction
    touched = [each for each in plan.tables if _is_touched(each)]
    return {
        "Node Type": "Recovery",
        "Checkpoint": plan.checkpoint_id,
        "Redo LSN": format_lsn(plan.redo_lsn),
        "Start LSN": format_lsn(plan.start_lsn),
        "End LSN": format_lsn(plan.end_lsn),
        "Estimated Time": _ms(prediction.total_ms),
        "Samples": prediction.samples,
        "Confidence": round(prediction.confidence, 2),
        "Phases": [
            {"Phase": "hydrate", "Estimated Time": _ms(prediction.hydrate_ms)},
            {
                "Phase": "analyze",
                "Records": plan.log_records,
                "Bytes": plan.log_bytes,
                "Estimated Time": _ms(prediction.analyze_ms),
            },
            {
                "Phase": "undo",
                "Transactions": plan.losers,
                "Rows": sum(each.rows_to_settle for each in touched),
                "Estimated Time": _ms(prediction.undo_ms),
            },
            {
                "Phase": "redo",
                "Records": sum(each.records_applied for each in touched),
                "Skipped": sum(each.records_skipped for each in touched),
                "Pages": sum(each.pages for each in touched),
                "Bytes": sum(each.log_bytes for each in touched),
                "Estimated Time": _ms(prediction.redo_ms),
            },
            {
                "Phase": "index_repair",
                "Indexes": sum(each.indexes_built for each in touched),
                "Estimated Time": _ms(prediction.index_ms),
            },
        ],
        "Relations": [_relation(each, names) for each in touched],
    }


def _relation(plan: TablePlan, names: dict[int, str]) -> dict[str, Any]:
    return {
        "Relation Name": names.get(plan.heap, str(plan.heap)),
        "Mark LSN": format_lsn(plan.mark),
        "Records": plan.records_applied,
        "Skipped": plan.records_skipped,
        "Pages": plan.pages,
        "Bytes": plan.log_bytes,
        "Rows to Settle": plan.rows_to_settle,
        "Indexes Built": plan.indexes_built,
    }


def _is_touched(plan: TablePlan) -> bool:
    return bool(plan.records_applied or plan.records_skipped or plan.rows_to_settle or plan.indexes_built)  # fmt: skip


def _lines(document: dict[str, Any]) -> list[str]:
    head = {name: value for name, value in document.items() if not isinstance(value, list)}
    kind = head.pop("Node Type")
    lines = [f"{kind}  (estimated time={head.pop('Estimated Time')} ms)"]
    lines += [f"  {name}: {value}" for name, value in head.items()]
    for phase in document["Phases"]:
        lines.append(f"  ->  {phase['Phase']}  ({_figures(phase)})")
        if phase["Phase"] == "redo":
            lines += [
                f"        {each['Relation Name']}  ({_figures(each)})"
                for each in document["Relations"]
            ]
    return lines


def _figures(members: dict[str, Any]) -> str:
    """What is counted, in one line."""
    return " ".join(
        f"{name.lower()}={value}{' ms' if name == 'Estimated Time' else ''}"
        for name, value in members.items()
        if name not in ("Phase", "Relation Name")
    )


def _ms(value: float) -> float:
    return round(value, 3)
