"""psql's patterns for names, as conditions on the catalog."""

from __future__ import annotations

import re
from dataclasses import dataclass

SYSTEM_SCHEMAS = "('pg_catalog', 'information_schema', 'lungfish')"


@dataclass(frozen=True, slots=True)
class Pattern:
    """psql's pattern `schema.name` with `*` and `?`: LIKE patterns, and whether system objects are wanted too."""

    schema: str = "%"
    name: str = "%"
    has_system: bool = False
    # Whether a schema was named; without one only what the search path reaches is meant.
    has_schema: bool = False

    @classmethod
    def parse(cls, text: str, *, has_system: bool = False) -> Pattern:
        """Read a pattern; parts in double quotes keep their case and characters."""
        parts = re.findall(r'((?:"(?:[^"]|"")*"|[^."])+)', text.strip())
        likes = [_like(part) for part in parts[-2:]]
        if not likes:
            return cls(has_system=has_system)
        if len(likes) == 1:
            return cls("%", likes[0], has_system)
        return cls(likes[0], likes[1], True, has_schema=True)

    @property
    def is_given(self) -> bool:
        """Whether anything was asked for."""
        return self.name != "%" or self.has_schema

    def conditions(self, schema: str, name: str, visible: str) -> str:
        """The condition that the pattern means: on the columns of schema and name, and the expression for being visible."""
        parts = [f"{name} LIKE :name", f"{schema} LIKE :schema"]
        if not self.has_schema:
            parts.append(visible)
        if not self.has_system and not self.is_given:
            parts.append(f"{schema} NOT IN {SYSTEM_SCHEMAS}")
        return " AND ".join(parts)

    @property
    def values(self) -> dict[str, object]:
        """The parameters of the condition."""
        return {"schema": self.schema, "name": self.name}


def _like(part: str) -> str:
    """The part as LIKE has it; what stands in quotes is taken as it is."""
    pieces = re.split(r'("(?:[^"]|"")*")', part)
    return "".join([_like_piece(piece) for piece in pieces])


def _like_piece(piece: str) -> str:
    is_quoted = piece.startswith('"')
    text = piece[1:-1].replace('""', '"') if is_quoted else piece.lower()
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped if is_quoted else escaped.replace("*", "%").replace("?", "_")
