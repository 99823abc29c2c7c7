"""Mild mutations of statements: what a person who edits a query, or a program that builds one, makes of another.

A statement is changed as PostgreSQL's raw parse tree and written out again, so most mutants are grammatical and many mean something: an
expression stands where another of its walk stood, a function or an operator is another with as many operands, a clause is gone or there
twice, a constant lies at the edge of a type. Then the whole may be wrapped: into a subquery, a view, a cursor, a function.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import postgast

from tests.differential.mutation_parts import (
    AROUND,
    CHANGES,
    CHOICES,
    DEFINITIONS,
    EDGES,
    EXPRESSIONS,
    LISTS,
    OPERATORS,
    OPTIONAL,
    TYPES,
    WRAPPINGS,
)

# How a call is written: f(a, b), or in words of its own as in extract(a FROM b).
_PLAIN_CALL, _SQL_SYNTAX = 1, 4
# The kind of a SIMILAR TO; those of BETWEEN come behind it.
_SIMILAR = 10


@dataclass(frozen=True, slots=True)
class Mutant:
    """A statement's tree, and what is run of it: {q} stands for its text, {e} for what follows its SELECT."""

    tree: Any
    frame: tuple[str, ...] = ("{q}",)

    def statements(self) -> tuple[str, ...] | None:
        """What to run, or None if the tree cannot be written."""
        written = deparse(self.tree)
        if written is None:
            return None
        value = written.removeprefix("SELECT ")
        return tuple(step.replace("{q}", written).replace("{e}", value) for step in self.frame)


@dataclass(slots=True)
class Pool:
    """What mutations take from: the parts of the statements of one walk, and the functions of all."""

    expressions: list[Any] = field(default_factory=list)
    columns: list[Any] = field(default_factory=list)
    tables: list[Any] = field(default_factory=list)
    # Names by the number of their arguments.
    functions: dict[int, list[Any]] = field(default_factory=dict)

    def add(self, tree: Any) -> None:
        for node in nodes(tree):
            kind = node.WhichOneof("node")
            if kind == "column_ref":
                self.columns.append(node)
            elif kind == "range_var":
                self.tables.append(node)
            elif kind == "func_call":
                call = node.func_call
                self.functions.setdefault(len(call.args), []).append(call.funcname)
            if kind in EXPRESSIONS and node.ByteSize() < 600:
                self.expressions.append(node)


def parse(sql: str) -> Any | None:
    """The tree of one statement, or None if the text is not one."""
    try:
        tree = postgast.parse(sql)
    except postgast.PgQueryError:
        return None
    return tree if len(tree.stmts) == 1 else None


def deparse(tree: Any) -> str | None:
    try:
        return str(postgast.deparse(tree))
    except (postgast.PgQueryError, UnicodeDecodeError):
        return None


def statement_kind(tree: Any) -> str:
    """The name of the statement's node: select_stmt, create_stmt, ..."""
    return str(tree.stmts[0].stmt.WhichOneof("node"))


def messages(message: Any) -> Iterator[Any]:
    """A message and all below it, less what can only be written as it is."""
    name = message.DESCRIPTOR.name
    if name == "FuncCall" and message.funcformat == _SQL_SYNTAX:
        return
    yield message
    if name == "A_Expr" and message.kind >= _SIMILAR:
        yield from messages(message.lexpr)
        for item in message.rexpr.list.items:
            yield from messages(item)
        return
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for item in value if descriptor.is_repeated else (value,):
                yield from messages(item)


def nodes(tree: Any) -> list[Any]:
    """All nodes of a tree: the places where another thing could stand."""
    return [message for message in messages(tree) if message.DESCRIPTOR.name == "Node"]


def expressions(tree: Any) -> list[Any]:
    return [node for node in nodes(tree) if node.WhichOneof("node") in EXPRESSIONS]


def expression_of(text: str) -> Any:
    tree = postgast.parse(f"SELECT {text}")
    return tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val


def _parsed(texts: Iterable[str]) -> list[Any]:
    return [tree for text in texts if (tree := parse(f"SELECT {text}")) is not None]


_EDGE_NODES = [
    tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val for tree in _parsed(EDGES)
]
_TYPE_NAMES = [
    tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val.type_cast.type_name
    for tree in _parsed(f"NULL::{kind}" for kind in TYPES)
]
_AROUND_NODES = [expression_of(text) for text in AROUND]


class Mutator:
    """Makes mutants of statements."""

    def __init__(self, source: random.Random, pool: Pool) -> None:
        self.source = source
        self.pool = pool
        self._steps: tuple[Callable[[Any], bool], ...] = (
            self._splice, self._splice, self._swap, self._edge, self._edge, self._function, self._function, self._operator, self._operator,
            self._type, self._column, self._column, self._around, self._around, self._around, self._drop, self._drop, self._repeat, self._choose,
            self._choose, self._move, self._move, self._table,
        )  # fmt: skip

    def make(self, original: Any) -> Mutant:
        """One to three mutations of a statement, wrapped or put into a definition now and then."""
        tree = postgast.pg_query_pb2.ParseResult()
        tree.CopyFrom(original)
        for node in nodes(tree):
            # The words need their arguments to be what they were.
            if node.HasField("func_call") and self.source.random() < 0.7:
                node.func_call.funcformat = _PLAIN_CALL
        chance = self.source.random()
        for _ in range(self.source.choice((0, 1, 1, 2)) if chance < 0.4 else self.source.choice((1, 1, 2, 3))):  # fmt: skip
            for _ in range(8):
                if self.source.choice(self._steps)(tree):
                    break
        kind = statement_kind(tree)
        if chance < 0.3 and kind in WRAPPINGS:
            return Mutant(tree, self.source.choice(WRAPPINGS[kind]))
        if chance < 0.4 and (found := self._definition(tree)) is not None:
            return found
        if kind in CHANGES and (table := self._target(tree, kind)):
            return Mutant(tree, ("{q}", f"TABLE {table}"))
        return Mutant(tree)

    def _target(self, tree: Any, kind: str) -> str | None:
        return written_name(getattr(tree.stmts[0].stmt, kind).relation)

    def _definition(self, tree: Any) -> Mutant | None:
        tables = [written_name(node.range_var) for node in nodes(tree) if node.HasField("range_var")]  # fmt: skip
        places = expressions(tree)
        if not tables or not places:
            return None
        query = postgast.parse("SELECT 1")
        value = query.stmts[0].stmt.select_stmt.target_list[0].res_target.val
        value.CopyFrom(self.source.choice(places))
        for node in nodes(value):
            # Outside of its query a column has no table's name before it.
            if node.HasField("column_ref"):
                del node.column_ref.fields[:-1]
        table = self.source.choice(tables)
        steps = self.source.choice(DEFINITIONS)
        return Mutant(query, tuple(step.replace("{t}", table) for step in steps))

    def _splice(self, tree: Any) -> bool:
        """Put an expression of the walk in another's place."""
        return self._put(expressions(tree), self.pool.expressions)

    def _swap(self, tree: Any) -> bool:
        places = expressions(tree)
        if len(places) < 2:
            return False
        one, other = self.source.sample(places, 2)
        first, second = _copy(one), _copy(other)
        other.CopyFrom(first)
        # One may lie inside of the other; then it is there twice.
        if not _holds(first, second):
            one.CopyFrom(second)
        return True

    def _edge(self, tree: Any) -> bool:
        places = [node for node in expressions(tree) if node.HasField("a_const")]
        return self._put(places, _EDGE_NODES)

    def _function(self, tree: Any) -> bool:
        calls = [node.func_call for node in nodes(tree) if node.HasField("func_call")]
        if not calls:
            return False
        call = self.source.choice(calls)
        names = self.pool.functions.get(len(call.args))
        if not names:
            return False
        name = self.source.choice(names)
        call.funcformat = _PLAIN_CALL
        del call.funcname[:]
        call.funcname.extend(name)
        return True

    def _operator(self, tree: Any) -> bool:
        operators = [node.a_expr for node in nodes(tree) if node.HasField("a_expr")]
        plain = [found for found in operators if found.kind in (1, 2, 3)]
        if not plain:
            return False
        found = self.source.choice(plain)
        found.name[-1].string.sval = self.source.choice(OPERATORS)
        return True

    def _type(self, tree: Any) -> bool:
        types = [found for found in messages(tree) if found.DESCRIPTOR.name == "TypeName"]
        return self._put(types, _TYPE_NAMES)

    def _column(self, tree: Any) -> bool:
        places = [node for node in nodes(tree) if node.HasField("column_ref")]
        return self._put(places, self.pool.columns)

    def _table(self, tree: Any) -> bool:
        places = [node.range_var for node in nodes(tree) if node.HasField("range_var")]
        if not places or not self.pool.tables:
            return False
        found, other = self.source.choice(places), self.source.choice(self.pool.tables).range_var
        found.schemaname, found.relname = other.schemaname, other.relname
        return True

    def _around(self, tree: Any) -> bool:
        places = expressions(tree)
        if not places:
            return False
        place = self.source.choice(places)
        inner, outer = _copy(place), _copy(self.source.choice(_AROUND_NODES))
        for node in nodes(outer):
            if node.HasField("column_ref") and node.column_ref.fields[0].string.sval == "it":
                node.CopyFrom(inner)
        place.CopyFrom(outer)
        return True

    def _drop(self, tree: Any) -> bool:
        """Leave out a clause, or an item of a list."""
        droppable = list(removals(tree))
        if not droppable:
            return False
        self.source.choice(droppable)()
        return True

    def _repeat(self, tree: Any) -> bool:
        """Have an item of a list twice, or two in the other order."""
        lists = [value for message in messages(tree) for _, value in _lists(message)]
        if not lists:
            return False
        items = self.source.choice(lists)
        one, other = self.source.randrange(len(items)), self.source.randrange(len(items))
        if one == other:
            items.append(items[one])
        else:
            kept = _copy(items[one])
            items[one].CopyFrom(items[other])
            items[other].CopyFrom(kept)
        return True

    def _choose(self, tree: Any) -> bool:
        places = [found for found in messages(tree) if found.DESCRIPTOR.name in CHOICES]
        if not places:
            return False
        place = self.source.choice(places)
        name, values = self.source.choice(CHOICES[place.DESCRIPTOR.name])
        if name in ("op", "all") and place.DESCRIPTOR.name == "SelectStmt" and place.op < 2:
            return False
        setattr(place, name, self.source.choice(values))
        return True

    def _move(self, tree: Any) -> bool:
        """Put an expression of the statement into another clause of a query."""
        queries = [found for found in messages(tree) if found.DESCRIPTOR.name == "SelectStmt" and found.target_list]  # fmt: skip
        places = expressions(tree)
        if not queries or not places:
            return False
        query, value = self.source.choice(queries), _copy(self.source.choice(places))
        match self.source.randrange(9):
            case 0:
                query.where_clause.CopyFrom(value)
            case 1:
                query.having_clause.CopyFrom(value)
            case 2:
                query.sort_clause.add().sort_by.node.CopyFrom(value)
                query.sort_clause[-1].sort_by.sortby_dir = 1
                query.sort_clause[-1].sort_by.sortby_nulls = 1
            case 3:
                query.group_clause.add().CopyFrom(value)
            case 4 | 5:
                query.target_list.add().res_target.val.CopyFrom(value)
            case 6:
                query.limit_count.CopyFrom(value)
                query.limit_option = 2
            case 7:
                query.limit_offset.CopyFrom(value)
            case _:
                del query.distinct_clause[:]
                query.distinct_clause.add().CopyFrom(value)
        return True

    def _put(self, places: list[Any], things: list[Any]) -> bool:
        if not places or not things:
            return False
        self.source.choice(places).CopyFrom(_copy(self.source.choice(things)))
        return True


def written_name(table: Any) -> str:
    """A table's name as it can be written."""
    names = [name for name in (table.schemaname, table.relname) if name]
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def removals(tree: Any) -> Iterator[Callable[[], None]]:
    """The ways to leave something out, each of which changes the tree."""
    for message in messages(tree):
        for descriptor, _ in message.ListFields():
            # An empty node is no node.
            if descriptor.name in OPTIONAL and message.DESCRIPTOR.name != "Node":
                yield lambda message=message, name=descriptor.name: message.ClearField(name)
        for _, value in _lists(message):
            if len(value) > 1:
                for index in range(len(value)):
                    yield lambda value=value, index=index: value.__delitem__(index)


def _lists(message: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a message that are lists whose items may come and go; pairs may not."""
    for descriptor, value in message.ListFields():
        if descriptor.is_repeated and descriptor.name in LISTS:
            if descriptor.name != "items" or all(
                item.WhichOneof("node") in EXPRESSIONS for item in value
            ):
                yield descriptor.name, value


def _copy(message: Any) -> Any:
    made = type(message)()
    made.CopyFrom(message)
    return made


def _holds(whole: Any, part: Any) -> bool:
    written = part.SerializeToString()
    return written in whole.SerializeToString() or whole.SerializeToString() in written
