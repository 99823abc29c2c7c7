r"""The `\d` family: what exists, asked of the system views through the connection like any other query.

pattern.py     psql's patterns: schema.name with * and ?
relations.py   lists of relations (\d, \dt, \di, ...)
table.py       one relation with its columns, indexes and constraints (\d NAME)
families.py    its parents, children and partitions
catalog_lists.py  more lists, each of one query: privileges, operators, casts, settings
objects.py     other lists: schemas, functions, types, domains, roles, databases
definitions.py what made it: \sf, \sv, .schema
"""

from lungfish.repl.describe.pattern import Pattern
from lungfish.repl.describe.query import query
from lungfish.repl.describe.relations import list_relations

__all__ = ["Pattern", "list_relations", "query"]
