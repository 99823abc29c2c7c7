"""The parts of CREATE TABLE: columns and constraints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.ddl import (
    ColumnDefinition,
    ConstraintDefinition,
    ExpressionText,
    ForeignKeyReference,
    Identity,
    SequenceOption,
)
from lungfish.sql.ast.partitions import ColumnOptions
from lungfish.sql.libpg import Node
from lungfish.sql.lower_index_elements import expression_text, lower_exclusion
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import (
    Lowering,
    name_without_catalog,
    object_name,
    raise_unsupported,
    require_only,
    strings,
)
from lungfish.sql.storage_parameters import parameter_texts
from lungfish.sql.tablespaces import check_tablespace

PERSISTENCE: Mapping[str, str] = {"p": "permanent", "t": "temporary", "u": "unlogged"}
ON_COMMIT: Mapping[str, str] = {
    "ONCOMMIT_NOOP": "preserve rows",
    "ONCOMMIT_PRESERVE_ROWS": "preserve rows",
    "ONCOMMIT_DELETE_ROWS": "delete rows",
    "ONCOMMIT_DROP": "drop",
}


def check_access_method(fields: Node) -> None:
    """USING heap is what there is."""
    method = fields.get("accessMethod", "heap")
    if method != "heap":
        raise errors.UndefinedObject(f'access method "{method}" does not exist')


# Columns.

_SERIAL_TYPES = frozenset({"serial", "serial4", "bigserial", "serial8", "smallserial", "serial2"})
# What is said of how values are kept.
STORAGE_FIELDS = ("storage_name", "compression")
_COLUMN_FIELDS = frozenset(
    {"colname", "typeName", "is_local", "collClause", "constraints", "location", *STORAGE_FIELDS}
)
_OPTION_FIELDS = _COLUMN_FIELDS - set(STORAGE_FIELDS)


# Attribute clauses of which a constraint may have one, by how their kinds end.
_EITHER = {
    ("DEFERRABLE",): "DEFERRABLE/NOT DEFERRABLE",
    ("DEFERRED", "IMMEDIATE"): "INITIALLY IMMEDIATE/DEFERRED",
    ("ENFORCED",): "ENFORCED/NOT ENFORCED",
}


@dataclass(slots=True)
class _ColumnParts:
    """What the clauses behind a column's type add up to."""

    column: str
    table: str
    default: ExpressionText | None = None
    identity: Identity | None = None
    generated: ExpressionText | None = None
    is_virtual: bool = False
    # None until NULL or NOT NULL was said.
    is_not_null: bool | None = None
    constraints: list[ConstraintDefinition] = field(default_factory=list)
    # Which attributes have been said of the last constraint.
    said: set[str] = field(default_factory=set)
    # None until something said that the column is NOT NULL; then whether that is NO INHERIT.
    keeps_not_null: bool | None = None

    def require_single(self, already: object, what: str, position: int) -> None:
        if already is not None:
            raise errors.SyntaxError(
                f'multiple {what} specified for column "{self.column}" of table "{self.table}"',
                position=position,
            )

    def set_not_null(self, is_not_null: bool, position: int) -> None:
        if self.is_not_null is not None and self.is_not_null != is_not_null:
            raise errors.SyntaxError(
                f"conflicting NULL/NOT NULL declarations for column"
                f' "{self.column}" of table "{self.table}"',
                position=position,
            )
        self.is_not_null = is_not_null

    def declare_not_null(self, *, is_kept: bool) -> None:
        """Note a NOT NULL, or what implies one, that children have too or, `is_kept`, need not have."""
        if self.keeps_not_null is not None and self.keeps_not_null != is_kept:
            raise errors.SyntaxError(
                f'conflicting NO INHERIT declarations for not-null constraints on column "{self.column}"'
            )
        self.keeps_not_null = is_kept

    def say(self, kind: str, position: int) -> None:
        """Note an attribute clause of the constraint before it."""
        endings, words = next(each for each in _EITHER.items() if kind.endswith(each[0]))
        if any(known.endswith(endings) for known in self.said):
            raise errors.SyntaxError(f"multiple {words} clauses not allowed", position=position)
        self.said.add(kind)
        if {"CONSTR_ATTR_NOT_DEFERRABLE", "CONSTR_ATTR_DEFERRED"} <= self.said:
            raise errors.SyntaxError(
                "constraint declared INITIALLY DEFERRED must be DEFERRABLE", position=position
            )

    def check_together(self, position: int) -> None:
        """Only one of default, identity and generation may say where the value comes from."""
        named = (
            ("default", self.default),
            ("identity", self.identity),
            ("generation expression", self.generated),
        )
        given = [name for name, part in named if part is not None]
        if len(given) > 1:
            raise errors.SyntaxError(
                f"both {given[0]} and {given[1]} specified for column"
                f' "{self.column}" of table "{self.table}"',
                position=position,
            )


def _lower_parts(fields: Node, table: str, lowering: Lowering) -> _ColumnParts:
    parts = _ColumnParts(fields["colname"], table)
    for node in fields.get("constraints", ()):
        _add_clause(parts, node["Constraint"], lowering)
    return parts


def lower_column_options(fields: Node, table: str, lowering: Lowering) -> ColumnOptions:
    """A ColumnDef without a type: what a partition says of a column of its parent, a typed table of one of its type."""
    position = fields.get("location", 0)
    require_only(fields, _OPTION_FIELDS, position=position)
    parts = _lower_parts(fields, table, lowering)
    if parts.identity is not None:
        raise_unsupported("an identity column of a partition or a typed table", position)
    return ColumnOptions(
        name=fields["colname"],
        default=parts.default,
        generated=parts.generated,
        is_virtual=parts.is_virtual,
        is_not_null=parts.is_not_null is True,
        constraints=tuple([part for part in parts.constraints if not _is_plain_not_null(part)]),
        position=position,
    )


def lower_column(fields: Node, table: str, lowering: Lowering) -> ColumnDefinition:
    """A ColumnDef of CREATE TABLE or ADD COLUMN. `table` is for messages."""
    position = fields.get("location", 0)
    require_only(fields, _COLUMN_FIELDS, position=position)
    if "typeName" not in fields:
        raise_unsupported("a column without a type", position)
    parts = _lower_parts(fields, table, lowering)
    type_name = lower_type(fields["typeName"])
    if parts.keeps_not_null and type_name.name in _SERIAL_TYPES:
        parts.declare_not_null(is_kept=False)
    return ColumnDefinition(
        name=fields["colname"],
        type_name=type_name,
        default=parts.default,
        identity=parts.identity,
        generated=parts.generated,
        is_virtual=parts.is_virtual,
        is_not_null=parts.is_not_null is True,
        is_explicit_null=parts.is_not_null is False,
        collation=lower_collation(fields),
        storage=fields.get("storage_name"),
        compression=fields.get("compression"),
        constraints=tuple([part for part in parts.constraints if not _is_plain_not_null(part)]),
        position=position,
    )


def _is_plain_not_null(constraint: ConstraintDefinition) -> bool:
    """Whether the column's own flag says all of it."""
    return (
        constraint.kind == "not null" and constraint.name is None and not constraint.is_no_inherit
    )


def lower_collation(fields: Node) -> tuple[str, ...]:
    """The collation of a node that may carry one."""
    clause = fields.get("collClause")
    return () if clause is None else name_without_catalog(clause["collname"])


def _add_clause(parts: _ColumnParts, fields: Node, lowering: Lowering) -> None:
    """Add one clause behind a column's type; an attribute clause changes the constraint before it."""
    kind = fields["contype"]
    position = fields.get("location", 0)
    if kind == "CONSTR_DEFAULT":
        parts.require_single(parts.default, "default values", position)
        parts.default = expression_text(fields["raw_expr"], lowering)
    elif kind == "CONSTR_IDENTITY":
        if parts.identity is not None:
            raise errors.SyntaxError(
                f'multiple identity specifications for column "{parts.column}" of table "{parts.table}"',
                position=position,
            )
        parts.set_not_null(True, position)
        parts.identity = lower_identity(fields)
        parts.declare_not_null(is_kept=False)
    elif kind == "CONSTR_GENERATED":
        parts.require_single(parts.generated, "generation clauses", position)
        parts.generated = _lower_generated(fields, lowering)
        parts.is_virtual = fields["generated_kind"] == "v"
    elif kind == "CONSTR_NULL":
        parts.set_not_null(False, position)
    elif kind in _ATTRIBUTES:
        parts.say(kind, position)
        _change_attribute(parts.constraints, kind, position)
    else:
        parts.said.clear()
        if kind == "CONSTR_NOTNULL":
            parts.set_not_null(True, position)
            parts.declare_not_null(is_kept=fields.get("is_no_inherit", False))
        elif kind == "CONSTR_PRIMARY":
            parts.declare_not_null(is_kept=False)
        constraint = lower_constraint(fields, lowering)
        parts.constraints.append(replace(constraint, columns=constraint.columns or (parts.column,)))
    parts.check_together(position)


def _lower_generated(fields: Node, lowering: Lowering) -> ExpressionText:
    if fields["generated_when"] != "a":
        raise errors.SyntaxError(
            "for a generated column, GENERATED ALWAYS must be specified",
            position=fields.get("location", 0),
        )
    return expression_text(fields["raw_expr"], lowering)


def lower_identity(fields: Node) -> Identity:
    """GENERATED ... AS IDENTITY."""
    return Identity(
        fields["generated_when"] == "a", lower_sequence_options(fields.get("options", ()))
    )


# The attribute clauses, and what they may stand behind.
_DEFERRABLE_KINDS = frozenset({"primary key", "unique", "exclude", "foreign key"})
_ENFORCEABLE_KINDS = frozenset({"check", "foreign key"})
_ATTRIBUTES: Mapping[str, tuple[str, frozenset[str]]] = MappingProxyType(
    {
        "CONSTR_ATTR_DEFERRABLE": ("DEFERRABLE", _DEFERRABLE_KINDS),
        "CONSTR_ATTR_NOT_DEFERRABLE": ("NOT DEFERRABLE", _DEFERRABLE_KINDS),
        "CONSTR_ATTR_DEFERRED": ("INITIALLY DEFERRED", _DEFERRABLE_KINDS),
        "CONSTR_ATTR_IMMEDIATE": ("INITIALLY IMMEDIATE", _DEFERRABLE_KINDS),
        "CONSTR_ATTR_ENFORCED": ("ENFORCED", _ENFORCEABLE_KINDS),
        "CONSTR_ATTR_NOT_ENFORCED": ("NOT ENFORCED", _ENFORCEABLE_KINDS),
    }
)


def _change_attribute(constraints: list[ConstraintDefinition], kind: str, position: int) -> None:
    """Apply an attribute clause to the constraint that it stands behind."""
    words, kinds = _ATTRIBUTES[kind]
    if not constraints or constraints[-1].kind not in kinds:
        raise errors.SyntaxError(f"misplaced {words} clause", position=position)
    constraint = constraints[-1]
    if words.endswith("ENFORCED"):
        constraint = replace(constraint, is_not_enforced=words.startswith("NOT"))
    elif words.endswith("DEFERRABLE"):
        constraint = replace(constraint, is_deferrable=not words.startswith("NOT"))
    elif words.endswith("IMMEDIATE"):
        constraint = replace(constraint, is_initially_deferred=False)
    else:
        constraint = replace(constraint, is_deferrable=True, is_initially_deferred=True)
    constraints[-1] = constraint


# Constraints.

_CONSTRAINT_KINDS: Mapping[str, str] = {
    "CONSTR_CHECK": "check",
    "CONSTR_EXCLUSION": "exclude",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_NOTNULL": "not null",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_UNIQUE": "unique",
}
_CONSTRAINT_FIELDS = frozenset(
    {
        "contype",
        "conname",
        "deferrable",
        "initdeferred",
        "is_enforced",
        "skip_validation",
        "initially_valid",
        "is_no_inherit",
        "raw_expr",
        "nulls_not_distinct",
        "keys",
        "including",
        "indexname",
        "pktable",
        "fk_attrs",
        "pk_attrs",
        "fk_matchtype",
        "fk_upd_action",
        "fk_del_action",
        "fk_del_set_cols",
        "location",
        "options",
        "exclusions",
        "access_method",
        "where_clause",
        "without_overlaps",
        "indexspace",
        "fk_with_period",
        "pk_with_period",
    }
)


def lower_constraint(fields: Node, lowering: Lowering) -> ConstraintDefinition:
    """A constraint, of a table or behind a column (then without its column)."""
    position = fields.get("location", 0)
    kind = _CONSTRAINT_KINDS.get(fields["contype"])
    if kind is None:
        raise_unsupported(fields["contype"].removeprefix("CONSTR_"), position)
    require_only(fields, _CONSTRAINT_FIELDS, position=position)
    columns = fields.get("fk_attrs", ()) if kind == "foreign key" else fields.get("keys", ())
    check = fields.get("raw_expr")
    check_tablespace(fields.get("indexspace", ""))
    return ConstraintDefinition(
        kind=kind,
        name=fields.get("conname"),
        columns=strings(columns),
        check=None if check is None else expression_text(check, lowering),
        reference=_lower_reference(fields) if kind == "foreign key" else None,
        include=strings(fields.get("including", ())),
        nulls_not_distinct=fields.get("nulls_not_distinct", False),
        parameters=parameter_texts(fields.get("options", ()), "index"),
        is_deferrable=fields.get("deferrable", False),
        is_initially_deferred=fields.get("initdeferred", False),
        is_not_valid=fields.get("skip_validation", False),
        is_no_inherit=fields.get("is_no_inherit", False),
        # PostgreSQL sets the field only where ENFORCED has a meaning.
        is_not_enforced=kind in _ENFORCEABLE_KINDS and not fields.get("is_enforced", False),
        using_index=fields.get("indexname"),
        exclusion=lower_exclusion(fields, lowering) if kind == "exclude" else None,
        is_without_overlaps=fields.get("without_overlaps", False),
        position=position,
    )


_ACTIONS: Mapping[str, str] = {
    "a": "no action",
    "r": "restrict",
    "c": "cascade",
    "n": "set null",
    "d": "set default",
}
_MATCHES: Mapping[str, str] = {"s": "simple", "f": "full", "p": "partial"}


def _lower_reference(fields: Node) -> ForeignKeyReference:
    return ForeignKeyReference(
        table=object_name(fields["pktable"]),
        columns=strings(fields.get("pk_attrs", ())),
        on_update=_ACTIONS[fields["fk_upd_action"]],
        on_delete=_ACTIONS[fields["fk_del_action"]],
        delete_columns=strings(fields.get("fk_del_set_cols", ())),
        match=_MATCHES[fields["fk_matchtype"]],
        has_period=fields.get("fk_with_period", False),
        has_referenced_period=fields.get("pk_with_period", False),
    )


# Sequence options, also of identity columns.


def lower_sequence_options(nodes: Iterable[Node]) -> tuple[SequenceOption, ...]:
    """The options of a sequence, each at most once."""
    options: dict[str, SequenceOption] = {}
    for node in nodes:
        fields = node["DefElem"]
        name = fields["defname"]
        position = fields.get("location", 0)
        if name in options:
            raise errors.SyntaxError("conflicting or redundant options", position=position)
        if "List" in fields.get("arg", {}):
            parts = _sequence_parts(fields, position)
            options[name] = SequenceOption(name, None, position, parts)
        else:
            options[name] = SequenceOption(name, _sequence_value(fields, position), position)
    return tuple(options.values())


def _sequence_value(fields: Node, position: int) -> int | str | bool | None:
    if fields["defname"] == "logged":
        raise_unsupported("LOGGED of a sequence", position)
    argument = fields.get("arg")
    if argument is None:
        return None
    ((tag, detail),) = argument.items()
    if tag == "Integer":
        return int(detail.get("ival", 0))
    if tag == "Float":
        try:
            return int(detail["fval"].replace("_", ""), 0)
        except ValueError:
            raise errors.InvalidTextRepresentation(
                f'invalid input syntax for type bigint: "{detail["fval"]}"', position=position
            ) from None
    if tag == "Boolean":
        return bool(detail.get("boolval", False))
    if tag != "TypeName":
        raise_unsupported(f"this value of {fields['defname']}", position)
    return lower_type(detail).name


def _sequence_parts(fields: Node, position: int) -> tuple[str, ...]:
    """The name after OWNED BY or SEQUENCE NAME, part for part; nothing for OWNED BY NONE."""
    parts = strings(fields["arg"]["List"]["items"])
    if fields["defname"] == "sequence_name":
        return parts
    if parts == ("none",):
        return ()
    if len(parts) < 2:
        raise errors.SyntaxError(
            "invalid OWNED BY option",
            position=position,
            hint="Specify OWNED BY table.column or OWNED BY NONE.",
        )
    return parts


__all__ = [
    "ON_COMMIT",
    "PERSISTENCE",
    "check_access_method",
    "expression_text",
    "lower_collation",
    "lower_column",
    "lower_column_options",
    "lower_constraint",
    "lower_identity",
    "lower_sequence_options",
]
