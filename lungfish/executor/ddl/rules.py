"""CREATE RULE, DROP RULE, their names, comments and modes; and what becomes of rules when something that they use goes."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog import Catalog
from lungfish.catalog.catalog import PG_TEMP_OID, is_temporary
from lungfish.catalog.objects import Oid, Rule, SystemView, Table, View
from lungfish.errors import (
    DependentObjectsStillExist,
    DuplicateObject,
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidObjectDefinition,
    ObjectNotInPrerequisiteState,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_relation
from lungfish.planner import check_rule, objects_used
from lungfish.sql import unparse_command, unparse_expression
from lungfish.sql.ast.ddl import Comment, Rename
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.rules import CreateRule, DropRule, EnableRule
from lungfish.sql.rename import mentions_name

# The name of the rule that a view's own query is in PostgreSQL.
VIEW_RULE = "_RETURN"


def create_rule(context: DdlContext, statement: CreateRule) -> str:
    """Run CREATE [OR REPLACE] RULE; answers the command tag."""
    relation = _find_ruled(context, statement.relation)
    if isinstance(relation, Table) and relation.materialized_query is not None:
        raise FeatureNotSupported("rules on materialized views are not supported")
    if isinstance(relation, Table):
        context.runner.lock_table(relation, "access exclusive")
    if statement.event == "select":
        raise _refused_select(statement, relation)
    checked = check_rule(statement, relation, context.catalog, context.search_path)
    if statement.name == VIEW_RULE:
        raise InvalidObjectDefinition(
            f'non-view rule for "{relation.name}" must not be named "{VIEW_RULE}"'
        )
    existing = _rule_named(context, relation.oid, statement.name)
    if existing is not None and not statement.or_replace:
        raise _taken(statement.name, relation)
    used: set[Oid] = set()
    for part in (*checked.commands, checked.condition):
        used |= objects_used(part, context.catalog, context.search_path)
    if relation.namespace_oid != PG_TEMP_OID:
        _refuse_temporaries(context, used)
    condition = checked.condition
    context.change.put(
        Rule(
            context.change.new_oid() if existing is None else existing.oid,
            statement.name,
            relation.namespace_oid,
            relation.oid,
            statement.event,
            statement.is_instead,
            None if condition is None else unparse_expression(condition),
            tuple([unparse_command(each) for each in checked.commands]),
            search_path=context.search_path,
            depends_on=frozenset(used),
            comment=None if existing is None else existing.comment,
        )
    )
    return "CREATE RULE"


def _refuse_temporaries(context: DdlContext, used: set[Oid]) -> None:
    """A rule that outlives the session cannot use what does not."""
    for item in map(context.catalog.object, used):
        if item is not None and is_temporary(item):
            raise FeatureNotSupported(
                f'a rule of a permanent relation that uses the temporary relation "{item.name}" is not supported'
            )


def _find_ruled(context: DdlContext, name: ObjectName) -> Table | View:
    found = find_relation(context, name)
    if isinstance(found, SystemView):
        raise InsufficientPrivilege(
            f'permission denied: "{found.name}" is a system catalog', position=name.position
        )
    if not isinstance(found, (Table, View)):
        raise WrongObjectType(
            f'relation "{found.name}" cannot have rules',
            detail="This operation is not supported for sequences.",
        )
    return found


def _refused_select(statement: CreateRule, relation: Table | View) -> Exception:
    """A view is made by CREATE VIEW, and by nothing else."""
    if isinstance(relation, Table):
        return WrongObjectType(
            f'relation "{relation.name}" cannot have ON SELECT rules',
            detail="This operation is not supported for tables.",
        )
    if not statement.or_replace:
        return ObjectNotInPrerequisiteState(f'"{relation.name}" is already a view')
    return FeatureNotSupported("rules ON SELECT are not supported", position=statement.position)


def _rule_named(context: DdlContext, relation_oid: Oid, name: str) -> Rule | None:
    for rule in context.catalog.rules_of(relation_oid):
        if rule.name == name:
            return rule
    return None


def find_rule(context: DdlContext, relation: Table | View, name: str) -> Rule:
    """The relation's rule of that name. Raises UndefinedObject."""
    found = _rule_named(context, relation.oid, name)
    if found is None:
        raise UndefinedObject(f'rule "{name}" for relation "{relation.name}" does not exist')
    return found


def _taken(name: str, relation: Table | View) -> DuplicateObject:
    return DuplicateObject(f'rule "{name}" for relation "{relation.name}" already exists')


def drop_rule(context: DdlContext, statement: DropRule) -> str:
    """Run DROP RULE; answers the command tag."""
    name = statement.relation
    found = context.catalog.find_relation(name.name, name.schema, context.search_path)
    if found is None:
        if not statement.if_exists:
            raise UndefinedTable(f'relation "{name}" does not exist')
        context.runner.notice(f'relation "{name}" does not exist, skipping')
        return "DROP RULE"
    if isinstance(found, View) and statement.name == VIEW_RULE:
        raise DependentObjectsStillExist(
            f"cannot drop rule {VIEW_RULE} on view {found.name} because view {found.name} requires it",
            hint=f"You can drop view {found.name} instead.",
        )
    rule = _rule_named(context, found.oid, statement.name)
    if rule is None:
        message = f'rule "{statement.name}" for relation "{found.name}" does not exist'
        if not statement.if_exists:
            raise UndefinedObject(message)
        context.runner.notice(f"{message}, skipping")
        return "DROP RULE"
    if isinstance(found, Table):
        context.runner.lock_table(found, "access exclusive")
    context.change.remove(rule.oid)
    return "DROP RULE"


def rename_rule(context: DdlContext, statement: Rename) -> None:
    """ALTER RULE ... ON relation RENAME TO."""
    relation = _find_ruled(context, statement.name)
    assert statement.old_name is not None, "the grammar gives one"
    if isinstance(relation, View) and statement.old_name == VIEW_RULE:
        raise InvalidObjectDefinition("renaming an ON SELECT rule is not allowed")
    rule = find_rule(context, relation, statement.old_name)
    if _rule_named(context, relation.oid, statement.new_name) is not None:
        raise _taken(statement.new_name, relation)
    context.change.put(replace(rule, name=statement.new_name))


def set_rule_mode(context: DdlContext, relation: Table | View, action: EnableRule) -> None:
    """ALTER TABLE ... ENABLE or DISABLE RULE."""
    rule = find_rule(context, relation, action.name)
    context.change.put(replace(rule, mode=action.mode))


def comment_rule(context: DdlContext, statement: Comment) -> None:
    """COMMENT ON RULE ... ON relation."""
    relation = _find_ruled(context, statement.name)
    assert statement.sub_name is not None, "the grammar gives one"
    rule = find_rule(context, relation, statement.sub_name)
    context.change.put(replace(rule, comment=statement.text))


def rule_words(catalog: Catalog, rule: Rule) -> str:
    """What a rule is called in messages."""
    relation = catalog.object(rule.relation_oid)
    assert isinstance(relation, (Table, View)), "a rule goes with its relation"
    kind = relation.kind if isinstance(relation, Table) else "view"
    return f"rule {rule.name} on {kind} {relation.name}"


def rules_about(catalog: Catalog, table: Table | View, column: str) -> list[Rule]:
    """The rules that may speak of a column of the relation: its own, and those that use it."""
    rules = {each.oid: each for each in catalog.rules_of(table.oid)}
    rules.update((each.oid, each) for each in catalog.dependent_rules(table.oid))
    return [
        rule for rule in rules.values() if any(mentions_name(text, column) for text in _texts(rule))
    ]


def _texts(rule: Rule) -> tuple[str, ...]:
    return rule.commands if rule.condition is None else (*rule.commands, rule.condition)
