r"""Variables and conditions: \set \unset \prompt \if \elif \else \endif."""

from __future__ import annotations

from lungfish import errors
from lungfish.repl.commands.entry import Entry, words_of
from lungfish.repl.input.variables import boolean_of
from lungfish.repl.interpreter import Interpreter


def _set(interpreter: Interpreter, _name: str, argument: str) -> None:
    words = words_of(interpreter, argument)
    if words:
        interpreter.variables.set(words[0], "".join(words[1:]))
        return
    for name in sorted(interpreter.variables):
        value = interpreter.variables[name].replace("'", "''")
        interpreter.print(f"{name} = '{value}'")


def _unset(interpreter: Interpreter, name: str, argument: str) -> None:
    words = words_of(interpreter, argument)
    if not words:
        raise errors.SyntaxError(f"{name}: missing required argument")
    for word in words:
        interpreter.variables.unset(word)


def _prompt(interpreter: Interpreter, name: str, argument: str) -> None:
    *texts, variable = words_of(interpreter, argument) or [""]
    if not variable:
        raise errors.SyntaxError(f"{name}: missing required argument")
    interpreter.out.flush()
    try:
        value = input(" ".join(texts))
    except EOFError:
        value = ""
    interpreter.variables.set(variable, value)


def _if(interpreter: Interpreter, name: str, argument: str) -> None:
    conditions = interpreter.conditions
    conditions.begin(is_true=conditions.is_active and _is_true(interpreter, name, argument))


def _elif(interpreter: Interpreter, name: str, argument: str) -> None:
    conditions = interpreter.conditions
    is_true = conditions.is_undecided(name) and _is_true(interpreter, name, argument)
    conditions.otherwise(is_true=is_true, is_last=False, command=name)


def _else(interpreter: Interpreter, name: str, _argument: str) -> None:
    interpreter.conditions.otherwise(is_true=True, is_last=True, command=name)


def _endif(interpreter: Interpreter, _name: str, _argument: str) -> None:
    interpreter.conditions.end()


def _is_true(interpreter: Interpreter, name: str, argument: str) -> bool:
    """What the expression says; one that says nothing is false, and complained of."""
    text = " ".join(words_of(interpreter, argument))
    try:
        return boolean_of(text, f"{name} expression")
    except errors.SyntaxError as error:
        interpreter.complain(error.message)
        return False


ENTRIES = (
    Entry(("\\set", ".parameter"), "\\set [NAME [VALUE...]]", "set a variable; all of them without a name", _set, "variable"),
    Entry(("\\unset",), "\\unset NAME", "forget a variable", _unset, "variable"),
    Entry(("\\prompt",), "\\prompt [TEXT] NAME", "ask for a variable's value", _prompt),
    Entry(("\\if",), "\\if EXPRESSION", "run what follows only if this is true", _if),
    Entry(("\\elif",), "\\elif EXPRESSION", "else if", _elif),
    Entry(("\\else",), "\\else", "what runs otherwise", _else),
    Entry(("\\endif",), "\\endif", "end of the condition", _endif),
)  # fmt: skip
