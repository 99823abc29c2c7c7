"""Finding the objects that DDL names, and choosing names for those that have none, as PostgreSQL does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lungfish.catalog.catalog import Relation
from lungfish.catalog.chosen_names import choose_name
from lungfish.catalog.objects import (
    Column,
    Constraint,
    Index,
    Namespace,
    Oid,
    SqlFunction,
    SystemView,
    Table,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.type_uses import stored_row_of
from lungfish.errors import (
    DuplicateObject,
    DuplicateTable,
    FeatureNotSupported,
    InsufficientPrivilege,
    UndefinedColumn,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.planner.bind_stored import parse_expression
from lungfish.planner.output_names import UNNAMED, output_name
from lungfish.sql.ast.ddl import ExpressionText, IndexElement
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.sql_type import TypeKind


def find_relation(context: DdlContext, name: ObjectName) -> Relation:
    """The table, view or sequence of that name. Raises UndefinedTable."""
    found = context.catalog.find_relation(name.name, name.schema, context.search_path)
    if found is None:
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    return found


def find_table(context: DdlContext, name: ObjectName) -> Table:
    """The table of that name. Raises UndefinedTable, or WrongObjectType if it is something else."""
    found = context.catalog.find_relation(name.name, name.schema, context.search_path)
    if found is None:
        refuse_composite(context, name, "is a composite type", "Use ALTER TYPE instead.")
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    if isinstance(found, SystemView):
        raise InsufficientPrivilege(
            f'permission denied: "{found.name}" is a system catalog', position=name.position
        )
    if not isinstance(found, Table):
        raise WrongObjectType(f'"{found.name}" is not a table', position=name.position)
    return found


def refuse_composite(context: DdlContext, name: ObjectName, problem: str, hint: str) -> None:
    """Raise WrongObjectType if the name is that of a composite type, which is a relation in PostgreSQL's eyes."""
    found = context.catalog.find_type(name.name, name.schema, context.search_path)
    if found is not None and found.base is None and found.type.kind is TypeKind.RECORD:
        raise WrongObjectType(f'"{name.name}" {problem}', position=name.position, hint=hint)


def refuse_stored_rows(context: DdlContext, table: Table, position: int) -> None:
    """Raise FeatureNotSupported if rows of the table are kept as values: their fields could not follow its columns."""
    found = stored_row_of(context.catalog, table)
    if found is not None:
        other, column = found
        raise FeatureNotSupported(
            f'cannot alter table "{table.name}" because column "{other.name}.{column.name}" uses its row type',
            position=position,
        )
    _refuse_rows_in_views(context, table, position)


def _refuse_rows_in_views(context: DdlContext, table: Table, position: int) -> None:
    """Raise FeatureNotSupported if a view reads rows of the table from a function: it names their columns one after the other."""
    makers = {
        item.oid: item
        for item in context.catalog.objects()
        if isinstance(item, SqlFunction) and item.result.oid == table.oid
    }
    if not makers:
        return
    for view in context.catalog.objects():
        if isinstance(view, (View, Table)):
            for oid in view.depends_on & makers.keys():
                raise FeatureNotSupported(
                    f'cannot alter table "{table.name}" because view "{view.name}"'
                    f' uses function "{makers[oid].name}", which returns its rows',
                    position=position,
                )


def find_view(context: DdlContext, name: ObjectName) -> View:
    """The view of that name. Raises UndefinedTable or WrongObjectType."""
    found = context.catalog.find_relation(name.name, name.schema, context.search_path)
    if found is None:
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    if not isinstance(found, View):
        raise WrongObjectType(f'"{found.name}" is not a view', position=name.position)
    return found


def find_sequence(context: DdlContext, name: ObjectName) -> SequenceObject:
    """The sequence of that name. Raises UndefinedTable or WrongObjectType."""
    found = context.catalog.find_relation(name.name, name.schema, context.search_path)
    if found is None:
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    if not isinstance(found, SequenceObject):
        raise WrongObjectType(f'"{found.name}" is not a sequence', position=name.position)
    return found


def find_column(table: Table, name: str, position: int = -1) -> Column:
    """The column of that name. Raises UndefinedColumn."""
    for column in table.columns:
        if column.name == name:
            return column
    raise UndefinedColumn(
        f'column "{name}" of relation "{table.name}" does not exist',
        position=position if position >= 0 else None,
        table=table.name,
        column=name,
    )


def find_constraint(table: Table, name: str, position: int = -1) -> Constraint:
    """The constraint of that name. Raises UndefinedObject."""
    for constraint in table.constraints:
        if constraint.name == name:
            return constraint
    raise UndefinedObject(
        f'constraint "{name}" of relation "{table.name}" does not exist',
        position=position if position >= 0 else None,
        table=table.name,
        constraint=name,
    )


def find_named_constraint(table: Table, name: str, position: int = -1) -> Constraint:
    """The same where PostgreSQL looks for it by its name alone. Raises UndefinedObject in other words."""
    for constraint in table.constraints:
        if constraint.name == name:
            return constraint
    raise UndefinedObject(
        f'constraint "{name}" for table "{table.name}" does not exist',
        position=position if position >= 0 else None,
        table=table.name,
        constraint=name,
    )


def refuse_taken_name(
    context: DdlContext, namespace_oid: Oid, name: ObjectName, beside: Iterable[Index] = ()
) -> None:
    """Raise DuplicateTable if a relation or index has that name, or one of `beside` that are about to be made."""
    if any(index.name == name.name for index in beside) or context.catalog.name_is_taken(
        namespace_oid, name.name
    ):
        raise DuplicateTable(f'relation "{name.name}" already exists', position=name.position)


def refuse_taken_row_type(context: DdlContext, namespace: Namespace, name: ObjectName) -> None:
    """Raise DuplicateObject if the type of a new relation's rows, which is called as the relation is, is there already."""
    if context.catalog.find_type(name.name, namespace.name) is not None:
        raise DuplicateObject(
            f'type "{name.name}" already exists',
            hint="A relation has an associated type of the same name, so you must use a name"
            " that doesn't conflict with any existing type.",
            position=name.position,
        )


def choose_relation_name(context: DdlContext, namespace_oid: Oid, *parts: str) -> str:
    """A free name for an index or sequence: the parts joined by underscores, shortened, with a number if need be."""
    return choose_name(parts, lambda name: context.catalog.name_is_taken(namespace_oid, name))


def choose_index_name(context: DdlContext, table: Table, *parts: str) -> str:
    """A free name for an index of a table, which the catalog may not know yet."""
    beside = {table.name, *(index.name for index in table.indexes)}
    return choose_name(
        parts,
        lambda name: name in beside or context.catalog.name_is_taken(table.namespace_oid, name),
    )


def choose_constraint_name(taken: set[str], *parts: str) -> str:
    """A free name for a constraint of one table."""
    return choose_name(parts, taken.__contains__)


def key_words(elements: Sequence[IndexElement]) -> str:
    """What the name of an index says of its keys: columns by name, expressions by what a select list would call them."""
    words: list[str] = []
    for element in elements:
        word = element.column
        if word is None:
            assert element.expression is not None, "an element is a column or an expression"
            word = output_name(element.expression.expression)
            word = "expr" if word == UNNAMED else word
        number, made = 0, word
        while made in words:
            number += 1
            made = f"{word}{number}"
        words.append(made)
    return "_".join(words)


def index_words(table: Table, index: Index) -> str:
    """What the name of an index of the table says of its keys and its further columns, as `key_words`."""
    names = {column.number: column.name for column in table.columns}
    elements = [
        IndexElement(names.get(key.column_number), parsed_text(key.expression))
        for key in index.columns
    ]
    return key_words([*elements, *(IndexElement(names[number]) for number in index.include)])


def parsed_text(text: str | None) -> ExpressionText | None:
    """An expression that is kept as text."""
    return None if text is None else ExpressionText(parse_expression(text), text)


def refuse_taken_type(context: DdlContext, namespace: Namespace, name: ObjectName) -> None:
    """Raise DuplicateObject if a type has the name; a table's name is the name of its rows' type, too."""
    taken = context.catalog.find_type(name.name, namespace.name)
    relation = context.catalog.find_relation(name.name, namespace.name)
    if taken is not None or isinstance(relation, (Table, View)):
        raise DuplicateObject(f'type "{name.name}" already exists', position=name.position)
