"""SQL/JSON in stored expressions: `write_json` gives the words, and the expressions among them are kept as nodes."""

from __future__ import annotations

from collections.abc import Callable

from lungfish.planner.deparse.nodes import BooleanTest, Mixed, Node
from lungfish.planner.expressions import BoundExpression, Call
from lungfish.planner.write_json import write_json

# Around the number of an expression in the text; stands in no SQL.
_MARK = "\0"
_TEST = " IS JSON"


def translate_json(bound: Call, translate: Callable[[BoundExpression], Node]) -> Node | None:
    """A constructor, IS JSON or a query function; None for any other call."""
    held: list[Node] = []

    def hold(part: BoundExpression) -> str:
        held.append(translate(part))
        return f"{_MARK}{len(held) - 1}{_MARK}"

    text = write_json(bound, hold)
    if text is None:
        return None
    pieces = text.split(_MARK)
    if pieces[0] == "(" and pieces[2].startswith(_TEST):
        return BooleanTest(held[0], pieces[2].removeprefix(_TEST[:4]).removesuffix(")"))
    return Mixed(
        tuple(held[int(piece)] if place % 2 else piece for place, piece in enumerate(pieces))
    )
