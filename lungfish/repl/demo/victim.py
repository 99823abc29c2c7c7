"""The writer process as its killer sees it: started, listened to, killed."""

from __future__ import annotations

import enum
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

_SECONDS_MAX = 60.0


class Moment(enum.Enum):
    """When the writer is killed."""

    MID_TRANSACTION = "in the middle of a transfer"
    MID_CHECKPOINT = "while a checkpoint was being written"
    ANY_TIME = "at a random moment"


@dataclass(slots=True)
class Witness:
    """What the writer told before it died."""

    acknowledged: set[int] = field(default_factory=set)
    # The transfer that was under way, if one was.
    in_flight: int | None = None
    checkpoints_done: int = 0
    is_in_checkpoint: bool = False

    def take(self, line: str) -> None:
        """Take note of a line."""
        word, _, number = line.partition(" ")
        if word == "half":
            self.in_flight = int(number)
        elif word == "done":
            self.acknowledged.add(int(number))
            self.in_flight = None
        elif word == "checkpoint":
            self.is_in_checkpoint = True
        elif word == "checkpointed":
            self.is_in_checkpoint = False
            self.checkpoints_done += 1


class WriterFailed(Exception):
    """The writer ended by itself."""


def write_and_kill(path: str, *, first: int, seed: int, moment: Moment, seconds: float) -> Witness:
    """Let a writer work for at least that long and through a checkpoint, then kill it at the moment asked for.

    What it had written to the pipe by then counts: those commits were acknowledged.
    """
    # At `pause_at` the writer waits to be killed; far enough on that checkpoints have run by then.
    pause_at = first + 400 if moment is Moment.MID_TRANSACTION else 0
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "lungfish.repl.demo.writer",
            path,
            str(first),
            str(seed),
            str(pause_at),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    # A writer that stands still must not stop the demo.
    alarm = threading.Timer(_SECONDS_MAX, process.kill)
    alarm.start()
    witness = Witness()
    ends_at = float("inf")
    with process.stdout as lines:
        for line in lines:
            witness.take(line.strip())
            # Its time runs from its first word; before that it was still starting.
            ends_at = min(ends_at, time.monotonic() + seconds)
            if _is_time(witness, moment, ends_at, pause_at):
                break
        else:
            alarm.cancel()
            raise WriterFailed(
                f"the writer ended with exit code {process.wait()} before it was to be killed"
            )
        alarm.cancel()
        process.kill()
        for line in lines:
            witness.take(line.strip())
    process.wait()
    return witness


def _is_time(witness: Witness, moment: Moment, ends_at: float, pause_at: int) -> bool:
    if moment is Moment.MID_TRANSACTION:
        return witness.in_flight == pause_at
    if time.monotonic() < ends_at or not witness.checkpoints_done:
        return False
    return witness.is_in_checkpoint if moment is Moment.MID_CHECKPOINT else True
