"""Names in expressions that are stored with a table: each with its schema, so that the text means the same under any search path, and
columns without their table's.

PostgreSQL stores what was meant, by oid. We store a text, and write into it where each thing of people's that it uses is: functions,
operators, types, and what literals of regclass and the sequence functions name. What is built in stays as it is written.

An expression is read in one catalog and written with the names of another: of the same one when it is made, of the one
after a statement that renames or moves something when it follows that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

from lungfish import errors
from lungfish.catalog import Catalog
from lungfish.catalog.objects import Index, SqlFunction, Table, UserType, View
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.operator_objects import UserOperator
from lungfish.planner.bind_stored import bind_over_table, parse_expression
from lungfish.planner.bind_trace import BindTrace
from lungfish.planner.binder import new_state
from lungfish.planner.expressions import Call
from lungfish.planner.registered_literals import OF_RELATIONS
from lungfish.planner.routine_calls import routine_call_of
from lungfish.planner.scope import Clause
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.walk import walk
from lungfish.sql.quoting import quote_identifier, split_name
from lungfish.sql.unparse_queries import unparse_expression
from lungfish.types.sql_type import TypeKind
from lungfish.types.type_names import type_by_name

_CLAUSES = {clause.value: clause for clause in Clause}
# Texts that were stored before names got their schemas are read under this path.
_PUBLIC = ("public",)
_NAMING_TYPES = frozenset({"regclass", "regtype", "regproc"})

Named: TypeAlias = SqlFunction | UserOperator | UserType | Table | View | SequenceObject


def stored_names(
    text: str,
    table: Table,
    catalogs: tuple[Catalog, Catalog],
    search_path: Sequence[str],
    *,
    what: str,
) -> str:
    """The expression over the table's columns with the schemas of what it names.

    `search_path` and the first of `catalogs` say what the names mean, the second what they are now. `what` is one of `Clause`'s
    values. A text that means nothing is answered as it is: whoever binds it says what is wrong. Raises FeatureNotSupported where
    the syntax has no place for a schema.
    """
    before = catalogs[0]
    tree = parse_expression(text)
    if not _may_name(tree, before, tuple(search_path)):
        return text
    state = new_state(before, tuple(search_path))
    trace = BindTrace()
    trace.attach(state)
    try:
        bind_over_table(tree, table, state, _CLAUSES[what])
    except errors.Error:
        return text
    naming = _Naming(table, catalogs, tuple(search_path), trace)
    named = naming(tree)
    naming.require_all_written()
    return text if named == tree else unparse_expression(named)


def names_type(text: str, item: UserType, catalog: Catalog) -> bool:
    """Whether a stored expression names the type."""
    if item.name not in text:
        return False
    for node in walk(parse_expression(text)):
        if isinstance(node, ast.TypeName):
            found = _user_type(node, catalog, _PUBLIC)
            if found is not None and found.oid == item.oid:
                return True
    return False


def _may_name(tree: object, catalog: Catalog, path: tuple[str, ...]) -> bool:
    """Whether anything in the expression may be somebody's, or name such a thing, or a column with its table."""
    for node in walk(tree):
        match node:
            case ast.FunctionCall():
                name, schema = node.name[-1], node.name[0] if len(node.name) > 1 else None
                if name in OF_RELATIONS or catalog.find_type(name, schema, path) is not None:
                    return True
                if catalog.find_functions(name, schema, path):
                    return True
            case ast.Name():
                if len(node.parts) > 1:
                    return True
            case ast.TypeName():
                if node.name in _NAMING_TYPES or _user_type(node, catalog, path) is not None:
                    return True
            case _:
                pass
    return catalog.has_operators


def _user_type(
    name: ast.TypeName, catalog: Catalog, path: tuple[str, ...]
) -> UserType | Table | View | None:
    """Somebody's type, or the relation of whose rows it is the type."""
    if name.schema is None and type_by_name(name.name, name.modifiers) is not None:
        return None
    found = catalog.find_type(name.name, name.schema, path)
    if found is not None:
        return found
    relation = catalog.find_relation(name.name, name.schema, path)
    return relation if isinstance(relation, (Table, View)) else None


class _Naming:
    """Writes the names of one expression anew."""

    def __init__(
        self,
        table: Table,
        catalogs: tuple[Catalog, Catalog],
        search_path: tuple[str, ...],
        trace: BindTrace,
    ) -> None:
        self._table = table
        self._before, self._after = catalogs
        self._path = search_path
        self._trace = trace
        self._written: set[int] = set()

    def __call__(self, node: Any) -> Any:
        """The tree with each name in full."""
        if isinstance(node, tuple):
            return tuple([self(item) for item in node])
        if not dataclasses.is_dataclass(node) or isinstance(node, type):
            return node
        values = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
        changed = {name: self(value) for name, value in values.items()}
        same = all(changed[name] is value for name, value in values.items())
        made: Any = node if same else dataclasses.replace(node, **changed)
        match node:
            case ast.Name():
                return self._column(made)
            case ast.FunctionCall():
                return self._call(node, made)
            case ast.TypeName():
                return self._type_name(made)
            case ast.Cast():
                return self._cast(made)
            case ast.Binary() | ast.Unary():
                return self._operator(node, made)
        return made

    def require_all_written(self) -> None:
        """Raise FeatureNotSupported if an operator is used where no schema can be said, and only a schema would find it."""
        for key, operator in self._trace.operators.items():
            name, schema = self._full_name(operator)
            is_found = schema in _PUBLIC and name == operator.name
            if key not in self._written and not is_found:
                raise errors.FeatureNotSupported(
                    f"operator {schema}.{name} in a stored expression is not supported"
                    " where it is not written as one"
                )

    def _full_name(self, item: Named | Index) -> tuple[str, str]:
        """What the object is called now, and its schema."""
        now = item if isinstance(item, Index) else self._after.object(item.oid)
        assert now is not None, "what is used is not dropped"
        return now.name, self._after.namespace_name(now.namespace_oid)  # type: ignore[union-attr]

    def _column(self, made: ast.Name) -> ast.Name:
        """A column without the table's name, which may change, and is another one in tables that copy the text."""
        if len(made.parts) > 1 and made.parts[-2] == self._table.name:
            return dataclasses.replace(made, parts=made.parts[-1:])
        return made

    def _call(self, node: ast.FunctionCall, made: ast.FunctionCall) -> ast.Expression:
        bound = self._trace.bound.get(id(node))
        routine = routine_call_of(bound.function) if isinstance(bound, Call) else None
        if routine is not None:
            name, schema = self._full_name(routine.routine)
            return dataclasses.replace(made, name=(schema, name))
        schema_said = node.name[0] if len(node.name) > 1 else None
        kind = self._before.find_type(node.name[-1], schema_said, self._path)
        if kind is not None and bound is not None and _is_of(bound, kind):
            return self._constructor(made, kind)
        if node.name[-1] in OF_RELATIONS and made.arguments:
            made = self._with_relation(made)
        hides = self._before.find_functions(node.name[-1], None, _PUBLIC)
        if schema_said is None and hides and not made.is_sql_syntax:
            return dataclasses.replace(made, name=("pg_catalog", node.name[-1]))
        return made

    def _constructor(self, made: ast.FunctionCall, kind: UserType) -> ast.Expression:
        """A call under a type's name: what makes its ranges, or a cast."""
        name, schema = self._full_name(kind)
        if kind.type.kind in (TypeKind.RANGE, TypeKind.MULTIRANGE):
            return dataclasses.replace(made, name=(schema, name))
        return ast.Cast(made.arguments[0], ast.TypeName(name, schema), made.position)

    def _with_relation(self, made: ast.FunctionCall) -> ast.FunctionCall:
        first, *others = made.arguments
        if not isinstance(first, ast.Literal) or first.kind is not ast.Literal.Kind.STRING:
            return made
        named = dataclasses.replace(first, text=self._relation(first.text))
        return dataclasses.replace(made, arguments=(named, *others))

    def _type_name(self, made: ast.TypeName) -> ast.TypeName:
        found = _user_type(made, self._before, self._path)
        if found is None:
            return made
        name, schema = self._full_name(found)
        return dataclasses.replace(made, name=name, schema=schema)

    def _operator(
        self, node: ast.Binary | ast.Unary, made: ast.Binary | ast.Unary
    ) -> ast.Expression:
        bound = self._trace.bound.get(id(node))
        operator = None
        if isinstance(bound, Call):
            operator = self._trace.operators.get(id(bound.function))
        if not isinstance(bound, Call) or operator is None:
            return made
        self._written.add(id(bound.function))
        name, schema = self._full_name(operator)
        return dataclasses.replace(made, operator=name, schema=schema)

    def _cast(self, made: ast.Cast) -> ast.Cast:
        """Literals that name things."""
        literal = made.operand
        if not isinstance(literal, ast.Literal) or literal.kind is not ast.Literal.Kind.STRING:
            return made
        if made.type_name.schema not in (None, "pg_catalog") or made.type_name.array_dimensions:
            return made
        match made.type_name.name:
            case "regclass":
                text = self._relation(literal.text)
            case "regtype":
                text = self._named(literal.text, "type")
            case "regproc":
                text = self._named(literal.text, "function")
            case _:
                return made
        return dataclasses.replace(made, operand=dataclasses.replace(literal, text=text))

    def _relation(self, text: str) -> str:
        return self._named(text, "relation")

    def _named(self, text: str, kind: str) -> str:
        """The name in a literal with its schema; as it is where it names nothing of anybody's."""
        try:
            parts = split_name(text)
        except errors.InvalidName:
            return text
        if not 1 <= len(parts) <= 2:
            return text
        schema, name = (parts[0] if len(parts) == 2 else None), parts[-1]
        found: Named | Index | None = None
        if kind == "type":
            found = _user_type(ast.TypeName(name, schema), self._before, self._path)
        elif kind == "function":
            functions = self._before.find_functions(name, schema, self._path)
            found = functions[0] if len(functions) == 1 else None
        else:
            found = self._find_relation(name, schema)
        if found is None:
            return text
        return ".".join(map(quote_identifier, reversed(self._full_name(found))))

    def _find_relation(self, name: str, schema: str | None) -> Named | Index | None:
        relation = self._before.find_relation(name, schema, self._path)
        if isinstance(relation, (Table, View, SequenceObject)):
            return relation
        if relation is not None:
            return None
        index = self._before.find_index(name, schema, self._path)
        if index is None:
            found = self._before.find_type(name, schema, self._path)
            return found
        table = self._after.object(index[0].oid)
        assert isinstance(table, Table), "what is used is not dropped"
        return next(each for each in table.indexes if each.oid == index[1].oid)


def _is_of(bound: object, kind: UserType) -> bool:
    found = getattr(bound, "type", None)
    return found is not None and kind.oid in (found.oid, found.domain_oid)
