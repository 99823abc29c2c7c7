"""The configuration of the prompt: a TOML file, for everyone `~/.config/lungfish/config.toml`, for a project `.lungfish.toml` beside it.

    [display]                # any option of \\pset
    null = "(null)"
    format = "box"
    pager = "off"
    timing = true

    [variables]              # as by \\set
    ON_ERROR_ROLLBACK = "off"

$LUNGFISH_CONFIG names another file in place of both; empty, none is read. Data formats on the command line win over the file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lungfish import errors
from lungfish.repl.commands.display import OPTION_NAMES, set_option
from lungfish.repl.interpreter import Interpreter

_SECTIONS = ("display", "variables")


def config_paths(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """The files that are read, later ones winning."""
    named = environment.get("LUNGFISH_CONFIG")
    if named is not None:
        return [Path(named).expanduser()] if named else []
    base = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return [Path(base, "lungfish", "config.toml").expanduser(), Path(".lungfish.toml")]


def read_config(environment: Mapping[str, str] = os.environ) -> dict[str, dict[str, Any]]:
    """The sections of the files that there are. Raises SyntaxError for one that cannot be read."""
    merged: dict[str, dict[str, Any]] = {}
    for path in config_paths(environment):
        if not path.is_file():
            continue
        try:
            sections = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise errors.SyntaxError(f"{path}: {error}") from error
        for name, values in sections.items():
            if name not in _SECTIONS or not isinstance(values, dict):
                raise errors.SyntaxError(
                    f'{path}: there is no section "{name}"',
                    hint=f"The sections are {', '.join(_SECTIONS)}.",
                )
            merged.setdefault(name, {}).update(values)
    return merged


def apply_config(interpreter: Interpreter, config: Mapping[str, Mapping[str, Any]]) -> None:
    """Set what a configuration says. Raises SyntaxError, InvalidParameterValue."""
    quiet = interpreter.display.is_quiet
    interpreter.display.is_quiet = True
    try:
        for name, value in config.get("display", {}).items():
            _set_display(interpreter, name, _text(value))
        for name, value in config.get("variables", {}).items():
            interpreter.variables.set(name, _text(value))
    finally:
        interpreter.display.is_quiet = quiet or interpreter.variables.get("QUIET") == "on"


def _set_display(interpreter: Interpreter, name: str, value: str) -> None:
    if name == "timing":
        interpreter.display.has_timing = value == "on"
    elif name == "rows":
        interpreter.display.rows_max = int(value) if value.isdigit() else 0
    elif name in OPTION_NAMES:
        set_option(interpreter, name, [value])
    else:
        known = ", ".join([*OPTION_NAMES, "timing", "rows"])
        raise errors.SyntaxError(
            f'there is no display option "{name}" in the configuration',
            hint=f"The options are {known}.",
        )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
