"""What DDL works with: the transaction's own successor of the catalog, and what makes and fills relations.

The catalog's rows are written in the same transaction as everything else, so DDL rolls back like any change. Physical
relations are not transactional: those made here are remembered, and whatever the final catalog does not know is dropped
when the transaction ends (`CatalogChange.leftover_relations`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from lungfish.catalog import Catalog
from lungfish.catalog.authority import Authority
from lungfish.catalog.catalog import BUILT_IN_NAMESPACES, PG_TEMP_OID, is_temporary
from lungfish.catalog.new_rights import default_items, kind_of_rights
from lungfish.catalog.objects import CatalogObject, Column, Index, Namespace, Oid, Table
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.roles import SUPERUSER_OID, ObjectRights, RoleObject
from lungfish.errors import InsufficientPrivilege, InvalidSchemaName, InvalidTableDefinition
from lungfish.executor.ddl.not_null import with_not_null_constraints
from lungfish.executor.ddl.row_types import users_of_changed_row
from lungfish.planner import ExpressionFacts
from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.queries import ObjectName, Query
from lungfish.sql.ast.utility import Execute
from lungfish.storage.ids import RelationId
from lungfish.storage.table_build import TellBuild
from lungfish.types.batch import Batch
from lungfish.types.sql_type import SqlType


class CatalogRows(Protocol):
    """Where catalog objects are kept, within one transaction."""

    def write(self, item: CatalogObject | RoleObject) -> None: ...
    def remove(self, oid: Oid) -> None: ...
    def write_counters(self, next_oid: int, next_relation_id: int) -> None: ...


class Relations(Protocol):
    """Makes the pages of tables and indexes, and hands out numbers that were never used before."""

    def new_oid(self) -> int: ...
    def new_relation_id(self) -> int: ...
    def counters(self) -> tuple[int, int]: ...
    def create_table(self, table: Table) -> None:
        """Make the empty heap of a table and the trees of its indexes."""

    def build_index(self, table: Table, index: Index, tell: TellBuild | None = None) -> None:
        """Make an index's tree and fill it from the table. Raises UniqueViolation, and what `tell` raises."""


class StatementRunner(Protocol):
    """Runs SQL inside the transaction, seeing the catalog as changed so far."""

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of internal values."""

    def query_assigned(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows whose outermost casts are those of an assignment: what is too long for a column is an error."""

    def run_query(self, query: Query) -> tuple[tuple[tuple[str, SqlType], ...], Iterable[Batch]]:
        """The names and types of a query's columns, and its rows, which are made as they are asked for."""

    def run_execute(
        self, statement: Execute, *, with_rows: bool
    ) -> tuple[tuple[tuple[str, SqlType], ...], Iterable[Batch]]:
        """The names and types of a prepared query's columns, and its rows if these are asked for, as `run_query` has them."""

    def describe_query(
        self, query: Query
    ) -> tuple[tuple[tuple[str, SqlType], ...], frozenset[Oid]]:
        """The names and types of a query's columns, and the oids of the objects that it uses."""

    def check_collations(
        self, query: Query | Execute, *, names: Sequence[str], what: str
    ) -> list[str | None]:
        """What COLLATE would say behind each column of a query; `what` is "view" or "table". Raises IndeterminateCollation for
        a column of which that could not be determined."""

    def settled_query(self, text: str) -> str:
        """The text of a query that is stored: its literals mean what they mean now."""

    def stored_text(self, table: Table, text: str, *, what: str) -> str:
        """The text of an expression over the table's columns that is stored: it says of what it names in which schema that is."""

    def settled_default(self, text: str, kind: SqlType) -> str:
        """The text of a default for a column of the type."""

    def insert_rows(
        self, table: Table, rows: Iterable[tuple[Any, ...]], *, expected_count: int = 0
    ) -> int:
        """Store whole rows, in the order of the table's columns, with the checks of all its constraints.

        `expected_count` rows (0: unknown) are what the statement's progress is told to expect.
        """

    def insert_batches(self, table: Table, batches: Iterable[Batch]) -> int:
        """`insert_rows` for rows that come by column."""

    def check_expression(self, table: Table, text: str, *, what: str) -> SqlType:
        """Bind a stored expression over the table's columns and answer its type. `what` names it in errors."""

    def check_expression_facts(self, table: Table, text: str, *, what: str) -> ExpressionFacts:
        """The same, and what the expression depends on."""

    def value_type(self, table: Table, text: str, *, what: str) -> SqlType:
        """The type of an expression before it is assigned to a column: unknown for a literal."""

    def check_assignable(self, column: Column, kind: SqlType, position: int) -> None:
        """Raise DatatypeMismatch unless the column's values can be assigned to that type."""

    def resolve_type(self, type_name: TypeName) -> SqlType: ...

    def lock_table(self, table: Table, mode: str) -> None: ...

    def check_unused(self, table: Table, command: str) -> None:
        """Raise ObjectInUse if an open cursor of the session reads the table, or checks of its rows are put off."""

    def begin_sequence(self, sequence: SequenceObject, value: int) -> None:
        """Let a new sequence, or one with a new `state_oid`, begin at a value, unless the transaction or its part is rolled back."""

    def notice(self, message: str, *, severity: str = "NOTICE") -> None: ...

    def setting(self, name: str) -> str:
        """The value of a setting. Raises UndefinedObject."""

    def checked_setting(self, name: str, value: str) -> str:
        """The value as the setting would keep it. Raises what SET would raise."""

    def require_no_clashes(self, table: Table, index: Index) -> None:
        """Raise ExclusionViolation if rows of the table clash by the exclusion constraint of a new index."""

    def begin_build(self, index: Index) -> TellBuild:
        """The statement's progress goes on with the build of an index; what is told so raises QueryCanceled if it is to stop."""

    def searching(self, search_path: tuple[str, ...]) -> AbstractContextManager[None]:
        """Names without a schema are looked for there meanwhile."""

    @property
    def checks_function_bodies(self) -> bool:
        """Whether CREATE FUNCTION looks at the body."""

    @property
    def is_in_block(self) -> bool:
        """Whether other statements run in the same transaction."""


class CatalogChange:
    """One transaction's successor of the catalog. `catalog` is replaced at each change, never written to."""

    def __init__(self, base: Catalog, rows: CatalogRows, relations: Relations) -> None:
        self.base = base
        self.catalog = base
        self.relations = relations
        self._rows = rows
        self._created: list[RelationId] = []
        # Whom new objects belong to.
        self.owner = SUPERUSER_OID
        # Whether anything was changed that other sessions see too.
        self.is_shared = False

    @property
    def is_changed(self) -> bool:
        """Whether anything was defined, changed or dropped."""
        return self.catalog is not self.base

    def put(self, item: CatalogObject) -> None:
        """Add the object, or replace the one with its oid."""
        if isinstance(item, Table):
            item = with_not_null_constraints(item, self.catalog, self.new_oid)
        before = self.catalog.object(item.oid)
        self.catalog = self.catalog.with_object(item)
        if not is_temporary(item):
            if before is None:
                self._begin_rights(item)
            self.is_shared = True
            self._rows.write(item)
            self._rows.write_counters(*self.relations.counters())
        for user in users_of_changed_row(self.catalog, before, item):
            self.put(user)

    @contextmanager
    def owned_by(self, owner: Oid) -> Iterator[None]:
        """New objects belong to that role meanwhile."""
        before, self.owner = self.owner, owner
        try:
            yield
        finally:
            self.owner = before

    def _begin_rights(self, item: CatalogObject) -> None:
        """Keep whom a new object belongs to and what is granted on it, where that is not what every object begins with."""
        items = default_items(self.catalog.authority, item, self.owner)
        if items is not None or self.owner != SUPERUSER_OID:
            kind = kind_of_rights(item)
            self.put_role_object(ObjectRights(self.new_oid(), kind, item.oid, self.owner, items))

    def remove(self, oid: Oid) -> None:
        """Remove the object."""
        item = self.catalog.object(oid)
        self.catalog = self.catalog.without_object(oid)
        if item is not None and not is_temporary(item):
            self.is_shared = True
            self._rows.remove(oid)
            rights = self.catalog.authority.rights_of(kind_of_rights(item), oid)
            if rights is not None:
                self.remove_role_objects([rights.oid])

    def put_role_object(self, item: RoleObject) -> None:
        """Add a role or what concerns one, or replace what has its oid."""
        self.catalog = self.catalog.with_authority(self.catalog.authority.put(item))
        self.is_shared = True
        self._rows.write(item)
        self._rows.write_counters(*self.relations.counters())

    def remove_role_objects(self, oids: Iterable[Oid]) -> None:
        """Remove roles or what concerns them."""
        gone = tuple(oids)
        self.catalog = self.catalog.with_authority(self.catalog.authority.without(gone))
        self.is_shared = True
        for oid in gone:
            self._rows.remove(oid)

    def new_oid(self) -> Oid:
        """A number for a new object."""
        return Oid(self.relations.new_oid())

    def new_relation_id(self) -> RelationId:
        """A number for a relation that is about to be made."""
        made = RelationId(self.relations.new_relation_id())
        self._created.append(made)
        return made

    def leftover_relations(self, *, is_committed: bool) -> set[RelationId]:
        """The relations that nothing refers to once the transaction has ended that way."""
        kept = relation_ids(self.catalog if is_committed else self.base)
        return (relation_ids(self.base) | set(self._created)) - kept


def relation_ids(catalog: Catalog) -> set[RelationId]:
    """The heaps and indexes that the catalog knows."""
    found = set()
    for table in catalog.tables():
        found.add(RelationId(table.relation_id))
        found.update(RelationId(index.relation_id) for index in table.indexes)
    return found


@dataclass(frozen=True, slots=True)
class DdlContext:
    """What each DDL function gets."""

    change: CatalogChange
    runner: StatementRunner
    search_path: tuple[str, ...]

    @property
    def catalog(self) -> Catalog:
        """The catalog as changed so far."""
        return self.change.catalog

    @property
    def authority(self) -> Authority:
        """Roles and rights as changed so far."""
        return self.change.catalog.authority

    def namespace_for(self, name: ObjectName, persistence: str = "permanent") -> Namespace:
        """Where a new object of that name goes. Raises InvalidSchemaName."""
        named = None if name.schema is None else self.catalog.namespace(name.schema)
        is_own = named is not None and named.oid == PG_TEMP_OID
        if persistence == "unlogged" and is_own:
            raise InvalidTableDefinition(
                "only temporary relations may be created in temporary schemas",
                position=name.position,
            )
        if persistence == "temporary" or is_own:
            if name.schema is not None and not is_own:
                raise InvalidTableDefinition(
                    "cannot create temporary relation in non-temporary schema",
                    position=name.position,
                )
            return next(item for item in BUILT_IN_NAMESPACES if item.oid == PG_TEMP_OID)
        if name.schema is not None:
            named = self.find_namespace(name.schema, name.position)
            if named in BUILT_IN_NAMESPACES:
                raise InsufficientPrivilege(
                    f'permission denied to create "{named.name}.{name.name}"',
                    position=name.position,
                    detail="System catalog modifications are currently disallowed.",
                )
            return named
        for schema in self.search_path:
            found = self.catalog.namespace(schema)
            if found is not None:
                return found
        raise InvalidSchemaName(
            "no schema has been selected to create in",
            position=name.position,
            hint="Set search_path, or write the schema before the name.",
        )

    def find_namespace(self, schema: str, position: int) -> Namespace:
        """The namespace of that name. Raises InvalidSchemaName."""
        found = self.catalog.namespace(schema)
        if found is None:
            raise InvalidSchemaName(f'schema "{schema}" does not exist', position=position)
        return found
