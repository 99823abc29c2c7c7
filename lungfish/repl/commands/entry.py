"""What a command is: its names, how it is written, what it does, and what may follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungfish import errors
from lungfish.repl.input.variables import boolean_of
from lungfish.repl.input.words import split_words

if TYPE_CHECKING:
    from lungfish.repl.interpreter import Command, Interpreter


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: its names (the first is the real one), how it is written, what it does."""

    names: tuple[str, ...]
    usage: str
    help: str
    run: Command
    # What the prompt proposes behind it: table, view, index, sequence, function, type, schema, relation, file, setting, statement,
    # variable, command, or words separated by bars.
    argument: str = ""


def words_of(interpreter: Interpreter, argument: str) -> list[str]:
    """The words behind a command."""
    return split_words(argument, interpreter.variables)


def one_word(interpreter: Interpreter, name: str, argument: str) -> str:
    """The first word behind a command. Raises SyntaxError without one."""
    words = words_of(interpreter, argument)
    if not words:
        raise errors.SyntaxError(f"{name}: missing required argument")
    return words[0]


def switch(interpreter: Interpreter, current: bool, name: str, argument: str) -> bool:
    """The setting that on or off means, or the other one without a word."""
    words = words_of(interpreter, argument)
    return boolean_of(words[0], name) if words else not current
