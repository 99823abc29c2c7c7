"""Every node of a syntax tree, for those who look for some kind of node wherever it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator


def walk(tree: object) -> Iterator[object]:
    """The nodes of a tree or of several, each before what is inside of it."""
    if isinstance(tree, tuple):
        for each in tree:
            yield from walk(each)
    elif dataclasses.is_dataclass(tree):
        yield tree
        for field in dataclasses.fields(tree):
            yield from walk(getattr(tree, field.name))
