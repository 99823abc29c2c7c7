"""What a statement gave: the executor's result, under the session's name for it."""

from lungfish.executor.result import ExecutionResult as StatementResult

__all__ = ["StatementResult"]
