r"""What exists: the \d family, \l, \sf, \sv, \ef, \ev."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lungfish.repl.commands.entry import Entry, one_word, words_of
from lungfish.repl.commands.query_buffer import run_edited
from lungfish.repl.describe import Pattern, list_relations
from lungfish.repl.describe.catalog_lists import LISTS, list_catalog
from lungfish.repl.describe.definitions import function_definition, view_definition
from lungfish.repl.describe.objects import (
    list_databases,
    list_default_privileges,
    list_domains,
    list_extensions,
    list_functions,
    list_memberships,
    list_roles,
    list_schemas,
    list_types,
)
from lungfish.repl.describe.relations import kinds_of, plural_of
from lungfish.repl.describe.table import describe
from lungfish.repl.editor import edit_text
from lungfish.repl.formats import ResultText
from lungfish.repl.interpreter import Command, Interpreter


def _pattern(interpreter: Interpreter, name: str, argument: str) -> Pattern:
    word = "".join(words_of(interpreter, argument)[:1])
    return Pattern.parse(word, has_system="S" in name)


def _describe(interpreter: Interpreter, name: str, argument: str) -> None:
    pattern = _pattern(interpreter, name, argument)
    if not pattern.is_given:
        _list(interpreter, name, argument)
        return
    is_verbose = "+" in name
    found = False
    for table in describe(interpreter.target.connection, pattern, is_verbose=is_verbose):
        found = True
        interpreter.show_result(table)
    if not found:
        interpreter.complain(f'Did not find any relation named "{argument}".')


def _list(interpreter: Interpreter, name: str, argument: str) -> None:
    r"""Lists of relations: \d, \dt, \dtv+, ..."""
    pattern = _pattern(interpreter, name, argument)
    kinds = kinds_of(_DOT_LETTERS.get(name, name.rstrip("+S")[2:]))
    connection = interpreter.target.connection
    result = list_relations(connection, kinds, pattern, is_verbose="+" in name)
    if len(result.rows) or kinds == "f":
        interpreter.show_result(replace(result, title=f"List of {plural_of(kinds)}"))
    elif pattern.is_given:
        interpreter.complain(f'Did not find any {plural_of(kinds)} named "{argument}".')
    else:
        interpreter.complain(f"Did not find any {plural_of(kinds)}.")


_DOT_LETTERS = {".tables": "tv", ".indexes": "i", ".indices": "i"}

Lister = Callable[[Interpreter, Pattern, bool], ResultText]


def _lister(title: str, lister: Lister) -> Command:
    def command(interpreter: Interpreter, name: str, argument: str) -> None:
        result = lister(interpreter, _pattern(interpreter, name, argument), "+" in name)
        interpreter.show_result(replace(result, title=title))

    return command


def _schemas(interpreter: Interpreter, pattern: Pattern, is_verbose: bool) -> ResultText:
    return list_schemas(interpreter.target.connection, pattern, is_verbose=is_verbose)


def _types(interpreter: Interpreter, pattern: Pattern, is_verbose: bool) -> ResultText:
    return list_types(interpreter.target.connection, pattern, is_verbose=is_verbose)


def _domains(interpreter: Interpreter, pattern: Pattern, is_verbose: bool) -> ResultText:
    return list_domains(interpreter.target.connection, pattern, is_verbose=is_verbose)


def _functions(interpreter: Interpreter, pattern: Pattern, is_verbose: bool) -> ResultText:
    return list_functions(interpreter.target.connection, pattern, "faw", is_verbose=is_verbose)


def _aggregates(interpreter: Interpreter, pattern: Pattern, is_verbose: bool) -> ResultText:
    return list_functions(interpreter.target.connection, pattern, "a", is_verbose=is_verbose)


def _roles(interpreter: Interpreter, _pattern: Pattern, _is_verbose: bool) -> ResultText:
    return list_roles(interpreter.target.connection)


def _default_privileges(
    interpreter: Interpreter, _pattern: Pattern, _is_verbose: bool
) -> ResultText:
    return list_default_privileges(interpreter.target.connection)


def _memberships(interpreter: Interpreter, _pattern: Pattern, _is_verbose: bool) -> ResultText:
    return list_memberships(interpreter.target.connection)


def _extensions(interpreter: Interpreter, _pattern: Pattern, _is_verbose: bool) -> ResultText:
    return list_extensions(interpreter.target.connection)


def _databases(interpreter: Interpreter, _pattern: Pattern, is_verbose: bool) -> ResultText:
    target = interpreter.target
    return list_databases(target.connection, target.path, is_verbose=is_verbose)


def _catalog_list(interpreter: Interpreter, name: str, argument: str) -> None:
    """The lists that are one query each."""
    what = LISTS[_SAME_LISTS.get(name.rstrip("+S"), name.rstrip("+S"))]
    pattern = _pattern(interpreter, name, argument)
    connection = interpreter.target.connection
    result = list_catalog(connection, what, pattern, is_verbose="+" in name)
    title = what.title if pattern.is_given or not what.title_of_all else what.title_of_all
    interpreter.show_result(replace(result, title=title))


_SAME_LISTS = {"\\z": "\\dp"}


def _definition(interpreter: Interpreter, name: str, argument: str) -> None:
    show = function_definition if name.startswith("\\sf") else view_definition
    one_word(interpreter, name, argument)
    text = show(interpreter.target.connection, argument)
    if not name.endswith("+"):
        interpreter.print(text)
        return
    is_numbered = name.startswith("\\sv")
    number = 0
    for line in text.split("\n"):
        is_numbered = is_numbered or line.startswith("AS $")
        number += is_numbered
        interpreter.print(f"{str(number) if is_numbered else '':<7} {line}")


def _edit_definition(interpreter: Interpreter, name: str, argument: str) -> None:
    show = function_definition if name == "\\ef" else view_definition
    text = show(interpreter.target.connection, argument) if argument else ""
    run_edited(interpreter, edit_text(text))


ENTRIES = (
    Entry(("\\d", ".schema"), "\\d[S+] [NAME]", "describe a table, view, index or sequence; list them", _describe, "relation"),
    Entry(("\\dt", ".tables"), "\\dt[S+] [PATTERN]", "list tables; also \\dtv, \\dtis and other combinations", _list, "table"),
    Entry(("\\di", ".indexes", ".indices"), "\\di[S+] [PATTERN]", "list indexes", _list, "index"),
    Entry(("\\dv",), "\\dv[S+] [PATTERN]", "list views", _list, "view"),
    Entry(("\\dm",), "\\dm[S+] [PATTERN]", "list materialized views", _list, "view"),
    Entry(("\\ds",), "\\ds[S+] [PATTERN]", "list sequences", _list, "sequence"),
    Entry(("\\dE",), "\\dE[S+] [PATTERN]", "list foreign tables", _list),
    Entry(("\\df",), "\\df[S+] [PATTERN]", "list functions", _lister("List of functions", _functions), "function"),
    Entry(("\\da",), "\\da[S+] [PATTERN]", "list aggregates", _lister("List of aggregate functions", _aggregates), "function"),
    Entry(("\\dT",), "\\dT[S+] [PATTERN]", "list types", _lister("List of data types", _types), "type"),
    Entry(("\\dD",), "\\dD[S+] [PATTERN]", "list domains", _lister("List of domains", _domains), "type"),
    Entry(("\\dn",), "\\dn[S+] [PATTERN]", "list schemas", _lister("List of schemas", _schemas), "schema"),
    Entry(("\\du", "\\dg"), "\\du", "list roles", _lister("List of roles", _roles)),
    Entry(("\\ddp",), "\\ddp", "what is granted on what will be made", _lister("Default access privileges", _default_privileges)),
    Entry(("\\drg",), "\\drg", "which roles are members of which", _lister("List of role grants", _memberships)),
    Entry(("\\dx",), "\\dx", "list extensions", _lister("List of installed extensions", _extensions)),
    Entry(("\\dp", "\\z"), "\\dp[S] [PATTERN]", "list access privileges", _catalog_list, "relation"),
    Entry(("\\dX",), "\\dX [PATTERN]", "list extended statistics", _catalog_list),
    Entry(("\\dP",), "\\dP [PATTERN]", "list partitioned tables and indexes", _catalog_list, "table"),
    Entry(("\\dd",), "\\dd[S] [PATTERN]", "list comments of constraints and rules", _catalog_list),
    Entry(("\\do",), "\\do[S+] [PATTERN]", "list operators", _catalog_list),
    Entry(("\\dC",), "\\dC [PATTERN]", "list casts", _catalog_list, "type"),
    Entry(("\\dO",), "\\dO[S] [PATTERN]", "list collations", _catalog_list),
    Entry(("\\dA",), "\\dA [PATTERN]", "list access methods", _catalog_list),
    Entry(("\\dL",), "\\dL[S] [PATTERN]", "list languages", _catalog_list),
    Entry(("\\db",), "\\db[+] [PATTERN]", "list tablespaces", _catalog_list),
    Entry(("\\dconfig",), "\\dconfig[+] [PATTERN]", "list settings, without a pattern those that were set", _catalog_list),
    Entry(("\\l", "\\list", ".databases"), "\\l[+]", "the database that is open", _lister("List of databases", _databases)),
    Entry(("\\sf",), "\\sf[+] FUNCTION", "what made a function", _definition, "function"),
    Entry(("\\sv",), "\\sv[+] VIEW", "what made a view", _definition, "view"),
    Entry(("\\ef",), "\\ef [FUNCTION]", "edit a function, then make it", _edit_definition, "function"),
    Entry(("\\ev",), "\\ev [VIEW]", "edit a view, then make it", _edit_definition, "view"),
)  # fmt: skip
