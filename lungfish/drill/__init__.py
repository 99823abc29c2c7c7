"""The crash drill: a copy of a database, its workload on a simulated disk, and crashes at every kind of moment.

Start at `crash_drill` (`drill.py`); `lungfish drill DB` is the same from the command line. The database itself is only read. What a
crash may leave of a disk is said in `storage/simulated_disk.py`, where to crash in `points.py`, what is compared in `content.py`.
"""

from lungfish.drill.drill import DrillFinding, DrillReport, crash_drill
from lungfish.drill.points import CrashPoint, crash_points

__all__ = ["CrashPoint", "DrillFinding", "DrillReport", "crash_drill", "crash_points"]
