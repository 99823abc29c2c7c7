"""The catalog: an immutable map from names to objects.

A change makes a successor (`with_object`, `without_object`); statements already planned go on with the one they have.
Tables, views, sequences and indexes share one set of names in a namespace, types have another, as in PostgreSQL.

Temporary objects live in the namespace `pg_temp`, which is always searched first; `pg_catalog` comes next unless the search
path names it. They belong to one session and are in no catalog but that session's own (`with_temporaries`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from lungfish.catalog.authority import Authority
from lungfish.catalog.objects import (
    FIRST_USER_OID,
    INFORMATION_SCHEMA_OID,
    LUNGFISH_OID,
    PG_CATALOG_OID,
    PUBLIC_OID,
    CatalogObject,
    Index,
    Namespace,
    Oid,
    Rule,
    Sequence,
    SqlFunction,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.type_oids import type_oid

PG_TEMP_OID = Oid(12002)
PG_TEMP_NAME = "pg_temp"
# The numbers that a PostgreSQL server takes for itself: a new one's first client has pg_temp_3.
_SERVER_SESSIONS = 2

BUILT_IN_NAMESPACES = (
    Namespace(PG_CATALOG_OID, "pg_catalog"),
    Namespace(INFORMATION_SCHEMA_OID, "information_schema"),
    Namespace(LUNGFISH_OID, "lungfish"),
    Namespace(PG_TEMP_OID, PG_TEMP_NAME),
)


def is_temporary(item: CatalogObject) -> bool:
    """Whether the object is in `pg_temp`."""
    return not isinstance(item, Namespace) and item.namespace_oid == PG_TEMP_OID


Relation = Table | View | Sequence | SystemView

# Every catalog that ever existed in this process has a version of its own: plans are cached under it.
_versions = itertools.count(1)


class Catalog:
    """What exists, as one transaction sees it. Never changed once made."""

    __slots__ = (
        "_casts",
        "_children",
        "_functions",
        "_indexes",
        "_namespaces",
        "_objects",
        "_operators",
        "_relations",
        "_rules",
        "_types",
        "added_labels",
        "authority",
        "commit_action_tables",
        "implicit_casts",
        "next_oid",
        "next_relation_id",
        "version",
    )

    def __init__(
        self,
        objects: Mapping[Oid, CatalogObject],
        authority: Authority,
        *,
        next_oid: int,
        next_relation_id: int,
    ) -> None:
        self.version = next(_versions)
        # The roles, and who owns what and may do what with it.
        self.authority = authority
        self.next_oid = next_oid
        self.next_relation_id = next_relation_id
        self._objects = objects
        self._namespaces: dict[str, Namespace] = {}
        self._relations: dict[tuple[Oid, str], Relation] = {}
        self._types: dict[tuple[Oid, str], UserType] = {}
        self._rules: dict[Oid, list[Rule]] = {}
        self._indexes: dict[tuple[Oid, str], tuple[Table, Index]] = {}
        # Functions of one name differ in their parameters' types.
        self._functions: dict[tuple[Oid, str], list[SqlFunction]] = {}
        # Operators of one symbol differ in their operands' types.
        self._operators: dict[tuple[Oid, str], list[UserOperator]] = {}
        # By the oids of the two types; and of those that happen unasked only the oids.
        self._casts: dict[tuple[int, int], UserCast] = {}
        # The tables that inherit from a table, or are its partitions, by their oids.
        self._children: dict[Oid, list[Oid]] = {}
        # Labels that the transaction which changes the catalog has added to enums, by the types' oids.
        self.added_labels: Mapping[int, frozenset[str]] = {}
        # Temporary tables that COMMIT empties or drops.
        self.commit_action_tables: tuple[Table, ...] = ()
        for item in objects.values():
            match item:
                case Namespace():
                    self._namespaces[item.name] = item
                    if item.oid == PG_TEMP_OID:
                        # Every session's own is called so, too.
                        self._namespaces[PG_TEMP_NAME] = item
                case UserType():
                    self._types[item.namespace_oid, item.name] = item
                case SqlFunction():
                    self._functions.setdefault((item.namespace_oid, item.name), []).append(item)
                case UserOperator():
                    self._operators.setdefault((item.namespace_oid, item.name), []).append(item)
                case UserCast():
                    self._casts[item.ends] = item
                case Rule():
                    self._rules.setdefault(item.relation_oid, []).append(item)
                case _:
                    self._relations[item.namespace_oid, item.name] = item
            if isinstance(item, Table):
                self._note_table(item)
        self.implicit_casts = frozenset(
            ends for ends, cast in self._casts.items() if cast.context == "implicit"
        )

    def _note_table(self, item: Table) -> None:
        for index in item.indexes:
            self._indexes[index.namespace_oid, index.name] = (item, index)
        for parent in item.parents:
            self._children.setdefault(parent, []).append(item.oid)
        if item.on_commit != "preserve rows":
            self.commit_action_tables += (item,)

    @classmethod
    def empty(cls, system_views: Iterable[SystemView]) -> Catalog:
        """The catalog of a new database: the built-in namespaces with their system views, and `public`."""
        objects: dict[Oid, CatalogObject] = {item.oid: item for item in BUILT_IN_NAMESPACES}
        objects[PUBLIC_OID] = Namespace(PUBLIC_OID, "public")
        objects.update((view.oid, view) for view in system_views)
        authority = Authority.of_new_database()
        return cls(objects, authority, next_oid=FIRST_USER_OID, next_relation_id=16)

    # Look-ups.

    def object(self, oid: Oid) -> CatalogObject | None:
        """The object with that oid."""
        return self._objects.get(oid)

    def table(self, oid: Oid) -> Table:
        """The table with that oid. Raises KeyError if there is none."""
        found = self._objects[oid]
        if not isinstance(found, Table):
            raise KeyError(oid)
        return found

    def namespace(self, name: str) -> Namespace | None:
        """The namespace of that name."""
        return self._namespaces.get(name)

    def has_namespace(self, name: str) -> bool:
        """Whether there is a namespace of that name."""
        return name in self._namespaces

    def namespace_name(self, oid: Oid) -> str:
        """The name of the namespace with that oid."""
        found = self._objects[oid]
        return found.name

    def find_relation(
        self, name: str, schema: str | None = None, search_path: Iterable[str] = ("public",)
    ) -> Relation | None:
        """The table, view, sequence or system view that `name` stands for, or None."""
        for namespace_oid in self._search(schema, search_path):
            found = self._relations.get((namespace_oid, name))
            if found is not None:
                return found
        return None

    def find_index(
        self, name: str, schema: str | None = None, search_path: Iterable[str] = ("public",)
    ) -> tuple[Table, Index] | None:
        """The index of that name, with its table."""
        for namespace_oid in self._search(schema, search_path):
            found = self._indexes.get((namespace_oid, name))
            if found is not None:
                return found
        return None

    def find_type(
        self, name: str, schema: str | None = None, search_path: Iterable[str] = ("public",)
    ) -> UserType | None:
        """The enum, domain or composite type of that name."""
        for namespace_oid in self._search(schema, search_path):
            found = self._types.get((namespace_oid, name))
            if found is not None:
                return found
        return None

    @property
    def has_functions(self) -> bool:
        """Whether anybody has made a function."""
        return bool(self._functions)

    def find_functions(
        self, name: str, schema: str | None = None, search_path: Iterable[str] = ("public",)
    ) -> list[SqlFunction]:
        """The SQL functions of that name, those of the first schema on the path before others."""
        if not self._functions:
            return []
        found: list[SqlFunction] = []
        for namespace_oid in self._search(schema, search_path):
            # Temporary ones are found only where their schema is named.
            if namespace_oid != PG_TEMP_OID or schema is not None:
                found += self._functions.get((namespace_oid, name), ())
        return found

    def schemas_before_catalog(self, search_path: Iterable[str]) -> frozenset[Oid]:
        """The schemas whose functions hide built-in ones: those that the search path names before pg_catalog."""
        path = tuple(search_path)
        if "pg_catalog" not in path:
            return frozenset()
        before = path[: path.index("pg_catalog")]
        found = [self._namespaces.get(name) for name in before]
        return frozenset(each.oid for each in found if each is not None)

    @property
    def has_operators(self) -> bool:
        """Whether anybody has made an operator."""
        return bool(self._operators)

    def find_operators(
        self, name: str, schema: str | None = None, search_path: Iterable[str] = ("public",)
    ) -> list[UserOperator]:
        """People's operators of that symbol, those of the first schema on the path before others."""
        if not self._operators:
            return []
        found: list[UserOperator] = []
        for namespace_oid in self._search(schema, search_path):
            found += self._operators.get((namespace_oid, name), ())
        return found

    @property
    def has_casts(self) -> bool:
        """Whether anybody has made a cast."""
        return bool(self._casts)

    def find_cast(self, source: SqlType, target: SqlType) -> UserCast | None:
        """The cast that somebody made from the one type to the other; domains are what they are over."""
        if not self._casts or TypeKind.UNKNOWN in (source.kind, target.kind):
            return None
        return self._casts.get((type_oid(source.base), type_oid(target.base)))

    def name_is_taken(self, namespace_oid: Oid, name: str) -> bool:
        """Whether a table, view, sequence, index or composite type has that name there."""
        key = (namespace_oid, name)
        if key in self._relations or key in self._indexes:
            return True
        found = self._types.get(key)
        return found is not None and found.base is None and found.type.kind is TypeKind.RECORD

    def objects(self) -> Iterator[CatalogObject]:
        """All objects, in no particular order."""
        return iter(self._objects.values())

    def tables(self) -> Iterator[Table]:
        """All tables."""
        return (item for item in self._objects.values() if isinstance(item, Table))

    def sequences(self) -> Iterator[Sequence]:
        """All sequences."""
        return (item for item in self._objects.values() if isinstance(item, Sequence))

    def dependent_views(self, oid: Oid) -> list[View | Table]:
        """The views, materialised ones too, that use the object directly."""
        return [
            item
            for item in self._objects.values()
            if isinstance(item, (View, Table)) and oid in item.depends_on
        ]

    @property
    def has_rules(self) -> bool:
        """Whether any relation has a rule."""
        return bool(self._rules)

    def rules_of(self, oid: Oid) -> list[Rule]:
        """The rules of a relation, in the order in which they are applied: by name."""
        return sorted(self._rules.get(oid, ()), key=lambda item: item.name)

    def dependent_rules(self, oid: Oid) -> list[Rule]:
        """The rules whose texts use the object."""
        return [item for rules in self._rules.values() for item in rules if oid in item.depends_on]

    def referencing_tables(self, oid: Oid) -> list[Table]:
        """The tables with a foreign key to the table, itself included."""
        return [
            table
            for table in self.tables()
            if any(item.referenced_table_oid == oid for item in table.constraints)
        ]

    def has_children(self, oid: Oid) -> bool:
        """Whether tables inherit from the table, or are its partitions."""
        return oid in self._children

    def children(self, oid: Oid) -> list[Table]:
        """The tables that inherit from the table directly, or are its partitions, in the order of their oids."""
        return [self.table(child) for child in sorted(self._children.get(oid, ()))]

    def owned_sequences(self, table_oid: Oid) -> list[Sequence]:
        """The sequences that go when the table goes."""
        return [
            item
            for item in self._objects.values()
            if isinstance(item, Sequence) and item.owner_table_oid == table_oid
        ]

    def _search(self, schema: str | None, search_path: Iterable[str]) -> Iterator[Oid]:
        if schema is not None:
            namespace = self._namespaces.get(schema)
            if namespace is not None:
                yield namespace.oid
            return
        yield PG_TEMP_OID
        path = tuple(search_path)
        if "pg_catalog" not in path:
            yield PG_CATALOG_OID
        for name in path:
            namespace = self._namespaces.get(name)
            if namespace is not None:
                yield namespace.oid

    # Successors.

    def with_object(self, item: CatalogObject) -> Catalog:
        """A successor in which `item` is added, or replaces the object with its oid."""
        return self._successor({**self._objects, item.oid: item})

    def without_object(self, oid: Oid) -> Catalog:
        """A successor without the object."""
        return self._successor({key: item for key, item in self._objects.items() if key != oid})

    def with_authority(self, authority: Authority) -> Catalog:
        """A successor with other roles and rights."""
        made = self._successor(self._objects)
        made.authority = authority
        return made

    def with_added_label(self, oid: Oid, label: str) -> Catalog:
        """A successor that remembers a label which the transaction has added to an enum."""
        made = self._successor(self._objects)
        labels = self.added_labels.get(oid, frozenset()) | {label}
        made.added_labels = {**self.added_labels, oid: labels}
        return made

    def settled(self) -> Catalog:
        """The catalog as it is when its transaction has committed."""
        if not self.added_labels:
            return self
        made = self._successor(self._objects)
        made.added_labels = {}
        return made

    def temporaries(self) -> tuple[CatalogObject, ...]:
        """The temporary objects."""
        return tuple(item for item in self._objects.values() if is_temporary(item))

    def with_temporaries(self, items: Iterable[CatalogObject], session_number: int) -> Catalog:
        """A session's view of this catalog: its temporary objects are added, in a schema with a name of its own."""
        number = session_number + _SERVER_SESSIONS
        own = Namespace(PG_TEMP_OID, f"{PG_TEMP_NAME}_{number}")
        added = {item.oid: item for item in items}
        return self._successor({**self._objects, **added, own.oid: own})

    def without_temporaries(self) -> Catalog:
        """A successor with the objects that all sessions share."""
        shared = {oid: item for oid, item in self._objects.items() if not is_temporary(item)}
        return self._successor({**shared, PG_TEMP_OID: Namespace(PG_TEMP_OID, PG_TEMP_NAME)})

    def _successor(self, objects: Mapping[Oid, CatalogObject]) -> Catalog:
        made = Catalog(
            objects,
            self.authority,
            next_oid=self.next_oid,
            next_relation_id=self.next_relation_id,
        )
        made.added_labels = self.added_labels
        return made
