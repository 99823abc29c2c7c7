"""CREATE, ALTER, DROP FUNCTION and PROCEDURE of routines written in SQL, and CALL. Other languages are unsupported."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.expressions import FunctionCall, TypeName
from lungfish.sql.ast.routines import (
    AlterFunction,
    Call,
    CommentFunction,
    CreateFunction,
    DropFunction,
    FunctionParameter,
    MoveFunction,
    RoutineReference,
    RoutineSetting,
)
from lungfish.sql.ast.utility import SetVariable
from lungfish.sql.libpg import Node
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lower_utility import lower_set
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    find_position,
    name_without_catalog,
    object_name_of,
    raise_unsupported,
    require_only,
    statement_words,
    strings,
)
from lungfish.sql.tokens import Token, tokens
from lungfish.sql.unparse_queries import unparse_expression

_CREATE_FIELDS = frozenset(
    {"funcname", "parameters", "returnType", "options", "sql_body", "replace", "is_procedure"}
)
_PARAMETER_FIELDS = frozenset({"name", "argType", "mode", "location", "defexpr"})
# Languages that PostgreSQL has at once; any other name is unknown to it.
_OTHER_LANGUAGES = frozenset({"plpgsql", "c", "internal"})
_KINDS: Mapping[str, str] = {
    "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "procedure",
    "OBJECT_ROUTINE": "routine",
    "OBJECT_AGGREGATE": "aggregate",
}
# Of a procedure these make no sense.
_FUNCTION_ONLY = frozenset(
    {"cost", "rows", "leakproof", "parallel", "strict", "volatility", "window"}
)


def is_routine_kind(tag: str) -> bool:
    """Whether an object type of the grammar is one of a routine."""
    return tag in _KINDS


def _lower_create_function(fields: Node, lowering: Lowering) -> CreateFunction:
    position = find_position(fields)
    require_only(fields, _CREATE_FIELDS, position=position)
    is_procedure = fields.get("is_procedure", False)
    options = _options(fields.get("options", ()), is_procedure=is_procedure)
    body = fields.get("sql_body")
    _check_language(options, has_body=body is not None, position=position)
    source = options.pop("as", None)
    result = None if "returnType" not in fields else _type(fields["returnType"])
    return CreateFunction(
        name=object_name_of(name_without_catalog(fields["funcname"]), position),
        parameters=tuple(
            [
                lower_parameter(node["FunctionParameter"], lowering)
                for node in fields.get("parameters", ())
            ]
        ),
        result=result,
        body=_body_text(source, body, lowering, position),
        volatility=str(options.pop("volatility", "volatile")),
        is_strict=options.pop("strict", "false") == "true",
        or_replace=fields.get("replace", False),
        position=position,
        is_procedure=is_procedure,
        is_standard=body is not None,
        settings=tuple(_settings(fields.get("options", ()), lowering)),
        options=tuple(sorted(options.items())),
    )


def _check_language(options: dict[str, str], *, has_body: bool, position: int) -> None:
    language = options.pop("language", "sql" if has_body else None)
    if language is None:
        raise errors.InvalidFunctionDefinition("no language specified", position=position)
    if language.lower() == "sql":
        return
    if language.lower() in _OTHER_LANGUAGES:
        raise_unsupported(f"LANGUAGE {language}", position)
    raise errors.UndefinedObject(f'language "{language}" does not exist', position=position)


def _options(nodes: Sequence[Node], *, is_procedure: bool) -> dict[str, str]:
    """The options by name, as texts; SET is left to `_settings`. Raises SyntaxError for one given twice."""
    found: dict[str, str] = {}
    for node in nodes:
        option = node["DefElem"]
        name, position = option["defname"], option.get("location", -1)
        if name == "set":
            continue
        if name in found:
            raise errors.SyntaxError("conflicting or redundant options", position=position)
        if is_procedure and name in _FUNCTION_ONLY:
            raise errors.InvalidFunctionDefinition(
                "invalid attribute in procedure definition", position=position
            )
        if name in ("transform", "support", "window"):
            raise_unsupported(f"the option {name.upper()} of CREATE FUNCTION", position)
        found[name] = _checked(name, _option_text(option["arg"], position), position)
    return found


def _option_text(argument: Node, position: int) -> str:
    ((tag, detail),) = argument.items()
    match tag:
        case "String":
            return str(detail.get("sval", ""))
        case "Boolean":
            return "true" if detail.get("boolval", False) else "false"
        case "Integer":
            return str(detail.get("ival", 0))
        case "Float":
            return str(detail["fval"])
    items = detail["items"]
    if len(items) > 1:
        raise errors.InvalidFunctionDefinition(
            'only one AS item needed for language "sql"', position=position
        )
    return str(items[0]["String"].get("sval", ""))


def _checked(name: str, text: str, position: int) -> str:
    if name in ("cost", "rows") and float(text) <= 0:
        raise errors.InvalidParameterValue(f"{name.upper()} must be positive", position=position)
    if name == "parallel" and text not in ("safe", "restricted", "unsafe"):
        raise errors.SyntaxError(
            'parameter "parallel" must be SAFE, RESTRICTED, or UNSAFE', position=position
        )
    if name == "security":
        return "definer" if text == "true" else "invoker"
    return text


def _settings(nodes: Sequence[Node], lowering: Lowering) -> list[RoutineSetting]:
    found: list[RoutineSetting] = []
    for node in nodes:
        option = node["DefElem"]
        if option["defname"] != "set":
            continue
        fields = option["arg"]["VariableSetStmt"]
        if fields["kind"] == "VAR_SET_CURRENT":
            found.append(RoutineSetting(fields["name"].lower(), (), is_current=True))
            continue
        variable = lower_set(fields, lowering)
        if not isinstance(variable, SetVariable):
            raise_unsupported("SET TRANSACTION of a routine", option.get("location", -1))
        found.append(RoutineSetting(variable.name, variable.values))
    return found


_MODES: Mapping[str, str] = {
    "FUNC_PARAM_DEFAULT": "in",
    "FUNC_PARAM_IN": "in",
    "FUNC_PARAM_OUT": "out",
    "FUNC_PARAM_INOUT": "inout",
    "FUNC_PARAM_VARIADIC": "variadic",
    "FUNC_PARAM_TABLE": "table",
}


def lower_parameter(fields: Node, lowering: Lowering) -> FunctionParameter:
    """A parameter of a routine."""
    position = fields.get("location", 0)
    require_only(fields, _PARAMETER_FIELDS, position=position)
    return FunctionParameter(
        fields.get("name"),
        _type(fields["argType"]),
        _MODES[fields["mode"]],
        lowering.optional_expression(fields.get("defexpr")),
        position,
    )


def _type(fields: Node) -> TypeName:
    """A type, also as `table.column%TYPE`."""
    if not fields.get("pct_type", False):
        return lower_type(fields)
    plain = {name: value for name, value in fields.items() if name not in ("pct_type", "names")}
    *relation, column = strings(fields["names"])
    named = lower_type({**plain, "names": [{"String": {"sval": column}}]})
    return replace(named, name=column, column_of=tuple(relation))


def _body_text(source: str | None, body: Node | None, lowering: Lowering, position: int) -> str:
    """The text of the routine's statements; that of BEGIN ATOMIC is put in by `with_body_text`."""
    if body is not None and source is not None:
        raise errors.InvalidFunctionDefinition(
            "duplicate function body specified", position=position
        )
    if body is not None:
        if "ReturnStmt" in body:
            expression = lowering.expression(body["ReturnStmt"]["returnval"])
            return f"SELECT {unparse_expression(expression)}"
        for item in body["List"]["items"]:
            for node in item.get("List", {}).get("items", ()):
                _check_atomic(node, lowering)
        return ""
    if source is None:
        raise errors.InvalidFunctionDefinition("no function body specified", position=position)
    return source


def _check_atomic(node: Node, lowering: Lowering) -> None:
    """Lower a statement of BEGIN ATOMIC, which raises what is wrong with it. Only what can be bound may stand there."""
    ((tag, _),) = node.items()
    if tag in ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"):
        lowering.statement(node)
    elif tag != "ReturnStmt":
        raise errors.FeatureNotSupported(
            f"{statement_words(tag)} is not yet supported in unquoted SQL function body"
        )


def with_body_text(statement: CreateFunction, text: str) -> CreateFunction:
    """The statement with the text between BEGIN ATOMIC and its END, which ends the statement's own text."""
    if statement.body:
        return statement
    words = [each for each in tokens(text) if each.kind == "word"]
    begins = [
        second.end
        for first, second in itertools.pairwise(words)
        if (_word(text, first), _word(text, second)) == ("begin", "atomic")
    ]
    start, end = begins[0], words[-1].start
    pieces: list[str] = []
    is_start, place = True, start
    for each in tokens(text[:end], start):
        if is_start and each.kind == "word":
            if _word(text, each) == "return":
                # RETURN expression is a query of that expression.
                pieces += [text[place : each.start], "SELECT"]
                place = each.end
            is_start = False
        elif text[each.start : each.end] == ";":
            is_start = True
    return replace(statement, body="".join([*pieces, text[place:end]]).strip())


def _word(text: str, token: Token) -> str:
    return text[token.start : token.end].lower()


# References to routines.


def lower_reference(detail: Node, tag: str) -> RoutineReference:
    """An ObjectWithArgs; `parameters` None where the text gave no types."""
    is_open = detail.get("args_unspecified", False)
    types = tuple([lower_type(node["TypeName"]) for node in detail.get("objargs", ()) if node])
    return RoutineReference(
        object_name_of(name_without_catalog(detail["objname"])),
        None if is_open else types,
        _KINDS[tag],
    )


_DROP_FIELDS = frozenset({"objects", "removeType", "behavior", "missing_ok"})


def lower_drop_function(fields: Node) -> DropFunction:
    """DROP FUNCTION, PROCEDURE, ROUTINE or AGGREGATE."""
    require_only(fields, _DROP_FIELDS)
    tag = fields["removeType"]
    return DropFunction(
        tuple([lower_reference(node["ObjectWithArgs"], tag) for node in fields["objects"]]),
        if_exists=fields.get("missing_ok", False),
        is_cascade=fields["behavior"] == "DROP_CASCADE",
        kind=_KINDS[tag],
    )


def lower_comment_function(fields: Node) -> CommentFunction:
    """COMMENT ON FUNCTION and its kin."""
    target = lower_reference(fields["object"]["ObjectWithArgs"], fields["objtype"])
    return CommentFunction(target, fields.get("comment"))


def lower_move_function(fields: Node) -> MoveFunction | None:
    """ALTER FUNCTION ... RENAME TO or SET SCHEMA, or None if the statement is about something else."""
    tag = str(fields.get("renameType") or fields.get("objectType") or "")
    if tag not in _KINDS:
        return None
    target = lower_reference(fields["object"]["ObjectWithArgs"], tag)
    return MoveFunction(target, fields.get("newname"), fields.get("newschema"))


def _lower_alter_function(fields: Node, lowering: Lowering) -> AlterFunction:
    nodes = fields["actions"]
    target = lower_reference(fields["func"], fields["objtype"])
    options = _options(nodes, is_procedure=target.kind == "procedure")
    strict = options.pop("strict", None)
    return AlterFunction(
        target,
        options.pop("volatility", None),
        None if strict is None else strict == "true",
        tuple(_settings(nodes, lowering)),
        tuple(sorted(options.items())),
    )


def _lower_call(fields: Node, lowering: Lowering) -> Call:
    call = lowering.expression({"FuncCall": fields["funccall"]})
    if not isinstance(call, FunctionCall):
        raise_unsupported("CALL of this", find_position(fields))
    return Call(call, call.position)


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "AlterFunctionStmt": _lower_alter_function,
        "CallStmt": _lower_call,
        "CreateFunctionStmt": _lower_create_function,
    }
)
