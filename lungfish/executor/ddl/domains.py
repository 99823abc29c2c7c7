"""CREATE DOMAIN and ALTER DOMAIN. A change that makes a domain stricter looks at every value of it that is stored."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.chosen_names import domain_not_null_name
from lungfish.catalog.objects import Table, UserType
from lungfish.catalog.type_uses import domain_collation, uses_type
from lungfish.errors import (
    CheckViolation,
    DatatypeMismatch,
    DuplicateObject,
    FeatureNotSupported,
    InvalidObjectDefinition,
    NotNullViolation,
    UndefinedObject,
    WrongObjectType,
)
from lungfish.executor.ddl.constraints import qualified
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import choose_constraint_name
from lungfish.executor.ddl.stored_texts import stored_domain
from lungfish.executor.ddl.types import find_user_type, new_type_namespace
from lungfish.planner import bind_domain_texts
from lungfish.sql.ast.ddl import Comment, ConstraintDefinition, Rename
from lungfish.sql.ast.type_definitions import AlterDomain, CreateDomain
from lungfish.sql.quoting import quote_identifier
from lungfish.sql.rename import rename_in_text
from lungfish.types.collations import collation_of_column
from lungfish.types.sql_type import TypeKind


def create_domain(context: DdlContext, statement: CreateDomain) -> str:
    """Run CREATE DOMAIN; answers the command tag."""
    namespace = new_type_namespace(context, statement.name)
    base = context.runner.resolve_type(statement.type_name)
    if base.kind in (TypeKind.UNKNOWN, TypeKind.VOID) or (
        base.kind is TypeKind.RECORD and not base.fields
    ):
        raise DatatypeMismatch(
            f'"{base}" is not a valid base type for a domain', position=statement.position
        )
    oid = context.change.new_oid()
    name = statement.name.name
    sql_type = replace(base, domain=name, domain_oid=oid)
    default = None if statement.default is None else statement.default.text
    collation = collation_of_column(
        statement.collation, base, context.catalog.has_namespace, statement.position
    )
    if not statement.collation and base.domain is not None:
        collation = domain_collation(base, context.catalog)
    made = UserType(
        oid, name, namespace.oid, sql_type, base=base, default=default, collation=collation
    )
    for constraint in statement.constraints:
        made = _with_constraint(made, constraint)
    bind_domain_texts(made, context.catalog, context.search_path)
    context.change.put(stored_domain(context, made))
    return "CREATE DOMAIN"


def _with_constraint(domain: UserType, constraint: ConstraintDefinition) -> UserType:
    """The domain with one constraint more. Raises DuplicateObject."""
    if constraint.kind == "not null":
        return _with_not_null(domain, constraint.name, constraint.position)
    if constraint.kind != "check" or constraint.check is None:
        raise InvalidObjectDefinition(
            f"{constraint.kind} constraints not possible for domains", position=constraint.position
        )
    taken = _constraint_names(domain)
    _require_free_name(domain, constraint.name, constraint.position)
    name = constraint.name or choose_constraint_name(taken, domain.name, "check")
    return replace(domain, checks=(*domain.checks, (name, constraint.check.text)))


def _constraint_names(domain: UserType) -> set[str]:
    own = {domain_not_null_name(domain)} if domain.is_not_null else set()
    return own | {name for name, _ in domain.checks}


def _require_free_name(domain: UserType, name: str | None, position: int | None = None) -> None:
    if name in _constraint_names(domain):
        raise DuplicateObject(
            f'constraint "{name}" for domain "{domain.name}" already exists', position=position
        )


def _with_not_null(
    domain: UserType, name: str | None = None, position: int | None = None
) -> UserType:
    """The domain with NOT NULL under that name; one that has it already keeps the name it has."""
    if domain.is_not_null:
        return domain
    _require_free_name(domain, name, position)
    return replace(domain, is_not_null=True, not_null_name=name or domain_not_null_name(domain))


def _without_not_null(domain: UserType) -> UserType:
    comments = tuple(item for item in domain.check_comments if item[0] != domain.not_null_name)
    return replace(domain, is_not_null=False, not_null_name=None, check_comments=comments)


def alter_domain(context: DdlContext, statement: AlterDomain) -> str:
    """Run ALTER DOMAIN; answers the command tag."""
    domain = _find_domain(context, statement)
    match statement.action:
        case "set default":
            text = None if statement.default is None else statement.default.text
            changed = replace(domain, default=text)
        case "set not null":
            _require_no_nulls(context, domain)
            changed = _with_not_null(domain)
        case "drop not null":
            changed = _without_not_null(domain)
        case "add constraint":
            assert statement.constraint is not None
            changed = _add_constraint(context, domain, statement.constraint)
        case "drop constraint":
            changed = _drop_constraint(context, domain, statement)
        case _:
            if _is_not_null_constraint(domain, statement.constraint_name):
                raise WrongObjectType(
                    f'constraint "{statement.constraint_name}" of domain "{domain.name}" is not a check constraint'
                )
            name, text = _find_check(domain, statement.constraint_name or "", "of domain")
            _require_check(context, domain, name, text)
            changed = domain
    bind_domain_texts(changed, context.catalog, context.search_path)
    context.change.put(stored_domain(context, changed))
    return "ALTER DOMAIN"


def _find_domain(context: DdlContext, statement: AlterDomain | Comment | Rename) -> UserType:
    found = find_user_type(context, statement.name)
    if found.base is None:
        raise WrongObjectType(f"{found.name} is not a domain", position=statement.position)
    return found


def _find_check(domain: UserType, name: str, where: str) -> tuple[str, str]:
    for check in domain.checks:
        if check[0] == name:
            return check
    shown = f'"{domain.name}"' if where == "of domain" else domain.name
    raise UndefinedObject(f'constraint "{name}" {where} {shown} does not exist')


def _add_constraint(
    context: DdlContext, domain: UserType, constraint: ConstraintDefinition
) -> UserType:
    changed = _with_constraint(domain, constraint)
    bind_domain_texts(changed, context.catalog, context.search_path)
    if constraint.kind == "not null":
        _require_no_nulls(context, domain)
    elif not constraint.is_not_valid:
        _require_check(context, domain, *changed.checks[-1])
    return changed


def _is_not_null_constraint(domain: UserType, name: str | None) -> bool:
    return domain.is_not_null and name == domain_not_null_name(domain)


def _drop_constraint(context: DdlContext, domain: UserType, statement: AlterDomain) -> UserType:
    name = statement.constraint_name
    kept = tuple(check for check in domain.checks if check[0] != name)
    if len(kept) < len(domain.checks):
        comments = tuple(item for item in domain.check_comments if item[0] != name)
        return replace(domain, checks=kept, check_comments=comments)
    if _is_not_null_constraint(domain, name):
        return _without_not_null(domain)
    message = f'constraint "{name}" of domain "{domain.name}" does not exist'
    if not statement.if_exists:
        raise UndefinedObject(message, position=statement.position)
    context.runner.notice(f"{message}, skipping")
    return domain


def comment_domain_constraint(context: DdlContext, statement: Comment) -> None:
    """Run COMMENT ON CONSTRAINT name ON DOMAIN domain."""
    found = _find_domain(context, statement)
    name = statement.sub_name
    if name not in _constraint_names(found):
        raise UndefinedObject(
            f'constraint "{name}" for domain {found.name} does not exist',
            position=statement.position,
        )
    others = tuple(item for item in found.check_comments if item[0] != name)
    said = () if name is None or statement.text is None else ((name, statement.text),)
    context.change.put(replace(found, check_comments=(*others, *said)))


def rename_domain_constraint(context: DdlContext, statement: Rename) -> None:
    """Run ALTER DOMAIN ... RENAME CONSTRAINT."""
    domain = _find_domain(context, statement)
    old, new = statement.old_name or "", statement.new_name
    is_not_null = _is_not_null_constraint(domain, old)
    if not is_not_null:
        _find_check(domain, old, "for domain")
    if new in _constraint_names(domain):
        raise DuplicateObject(f'constraint "{new}" for domain {domain.name} already exists')

    def renamed(
        items: tuple[tuple[str, str], ...],
    ) -> tuple[tuple[str, str], ...]:
        return tuple((new if name == old else name, text) for name, text in items)

    changed = replace(
        domain, checks=renamed(domain.checks), check_comments=renamed(domain.check_comments)
    )
    context.change.put(replace(changed, not_null_name=new) if is_not_null else changed)


# What is stored already.


def _columns_of(context: DdlContext, domain: UserType) -> list[tuple[Table, str]]:
    """The columns of the domain, locked against change. Raises FeatureNotSupported for values inside of others."""
    found: list[tuple[Table, str]] = []
    derived = _derived_oids(context, domain)
    for table in context.catalog.tables():
        for column in table.columns:
            if column.type.domain_oid in derived:
                context.runner.lock_table(table, "share")
                found.append((table, column.name))
            elif any(uses_type(column.type, oid) for oid in derived):
                raise FeatureNotSupported(
                    f'cannot alter type "{domain.name}" because column "{table.name}.{column.name}" uses it'
                )
    return found


def _derived_oids(context: DdlContext, domain: UserType) -> set[int]:
    """The domain and the domains over it."""
    found = {int(domain.oid)}
    while True:
        more = {
            int(item.oid)
            for item in context.catalog.objects()
            if isinstance(item, UserType)
            and item.base is not None
            and item.base.domain_oid in found
        }
        if more <= found:
            return found
        found |= more


def _require_no_nulls(context: DdlContext, domain: UserType) -> None:
    for table, column in _columns_of(context, domain):
        quoted = quote_identifier(column)
        if context.runner.query(
            f"SELECT 1 FROM {qualified(context, table)} WHERE {quoted} IS NULL LIMIT 1"
        ):
            raise NotNullViolation(
                f'column "{column}" of table "{table.name}" contains null values',
                table=table.name,
                column=column,
            )


def _require_check(context: DdlContext, domain: UserType, name: str, text: str) -> None:
    for table, column in _columns_of(context, domain):
        condition = rename_in_text(text, "value", column)
        if context.runner.query(
            f"SELECT 1 FROM {qualified(context, table)} WHERE NOT ({condition}) LIMIT 1"
        ):
            raise CheckViolation(
                f'column "{column}" of table "{table.name}" contains values that violate the new constraint',
                table=table.name,
                column=column,
                constraint=name,
            )
