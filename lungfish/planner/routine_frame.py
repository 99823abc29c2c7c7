"""What the names and numbers of a routine's parameters mean while a statement of its body is bound."""

from __future__ import annotations

from lungfish.planner.expressions import BoundExpression, ParameterRef
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import SqlType


@frozen
class RoutineFrame:
    """The parameters of a routine: their names ("" where one has none), and what stands for them."""

    name: str
    names: tuple[str, ...]
    arguments: tuple[BoundExpression, ...]

    def find(self, name: str) -> BoundExpression | None:
        """What the parameter of that name stands for."""
        if name in self.names:
            return self.arguments[self.names.index(name)]
        return None


def frame_of_types(name: str, names: tuple[str, ...], types: tuple[SqlType, ...]) -> RoutineFrame:
    """The frame of a body that is run by itself: its parameters are those of the statement."""
    arguments = tuple(ParameterRef(index, kind) for index, kind in enumerate(types))
    return RoutineFrame(name, names, arguments)
