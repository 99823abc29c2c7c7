"""Statements that are ready to run again: parsed, planned and compiled, found by their text at once.

A short statement costs little more than its way through the session, so what does not change from one execution to the next is looked
up once: the plan, its program, its locks, even the execution context. An entry holds as long as the session sees the very
same catalog object under the same search path; else it is made anew in the ordinary way (`Session._run_query`).

Only statements with a row pipeline (executor/row_pipeline.py) are kept: for the others the look-up does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lungfish.catalog import Catalog
from lungfish.database.plan_cache import CachedPlan, ParsedText
from lungfish.executor import ExecutionContext
from lungfish.executor.context import Row, TableProvider
from lungfish.executor.lanes import Lane, make_lane
from lungfish.executor.result import ExecutionResult, command_tag
from lungfish.executor.row_pipeline import RowPipeline
from lungfish.planner.expressions import OutputColumn
from lungfish.planner.physical import (
    DeleteRows,
    Filter,
    IndexScan,
    InsertRows,
    PhysicalPlan,
    Project,
    UpdateRows,
    ValuesScan,
)
from lungfish.session.parameters import is_plain_text
from lungfish.session.settings import SessionSettings
from lungfish.sql.ast import Statement
from lungfish.sql.ast.expressions import Literal
from lungfish.storage.lock_modes import LockMode, LockTag, table_tag
from lungfish.types.python_values import writer_of
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import BIGINT, INTEGER, NUMERIC, SqlType

# Of texts, and of parameter types for one text.
TEXTS_MAX = 256
TYPES_MAX = 8
# Of shapes that are known to be planned with their literals.
REFUSED_MAX = 1024

Types = tuple[SqlType | None, ...]


@dataclass(slots=True)
class ReadyStatement:
    """One statement with parameters of certain types."""

    # Keeps the types alive, whose identities are the key.
    types: Types
    catalog: Catalog
    search_path: tuple[str, ...]
    statement: Statement
    cached: CachedPlan
    pipeline: RowPipeline
    # Of each table: what to lock, in which mode, and that mode as a bit.
    locks: tuple[tuple[LockTag, LockMode, int], ...]
    # Whether the statement says of some parameters what they are, and that is not simply a text.
    is_inferring: bool
    # Its way in one step; None: it has none.
    lane: Lane | None
    is_read_only: bool
    # Of its rows; None: it gives none.
    columns: tuple[OutputColumn, ...] | None
    # The settings under which internal values of these columns are Python's own; None: under none that is known.
    plain_under: TextSettings | None
    # Lent to the execution that runs; None meanwhile.
    context: ExecutionContext | None = None

    def result(self, outcome: list[Row] | int) -> ExecutionResult:
        """The result that the lane's outcome stands for."""
        rows, count = (None, outcome) if isinstance(outcome, int) else (outcome, len(outcome))
        return ExecutionResult(
            self.columns, command_tag(self.cached.plan.tag, count), count, (), rows
        )


@dataclass(slots=True)
class ReadyText:
    """A text of one statement, and what it is ready for."""

    parsed: ParsedText
    by_types: dict[tuple[int, ...], ReadyStatement]


class ReadyStatements:
    """Those of one session, which guards them."""

    __slots__ = ("_refused", "with_parameters", "without_parameters")

    def __init__(self) -> None:
        # With parameters and without.
        self.with_parameters: dict[str, ReadyText] = {}
        self.without_parameters: dict[str, ReadyText] = {}
        self._refused: set[tuple[str, tuple[int, ...]]] = set()

    def text(self, sql: str, has_parameters: bool) -> ReadyText | None:
        """What is known of a text."""
        return self._texts(has_parameters).get(sql)

    def find(self, text: ReadyText, types: Types) -> ReadyStatement | None:
        """The statement for parameters of these types. Types are compared by identity, which is much faster and never wrong."""
        return text.by_types.get(tuple(map(id, types)))

    def keep(
        self, sql: str, has_parameters: bool, parsed: ParsedText, made: ReadyStatement
    ) -> None:
        """Keep a statement for the next time."""
        by_types = self.know(sql, has_parameters, parsed).by_types
        if len(by_types) >= TYPES_MAX:
            by_types.clear()
        by_types[tuple(map(id, made.types))] = made

    def know(self, sql: str, has_parameters: bool, parsed: ParsedText) -> ReadyText:
        """Keep a text, whose statement may be none that gets ready: then it is at least parsed."""
        texts = self._texts(has_parameters)
        text = texts.get(sql)
        if text is None:
            if len(texts) >= TEXTS_MAX:
                # The older half goes.
                for older in list(texts)[: TEXTS_MAX // 2]:
                    del texts[older]
            text = texts[sql] = ReadyText(parsed, {})
        return text

    def forget(self) -> None:
        """Forget all texts: they are read in another way now. The dicts stay the same, for others hold them."""
        self.with_parameters.clear()
        self.without_parameters.clear()

    def _texts(self, has_parameters: bool) -> dict[str, ReadyText]:
        return self.with_parameters if has_parameters else self.without_parameters

    def refuse(self, shape: str, types: Types) -> None:
        """Note that statements of this shape, with literals of these types, are to be planned with them."""
        if len(self._refused) >= REFUSED_MAX:
            self._refused.clear()
        self._refused.add((shape, tuple(map(id, types))))

    def is_refused(self, shape: str, types: Types) -> bool:
        """Whether `refuse` was told so. The types of literals live for ever, so their identities may stand for them."""
        return (shape, tuple(map(id, types))) in self._refused


def looks_up_keys(plan: PhysicalPlan) -> bool:
    """Whether the plan reads rows by whole unique keys only, or stores given ones: then its constants cannot make another plan better."""
    match plan:
        case IndexScan():
            return plan.index.is_unique and len(plan.equals) == len(plan.index.columns)
        case InsertRows():
            return isinstance(plan.input, ValuesScan) or looks_up_keys(plan.input)
        case Filter() | Project() | UpdateRows() | DeleteRows():
            return looks_up_keys(plan.input)
    return False


def literal_values(literals: Sequence[Literal]) -> tuple[tuple[Any, ...], Types]:
    """The internal values of literals, and their types as PostgreSQL has them; None for a string, whose use decides."""
    values: list[Any] = []
    types: list[SqlType | None] = []
    for literal in literals:
        text = literal.text
        if literal.kind is Literal.Kind.STRING:
            values.append(text)
            types.append(None)
            continue
        number = int(text) if literal.kind is Literal.Kind.INTEGER else None
        if number is not None and -(2**31) <= number < 2**31:
            values.append(number)
            types.append(INTEGER)
        elif number is not None and -(2**63) <= number < 2**63:
            values.append(number)
            types.append(BIGINT)
        else:
            values.append(Decimal(text))
            types.append(NUMERIC)
    return tuple(values), tuple(types)


def plain_literal_values(literals: Sequence[str]) -> tuple[tuple[Any, ...], Types]:
    """`literal_values` of literals as they are written, digits or a string without a quote in it."""
    values: list[Any] = []
    types: list[SqlType | None] = []
    for text in literals:
        if text[0] == "'":
            values.append(text[1:-1])
            types.append(None)
            continue
        number = int(text)
        if number < 2**31:
            values.append(number)
            types.append(INTEGER)
        elif number < 2**63:
            values.append(number)
            types.append(BIGINT)
        else:
            values.append(Decimal(text))
            types.append(NUMERIC)
    return tuple(values), tuple(types)


def make_ready_statement(
    statement: Statement,
    types: Types,
    cached: CachedPlan,
    pipeline: RowPipeline,
    *,
    catalog: Catalog,
    settings: SessionSettings,
    tables: TableProvider,
) -> ReadyStatement:
    """A planned statement, ready to run again as long as the session sees this catalog, under these settings."""
    plan = cached.plan
    root = plan.root
    is_change = isinstance(root, (InsertRows, UpdateRows, DeleteRows))
    return ReadyStatement(
        types,
        catalog,
        settings.search_path,
        statement,
        cached,
        pipeline,
        lock_list(cached),
        is_inferring=any(
            given is None and not is_plain_text(kind)
            for given, kind in zip(types, plan.parameter_types, strict=True)
        ),
        lane=make_lane(plan, catalog, tables),
        is_read_only=plan.is_read_only,
        columns=None if is_change and not root.columns else tuple(root.columns),
        plain_under=None
        if any(writer_of(column.type, settings.text) for column in root.columns)
        else settings.text,
    )


def lock_list(cached: CachedPlan) -> tuple[tuple[LockTag, LockMode, int], ...]:
    """A plan's locks, ready to be taken."""
    return tuple((table_tag(oid), mode, 1 << mode) for oid, mode in cached.locks)


def refresh(
    context: ExecutionContext, transaction: Any, parameters: Sequence[Any], deferred: Any
) -> ExecutionContext:
    """A context that has run its statement, for the next run."""
    context.transaction = transaction
    context.snapshot = transaction.statement_snapshot()
    context.parameters = tuple(parameters)
    context.deferred = deferred
    context.constraint_events = None
    context.own_changes = None
    if context.kept:
        context.kept.clear()
    return context
