"""What exists: the objects of the catalog, frozen. A change makes a new object; identity is the `oid`.

Stored expressions (defaults, checks, index predicates, views) are kept as PostgreSQL's own text of them and bound again
when a plan needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NewType

from lungfish.catalog.aggregate_parts import AggregateParts
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.catalog.partition_parts import PartitionBound, PartitionKey
from lungfish.types.sql_type import SqlType

Oid = NewType("Oid", int)

# The namespaces that exist in every database.
PG_CATALOG_OID = Oid(11)
PUBLIC_OID = Oid(2200)
LUNGFISH_OID = Oid(12000)
INFORMATION_SCHEMA_OID = Oid(12001)
# Objects that people make are numbered from here, as in PostgreSQL.
FIRST_USER_OID = 16384


@dataclass(frozen=True, slots=True)
class Namespace:
    """What CREATE SCHEMA makes."""

    oid: Oid
    name: str
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `number` is PostgreSQL's attnum: from 1, never reused."""

    name: str
    type: SqlType
    number: int
    is_not_null: bool = False
    # The default's text; for serial and identity columns it is nextval of `sequence_oid`.
    default: str | None = None
    # "always", "by default" or None.
    identity: str | None = None
    # The sequence that a serial or identity column owns.
    sequence_oid: Oid | None = None
    # The text of GENERATED ALWAYS AS (...).
    generated: str | None = None
    collation: str | None = None
    comment: str | None = None
    # What SET STATISTICS, SET STORAGE, SET COMPRESSION and SET (...) said, for pg_attribute.
    statistics_target: int | None = None
    storage: str | None = None
    compression: str | None = None
    parameters: tuple[str, ...] = ()
    # False where it is there only because a parent of the table has it; and so for its NOT NULL.
    is_local: bool = True
    is_not_null_local: bool = True
    # Of a generated column: whether it is computed when it is read. Its field in the stored row is NULL.
    is_virtual: bool = False
    # Of a NOT NULL column: NOT VALID, rows that were there before may hold NULL; NO INHERIT, children need not be so.
    may_hold_nulls: bool = False
    keeps_not_null: bool = False

    @property
    def is_never_null(self) -> bool:
        """Whether no row holds NULL there."""
        return self.is_not_null and not self.may_hold_nulls

    @property
    def passes_not_null(self) -> bool:
        """Whether the column is NOT NULL in children too."""
        return self.is_not_null and not self.keeps_not_null


@dataclass(frozen=True, slots=True)
class IndexColumn:
    """A key column of an index: a column of the table by its number, or an expression's text (number 0)."""

    column_number: int
    expression: str | None = None
    is_descending: bool = False
    nulls_first: bool = False
    # The key's type, that of the column or of the expression.
    type: SqlType | None = None
    # What SET STATISTICS said of an expression.
    statistics_target: int | None = None
    # The collation, where it is another one than that of the column, or than its type's of an expression.
    collation: str | None = None
    # The operator class that was named, where it is not the type's own.
    operator_class: str | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """A B+Tree over a table. `relation_id` is where its pages are."""

    oid: Oid
    name: str
    namespace_oid: Oid
    table_oid: Oid
    relation_id: int
    columns: tuple[IndexColumn, ...]
    is_unique: bool = False
    is_primary: bool = False
    # Column numbers of INCLUDE.
    include: tuple[int, ...] = ()
    # The text of a partial index's WHERE.
    predicate: str | None = None
    nulls_not_distinct: bool = False
    # Of a deferrable constraint: a key may stand there twice until it is looked at.
    is_deferrable: bool = False
    comment: str | None = None
    # Of a partition's index: the index of the partitioned table that it is part of.
    parent_oid: Oid | None = None
    # Of a partitioned table's index: whether every partition has its part of it.
    is_valid: bool = True
    # The access method that it was asked for; a B+Tree it is in any case: "btree", "hash", "gist", "spgist".
    method: str = "btree"
    # Whether CLUSTER goes by it, and whether it is the table's REPLICA IDENTITY.
    is_clustered: bool = False
    is_replica_identity: bool = False
    # WITH (...), as `name=value`.
    parameters: tuple[str, ...] = ()
    # Whether it is that of an exclude constraint or of a key WITHOUT OVERLAPS; of the latter `is_period`.
    is_exclusion: bool = False
    is_period: bool = False

    @property
    def is_key(self) -> bool:
        """Whether no two rows have the same key at any moment."""
        return self.is_unique and not self.is_deferrable


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of a table. `kind`: "primary key", "unique", "exclude", "check", "foreign key" or "not null".

    `columns` and `referenced_columns` are column numbers. A NOT NULL is a property of its column: its constraint names it.
    """

    oid: Oid
    name: str
    kind: str
    columns: tuple[int, ...] = ()
    index_oid: Oid | None = None
    check: str | None = None
    referenced_table_oid: Oid | None = None
    referenced_columns: tuple[int, ...] = ()
    # The unique index of the referenced table that a foreign key relies on.
    referenced_index_oid: Oid | None = None
    on_update: str = "no action"
    on_delete: str = "no action"
    delete_columns: tuple[int, ...] = ()
    match: str = "simple"
    is_deferrable: bool = False
    is_initially_deferred: bool = False
    is_validated: bool = True
    is_enforced: bool = True
    comment: str | None = None
    # False where it is there only because a parent of the table has it; `is_no_inherit`: children do not get it.
    is_local: bool = True
    is_no_inherit: bool = False
    # Of a partition's key or foreign key: the partitioned table's constraint that it is part of.
    parent_oid: Oid | None = None
    # Of an exclude constraint, and of a key WITHOUT OVERLAPS: the operator of each key of its index. No two rows may have them
    # all true.
    operators: tuple[str, ...] = ()
    # Of a foreign key: whether its last column is a PERIOD, which rows of the referenced table cover together.
    has_period: bool = False

    @property
    def is_period(self) -> bool:
        """Whether it is a key WITHOUT OVERLAPS."""
        return bool(self.operators) and self.kind != "exclude"


@dataclass(frozen=True, slots=True)
class ExtendedStatistics:
    """What CREATE STATISTICS declares of a table: columns, by their numbers, and expressions that belong together.

    `kinds` are pg_statistic_ext's letters: d ndistinct, f dependencies, m mcv, e expressions.
    """

    oid: Oid
    name: str
    namespace_oid: Oid
    columns: tuple[int, ...]
    expressions: tuple[str, ...]
    kinds: tuple[str, ...]
    target: int | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `columns` are the visible ones in order; dropped ones keep their place in the stored row only.

    `relation_id` names the heap's pages. A change of the stored row's shape (ADD COLUMN, ALTER TYPE, TRUNCATE) makes a new heap
    with a new id, so one relation has one layout for ever. `stored_types[i]` is the type of the i-th stored field and
    `stored_positions[c]` the field of visible column c.
    """

    oid: Oid
    name: str
    namespace_oid: Oid
    relation_id: int
    columns: tuple[Column, ...]
    stored_types: tuple[SqlType, ...]
    stored_positions: tuple[int, ...]
    indexes: tuple[Index, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    # "permanent", "temporary" or "unlogged".
    persistence: str = "permanent"
    # What COMMIT does to a temporary table: "preserve rows", "delete rows" or "drop".
    on_commit: str = "preserve rows"
    next_column_number: int = 1
    comment: str | None = None
    # The text of a materialised view's query; None for a plain table.
    materialized_query: str | None = None
    # Of a materialised view: whether it has been filled, what its query uses, and the search path to read it under.
    is_populated: bool = True
    depends_on: frozenset[Oid] = frozenset()
    search_path: tuple[str, ...] = ("public",)
    # The tables that it inherits from, in the order of INHERITS; a partition has one.
    parents: tuple[Oid, ...] = ()
    # Of a partitioned table: its heap and its indexes stay empty, the rows are in its partitions.
    partition_key: PartitionKey | None = None
    # Of a partition: which rows of its parent it has.
    partition_bound: PartitionBound | None = None
    # The composite type that it is OF.
    of_type_oid: Oid | None = None
    # "default", "full", "nothing" or "index".
    replica_identity: str = "default"
    # WITH (...), as `name=value`.
    parameters: tuple[str, ...] = ()
    statistics: tuple[ExtendedStatistics, ...] = ()

    @property
    def query(self) -> str:
        """The text of a materialised view's query."""
        return self.materialized_query or ""

    @property
    def kind(self) -> str:
        """What it is called in messages and command tags."""
        return "table" if self.materialized_query is None else "materialized view"

    @property
    def virtual_positions(self) -> list[int]:
        """Where the columns are that are computed when they are read."""
        return [at for at, column in enumerate(self.columns) if column.is_virtual]

    def column_position(self, name: str) -> int | None:
        """The position of the column of that name, or None."""
        for position, column in enumerate(self.columns):
            if column.name == name:
                return position
        return None

    def position_of_number(self, number: int) -> int:
        """The position of the column with that number. Raises KeyError if it was dropped."""
        for position, column in enumerate(self.columns):
            if column.number == number:
                return position
        raise KeyError(number)


@dataclass(frozen=True, slots=True)
class View:
    """A view: its query's text, and the names and types of its columns when it was made."""

    oid: Oid
    name: str
    namespace_oid: Oid
    columns: tuple[Column, ...]
    query: str
    # The search path under which the text is to be read.
    search_path: tuple[str, ...] = ("public",)
    # Oids of the tables, views, types and functions that it uses.
    depends_on: frozenset[Oid] = frozenset()
    # WITH (...), as `name=value`; WITH CHECK OPTION is one of them.
    parameters: tuple[str, ...] = ()
    is_temporary: bool = False
    comment: str | None = None

    @property
    def check_option(self) -> str | None:
        """WITH CHECK OPTION: "local", "cascaded" or None."""
        for each in self.parameters:
            name, _, value = each.partition("=")
            if name == "check_option":
                return value
        return None

    @property
    def as_table(self) -> Table:
        """The view as a table that nothing is stored of, for what is said of its columns: defaults, rules."""
        types = tuple(column.type for column in self.columns)
        positions = tuple(range(len(types)))
        return Table(self.oid, self.name, self.namespace_oid, 0, self.columns, types, positions)


@dataclass(frozen=True, slots=True)
class Sequence:
    """What CREATE SEQUENCE declares. The running value is kept by storage, under `state_key`, because nextval is not transactional."""

    oid: Oid
    name: str
    namespace_oid: Oid
    type: SqlType
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 2**63 - 1
    cache: int = 1
    is_cycle: bool = False
    # The table and column number that own it: it goes when they go.
    owner_table_oid: Oid | None = None
    owner_column: int | None = None
    comment: str | None = None
    # Since it was restarted: the number under which its running value is kept, another one each time, so that a restart is as
    # transactional as the row that says so. PostgreSQL gives it a new relfilenode.
    state_oid: Oid | None = None

    @property
    def state_key(self) -> Oid:
        """The number under which the running value is kept."""
        return self.oid if self.state_oid is None else self.state_oid


@dataclass(frozen=True, slots=True)
class UserType:
    """An enum, domain or composite type, under its own oid."""

    oid: Oid
    name: str
    namespace_oid: Oid
    type: SqlType
    # For a domain: the type beneath, its default, NOT NULL and checks (name, text).
    base: SqlType | None = None
    default: str | None = None
    is_not_null: bool = False
    checks: tuple[tuple[str, str], ...] = ()
    comment: str | None = None
    # For an enum to which labels were added: pg_enum's number of each label. Empty: 1, 2, 3, ...
    label_orders: tuple[float, ...] = ()
    # Of a domain's checks, by their names.
    check_comments: tuple[tuple[str, str], ...] = ()
    # Of a domain: what COLLATE said.
    collation: str | None = None
    # Of a domain: what its NOT NULL is called. None also in a file of before it had a name: see domain_not_null_name.
    not_null_name: str | None = None


@dataclass(frozen=True, slots=True)
class RoutineParameter:
    """A parameter of a function or procedure. `mode`: in, out, inout, variadic or table."""

    # "" for a parameter without a name.
    name: str
    type: SqlType
    mode: str = "in"
    # The text of its default.
    default: str | None = None


INPUT_MODES = frozenset({"in", "inout", "variadic"})
OUTPUT_MODES = frozenset({"out", "inout", "table"})


@dataclass(frozen=True, slots=True)
class SqlFunction:
    """A function or procedure written in SQL: its statements, kept as text, call its parameters `$n` or by their names.
    Also an aggregate, which has `aggregate` instead of a body.
    """

    oid: Oid
    name: str
    namespace_oid: Oid
    # Of the input parameters, by which calls are told apart.
    parameter_types: tuple[SqlType, ...]
    # "" for a parameter without a name.
    parameter_names: tuple[str, ...]
    # VOID where it answers nothing; of several output parameters a RECORD of them; RECORD without fields: any row.
    result: SqlType
    body: str
    volatility: str = "volatile"
    is_strict: bool = False
    comment: str | None = None
    # All parameters in their order, where they are more than the inputs without defaults.
    parameters: tuple[RoutineParameter, ...] = ()
    returns_set: bool = False
    # "function", "procedure" or "aggregate".
    kind: str = "function"
    # Whether the body is SQL's own (RETURN, BEGIN ATOMIC), whose names mean what they meant when it was made.
    is_standard: bool = False
    search_path: tuple[str, ...] = ("public",)
    # Of a standard body: the oids of the objects that it uses.
    depends_on: frozenset[Oid] = frozenset()
    # Settings that hold while it runs: (name, value).
    settings: tuple[tuple[str, str], ...] = ()
    # What was declared and changes no result: ("cost", "3"), ("rows", ...), ("parallel", ...), ("security", ...), ("leakproof", ...).
    options: tuple[tuple[str, str], ...] = ()
    aggregate: AggregateParts | None = None

    @property
    def all_parameters(self) -> tuple[RoutineParameter, ...]:
        """Every parameter in the order of its declaration."""
        if self.parameters:
            return self.parameters
        return tuple(map(RoutineParameter, self.parameter_names, self.parameter_types))

    @property
    def inputs(self) -> tuple[RoutineParameter, ...]:
        """The parameters that a call gives."""
        return tuple(each for each in self.all_parameters if each.mode in INPUT_MODES)

    @property
    def outputs(self) -> tuple[RoutineParameter, ...]:
        """The parameters that make the result."""
        return tuple(each for each in self.all_parameters if each.mode in OUTPUT_MODES)

    @property
    def is_variadic(self) -> bool:
        """Whether the last argument may be given as several."""
        return any(each.mode == "variadic" for each in self.parameters)


@dataclass(frozen=True, slots=True)
class SystemView:
    """A view whose rows the running database makes: pg_catalog, information_schema, lungfish.

    `rows(context)` answers the rows as tuples of internal values in the order of `columns`. What `context` is, is between the
    provider and the executor (`ExecutionContext`); the catalog only keeps it.
    """

    oid: Oid
    name: str
    namespace_oid: Oid
    columns: tuple[Column, ...]
    rows: Callable[[Any], Iterable[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """What CREATE RULE makes: commands that run beside a statement on a relation, or in its place."""

    oid: Oid
    name: str
    # That of the relation.
    namespace_oid: Oid
    relation_oid: Oid
    # "insert", "update" or "delete".
    event: str
    is_instead: bool
    # The text of WHERE.
    condition: str | None
    # Their texts; none for NOTHING.
    commands: tuple[str, ...]
    # The search path under which the texts are to be read.
    search_path: tuple[str, ...] = ("public",)
    # Oids of the tables, views, sequences and types that the texts name.
    depends_on: frozenset[Oid] = frozenset()
    # ENABLE and DISABLE RULE: "origin", "disabled", "replica" or "always".
    mode: str = "origin"
    comment: str | None = None

    @property
    def fires(self) -> bool:
        """Whether it is applied: nothing here is a replica."""
        return self.mode in ("origin", "always")


CatalogObject = (
    Namespace
    | Table
    | View
    | Sequence
    | UserType
    | SqlFunction
    | SystemView
    | Rule
    | UserOperator
    | UserCast
)
