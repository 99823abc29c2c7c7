"""CREATE OPERATOR, ALTER OPERATOR and COMMENT ON OPERATOR.

What an operator does is its function. COMMUTATOR, NEGATOR, the estimators, HASHES and MERGES are kept for the catalog to show: no plan
relies on them. The operators that they name may come later, so they are kept as names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish.catalog.operator_objects import OperatorName, UserOperator
from lungfish.catalog.roles import SUPERUSER_OID
from lungfish.errors import (
    DuplicateFunction,
    FeatureNotSupported,
    InvalidFunctionDefinition,
    SyntaxError,
    UndefinedFunction,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.find_roles import find_role
from lungfish.executor.system_views.routines import operators
from lungfish.planner import find_support
from lungfish.sql.ast.operators import (
    AlterOperator,
    CommentOperator,
    CreateOperator,
    OperatorOption,
    OperatorReference,
)
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.sql_type import BOOLEAN, SqlType
from lungfish.types.type_oids import type_oid

_OBSOLETE = frozenset({"sort1", "sort2", "ltcmp", "gtcmp"})
# PostgreSQL's estimators.
_RESTRICTIONS = frozenset(
    {
        "eqsel", "neqsel", "scalarltsel", "scalarlesel", "scalargtsel", "scalargesel", "contsel", "areasel", "positionsel",
        "matchingsel", "likesel", "iclikesel", "regexeqsel", "icregexeqsel", "nlikesel", "icnlikesel", "regexnesel",
        "icregexnesel", "arraycontsel", "rangesel", "multirangesel", "prefixsel", "networksel", "tsmatchsel",
    }
)  # fmt: skip
_JOINS = frozenset(
    {
        "eqjoinsel", "neqjoinsel", "scalarltjoinsel", "scalarlejoinsel", "scalargtjoinsel", "scalargejoinsel", "contjoinsel",
        "areajoinsel", "positionjoinsel", "matchingjoinsel", "likejoinsel", "iclikejoinsel", "regexeqjoinsel",
        "icregexeqjoinsel", "nlikejoinsel", "icnlikejoinsel", "regexnejoinsel", "icregexnejoinsel", "arraycontjoinsel",
        "prefixjoinsel", "networkjoinsel", "tsmatchjoinsel",
    }
)  # fmt: skip
Options = dict[str, OperatorOption]


def create_operator(context: DdlContext, statement: CreateOperator) -> str:
    """Run CREATE OPERATOR; answers the command tag."""
    namespace = context.namespace_for(statement.name)
    options = _options(context, statement)
    left = _operand(context, options.get("leftarg"))
    right = _operand(context, options.get("rightarg"))
    if "function" not in options:
        raise InvalidFunctionDefinition("operator function must be specified")
    if right is None:
        if left is None:
            raise InvalidFunctionDefinition("operator argument types must be specified")
        raise InvalidFunctionDefinition(
            "operator right argument type must be specified",
            detail="Postfix operators are not supported.",
        )
    types = (right,) if left is None else (left, right)
    *schemas, name = options["function"].parts
    schema = schemas[-1] if schemas else None
    found = find_support(name, schema, types, context.catalog, context.search_path)
    if found is None:
        shown = ".".join(options["function"].parts)
        raise UndefinedFunction(f"function {shown}({', '.join(map(str, types))}) does not exist")
    if found.returns_set:
        raise FeatureNotSupported("an operator whose function returns a set is not supported")
    made = UserOperator(
        context.change.new_oid(),
        statement.name.name,
        namespace.oid,
        left,
        right,
        found.result,
        found.support,
        commutator=_other(options.get("commutator")),
        negator=_other(options.get("negator")),
        restrict=_estimator(
            options.get("restrict"), _RESTRICTIONS, "internal, oid, internal, integer"
        ),
        join=_estimator(options.get("join"), _JOINS, "internal, oid, internal, smallint, internal"),
        can_hash=_flag(options.get("hashes")),
        can_merge=_flag(options.get("merges")),
    )
    _check_properties(made)
    _refuse_taken(context, made)
    context.change.put(made)
    return "CREATE OPERATOR"


def _options(context: DdlContext, statement: CreateOperator) -> Options:
    found: Options = {}
    for option in statement.options:
        name = {"procedure": "function"}.get(option.name, option.name)
        if name in _OBSOLETE:
            name = "merges"
        if name not in _KNOWN:
            context.runner.notice(f'operator attribute "{name}" not recognized')
            continue
        found[name] = option
    return found


_KNOWN = frozenset(
    {
        "leftarg", "rightarg", "function", "commutator", "negator", "restrict", "join", "hashes", "merges",
    }
)  # fmt: skip


def _operand(context: DdlContext, option: OperatorOption | None) -> SqlType | None:
    if option is None:
        return None
    if option.type_name is None:
        raise SyntaxError(f"argument of {option.name} must be a type name")
    if option.type_name.is_setof:
        raise InvalidFunctionDefinition("SETOF type not allowed for operator argument")
    return context.runner.resolve_type(option.type_name).unmodified


def _other(option: OperatorOption | None) -> OperatorName | None:
    if option is None:
        return None
    *schemas, name = option.parts
    return OperatorName(name, schemas[-1] if schemas else None)


def _estimator(option: OperatorOption | None, known: frozenset[str], parameters: str) -> str | None:
    if option is None or option.parts in ((), ("none",)):
        return None
    name = option.parts[-1]
    if name not in known:
        raise UndefinedFunction(f"function {name}({parameters}) does not exist")
    return name


def _flag(option: OperatorOption | None) -> bool:
    return option is not None and option.parts not in (("false",), ("off",), ("0",))


def _check_properties(made: UserOperator) -> None:
    """Raise InvalidFunctionDefinition for what only operators of two operands, or with boolean results, can have."""
    if made.left is None:
        for what, is_said in (
            ("commutators", made.commutator is not None),
            ("join selectivity", made.join is not None),
            ("merge join", made.can_merge),
            ("hash", made.can_hash),
        ):
            if is_said:
                verb = "can have" if what in ("commutators", "join selectivity") else "can"
                raise InvalidFunctionDefinition(f"only binary operators {verb} {what}")
    if made.result != BOOLEAN:
        for what, is_said in (
            ("have negators", made.negator is not None),
            ("have restriction selectivity", made.restrict is not None),
            ("have join selectivity", made.join is not None),
            ("merge join", made.can_merge),
            ("hash", made.can_hash),
        ):
            if is_said:
                raise InvalidFunctionDefinition(f"only boolean operators can {what}")


def _refuse_taken(context: DdlContext, made: UserOperator) -> None:
    schema = context.catalog.namespace_name(made.namespace_oid)
    for each in context.catalog.find_operators(made.name, schema):
        if each.oid != made.oid and (each.left, each.right) == (made.left, made.right):
            raise DuplicateFunction(f"operator {made.name} already exists")


def find_operator(context: DdlContext, reference: OperatorReference) -> UserOperator | None:
    """Somebody's operator of that name and those operands; None for one that is built in. Raises UndefinedFunction."""
    types = [
        None if each is None else context.runner.resolve_type(each) for each in reference.types
    ]
    name = reference.name
    if len(types) == 1:
        raise SyntaxError(
            "missing argument", hint="Use NONE to denote the missing argument of a unary operator."
        )
    for each in context.catalog.find_operators(name.name, name.schema, context.search_path):
        if [each.left, each.right] == types:
            return each
    oids = [0 if each is None else type_oid(each) for each in types]
    if name.schema in (None, "pg_catalog") and any(
        each.symbol == name.name and [each.left, each.right] == oids for each in operators()
    ):
        return None
    raise UndefinedFunction(f"operator does not exist: {shown_operator(name, types)}")


def shown_operator(name: ObjectName, types: Sequence[SqlType | None]) -> str:
    """An operator that there is none of, between its operands' types."""
    left, right = ["" if kind is None else str(kind) for kind in types]
    return " ".join([part for part in (left, str(name), right) if part])


def alter_operator(context: DdlContext, statement: AlterOperator) -> str:
    """Run ALTER OPERATOR; answers the command tag."""
    if statement.owner is not None and find_role(context, statement.owner).oid != SUPERUSER_OID:
        raise FeatureNotSupported("another owner of an operator is not supported")
    found = find_operator(context, statement.operator)
    if found is None:
        raise FeatureNotSupported("ALTER OPERATOR of a built-in operator is not supported")
    if statement.schema is not None:
        moved = replace(found, namespace_oid=context.find_namespace(statement.schema, -1).oid)
        if moved != found:
            _refuse_taken(context, moved)
        context.change.put(moved)
    elif statement.options:
        changed = _with_options(found, statement.options)
        _check_properties(changed)
        context.change.put(changed)
    return "ALTER OPERATOR"


def _with_options(found: UserOperator, options: Sequence[OperatorOption]) -> UserOperator:
    """The operator with what SET says, of which some can be said once only."""
    for option in options:
        match option.name:
            case "restrict":
                estimator = _estimator(option, _RESTRICTIONS, "internal, oid, internal, integer")
                found = replace(found, restrict=estimator)
            case "join":
                parameters = "internal, oid, internal, smallint, internal"
                found = replace(found, join=_estimator(option, _JOINS, parameters))
            case "commutator" | "negator" | "hashes" | "merges":
                found = _with_property(found, option)
            case "leftarg" | "rightarg" | "function" | "procedure":
                raise SyntaxError(f'operator attribute "{option.name}" cannot be changed')
            case name:
                raise SyntaxError(f'operator attribute "{name}" not recognized')
    return found


def _with_property(found: UserOperator, option: OperatorOption) -> UserOperator:
    word = {"hashes": "can_hash", "merges": "can_merge"}.get(option.name, option.name)
    wanted: object = _flag(option) if word.startswith("can_") else _other(option)
    now = getattr(found, word)
    if now and now != wanted:
        shown = f'operator attribute "{option.name}" cannot be changed if it has already been set'
        raise InvalidFunctionDefinition(shown)
    match option.name:
        case "commutator":
            return replace(found, commutator=_other(option))
        case "negator":
            return replace(found, negator=_other(option))
        case "hashes":
            return replace(found, can_hash=_flag(option))
    return replace(found, can_merge=_flag(option))


def comment_operator(context: DdlContext, statement: CommentOperator) -> str:
    """Run COMMENT ON OPERATOR; answers the command tag."""
    found = find_operator(context, statement.operator)
    if found is None:
        raise FeatureNotSupported("COMMENT ON a built-in operator is not supported")
    context.change.put(replace(found, comment=statement.text))
    return "COMMENT"
