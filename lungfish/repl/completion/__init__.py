"""What the prompt proposes, from the live catalog: see `completer.py`."""

from lungfish.repl.completion.completer import ShellCompleter

__all__ = ["ShellCompleter"]
