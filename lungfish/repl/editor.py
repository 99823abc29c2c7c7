"""The user's editor: $VISUAL, else $EDITOR, else vi."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from lungfish import errors


def edit_text(text: str, *, path: Path | None = None) -> str:
    """The text as it is after editing; in a file of one's own (`path`) it is kept. Raises UndefinedFile."""
    if path is not None:
        return _edit_file(path, text)
    with tempfile.TemporaryDirectory(prefix="lungfish-edit-") as folder:
        return _edit_file(Path(folder, "statement.sql"), text)


def _edit_file(path: Path, text: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        if text and not path.exists():
            path.write_text(f"{text}\n", encoding="utf-8")
        # The variable may hold options, so a shell reads it.
        code = subprocess.run(f'{editor} "{path}"', shell=True, check=False).returncode
        if code:
            raise errors.UndefinedFile(f'could not start editor "{editor}"')
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except OSError as error:
        raise errors.UndefinedFile(f"{path}: {error.strerror}") from error
