"""What a SQL type is: a kind, its modifiers, and for arrays the element's type.

The internal value of each kind, as every room of the house sees it (NULL is None in all of them), and its vector:

    kind                     internal value (scalar)              vector (Arrow)
    BOOLEAN                  bool                                 bool_
    SMALLINT INTEGER BIGINT  int                                  int16 int32 int64
    OID REGISTERED           int                                  int64
    REAL DOUBLE              float (REAL: rounded to 32 bits)     float32 float64
    NUMERIC                  Decimal (finite, NaN or Infinity)    decimal128(p, s), or large_string of its text
    TEXT VARCHAR CHAR NAME   str (CHAR(n): padded to n)           large_string
    INTERNAL_CHAR            str of at most one character below   large_string
                             U+0100, which stands for its byte
    JSON JSONB               str (JSONB: PostgreSQL's text form)  large_string
    JSONPATH                 str, PostgreSQL's text form          large_string
    BYTEA                    bytes                                large_binary
    DATE                     int, days since 1970-01-01           date32
    TIME                     int, microseconds since midnight     time64("us")
    TIMETZ                   (microseconds, offset seconds west)  large_string of its text
    TIMESTAMP                int, microseconds since 1970-01-01   timestamp("us")
    TIMESTAMPTZ              the same, in UTC                     timestamp("us"), no zone: always UTC
    INTERVAL                 Interval(months, days, microseconds) fixed_size_binary(16), little-endian i8 i4 i4
    UUID                     bytes of length 16                   fixed_size_binary(16)
    BIT VARBIT               str of 0 and 1                       large_string
    ARRAY                    ArrayValue                           large_string of PostgreSQL's text form
    RECORD                   tuple                                large_string of PostgreSQL's text form
    ENUM                     str (the label)                      large_string
    RANGE                    RangeValue                           large_string of PostgreSQL's text form
    MULTIRANGE               tuple of RangeValue, apart, in order large_string of PostgreSQL's text form
    UNKNOWN                  str: a literal whose type is not yet known, coerced by the binder
    VOID                     str, always empty                    large_string
    POLYMORPHIC              none: what a parameter of a routine may be declared as (anyelement), by its name
    ABSENT                   none: a type that only PostgreSQL has, by its name, in signatures that are refused

Infinite dates and timestamps are the extreme values of the integer: the largest is infinity, the smallest -infinity.
A NUMERIC vector has one of two forms, told apart by its Arrow type at run time: decimal128 where a column's declared
precision is at most 38 and no value is NaN (exact, and Arrow's kernels work on it), and the text of each value
otherwise (any precision, each value with its own display scale, NaN and infinities).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import NamedTuple


class TypeKind(enum.Enum):
    """The kinds of type; the value is the name that PostgreSQL's `format_type` gives it."""

    BOOLEAN = "boolean"
    SMALLINT = "smallint"
    INTEGER = "integer"
    BIGINT = "bigint"
    OID = "oid"
    # regclass, regtype and their kin: an oid that is read and shown as a name.
    REGISTERED = "registered"
    REAL = "real"
    DOUBLE = "double precision"
    NUMERIC = "numeric"
    TEXT = "text"
    VARCHAR = "character varying"
    CHAR = "character"
    NAME = "name"
    # "char": one byte.
    INTERNAL_CHAR = '"char"'
    BYTEA = "bytea"
    DATE = "date"
    TIME = "time without time zone"
    TIMETZ = "time with time zone"
    TIMESTAMP = "timestamp without time zone"
    TIMESTAMPTZ = "timestamp with time zone"
    INTERVAL = "interval"
    UUID = "uuid"
    JSON = "json"
    JSONB = "jsonb"
    JSONPATH = "jsonpath"
    BIT = "bit"
    VARBIT = "bit varying"
    ARRAY = "array"
    RECORD = "record"
    ENUM = "enum"
    RANGE = "range"
    MULTIRANGE = "multirange"
    PG_LSN = "pg_lsn"
    UNKNOWN = "unknown"
    VOID = "void"
    POLYMORPHIC = "polymorphic"
    ABSENT = "absent"


FRACTION_DIGITS_MAX = 6
# What INTERVAL may be declared to keep; the last field is the smallest.
INTERVAL_FIELDS = (
    "year", "month", "day", "hour", "minute", "second", "year to month", "day to hour",
    "day to minute", "day to second", "hour to minute", "hour to second", "minute to second",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SqlType:
    """A SQL type, comparable and hashable.

    `modifiers` are what stands in parentheses: (n,) for VARCHAR, CHAR, BIT and VARBIT, (precision, scale) for NUMERIC,
    (fraction digits,) for the types of time, of an INTERVAL with fields also their number in `INTERVAL_FIELDS`. Empty
    means that nothing was declared.
    """

    kind: TypeKind
    modifiers: tuple[int, ...] = ()
    # The type of an ARRAY's elements, a RANGE's bounds or a MULTIRANGE's ranges.
    element: SqlType | None = None
    # The name of an ENUM, RANGE, REGISTERED or composite type, of an ARRAY `int2vector` or `oidvector`.
    name: str | None = None
    # An ENUM's labels in their order; a RECORD's field names; the name of the multirange type of a user's RANGE.
    labels: tuple[str, ...] = ()
    # A RECORD's field types.
    fields: tuple[SqlType, ...] = ()
    # The catalog's oid of an ENUM, of a named composite type, or of another type with a name.
    oid: int = 0
    # The name and oid of a domain: values are those of `base`, which the domain's checks have let through.
    domain: str | None = None
    domain_oid: int = 0

    @property
    def unmodified(self) -> SqlType:
        """The same type without its modifiers, an array's without those of its elements."""
        if self.kind is TypeKind.ARRAY and self.element is not None:
            element = self.element.unmodified
            return self if element is self.element else replace(self, element=element)
        return replace(self, modifiers=()) if self.modifiers else self

    @property
    def base(self) -> SqlType:
        """The type beneath a domain, whatever domains lie between; other types are their own."""
        return self if self.domain is None else replace(self, domain=None, domain_oid=0)

    @property
    def holds_domains(self) -> bool:
        """Whether values of domains stand inside of this type's values, as elements or fields."""
        inner = self.fields if self.element is None else (self.element,)
        return any(each.domain is not None or each.holds_domains for each in inner)

    @property
    def without_domains(self) -> SqlType:
        """The same type with the types beneath them in the places of domains."""
        if self.domain is None and not self.holds_domains:
            return self
        element = None if self.element is None else self.element.without_domains
        fields = tuple(field.without_domains for field in self.fields)
        return replace(self, domain=None, domain_oid=0, element=element, fields=fields)

    def __str__(self) -> str:
        if self.domain is not None:
            return self.domain
        if self.name is not None:
            return self.name
        if self.kind is TypeKind.ARRAY and self.element is not None:
            return f"{self.element}[]"
        if not self.modifiers:
            return self.kind.value
        if self.kind is TypeKind.INTERVAL and len(self.modifiers) == 2:
            digits, fields = self.modifiers
            shown = "" if digits == FRACTION_DIGITS_MAX else f"({digits})"
            return f"interval {INTERVAL_FIELDS[fields]}{shown}"
        inside = ",".join(str(modifier) for modifier in self.modifiers)
        head, space, tail = self.kind.value.partition(" with")
        return f"{head}({inside}){space}{tail}"


class Interval(NamedTuple):
    """An INTERVAL's three parts, which PostgreSQL keeps apart because months and days have no fixed length."""

    months: int
    days: int
    microseconds: int


BOOLEAN = SqlType(TypeKind.BOOLEAN)
SMALLINT = SqlType(TypeKind.SMALLINT)
INTEGER = SqlType(TypeKind.INTEGER)
BIGINT = SqlType(TypeKind.BIGINT)
OID = SqlType(TypeKind.OID)
REAL = SqlType(TypeKind.REAL)
DOUBLE = SqlType(TypeKind.DOUBLE)
NUMERIC = SqlType(TypeKind.NUMERIC)
TEXT = SqlType(TypeKind.TEXT)
VARCHAR = SqlType(TypeKind.VARCHAR)
CHAR = SqlType(TypeKind.CHAR)
NAME = SqlType(TypeKind.NAME)
INTERNAL_CHAR = SqlType(TypeKind.INTERNAL_CHAR)
BYTEA = SqlType(TypeKind.BYTEA)
DATE = SqlType(TypeKind.DATE)
TIME = SqlType(TypeKind.TIME)
TIMETZ = SqlType(TypeKind.TIMETZ)
TIMESTAMP = SqlType(TypeKind.TIMESTAMP)
TIMESTAMPTZ = SqlType(TypeKind.TIMESTAMPTZ)
INTERVAL = SqlType(TypeKind.INTERVAL)
UUID = SqlType(TypeKind.UUID)
JSON = SqlType(TypeKind.JSON)
JSONB = SqlType(TypeKind.JSONB)
JSONPATH = SqlType(TypeKind.JSONPATH)
PG_LSN = SqlType(TypeKind.PG_LSN)
UNKNOWN = SqlType(TypeKind.UNKNOWN)
VOID = SqlType(TypeKind.VOID)
# Arrays that count from 0 and are written without braces, as the catalogs have them.
INT2VECTOR = SqlType(TypeKind.ARRAY, element=SMALLINT, name="int2vector", oid=22)
OIDVECTOR = SqlType(TypeKind.ARRAY, element=OID, name="oidvector", oid=30)

INFINITE_DATE = 2**31 - 1
MINUS_INFINITE_DATE = -(2**31)
INFINITE_TIMESTAMP = 2**63 - 1
MINUS_INFINITE_TIMESTAMP = -(2**63)


def array_of(element: SqlType) -> SqlType:
    """The type of arrays of `element`; PostgreSQL has no arrays of arrays, only more dimensions."""
    if element.kind is TypeKind.ARRAY and element.domain is None:
        return element
    return SqlType(TypeKind.ARRAY, element=element)
