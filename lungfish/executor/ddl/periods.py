"""PERIOD in foreign keys: what their declaration must be like, and which rows they find wanting."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.catalog.objects import Index
from lungfish.errors import FeatureNotSupported, InvalidForeignKey
from lungfish.sql.ast.ddl import ForeignKeyReference
from lungfish.sql.quoting import quote_identifier


def check_period_sides(reference: ForeignKeyReference) -> None:
    """Raise InvalidForeignKey if PERIOD stands on one side only."""
    if reference.has_referenced_period and not reference.has_period:
        raise InvalidForeignKey(
            "foreign key uses PERIOD on the referenced table but not the referencing table"
        )
    if reference.has_period and reference.columns and not reference.has_referenced_period:
        raise InvalidForeignKey(
            "foreign key uses PERIOD on the referencing table but not the referenced table"
        )


def check_period_actions(reference: ForeignKeyReference, index: Index) -> None:
    """Look at the key that was found, and at what is to be done when it changes. Raises InvalidForeignKey, FeatureNotSupported."""
    if index.is_period and not reference.has_period:
        raise InvalidForeignKey(
            "foreign key must use PERIOD when referencing a primary key using WITHOUT OVERLAPS"
            if reference.columns
            else "foreign key uses PERIOD on the referenced table but not the referencing table"
        )
    if not reference.has_period:
        return
    if not index.is_period:
        raise InvalidForeignKey(
            "foreign key uses PERIOD on the referencing table but not the referenced table"
        )
    for action, words in ((reference.on_update, "ON UPDATE"), (reference.on_delete, "ON DELETE")):
        if action != "no action":
            raise FeatureNotSupported(
                f"unsupported {words} action for foreign key constraint using PERIOD"
            )


def covered_by(target: str, own: Sequence[str], theirs: Sequence[str]) -> str:
    """The condition that the period of a row `f` is covered by those of the target's rows with the same key."""
    *equal, period = [
        (quote_identifier(a), quote_identifier(b)) for a, b in zip(own, theirs, strict=True)
    ]
    matches = " AND ".join([f"r.{b} = f.{a}" for a, b in equal])
    return (
        f"coalesce(f.{period[0]} <@ (SELECT range_agg(r.{period[1]}) FROM {target} r"
        f" WHERE {matches} AND r.{period[1]} && f.{period[0]}), false)"
    )
