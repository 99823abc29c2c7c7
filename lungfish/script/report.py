"""What became of a script: what failed, with the lines that tell it from what was expected."""

from __future__ import annotations

from dataclasses import dataclass, field

from lungfish.script.engine import Outcome

_TEXT_MAX = 100


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that was not as the script says."""

    path: str
    line: int
    # The statement, or what else failed.
    text: str
    message: str
    # A difference, or an error's caret and hint.
    lines: tuple[str, ...] = ()
    # In which run of a block.
    context: str = ""

    def __str__(self) -> str:
        text = " ".join(self.text.split())
        if len(text) > _TEXT_MAX:
            text = text[: _TEXT_MAX - 3] + "..."
        where = f" ({self.context})" if self.context else ""
        head = f"{self.path}:{self.line}: {text}" if text else f"{self.path}:{self.line}:"
        return "\n".join(
            [head, f"  {self.message}{where}", *(f"    {line}" for line in self.lines)]
        )


@dataclass(frozen=True, slots=True)
class Edit:
    """A piece of the script's text to be replaced by `--update`."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class ScriptReport:
    """How a script ran."""

    path: str
    failures: list[Failure] = field(default_factory=list)
    # Why it was not run; "" if it was.
    skipped: str = ""
    statement_count: int = 0
    # Restarts and crashes, those that the script asked for and those that were forced.
    restart_count: int = 0
    seconds: float = 0.0
    # What came of each statement that ran to its end, by its line.
    transcript: list[tuple[int, Outcome]] = field(default_factory=list)
    # What would make the expectations right.
    edits: list[Edit] = field(default_factory=list)
    # Golden files to be written, by path.
    golden: dict[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether nothing failed."""
        return not self.failures
