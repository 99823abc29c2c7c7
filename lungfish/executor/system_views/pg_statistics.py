"""pg_statistic_ext and pg_stats: extended statistics as they are declared, and what ANALYZE has learned of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lungfish.catalog import Catalog
from lungfish.catalog.names import qualified
from lungfish.catalog.objects import Column, ExtendedStatistics, SystemView, Table
from lungfish.executor.system_views.asked import Answer, Asked
from lungfish.executor.system_views.definition import catalog_of
from lungfish.executor.system_views.pg_relations import OWNER_OID, STATISTICS_CATALOG, array
from lungfish.executor.system_views.texts import column_list
from lungfish.planner import Deparsing, show_key
from lungfish.sql.quoting import quote_identifier
from lungfish.types.array_value import ArrayValue

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
# Without the parentheses that SQL can do without.
_PRETTY = Deparsing(("public",), is_pretty=True)
# What pg_statistic has five of, for figures of different kinds.
_SLOTS = (
    ("stakind", "int2"), ("staop", "oid"), ("stacoll", "oid"), ("stanumbers", "float4[]"), ("stavalues", "anyarray"),
)  # fmt: skip
_WORDS = {"d": "ndistinct", "f": "dependencies", "m": "mcv"}


def _extended(context: ExecutionContext) -> Rows:
    for table in context.catalog.tables():
        for item in table.statistics:
            texts = _expressions(context.catalog, table, item)
            yield (
                item.oid, table.oid, item.name, item.namespace_oid, OWNER_OID, array(item.columns, lower=0), item.target,
                array(item.kinds), ", ".join(texts) or None,
            )  # fmt: skip


def _expressions(catalog: Catalog, table: Table, item: ExtendedStatistics) -> list[str]:
    return [show_key(text, table, catalog, how=_PRETTY) for text in item.expressions]


def _find(asked: Asked, oid: int) -> tuple[Table, ExtendedStatistics] | None:
    for table in asked.catalog.tables():
        for item in table.statistics:
            if item.oid == oid:
                return table, item
    return None


def _columns(asked: Asked, arguments: Sequence[Any]) -> str | None:
    found = _find(asked, arguments[0])
    return None if found is None else _column_texts(asked.catalog, *found)


def _expression_list(asked: Asked, arguments: Sequence[Any]) -> ArrayValue | None:
    found = _find(asked, arguments[0])
    return (
        None
        if found is None or not found[1].expressions
        else array(_expressions(asked.catalog, *found))
    )


def _column_texts(catalog: Catalog, table: Table, item: ExtendedStatistics) -> str:
    parts = [column_list(table, item.columns)] if item.columns else []
    return ", ".join([*parts, *_expressions(catalog, table, item)])


def statistics_definition(
    catalog: Catalog, table: Table, item: ExtendedStatistics, *, owner: str
) -> str:
    """CREATE STATISTICS; `owner` is the table's name as it is to stand there."""
    words = [_WORDS[kind] for kind in item.kinds if kind in _WORDS]
    kinds = f" ({', '.join(words)})" if words and len(words) < len(_WORDS) else ""
    columns = _column_texts(catalog, table, item)
    return f"CREATE STATISTICS {qualified(catalog, item)}{kinds} ON {columns} FROM {owner}"


def _definition(asked: Asked, arguments: Sequence[Any]) -> str | None:
    found = _find(asked, arguments[0])
    if found is None:
        return None
    table, item = found
    catalog = asked.catalog
    owner = quote_identifier(table.name)
    if not asked.is_visible(table.name, table.namespace_oid, table.oid):
        owner = qualified(catalog, table)
    return statistics_definition(catalog, table, item, owner=owner)


def _is_visible(asked: Asked, arguments: Sequence[Any]) -> bool | None:
    found = _find(asked, arguments[0])
    if found is None:
        return None
    return asked.catalog.namespace_name(found[1].namespace_oid) in asked.search_path


def _column_figures(context: ExecutionContext) -> Iterator[tuple[Table, Column, float]]:
    """What ANALYZE keeps of columns: how many different values; below 0 it is, as in PostgreSQL, a share of the rows."""
    statistics = context.functions.session_fact("statistics")
    for table in context.catalog.tables():
        seen = statistics.last_seen(table)
        if seen is None or not seen.row_count:
            continue
        for column in table.columns:
            count = seen.distinct_counts.get(column.number)
            if count is not None and not column.is_virtual:
                is_growing = count > seen.row_count / 10
                yield table, column, -count / seen.row_count if is_growing else float(count)


def _stats(context: ExecutionContext) -> Rows:
    for table, column, figure in _column_figures(context):
        schema = context.catalog.namespace_name(table.namespace_oid)
        yield schema, table.name, column.name, False, None, None, figure, *([None] * 10)


def _statistic(context: ExecutionContext) -> Rows:
    """Without a slot: nothing is kept of frequencies, histograms and the order of rows."""
    for table, column, figure in _column_figures(context):
        yield table.oid, column.number, False, None, None, figure, *([0] * 15), *([None] * 10)


STATISTICS_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        STATISTICS_CATALOG,
        "pg_statistic_ext",
        "oid oid, stxrelid oid, stxname name, stxnamespace oid, stxowner oid, stxkeys int2vector, stxstattarget int2,"
        " stxkind char[], stxexprs tree",
        _extended,
    ),
    # The shares of nulls and the widths of values are not kept: they are null.
    catalog_of(
        12116,
        "pg_stats",
        "schemaname name, tablename name, attname name, inherited bool, null_frac float4, avg_width int4,"
        " n_distinct float4, most_common_vals anyarray, most_common_freqs float4[], histogram_bounds anyarray,"
        " correlation float4, most_common_elems anyarray, most_common_elem_freqs float4[],"
        " elem_count_histogram float4[], range_length_histogram anyarray, range_empty_frac float4,"
        " range_bounds_histogram anyarray",
        _stats,
    ),
    catalog_of(
        2619,
        "pg_statistic",
        "starelid oid, staattnum int2, stainherit bool, stanullfrac float4, stawidth int4, stadistinct float4,"
        + "".join(
            f" {name}{slot} {kind}," for name, kind in _SLOTS for slot in range(1, 6)
        ).removesuffix(","),
        _statistic,
    ),
)
STATISTICS_ANSWERS: dict[str, Answer] = {
    "pg_get_statisticsobjdef": _definition,
    "pg_get_statisticsobjdef_columns": _columns,
    "pg_get_statisticsobjdef_expressions": _expression_list,
    "pg_statistics_obj_is_visible": _is_visible,
}
