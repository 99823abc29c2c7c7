"""Statements that change rows: INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY."""

from __future__ import annotations

from lungfish.sql.ast.expressions import Default, Expression
from lungfish.sql.ast.queries import FromItem, ObjectName, Query, SelectItem, TableReference, With
from lungfish.types.frozen import frozen


@frozen
class SubscriptStep:
    """[index], or as a slice [index:upper], of which a bound may be missing."""

    index: Expression | None
    upper: Expression | None = None
    is_slice: bool = False


@frozen
class TargetColumn:
    """A column that is assigned to, or a part of it: `a[1] = ...`, and `a.b = ...` by the field's name."""

    name: str
    indirection: tuple[SubscriptStep | str, ...] = ()
    position: int = -1


@frozen
class Assignment:
    """`column = value`; several columns take one row value: (a, b) = (SELECT ...)."""

    columns: tuple[TargetColumn, ...]
    value: Expression | Default
    is_row: bool = False
    position: int = -1


@frozen
class ConflictTarget:
    """What ON CONFLICT names: columns or expressions (with an index predicate), or a constraint."""

    elements: tuple[Expression, ...] = ()
    where: Expression | None = None
    constraint: str | None = None
    position: int = -1


@frozen
class OnConflict:
    """DO NOTHING where `assignments` is empty, else DO UPDATE."""

    target: ConflictTarget | None
    assignments: tuple[Assignment, ...] = ()
    where: Expression | None = None
    position: int = -1


@frozen
class Wanted:
    """A statement in whose place a rule's command runs, and the relation whose rule it is. Only the planner makes it."""

    statement: Insert | Update | Delete
    relation_oid: int
    # Where the statement's names are looked for.
    search_path: tuple[str, ...]


@frozen
class Returning:
    items: tuple[SelectItem, ...]
    # WITH (OLD AS o, NEW AS n)
    old_alias: str | None = None
    new_alias: str | None = None
    # Of a rule's command: whose RETURNING is answered, the items being the relation's columns.
    wanted: Wanted | None = None


@frozen
class Insert:
    """`query` None stands for DEFAULT VALUES. `overriding`: "system", "user" or None."""

    table: TableReference
    columns: tuple[TargetColumn, ...]
    query: Query | None
    overriding: str | None = None
    on_conflict: OnConflict | None = None
    returning: Returning | None = None
    with_clause: With | None = None
    position: int = -1


@frozen
class Update:
    table: TableReference
    assignments: tuple[Assignment, ...]
    from_items: tuple[FromItem, ...] = ()
    where: Expression | None = None
    returning: Returning | None = None
    with_clause: With | None = None
    position: int = -1


@frozen
class Delete:
    table: TableReference
    using: tuple[FromItem, ...] = ()
    where: Expression | None = None
    returning: Returning | None = None
    with_clause: With | None = None
    position: int = -1


@frozen
class MergeAction:
    """`match`: matched, not matched by target, not matched by source. `kind`: insert, update, delete or nothing."""

    match: str
    condition: Expression | None
    kind: str
    columns: tuple[TargetColumn, ...] = ()
    values: tuple[Expression, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    overriding: str | None = None
    position: int = -1


@frozen
class Merge:
    table: TableReference
    source: FromItem
    condition: Expression
    actions: tuple[MergeAction, ...]
    returning: Returning | None = None
    with_clause: With | None = None
    position: int = -1


@frozen
class Truncate:
    """`only` are those of the tables whose children stay as they are."""

    tables: tuple[ObjectName, ...]
    only: frozenset[ObjectName] = frozenset()
    restart_identity: bool = False
    is_cascade: bool = False
    position: int = -1


@frozen
class Copy:
    """COPY; `target` None stands for STDIN or STDOUT, and options are (lower-case name, value) pairs."""

    table: ObjectName | None
    columns: tuple[str, ...]
    query: Query | Insert | Update | Delete | Merge | None
    is_from: bool
    path: str | None
    is_program: bool
    options: tuple[tuple[str, object], ...] = ()
    where: Expression | None = None
    position: int = -1
