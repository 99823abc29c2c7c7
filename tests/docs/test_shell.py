"""docs/shell.md: what its sessions print is what the shell prints; UPDATE_DOCS=1 writes them anew. It names every command."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from lungfish.repl.commands import GROUPS
from tests.repl.shells import open_shell

PAGE = Path(__file__).resolve().parents[2] / "docs" / "shell.md"
_SESSION = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)


def replayed(session: str, told: dict[str, str]) -> str:
    """A session with the answers that the shell gives now."""
    inputs = re.findall(r"^=> .*(?:\n-> .*)*", session, re.MULTILINE)
    return "".join([f"{each}\n{told[each]}" for each in inputs])


def test_sessions_print_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text()
    replacements = {}
    with open_shell(tmp_path) as shell:
        shell.interpreter.is_interactive = True
        for session in _SESSION.findall(page):
            told = {}
            for typed in re.findall(r"^=> .*(?:\n-> .*)*", session, re.MULTILINE):
                text = re.sub(r"^(?:=>|->) ", "", typed, flags=re.MULTILINE)
                lines = shell.told(text).splitlines()
                told[typed] = "".join([f"{line.rstrip()}\n" for line in lines])
            replacements[session] = replayed(session, told)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(_SESSION.sub(lambda found: replacements[found.group()], page))
        return
    for session, again in replacements.items():
        assert again == session


def test_every_command_is_named() -> None:
    assert command_tables() in PAGE.read_text()


def command_tables() -> str:
    """The reference: a table for each group of commands."""
    parts = []
    for title, entries in GROUPS:
        rows = [
            f"| {', '.join([f'`{name}`' for name in entry.names])} | `{entry.usage.replace('|', chr(92) + '|')}` | {entry.help} |"
            for entry in entries
        ]
        parts.append(
            "\n".join(
                [f"### {title}", "", "| names | use | what it does |", "| --- | --- | --- |", *rows]
            )
        )
    return "\n\n".join(parts)
