"""Which type may stand for which: categories, implicit casts, and the common type of several.

The table is PostgreSQL's pg_cast for the types of `sql_type.py`; the rules are those of the manual's chapter "Type
Conversion". The conversions themselves are in `casts.py`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

from lungfish.errors import CannotCoerce, DatatypeMismatch
from lungfish.types.sql_type import TEXT, UNKNOWN, SqlType, TypeKind

K = TypeKind


class CastContext(enum.IntEnum):
    """Where a cast may happen without being written; each includes those before it."""

    IMPLICIT = 0
    ASSIGNMENT = 1
    EXPLICIT = 2


class Category(enum.Enum):
    """PostgreSQL's type categories, by their letters."""

    ARRAY = "A"
    BOOLEAN = "B"
    COMPOSITE = "C"
    DATETIME = "D"
    ENUM = "E"
    GEOMETRIC = "G"
    NETWORK = "I"
    NUMERIC = "N"
    PSEUDO = "P"
    RANGE = "R"
    STRING = "S"
    TIMESPAN = "T"
    USER = "U"
    BIT = "V"
    INTERNAL = "Z"
    UNKNOWN = "X"


_CATEGORIES = {
    Category.BOOLEAN: (K.BOOLEAN,),
    Category.NUMERIC: (
        K.SMALLINT,
        K.INTEGER,
        K.BIGINT,
        K.OID,
        K.REGISTERED,
        K.REAL,
        K.DOUBLE,
        K.NUMERIC,
    ),
    Category.INTERNAL: (K.INTERNAL_CHAR,),
    Category.STRING: (K.TEXT, K.VARCHAR, K.CHAR, K.NAME),
    Category.DATETIME: (K.DATE, K.TIME, K.TIMETZ, K.TIMESTAMP, K.TIMESTAMPTZ),
    Category.TIMESPAN: (K.INTERVAL,),
    Category.BIT: (K.BIT, K.VARBIT),
    Category.ARRAY: (K.ARRAY,),
    Category.ENUM: (K.ENUM,),
    Category.RANGE: (K.RANGE, K.MULTIRANGE),
    Category.COMPOSITE: (K.RECORD,),
    Category.UNKNOWN: (K.UNKNOWN,),
    Category.PSEUDO: (K.VOID, K.POLYMORPHIC),
    Category.USER: (K.BYTEA, K.UUID, K.JSON, K.JSONB, K.JSONPATH, K.PG_LSN),
}
_CATEGORY_OF = {kind: category for category, kinds in _CATEGORIES.items() for kind in kinds}
_ABSENT_CATEGORIES = {
    "money": Category.NUMERIC,
    "inet": Category.NETWORK,
    **dict.fromkeys(
        ("box", "circle", "line", "lseg", "path", "point", "polygon"), Category.GEOMETRIC
    ),
}
_PREFERRED = frozenset({K.BOOLEAN, K.OID, K.DOUBLE, K.TEXT, K.TIMESTAMPTZ, K.INTERVAL, K.VARBIT})

# source: (implicit targets, assignment targets, explicit targets)
_CASTS: dict[TypeKind, tuple[tuple[TypeKind, ...], tuple[TypeKind, ...], tuple[TypeKind, ...]]] = {
    K.BOOLEAN: ((), (K.CHAR, K.VARCHAR, K.TEXT), (K.INTEGER,)),
    K.SMALLINT: (
        (K.INTEGER, K.BIGINT, K.NUMERIC, K.REAL, K.DOUBLE, K.OID, K.REGISTERED),
        (),
        (K.BYTEA,),
    ),
    K.INTEGER: (
        (K.BIGINT, K.NUMERIC, K.REAL, K.DOUBLE, K.OID, K.REGISTERED),
        (K.SMALLINT,),
        (K.BOOLEAN, K.BIT, K.BYTEA, K.INTERNAL_CHAR),
    ),
    K.BIGINT: (
        (K.NUMERIC, K.REAL, K.DOUBLE, K.OID, K.REGISTERED),
        (K.SMALLINT, K.INTEGER),
        (K.BIT, K.BYTEA),
    ),
    K.OID: ((K.REGISTERED,), (K.INTEGER, K.BIGINT), ()),
    K.REGISTERED: ((K.OID,), (K.INTEGER, K.BIGINT), ()),
    K.INTERNAL_CHAR: ((K.TEXT,), (K.VARCHAR, K.CHAR), (K.INTEGER,)),
    K.REAL: ((K.DOUBLE,), (K.SMALLINT, K.INTEGER, K.BIGINT, K.NUMERIC), ()),
    K.DOUBLE: ((), (K.SMALLINT, K.INTEGER, K.BIGINT, K.NUMERIC, K.REAL), ()),
    K.NUMERIC: ((K.REAL, K.DOUBLE), (K.SMALLINT, K.INTEGER, K.BIGINT), ()),
    K.TEXT: ((K.VARCHAR, K.CHAR, K.NAME), (K.INTERNAL_CHAR,), ()),
    K.VARCHAR: ((K.TEXT, K.CHAR, K.NAME), (K.INTERNAL_CHAR,), ()),
    K.CHAR: ((K.TEXT, K.VARCHAR, K.NAME), (K.INTERNAL_CHAR,), ()),
    K.NAME: ((K.TEXT,), (K.VARCHAR, K.CHAR), ()),
    K.BYTEA: ((), (), (K.SMALLINT, K.INTEGER, K.BIGINT)),
    K.DATE: ((K.TIMESTAMP, K.TIMESTAMPTZ), (), ()),
    K.TIME: ((K.INTERVAL, K.TIMETZ), (), ()),
    K.TIMETZ: ((), (K.TIME,), ()),
    K.TIMESTAMP: ((K.TIMESTAMPTZ,), (K.DATE, K.TIME), ()),
    K.TIMESTAMPTZ: ((), (K.DATE, K.TIME, K.TIMETZ, K.TIMESTAMP), ()),
    K.INTERVAL: ((), (K.TIME,), ()),
    K.JSON: ((), (K.JSONB,), ()),
    K.JSONB: (
        (),
        (K.JSON,),
        (K.BOOLEAN, K.SMALLINT, K.INTEGER, K.BIGINT, K.REAL, K.DOUBLE, K.NUMERIC),
    ),
    K.BIT: ((K.VARBIT,), (), (K.INTEGER, K.BIGINT)),
    K.VARBIT: ((K.BIT,), (), ()),
}
_CONTEXT_OF: dict[tuple[TypeKind, TypeKind], CastContext] = {
    (source, target): context
    for source, groups in _CASTS.items()
    for context, targets in zip(CastContext, groups, strict=True)
    for target in targets
}
# Those of pg_cast that have no function: what differs is the type alone, or both go by their text.
_PLAIN_CASTS = frozenset(
    {
        (K.BIT, K.VARBIT),
        (K.VARBIT, K.BIT),
        (K.TEXT, K.VARCHAR),
        (K.TEXT, K.CHAR),
        (K.VARCHAR, K.TEXT),
        (K.VARCHAR, K.CHAR),
        (K.INTEGER, K.OID),
        (K.INTEGER, K.REGISTERED),
        (K.OID, K.INTEGER),
        (K.OID, K.REGISTERED),
        (K.REGISTERED, K.INTEGER),
        (K.REGISTERED, K.OID),
        (K.JSON, K.JSONB),
        (K.JSONB, K.JSON),
    }
)
# The two types of functions, and the two of operators, which differ in how they are written only.
_KIN = (frozenset(("regproc", "regprocedure")), frozenset(("regoper", "regoperator")))
_STRINGS = frozenset(_CATEGORIES[Category.STRING])


def category_of(sql_type: SqlType) -> Category:
    """The type's category."""
    if sql_type.kind is K.RECORD and not sql_type.oid:
        return Category.PSEUDO
    if sql_type.kind is K.ABSENT:
        return _ABSENT_CATEGORIES.get(sql_type.name or "", Category.USER)
    return _CATEGORY_OF[sql_type.kind]


def is_preferred(sql_type: SqlType) -> bool:
    """Whether the type is the preferred one of its category."""
    return sql_type.kind in _PREFERRED or (sql_type.kind is K.ABSENT and sql_type.name == "inet")


def is_same_type(left: SqlType, right: SqlType) -> bool:
    """Whether two types differ in their modifiers at most (also those of their elements)."""
    if left == right:
        return True
    if left.kind is not right.kind or left.domain_oid != right.domain_oid:
        return False
    if left.oid and right.oid:
        return left.oid == right.oid
    if left.element is not None and right.element is not None:
        return left.name == right.name and is_same_type(left.element, right.element)
    return left.unmodified == right.unmodified


def cast_context(source: SqlType, target: SqlType) -> CastContext | None:
    """The weakest context in which a value of `source` becomes one of `target`; None where there is no cast."""
    if source.kind is K.UNKNOWN or is_same_type(source, target):
        return CastContext.IMPLICIT
    if source.domain is not None or target.domain is not None:
        # A domain is its base type, in both directions; what it checks is seen to by who casts.
        return cast_context(source.base, target.base)
    found = _CONTEXT_OF.get((source.kind, target.kind))
    if found is not None:
        return found
    if target.name == "regclass" and source.kind in (K.TEXT, K.VARCHAR):
        return CastContext.IMPLICIT
    if source.kind is K.REGISTERED and target.kind is K.REGISTERED:
        is_kin = frozenset((source.name, target.name)) in _KIN
        return CastContext.IMPLICIT if is_kin else None
    if source.kind is K.ARRAY and target.kind is K.ARRAY:
        assert source.element is not None
        assert target.element is not None
        if target.name is not None:
            # int2vector and oidvector are arrays, but not every array is one of them.
            return None
        return cast_context(source.element, target.element)
    if source.kind is K.RANGE and target.kind is K.MULTIRANGE and target.element == source:
        return CastContext.EXPLICIT
    if source.kind is K.RECORD and target.kind is K.RECORD:
        return _record_context(source, target)
    # Every type can be written as text, and read from it.
    if target.kind in _STRINGS:
        return CastContext.ASSIGNMENT if source.kind is not K.VOID else None
    if source.kind in _STRINGS and target.kind not in (K.VOID, K.UNKNOWN):
        return CastContext.EXPLICIT
    return None


def is_plain_cast(source: SqlType, target: SqlType) -> bool:
    """Whether an explicit cast has no function behind it: it leaves the value as it is, or goes through the value's text."""
    source, target = source.base, target.base
    if is_same_type(source, target):
        return True
    if target.kind is K.REGISTERED and source.kind is K.REGISTERED:
        return cast_context(source, target) is not None
    if (source.kind, target.kind) in _CONTEXT_OF:
        return (source.kind, target.kind) in _PLAIN_CASTS
    if target.name == "regclass" and source.kind in (K.TEXT, K.VARCHAR):
        return False
    if source.kind is K.RECORD:
        # A row is not made text by the name of a type alone.
        return False
    is_text = source.kind in _STRINGS or target.kind in _STRINGS
    return is_text and cast_context(source, target) is not None


def _record_context(source: SqlType, target: SqlType) -> CastContext | None:
    if not target.fields:
        return CastContext.IMPLICIT
    if len(source.fields) != len(target.fields):
        return None
    contexts = [
        cast_context(one, other) for one, other in zip(source.fields, target.fields, strict=True)
    ]
    found = [context for context in contexts if context is not None]
    return max(found, default=CastContext.IMPLICIT) if len(found) == len(contexts) else None


def can_coerce(
    source: SqlType, target: SqlType, context: CastContext = CastContext.IMPLICIT
) -> bool:
    """Whether a value of `source` may become one of `target` in that context."""
    found = cast_context(source, target)
    return found is not None and found <= context


def require_cast(
    source: SqlType, target: SqlType, context: CastContext, position: int = -1
) -> None:
    """Raise 42846 where `can_coerce` says no."""
    if not can_coerce(source, target, context):
        place = position if position >= 0 else None
        raise CannotCoerce(
            f"cannot cast type {source.unmodified} to {target.unmodified}", position=place
        )


def common_type(types: Sequence[SqlType], construct: str = "UNION", position: int = -1) -> SqlType:
    """The type that CASE, UNION, VALUES, ARRAY and the like give their branches (manual, 10.5).

    `construct` names it in the error. Raises 42804.
    """
    known = [item for item in types if item.kind is not K.UNKNOWN]
    if not known:
        return TEXT if types else UNKNOWN
    if len(known) == len(types) and all(item == known[0] for item in known):
        return known[0]
    known = [item.base for item in known]
    for number, item in enumerate(known):
        if category_of(item) is not category_of(known[0]):
            place = position if position >= 0 else None
            chosen = chosen_type(known[:number])
            raise DatatypeMismatch(
                f"{construct} types {chosen.unmodified} and {item.unmodified} cannot be matched",
                position=place,
            )
    chosen = chosen_type(known)
    _require_all_coercible(types, chosen, construct, position)
    return _without_differing_modifiers(known, chosen)


def chosen_type(types: Sequence[SqlType]) -> SqlType:
    """Which of several types of one category, beside unknown ones, is taken for all: the first, or one that it becomes and that
    does not become it."""
    known = [item.base for item in types if item.kind is not K.UNKNOWN]
    chosen = known[0]
    for item in known[1:]:
        if is_same_type(item, chosen) or is_preferred(chosen):
            continue
        if can_coerce(chosen, item) and not can_coerce(item, chosen):
            chosen = item
    return chosen


def common_type_of(types: Sequence[SqlType]) -> SqlType | None:
    """`common_type`, but None where there is none."""
    try:
        return common_type(types)
    except (DatatypeMismatch, CannotCoerce):
        return None


def _require_all_coercible(
    types: Iterable[SqlType], chosen: SqlType, construct: str, position: int
) -> None:
    for item in types:
        if not can_coerce(item, chosen):
            place = position if position >= 0 else None
            raise CannotCoerce(
                f"{construct} could not convert type {item.unmodified} to {chosen.unmodified}",
                position=place,
            )


def _without_differing_modifiers(known: Sequence[SqlType], chosen: SqlType) -> SqlType:
    if all(item == chosen for item in known):
        return chosen
    if chosen.element is not None and chosen.kind is K.ARRAY:
        return SqlType(K.ARRAY, element=chosen.element.unmodified)
    return chosen.unmodified


_SAME_BYTES = frozenset(
    {
        (K.TEXT, K.VARCHAR),
        (K.VARCHAR, K.TEXT),
        (K.TEXT, K.CHAR),
        (K.VARCHAR, K.CHAR),
        (K.INTEGER, K.OID),
    }
)


def is_binary_coercible(source: SqlType, target: SqlType) -> bool:
    """Whether a value of the one type is one of the other as it stands (PostgreSQL: IsBinaryCoercible)."""
    source, target = source.unmodified, target.unmodified
    return source in (target, target.base) or (source.base.kind, target.kind) in _SAME_BYTES
