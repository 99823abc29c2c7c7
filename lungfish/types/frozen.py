"""What trees are made of: `frozen`, a dataclass with slots that is made in a quarter of the time.

Trees of statements and plans have some 500 classes of nodes. `dataclass(frozen=True, slots=True)` writes six functions for each of them and has them
compiled, when all that differs from one class to the next is `__init__`; that was half of what the first connection of a process took. So here only
`__init__` is generated, and the others are the same functions for all nodes. That nobody assigns to a node is held by the type checker, for which these
are frozen dataclasses, and not looked at again while the program runs: a node is also made in a third of the time.

See `docs/decisions/0018-frozen-classes.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

Class = TypeVar("Class")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[Class]) -> type[Class]:
    """The class as a dataclass with slots, compared and hashed by its fields. Nodes of different classes differ."""
    # Before `dataclass` sees the class, since it makes another one for the sake of the slots.
    for name, method in _METHODS.items():
        if name not in cls.__dict__:
            setattr(cls, name, method)
    made = dataclass(slots=True, eq=False, repr=False)(cls)
    compared = [each.name for each in fields(made) if each.compare]  # type: ignore[arg-type]
    made._compared = attrgetter(*compared) if compared else _nothing  # type: ignore[attr-defined]
    return made


def _nothing(_node: Any) -> tuple[()]:
    return ()


def _equals(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    compared = self.__class__._compared
    return compared(self) == compared(other)


def _hash(self: Any) -> int:
    return hash(self.__class__._compared(self))


def _show(self: Any) -> str:
    shown = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


_METHODS: dict[str, Callable[..., Any]] = {
    "__eq__": _equals,
    "__hash__": _hash,
    "__repr__": _show,
}
