"""The functions that PostgreSQL reads and writes the values of a type with: textin, textout, textrecv, textsend.

Tools tell kinds of types apart by them (pg_type.typinput = 'array_in'), so pg_type and pg_proc name them. A value is read by a cast
here, and a statement cannot call these by their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lungfish.types.ranges import MULTIRANGE_TYPES, RANGE_TYPES
from lungfish.types.sql_type import INT2VECTOR, OIDVECTOR, TypeKind
from lungfish.types.type_oids import BUILT_IN, CSTRING_ARRAY, PSEUDO_TYPES, REGISTERED

_CSTRING, _INTERNAL = PSEUDO_TYPES["cstring"], PSEUDO_TYPES["internal"]
_OID, _INTEGER = BUILT_IN[TypeKind.OID][0], BUILT_IN[TypeKind.INTEGER][0]
_BYTEA = BUILT_IN[TypeKind.BYTEA][0]
_VECTORS = {str(kind.name): kind.oid for kind in (INT2VECTOR, OIDVECTOR)}
# Types whose name and what the function does are not joined by an underscore.
_CLOSED_UP = frozenset(
    {
        "bool", "bpchar", "bytea", "char", "float4", "float8", "int2", "int4", "int8", "name", "oid", "text", "unknown", "varchar",
        *_VECTORS, *REGISTERED,
    }
)  # fmt: skip
# Types with a length or precision, which reading takes too.
_MODIFIED = ("bit", "bpchar", "interval", "numeric", "time", "timestamp", "timestamptz", "timetz", "varbit", "varchar")  # fmt: skip
# Kinds of types, by the pseudo-type that stands for all of them.
_FAMILIES = {
    "array": "anyarray",
    "enum": "anyenum",
    "multirange": "anymultirange",
    "range": "anyrange",
}
# What depends on settings or the catalog.
_STABLE_INPUT = frozenset({
    "array", "date", "enum", "interval", "multirange", "range", "record", "time", "timestamp", "timestamptz", "timetz", *REGISTERED,
})  # fmt: skip
_STABLE_OUTPUT = (_STABLE_INPUT - {"time", "timetz"}) | {"anyarray", "anycompatiblearray"}
_STABLE_BYTES = frozenset({
    "anyarray", "anycompatiblearray", "array", "bpchar", "cstring", "enum", "multirange", "name", "range", "record", "text", "varchar",
})  # fmt: skip
_NO_BYTES = frozenset(PSEUDO_TYPES) - {
    "anyarray", "anycompatiblearray", "cstring", "record", "void",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TypeFunction:
    """One of them as pg_proc has it; types by their oids."""

    name: str
    arguments: tuple[int, ...]
    result: int
    is_stable: bool = False
    is_strict: bool = True


@dataclass(frozen=True, slots=True)
class TypeFunctionNames:
    """Their names as pg_type has them; empty where there is none."""

    input: str
    output: str
    receive: str = ""
    send: str = ""
    read_modifiers: str = ""
    write_modifiers: str = ""
    analyze: str = ""
    subscript: str = ""


def function_names(name: str, kind: str, element: str | None = None) -> TypeFunctionNames:
    """Those of a type by its name and its typtype; `element`: what a domain is over, or an array's (`""` where it does not matter)."""
    if kind == "d" and element is not None:
        base = function_names(element, "b")
        return TypeFunctionNames(
            "domain_in", base.output, "domain_recv", base.send, analyze=base.analyze
        )
    if element is not None and name not in _VECTORS and name != "name":
        return _named("array", analyze="array_typanalyze", subscript="array_subscript_handler")
    stem = {"c": "record", "e": "enum", "m": "multirange", "r": "range"}.get(kind, name)
    subscripts = {
        "jsonb": "jsonb_subscript_handler", "name": "raw_array_subscript_handler", **dict.fromkeys(_VECTORS, "array_subscript_handler"),
    }  # fmt: skip
    analyze = f"{stem}_typanalyze" if kind in ("m", "r") else ""
    return _named(stem, analyze=analyze, subscript=subscripts.get(stem, ""))


def _named(stem: str, *, analyze: str = "", subscript: str = "") -> TypeFunctionNames:
    head = stem if stem in _CLOSED_UP else f"{stem}_"
    has_bytes, is_modified = stem not in _NO_BYTES, stem in _MODIFIED
    return TypeFunctionNames(
        f"{head}in",
        f"{head}out",
        f"{head}recv" if has_bytes else "",
        f"{head}send" if has_bytes else "",
        f"{stem}typmodin" if is_modified else "",
        f"{stem}typmodout" if is_modified else "",
        analyze,
        subscript,
    )


def type_functions() -> Iterator[TypeFunction]:
    """All of them."""
    ranges = {*RANGE_TYPES, *MULTIRANGE_TYPES}
    stems = {facts[2]: facts[0] for facts in BUILT_IN.values()} | PSEUDO_TYPES | _VECTORS
    stems |= {name: oids[0] for name, oids in REGISTERED.items()}
    stems |= {family: PSEUDO_TYPES[pseudo] for family, pseudo in _FAMILIES.items()}
    for stem, oid in stems.items():
        if stem not in ranges:
            yield from _functions_of(stem, oid)
    context = (_OID, _INTEGER)
    anything = PSEUDO_TYPES["any"]
    yield TypeFunction("domain_in", (_CSTRING, *context), anything, True, False)
    yield TypeFunction("domain_recv", (_INTERNAL, *context), anything, True, False)
    for name in ("array_subscript_handler", "jsonb_subscript_handler", "raw_array_subscript_handler"):  # fmt: skip
        yield TypeFunction(name, (_INTERNAL,), _INTERNAL)
    for name in ("array_typanalyze", "multirange_typanalyze", "range_typanalyze"):
        yield TypeFunction(name, (_INTERNAL,), BUILT_IN[TypeKind.BOOLEAN][0], True)


def _functions_of(stem: str, oid: int) -> Iterator[TypeFunction]:
    names = _named(stem)
    takes_all = stem in _MODIFIED or stem in _FAMILIES or stem == "record"
    takes_all = takes_all or (stem.startswith("any") and stem.endswith("range"))
    context: tuple[int, ...] = (_OID, _INTEGER) if takes_all else ()
    if stem == "enum":
        context = (_OID,)
    is_stable = stem in _STABLE_INPUT or (takes_all and stem.startswith("any"))
    is_strict = stem not in ("trigger", "internal")
    yield TypeFunction(names.input, (_CSTRING, *context), oid, is_stable, is_strict)
    is_stable = (
        stem in _STABLE_OUTPUT or (takes_all and stem.startswith("any")) or stem == "anyenum"
    )
    yield TypeFunction(names.output, (oid,), _CSTRING, is_stable)
    if names.receive:
        is_stable = stem in _STABLE_BYTES
        yield TypeFunction(names.receive, (_INTERNAL, *context), oid, is_stable)
        yield TypeFunction(names.send, (oid,), _BYTEA, is_stable)
    if names.read_modifiers:
        yield TypeFunction(names.read_modifiers, (CSTRING_ARRAY,), _INTEGER)
        yield TypeFunction(names.write_modifiers, (_INTEGER,), _CSTRING)
