"""Classes of trees: dataclasses in all but who looks after assignments."""

from __future__ import annotations

from dataclasses import field, fields, replace

from lungfish.types.frozen import frozen


@frozen
class Leaf:
    """A leaf."""

    name: str
    place: int = field(default=0, compare=False, repr=False)


@frozen
class Other:
    """Of the same fields."""

    name: str
    place: int = 0


@frozen
class Named(Leaf):
    """A leaf that shows itself in its own way."""

    kind: str = "plain"

    def __repr__(self) -> str:
        return f"<{self.name}>"


@frozen
class Nothing:
    """Without fields."""


def test_nodes_are_compared_and_hashed_by_the_fields_that_count() -> None:
    assert Leaf("a", 1) == Leaf("a", 2)
    assert hash(Leaf("a", 1)) == hash(Leaf("a", 2))
    assert Leaf("a") != Leaf("b")
    assert Other("a", 1) != Other("a", 2)


def test_nodes_of_different_classes_differ() -> None:
    assert Leaf("a") != Other("a")
    assert Leaf("a") != Named("a")
    assert Named("a", kind="x") != Named("a")
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())


def test_nodes_show_their_fields_unless_they_say_otherwise() -> None:
    assert repr(Leaf("a", 7)) == "Leaf(name='a')"
    assert repr(Other("a")) == "Other(name='a', place=0)"
    assert repr(Named("a")) == "<a>"


def test_nodes_are_dataclasses_with_slots() -> None:
    assert [each.name for each in fields(Named("a"))] == ["name", "place", "kind"]
    assert replace(Leaf("a", 1), name="b").place == 1
    assert not hasattr(Leaf("a"), "__dict__")
    match Named("a", 3, "k"):
        case Named(name, place, kind):
            assert (name, place, kind) == ("a", 3, "k")
