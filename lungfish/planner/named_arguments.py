"""Named arguments of a call put in their places, before anything is bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.catalog.objects import SqlFunction
from lungfish.functions.parameter_names import arrange_arguments
from lungfish.planner.bind_state import BindState
from lungfish.planner.bind_stored import parse_expression
from lungfish.sql.ast import expressions as ast


def place_arguments(node: ast.FunctionCall, state: BindState) -> ast.FunctionCall:
    """The call with positional arguments only. Raises SyntaxError for a name given twice, UndefinedFunction."""
    names = [name for name, _ in node.argument_names]
    for name in names:
        if names.count(name) > 1:
            raise errors.SyntaxError(f'argument name "{name}" used more than once').at(
                node.position
            )
    count = len(node.arguments) - len(names)
    arranged = _of_sql_function(node, count, names, state)
    if arranged is None:
        arranged = arrange_arguments(node.name[-1], count, names)
    if arranged is None:
        shown = ", ".join([*(["?"] * count), *(f"{name} => ?" for name in names)])
        raise errors.UndefinedFunction(
            f"function {node.name[-1]}({shown}) does not exist",
            hint="No function matches the given name and argument names.",
        ).at(node.position)
    places = [index for _, index in node.argument_names]
    placed = [
        node.arguments[places[item]] if isinstance(item, int) else parse_expression(item)
        for item in arranged
    ]
    return replace(node, arguments=(*node.arguments[:count], *placed), argument_names=())


def _of_sql_function(
    node: ast.FunctionCall, count: int, names: Sequence[str], state: BindState
) -> list[int | str] | None:
    """The order that a function written in SQL asks for; such functions have no defaults."""
    schema = node.name[0] if len(node.name) == 2 else None
    candidates: Sequence[SqlFunction] = state.catalog.find_functions(
        node.name[-1], schema, state.search_path
    )
    for function in candidates:
        if sorted(function.parameter_names[count:]) == sorted(names):
            return [names.index(name) for name in function.parameter_names[count:]]
    return None
