"""Plans to rows: vectorised operators, short ways for single rows, the statements that change rows, DDL.

Start at `execute`. A plan is compiled once (`compiler.py`, `operators.py`, `expressions/`) and kept in `Programs`; a running
statement is an `ExecutionContext`. What changes rows goes through `table_writer.py`.
"""

from lungfish.executor.cancellation import Cancellation
from lungfish.executor.constraint_events import DeferredChecks
from lungfish.executor.context import ExecutionContext, Run, TableProvider
from lungfish.executor.execute import execute, execute_batches
from lungfish.executor.insert import insert_batches, insert_rows
from lungfish.executor.insert_sets import GivenSets, insert_given_sets
from lungfish.executor.instrument import Measurement, Measurements, execute_measured
from lungfish.executor.memory import MemoryBudget
from lungfish.executor.programs import Programs
from lungfish.executor.result import ExecutionResult
from lungfish.executor.spill import SpillSpace

__all__ = [
    "Cancellation",
    "DeferredChecks",
    "ExecutionContext",
    "ExecutionResult",
    "GivenSets",
    "Measurement",
    "Measurements",
    "MemoryBudget",
    "Programs",
    "Run",
    "SpillSpace",
    "TableProvider",
    "execute",
    "execute_batches",
    "execute_measured",
    "insert_batches",
    "insert_given_sets",
    "insert_rows",
]
