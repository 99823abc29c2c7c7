"""CREATE, ALTER and DROP STATISTICS: what columns belong together.

PostgreSQL's ANALYZE collects figures about them for its planner. Lungfish's planner has no use for such figures yet, so the objects are
kept, shown by the catalogs and dropped with their columns, and nothing is collected.
"""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import ExtendedStatistics, Namespace, Oid, SystemView, Table
from lungfish.errors import (
    DuplicateColumn,
    DuplicateObject,
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidObjectDefinition,
    InvalidParameterValue,
    SyntaxError,
    TooManyColumns,
    UndefinedColumn,
    UndefinedObject,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import choose_constraint_name, find_relation
from lungfish.executor.ddl.virtual_columns import refuse_virtual_in
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.statistics import AlterStatistics, CreateStatistics, DropStatistics
from lungfish.sql.rename import mentions_name

# pg_statistic_ext.stxkind's letters.
KINDS = {"ndistinct": "d", "dependencies": "f", "mcv": "m"}
_EXPRESSIONS = "e"
_NOT_VIRTUAL = "statistics creation on virtual generated columns is not supported"
_COLUMNS_MAX, _TARGET_MAX = 8, 10_000


def create_statistics(context: DdlContext, statement: CreateStatistics) -> str:
    """Run CREATE STATISTICS; answers the command tag."""
    table = _find_described(context, statement.table)
    namespace, name = _new_name(context, table, statement)
    if _find_in(context, namespace.oid, name) is not None:
        message = f'statistics object "{name}" already exists'
        if not statement.if_not_exists:
            raise DuplicateObject(message)
        context.runner.notice(f"{message}, skipping")
        return "CREATE STATISTICS"
    made = ExtendedStatistics(
        context.change.new_oid(),
        name,
        namespace.oid,
        _numbers(table, statement),
        tuple(
            [
                context.runner.stored_text(table, each.text, what="index expressions")
                for each in statement.expressions
            ]
        ),
        _kinds(statement),
    )
    for text in made.expressions:
        facts = context.runner.check_expression_facts(table, text, what="index expressions")
        refuse_virtual_in(facts, _NOT_VIRTUAL)
    context.change.put(replace(table, statistics=(*table.statistics, made)))
    return "CREATE STATISTICS"


def _find_described(context: DdlContext, name: ObjectName) -> Table:
    found = find_relation(context, name)
    if isinstance(found, SystemView):
        raise InsufficientPrivilege(f'permission denied: "{found.name}" is a system catalog')
    if not isinstance(found, Table):
        raise WrongObjectType(
            f'cannot define statistics for relation "{found.name}"', position=name.position
        )
    return found


def _new_name(
    context: DdlContext, table: Table, statement: CreateStatistics
) -> tuple[Namespace, str]:
    if statement.name is not None:
        return context.namespace_for(statement.name), statement.name.name
    namespace = context.catalog.object(table.namespace_oid)
    assert isinstance(namespace, Namespace), "a table is in a namespace"
    words = [*statement.columns, *("expr" for _ in statement.expressions)]
    taken = {item.name for each in context.catalog.tables() for item in each.statistics}
    return namespace, choose_constraint_name(taken, table.name, "_".join(words), "stat")


def _numbers(table: Table, statement: CreateStatistics) -> tuple[int, ...]:
    """The numbers of the columns, in order. Raises what PostgreSQL raises for too few, too many or the same twice."""
    numbers: list[int] = []
    for name in statement.columns:
        position = table.column_position(name)
        if position is None:
            raise UndefinedColumn(f'column "{name}" does not exist')
        if table.columns[position].is_virtual:
            raise FeatureNotSupported(_NOT_VIRTUAL)
        numbers.append(table.columns[position].number)
    count = len(numbers) + len(statement.expressions)
    if count > _COLUMNS_MAX:
        raise TooManyColumns(f"cannot have more than {_COLUMNS_MAX} columns in statistics")
    if len(numbers) < 2 and not statement.expressions:
        raise InvalidObjectDefinition("extended statistics require at least 2 columns")
    if len(set(numbers)) < len(numbers):
        raise DuplicateColumn("duplicate column name in statistics definition")
    texts = [each.text for each in statement.expressions]
    if len(set(texts)) < len(texts):
        raise DuplicateColumn("duplicate expression in statistics definition")
    return tuple(sorted(numbers))


def _kinds(statement: CreateStatistics) -> tuple[str, ...]:
    for word in statement.kinds:
        if word not in KINDS:
            raise SyntaxError(f'unrecognized statistics kind "{word}"')
    tail = (_EXPRESSIONS,) if statement.expressions else ()
    if len(statement.expressions) == 1 and not statement.columns:
        if statement.kinds:
            raise FeatureNotSupported(
                "when building statistics on a single expression,"
                " statistics kinds may not be specified"
            )
        return tail
    chosen = [letter for word, letter in KINDS.items() if word in statement.kinds]
    return (*(chosen or KINDS.values()), *tail)


def _find_in(
    context: DdlContext, namespace_oid: Oid, name: str
) -> tuple[Table, ExtendedStatistics] | None:
    for table in context.catalog.tables():
        for item in table.statistics:
            if item.name == name and item.namespace_oid == namespace_oid:
                return table, item
    return None


def find_statistics(
    context: DdlContext, name: ObjectName, *, if_exists: bool
) -> tuple[Table, ExtendedStatistics] | None:
    """The object, with the table that it describes. None, with a notice, only where `if_exists`."""
    for schema in [name.schema] if name.schema is not None else context.search_path:
        namespace = context.catalog.namespace(schema)
        found = None if namespace is None else _find_in(context, namespace.oid, name.name)
        if found is not None:
            return found
    message = f'statistics object "{name}" does not exist'
    if not if_exists:
        raise UndefinedObject(message, position=name.position)
    context.runner.notice(f"{message}, skipping")
    return None


def _put(
    context: DdlContext, table: Table, old: ExtendedStatistics, new: ExtendedStatistics | None
) -> None:
    kept = [new if item.oid == old.oid else item for item in table.statistics]
    statistics = tuple([item for item in kept if item is not None])
    context.change.put(replace(table, statistics=statistics))


def drop_statistics(context: DdlContext, statement: DropStatistics) -> str:
    """Run DROP STATISTICS; answers the command tag."""
    for name in statement.names:
        found = find_statistics(context, name, if_exists=statement.if_exists)
        if found is not None:
            _put(context, *found, None)
    return "DROP STATISTICS"


def alter_statistics(context: DdlContext, statement: AlterStatistics) -> str:
    """Run ALTER STATISTICS or COMMENT ON STATISTICS; answers the command tag."""
    tag = "COMMENT" if statement.action == "comment" else "ALTER STATISTICS"
    found = find_statistics(context, statement.name, if_exists=statement.if_exists)
    if found is None:
        return tag
    table, item = found
    value = statement.value
    match statement.action:
        case "target":
            assert not isinstance(value, str)
            changed = replace(item, target=_target(context, value))
        case "rename":
            assert isinstance(value, str)
            _refuse_taken(context, item.namespace_oid, value)
            changed = replace(item, name=value)
        case "schema":
            assert isinstance(value, str)
            namespace = context.find_namespace(value, statement.position)
            if namespace.oid != item.namespace_oid:
                _refuse_taken(context, namespace.oid, item.name)
            changed = replace(item, namespace_oid=namespace.oid)
        case _:
            assert not isinstance(value, int)
            changed = replace(item, comment=value)
    _put(context, table, item, changed)
    return tag


def _target(context: DdlContext, value: int | None) -> int | None:
    if value is None or value == -1:
        return None
    if value < 0:
        raise InvalidParameterValue(f"statistics target {value} is too low")
    if value > _TARGET_MAX:
        context.runner.notice(f"lowering statistics target to {_TARGET_MAX}")
    return min(value, _TARGET_MAX)


def _refuse_taken(context: DdlContext, namespace_oid: Oid, name: str) -> None:
    if _find_in(context, namespace_oid, name) is not None:
        schema = context.catalog.namespace_name(namespace_oid)
        raise DuplicateObject(f'statistics object "{name}" already exists in schema "{schema}"')


def copied_statistics(
    context: DdlContext, table: Table, source: Table, numbers: dict[int, int]
) -> tuple[ExtendedStatistics, ...]:
    """The statistics of another table for one that is made LIKE it; `numbers` are its columns by the source's."""
    made: list[ExtendedStatistics] = []
    taken = {item.name for each in context.catalog.tables() for item in each.statistics}
    names = {column.number: column.name for column in table.columns}
    for item in source.statistics:
        columns = tuple([numbers[number] for number in item.columns])
        words = [*(names[number] for number in columns), *("expr" for _ in item.expressions)]
        name = choose_constraint_name(taken, table.name, "_".join(words), "stat")
        taken.add(name)
        made.append(
            replace(
                item,
                oid=context.change.new_oid(),
                name=name,
                namespace_oid=table.namespace_oid,
                columns=columns,
                target=None,
                comment=None,
            )
        )
    return tuple(made)


def without_column(table: Table, number: int, name: str) -> tuple[ExtendedStatistics, ...]:
    """Those that stay when a column goes."""
    return tuple(
        [
            item
            for item in table.statistics
            if number not in item.columns
            and not any(mentions_name(text, name) for text in item.expressions)
        ]
    )
