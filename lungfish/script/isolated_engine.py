"""A script's database in a child process, which is killed (SIGKILL) for a crash: real files, a real end.

The child does what `LocalEngine` does here; its unsynced writes lie in its own memory (`storage/volatile_disk.py`), so what a crash is to
leave can be chosen as on a simulated disk. A script must give the same results either way.
"""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from lungfish import errors
from lungfish.script.child import run_child
from lungfish.script.engine import EngineCrashed, Outcome, Waited
from lungfish.script.local_engine import LOCAL_FEATURES
from lungfish.script.media import revert_folder, save_folder
from lungfish.sql.ast.directives import CrashOptions, Fault

_JOIN_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A crash or a fault that waits for the so-manieth hit of a failpoint."""

    point: str
    hit: int
    what: CrashOptions | Fault
    # Hits of the point in the child before.
    seen: int = 0

    def after(self, hits: Mapping[str, int]) -> _Waiting:
        """What is left to wait for when the child has these hits."""
        return replace(self, hit=self.hit - (hits[self.point] - self.seen), seen=0)


def _process_context() -> multiprocessing.context.BaseContext:
    """Children are forked from a server that has the heavy libraries loaded, where there is such a thing."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lungfish.script.child"])
    return context


class IsolatedEngine:
    """See `engine.Engine`."""

    features = LOCAL_FEATURES | {"isolate"}

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="lungfish-script-"))
        self._folder = self._root / "db"
        self._folder.mkdir()
        self._context = _process_context()
        self._process: BaseProcess | None = None
        self._pipe: Pipe | None = None
        # Hits of the children that were killed.
        self._past_hits: Counter[str] = Counter()
        # What waits for a failpoint: the next child is told too if this one is killed on purpose before it is met.
        self._waiting: list[_Waiting] = []

    # The child

    def _ask(self, name: str, **arguments: Any) -> Any:
        """Have the child do it. Raises EngineCrashed if it does not live to answer, and what it raised."""
        if self._process is None:
            self._begin_process()
        pipe = self._pipe
        assert pipe is not None, "a child has a pipe"
        try:
            pipe.send((name, arguments))
            status, value = pipe.recv()
        except (EOFError, OSError):
            raise EngineCrashed from None
        if status == "crashed":
            raise EngineCrashed
        if status == "error":
            kind, message, detail, hint = value
            raise getattr(errors, kind, errors.InternalError)(message, detail=detail, hint=hint)
        return value

    def _begin_process(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        # A fork server's context has Process, which the base class does not declare.
        self._process = self._context.Process(  # type: ignore[attr-defined]
            target=run_child, args=(theirs, str(self._folder)), daemon=True
        )
        assert self._process is not None
        self._process.start()
        theirs.close()

    def _end_process(self) -> None:
        """Let go of a child that is dead or has nothing open."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.join(_JOIN_TIMEOUT_S)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._process.close()
        self._process = self._pipe = None

    # Engine

    def open(self) -> None:
        if self._process is None:
            for waiting in self._waiting:
                self._tell(waiting)
        self._ask("open")

    def start(self, session: str, sql: str, data: str | None) -> None:
        try:
            self._ask("start", session=session, sql=sql, data=data)
        except EngineCrashed:
            # The statement was quicker than the answer: `wait` meets it.
            return

    def wait(self, session: str) -> Waited:
        try:
            waited: Waited = self._ask("wait", session=session)
        except EngineCrashed:
            return Waited("crashed")
        return waited

    def take(self, session: str) -> Outcome:
        outcome: Outcome = self._ask("take", session=session)
        return outcome

    def cancel(self, session: str) -> None:
        self._ask("cancel", session=session)

    def shut(self, *, is_crash: bool, options: CrashOptions) -> None:
        if not is_crash:
            self._ask("shut", is_crash=False, options=options)
            return
        try:
            hits = self._ask("hits")
            self._past_hits.update(hits)
            self._waiting = [each.after(hits) for each in self._waiting]
            self._ask("die", **asdict(options))
        except EngineCrashed:
            pass
        self._end_process()

    def arm_crash(self, point: str, hit: int, options: CrashOptions) -> None:
        self._arm(_Waiting(point, hit, options))

    def plant(self, fault: Fault) -> None:
        self._arm(_Waiting(fault.point, fault.hit, fault))

    def _arm(self, waiting: _Waiting) -> None:
        hits = self._ask("hits")
        self._tell(waiting)
        self._waiting.append(replace(waiting, seen=hits[waiting.point]))

    def _tell(self, waiting: _Waiting) -> None:
        what = waiting.what
        if isinstance(what, Fault):
            self._ask("plant", fault=replace(what, hit=waiting.hit))
        else:
            self._ask("arm_crash", point=waiting.point, hit=waiting.hit, options=what)

    def disarm(self) -> None:
        self._waiting.clear()
        if self._process is not None:
            self._ask("disarm")

    def hits(self) -> Mapping[str, int]:
        return self._past_hits + Counter(self._ask("hits"))

    def own_state(self) -> str:
        state: str = self._ask("own_state")
        return state

    def save(self) -> object:
        return save_folder(self._folder)

    def revert(self, saved: object) -> None:
        self._end_process()
        revert_folder(self._folder, saved)

    def close(self) -> None:
        self._end_process()
        shutil.rmtree(self._root, ignore_errors=True)
