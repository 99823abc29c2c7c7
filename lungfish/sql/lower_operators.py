"""CREATE OPERATOR and CREATE CAST, ALTER OPERATOR and COMMENT ON both: the parser's tree to ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lungfish.sql.ast.operators import (
    AlterOperator,
    CommentCast,
    CommentOperator,
    CreateCast,
    CreateOperator,
    OperatorOption,
    OperatorReference,
)
from lungfish.sql.ast.rights import ChangeObjectOwner
from lungfish.sql.libpg import Node
from lungfish.sql.lower_rights import lower_owner, lower_role
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    name_without_catalog,
    object_name_of,
)


def lower_create_operator(fields: Node, position: int) -> CreateOperator:
    """A DefineStmt that defines an operator."""
    name = object_name_of(name_without_catalog(fields["defnames"]), position)
    return CreateOperator(name, _options(fields.get("definition", ())), position)


def _options(nodes: Iterable[Node]) -> tuple[OperatorOption, ...]:
    return tuple([_option(node["DefElem"]) for node in nodes])


def _option(fields: Node) -> OperatorOption:
    name, position = fields["defname"], fields.get("location", -1)
    argument = fields.get("arg")
    if argument is None:
        return OperatorOption(name, position=position)
    ((tag, detail),) = argument.items()
    if tag == "TypeName":
        parts = name_without_catalog(detail["names"])
        return OperatorOption(name, lower_type(detail), parts, position)
    if tag == "List":
        return OperatorOption(name, None, name_without_catalog(detail["items"]), position)
    word = detail.get("sval", detail.get("boolval"))
    return OperatorOption(name, None, (str(word).lower(),), position)


def lower_operator_reference(fields: Node) -> OperatorReference:
    """An ObjectWithArgs that names an operator."""
    types = [
        lower_type(each["TypeName"]) if "TypeName" in each else None
        for each in fields.get("objargs", ())
    ]
    return OperatorReference(object_name_of(name_without_catalog(fields["objname"])), tuple(types))


def lower_comment_operator(node: Node, text: str | None) -> CommentOperator | CommentCast:
    """COMMENT ON OPERATOR or CAST: the object and the comment."""
    if "ObjectWithArgs" in node:
        return CommentOperator(lower_operator_reference(node["ObjectWithArgs"]), text)
    source, target = [lower_type(each["TypeName"]) for each in node["List"]["items"]]
    return CommentCast(source, target, text)


def _lower_owner(fields: Node, _lowering: Lowering) -> AlterOperator | ChangeObjectOwner:
    """ALTER ... OWNER TO, of an operator or of anything else that is no relation."""
    if fields["objectType"] != "OBJECT_OPERATOR":
        return lower_owner(fields)
    operator = lower_operator_reference(fields["object"]["ObjectWithArgs"])
    return AlterOperator(operator, owner=lower_role(fields["newowner"]))


def lower_operator_schema(fields: Node) -> AlterOperator:
    """ALTER OPERATOR ... SET SCHEMA."""
    operator = lower_operator_reference(fields["object"]["ObjectWithArgs"])
    return AlterOperator(operator, schema=fields["newschema"])


def _lower_alter_operator(fields: Node, _lowering: Lowering) -> AlterOperator:
    operator = lower_operator_reference(fields["opername"])
    return AlterOperator(operator, options=_options(fields.get("options", ())))


_CONTEXTS: Mapping[str, str] = {
    "COERCION_IMPLICIT": "implicit",
    "COERCION_ASSIGNMENT": "assignment",
    "COERCION_EXPLICIT": "explicit",
}


def _lower_create_cast(fields: Node, _lowering: Lowering) -> CreateCast:
    function = fields.get("func")
    method = "binary" if function is None else "function"
    name = parameters = None
    if function is not None:
        name = object_name_of(name_without_catalog(function["objname"]))
        if not function.get("args_unspecified", False):
            types = [lower_type(each["TypeName"]) for each in function.get("objargs", ())]
            parameters = tuple(types)
    return CreateCast(
        source=lower_type(fields["sourcetype"]),
        target=lower_type(fields["targettype"]),
        method="inout" if fields.get("inout", False) else method,
        context=_CONTEXTS[fields["context"]],
        function=name,
        parameters=parameters,
    )


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "AlterOwnerStmt": _lower_owner,
        "AlterOperatorStmt": _lower_alter_operator,
        "CreateCastStmt": _lower_create_cast,
    }
)
