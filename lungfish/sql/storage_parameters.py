"""WITH (...) of tables, indexes and views: PostgreSQL's storage parameters.

They say how PostgreSQL lays out pages, when its vacuum runs and with whose rights a view reads. None of them changes an
answer and Lungfish has nothing for them to steer, so they are checked as PostgreSQL checks them and kept for pg_class.reloptions
alone. One does mean something: a view's `check_option`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sys import float_info

from lungfish import errors
from lungfish.sql.libpg import Node

_TABLE = {
    "fillfactor": (10, 100), "toast_tuple_target": (128, 8160), "parallel_workers": (0, 1024),
    "log_autovacuum_min_duration": (-1, 2**31 - 1), "user_catalog_table": None, "vacuum_truncate": None,
    "vacuum_index_cleanup": None, "vacuum_max_eager_freeze_failure_rate": (0, 1),
}  # fmt: skip
_INDEX = {
    "fillfactor": (10, 100), "deduplicate_items": None, "buffering": None, "fastupdate": None,
    "gin_pending_list_limit": (64, 2**31 - 1), "pages_per_range": (1, 131072), "autosummarize": None,
}  # fmt: skip
_VIEW = {"security_barrier": None, "security_invoker": None, "check_option": None}
# For each kind of relation its parameters: the bounds of a number, or None for other values.
_KNOWN: Mapping[str, Mapping[str, tuple[int, int] | None]] = {
    "table": _TABLE,
    "index": _INDEX,
    "view": _VIEW,
}
_BOOLEANS = frozenset(
    {"user_catalog_table", "vacuum_truncate", "deduplicate_items", "fastupdate", "autosummarize"}
    | {"security_barrier", "security_invoker"}
)
_BOOLEAN_WORDS = ("true", "false", "on", "off", "yes", "no", "1", "0", "t", "f")


VIEW_PARAMETERS = frozenset(_VIEW)
# Those of a column.
_COLUMN = {"n_distinct": (-1, None), "n_distinct_inherited": (-1, None)}


def parameter_texts(nodes: Iterable[Node], kind: str) -> tuple[str, ...]:
    """The parameters of the relation itself as pg_class.reloptions has them: name=value. Raises InvalidParameterValue."""
    found = check_parameters(nodes, kind)
    return tuple([f"{name}={value}" for name, value in found.items() if "." not in name])


def given_parameters(nodes: Iterable[Node]) -> tuple[tuple[str, str], ...]:
    """The parameters of a list as they are written, with their namespaces; nothing is checked."""
    fields = [node["DefElem"] for node in nodes]
    return tuple(
        [
            (f"{each.get('defnamespace', '')}.{each['defname']}".removeprefix("."), _value(each))
            for each in fields
        ]
    )


def check_column_parameters(parameters: Iterable[tuple[str, str]]) -> None:
    """Raise InvalidParameterValue unless they are a column's parameters, within their bounds."""
    for name, value in parameters:
        if name not in _COLUMN:
            raise errors.InvalidParameterValue(f'unrecognized parameter "{name}"')
        try:
            number = float(value)
        except ValueError:
            raise errors.InvalidParameterValue(
                f'invalid value for floating point option "{name}": {value}'
            ) from None
        if number < -1:
            raise errors.InvalidParameterValue(
                f'value {value} out of bounds for option "{name}"',
                detail=f'Valid values are between "-1.000000" and "{float_info.max:.6f}".',
            )


def merge_parameters(
    kept: tuple[str, ...], given: Iterable[tuple[str, str]], *, is_reset: bool
) -> tuple[str, ...]:
    """The parameters after SET or RESET: those that are not named stay, in front."""
    own = [(name, value) for name, value in given if "." not in name]
    names = {name for name, _ in own}
    left = [text for text in kept if text.partition("=")[0] not in names]
    return tuple(left if is_reset else [*left, *(f"{name}={value}" for name, value in own)])


def check_parameters(nodes: Iterable[Node], kind: str) -> dict[str, str]:
    """The parameters of a list, each with its value's text. Raises InvalidParameterValue (22023)."""
    found: dict[str, str] = {}
    for node in nodes:
        fields = node["DefElem"]
        name: str = fields["defname"]
        if name == "oids":
            _refuse_oids(_value(fields))
            continue
        key = f"{fields.get('defnamespace', '')}.{name}".removeprefix(".")
        if key in found:
            raise errors.InvalidParameterValue(f'parameter "{name}" specified more than once')
        if not _is_known(fields.get("defnamespace"), name, kind):
            raise errors.InvalidParameterValue(f'unrecognized parameter "{name}"')
        found[key] = _value(fields)
        _check_value(name, found[key], _KNOWN[kind].get(name))
    return found


def _refuse_oids(value: str) -> None:
    if value.lower() not in ("false", "off", "no", "0"):
        raise errors.FeatureNotSupported("tables declared WITH OIDS are not supported")


def _is_known(namespace: str | None, name: str, kind: str) -> bool:
    if namespace is not None:
        if namespace != "toast" or kind != "table":
            raise errors.InvalidParameterValue(f'unrecognized parameter namespace "{namespace}"')
        return name in _TABLE or name.startswith("autovacuum_")
    return name in _KNOWN[kind] or (kind == "table" and name.startswith("autovacuum_"))


def _value(fields: Node) -> str:
    """The value's text; a parameter without one is switched on."""
    argument = fields.get("arg")
    if argument is None:
        return "true"
    ((tag, detail),) = argument.items()
    match tag:
        case "Integer":
            return str(detail.get("ival", 0))
        case "Float":
            return str(detail["fval"])
        case "Boolean":
            return "true" if detail.get("boolval") else "false"
        case "String":
            return str(detail.get("sval", ""))
        case "TypeName":
            return str(detail["names"][-1]["String"]["sval"])
        case _:
            return ""


def _check_value(name: str, value: str, bounds: tuple[int, int] | None) -> None:
    if name in _BOOLEANS:
        if value.lower() not in _BOOLEAN_WORDS:
            raise errors.InvalidParameterValue(
                f'invalid value for boolean option "{name}": {value}'
            )
        return
    if name == "check_option" and value not in ("local", "cascaded"):
        raise errors.InvalidParameterValue(
            f'invalid value for enum option "{name}": {value}',
            detail='Valid values are "local" and "cascaded".',
        )
    if bounds is None:
        return
    try:
        number = float(value)
    except ValueError:
        raise errors.InvalidParameterValue(
            f'invalid value for integer option "{name}": {value}'
        ) from None
    if not bounds[0] <= number <= bounds[1]:
        raise errors.InvalidParameterValue(
            f'value {value} out of bounds for option "{name}"',
            detail=f'Valid values are between "{bounds[0]}" and "{bounds[1]}".',
        )
