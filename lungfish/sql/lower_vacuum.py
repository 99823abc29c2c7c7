"""VACUUM and ANALYZE, with the options that PostgreSQL has for them.

Most options say how PostgreSQL's vacuum goes about dead rows and transaction ids; there are none of either, so they are checked as
PostgreSQL checks them and change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish.errors import FeatureNotSupported, SyntaxError
from lungfish.sql.ast.utility import Analyze, Vacuum, VacuumTarget
from lungfish.sql.libpg import Node
from lungfish.sql.lowering import Lowering, StatementRule, object_name, strings

_ON = ("true", "on", "yes", "1")
_OFF = ("false", "off", "no", "0")
_FLAGS_OF_VACUUM = frozenset(
    {
        "verbose", "skip_locked", "analyze", "freeze", "full", "disable_page_skipping", "truncate", "process_main",
        "process_toast", "skip_database_stats", "only_database_stats",
    }
)  # fmt: skip
_FLAGS_OF_ANALYZE = frozenset({"verbose", "skip_locked"})
_WORKERS_MAX = 1024


def _lower_vacuum(fields: Node, _lowering: Lowering) -> Vacuum | Analyze:
    is_vacuum = fields.get("is_vacuumcmd", False)
    targets = tuple([_target(node["VacuumRelation"]) for node in fields.get("rels", ())])
    position = targets[0].table.position if targets else -1
    options = [node["DefElem"] for node in fields.get("options", ())]
    if not is_vacuum:
        for option in options:
            _analyze_option(option)
        return Analyze(targets, position)
    given = dict([_vacuum_option(option) for option in options])
    _check_together(given, has_targets=bool(targets))
    is_analyze = given.get("analyze", False) is True
    if not is_analyze and any(target.columns for target in targets):
        raise FeatureNotSupported("ANALYZE option must be specified when a column list is provided")
    return Vacuum(targets, position, is_analyze, given.get("full", False) is True)


def _target(fields: Node) -> VacuumTarget:
    return VacuumTarget(object_name(fields["relation"]), strings(fields.get("va_cols", ())))


def _analyze_option(option: Node) -> None:
    name = option["defname"]
    if name in _FLAGS_OF_ANALYZE:
        _boolean(option)
    elif name != "buffer_usage_limit":
        raise SyntaxError(
            f'unrecognized ANALYZE option "{name}"', position=option.get("location", -1)
        )


def _vacuum_option(option: Node) -> tuple[str, bool | int]:
    """An option with its value: whether it is on, or a number of workers."""
    name = option["defname"]
    position = option.get("location", -1)
    if name in _FLAGS_OF_VACUUM:
        return name, _boolean(option)
    match name:
        case "index_cleanup":
            return name, _text(option) == "auto" or _boolean(option)
        case "buffer_usage_limit":
            return name, True
        case "parallel":
            if "arg" not in option:
                raise SyntaxError(
                    f"parallel option requires a value between 0 and {_WORKERS_MAX}",
                    position=position,
                )
            workers = int(_text(option)) if _text(option).lstrip("-").isdecimal() else -1
            if not 0 <= workers <= _WORKERS_MAX:
                raise SyntaxError(
                    f"parallel workers for vacuum must be between 0 and {_WORKERS_MAX}",
                    position=position,
                )
            return name, workers
    raise SyntaxError(f'unrecognized VACUUM option "{name}"', position=position)


def _check_together(given: Mapping[str, bool | int], *, has_targets: bool) -> None:
    if given.get("full"):
        if given.get("parallel", 0):
            raise FeatureNotSupported("VACUUM FULL cannot be performed in parallel")
        if given.get("disable_page_skipping"):
            raise FeatureNotSupported(
                "VACUUM option DISABLE_PAGE_SKIPPING cannot be used with FULL"
            )
        if not given.get("process_toast", True):
            raise FeatureNotSupported("PROCESS_TOAST required with VACUUM FULL")
    if given.get("only_database_stats"):
        if has_targets:
            raise FeatureNotSupported(
                "ONLY_DATABASE_STATS cannot be specified with a list of tables"
            )
        others = [name for name, value in given.items() if value and name != "only_database_stats"]
        if [name for name in others if name not in ("verbose", "process_main", "process_toast")]:
            raise FeatureNotSupported(
                "ONLY_DATABASE_STATS cannot be specified with other VACUUM options"
            )


def _text(option: Node) -> str:
    argument = option.get("arg", {})
    for tag, key in (("String", "sval"), ("Integer", "ival"), ("Float", "fval")):
        if tag in argument:
            return str(argument[tag].get(key, 0)).lower()
    return "true" if argument.get("Boolean", {}).get("boolval") or not argument else "false"


def _boolean(option: Node) -> bool:
    word = _text(option)
    if word not in (*_ON, *_OFF):
        raise SyntaxError(f"{option['defname']} requires a Boolean value")
    return word in _ON


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType({"VacuumStmt": _lower_vacuum})
