"""Named arguments of a call put in their places, before anything is bound."""

from __future__ import annotations

from dataclasses import replace

from lungfish import errors
from lungfish.functions.parameter_names import arrange_arguments
from lungfish.planner.bind_stored import parse_expression
from lungfish.sql.ast import expressions as ast


def place_arguments(node: ast.FunctionCall) -> ast.FunctionCall | None:
    """The call with positional arguments only; None where nothing built in has such names. Raises SyntaxError for one given twice."""
    check_names(node)
    names = [name for name, _ in node.argument_names]
    count = len(node.arguments) - len(names)
    arranged = arrange_arguments(node.name[-1], count, names)
    if arranged is None:
        return None
    places = [index for _, index in node.argument_names]
    placed = [
        node.arguments[places[item]] if isinstance(item, int) else parse_expression(item)
        for item in arranged
    ]
    return replace(node, arguments=(*node.arguments[:count], *placed), argument_names=())


def check_names(node: ast.FunctionCall) -> None:
    """Raise SyntaxError for a name given twice, and for an argument without one behind one with one."""
    names = [name for name, _ in node.argument_names]
    first = len(node.arguments) - len(names)
    if any(index < first for _, index in node.argument_names):
        raise errors.SyntaxError("positional argument cannot follow named argument").at(
            node.arguments[-1].position
        )
    for name in names:
        if names.count(name) > 1:
            raise errors.SyntaxError(f'argument name "{name}" used more than once').at(
                node.position
            )
