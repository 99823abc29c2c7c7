"""Trials 13 and 14 of the matrix: the protocol searched state by state, and retention under holders that come and go.

The model of trial 13 is the protocol and nothing else: two checkpointers that take turns, commits, the fence, pins, superblocks, pruning,
and a crash that may come anywhere. Each actor's next step is one transition; the search visits every reachable state within the bounds.
What must hold in each of them: a restart from what is durable finds all that was acknowledged, and the log that it needs is there.

`Rules` can break the protocol, one rule at a time: the search must then find a state that is wrong, or it would prove nothing.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from lungfish.errors import ObjectNotInPrerequisiteState
from lungfish.recovery.retention import HolderKind, WalRetentionManager
from lungfish.storage.clock import ManualClock
from lungfish.storage.ids import LSN
from tests.crash.tally import Budget, Tally

# Steps of a checkpoint, in their order.
IDLE, PINNED, FENCED, CAPTURED, FLUSHED, WRITTEN, SYNCED, PUBLISHED, DURABLE, RELEASED = range(10)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the protocol demands; each may be broken."""

    checks_fence: bool = True
    pins_before_begin: bool = True
    syncs_pages_before_superblock: bool = True
    prunes_after_superblock_is_durable: bool = True
    flushes_before_acknowledging: bool = True
    one_checkpoint_at_a_time: bool = True
    keeps_image_before: bool = True
    captures_inside_fence: bool = True


class Checkpoint(NamedTuple):
    """One checkpointer: how far it is, its redo position, and up to where its image holds changes."""

    step: int = IDLE
    redo: int = 0
    content: int = 0
    pin: int = -1


class World(NamedTuple):
    """Positions in the log are counts of records; record n is commit n, and its page change comes after it is appended."""

    appended: int = 0
    changed: int = 0
    durable: int = 0
    acknowledged: int = 0
    # A writer is between its record and its change.
    is_inside: bool = False
    is_fenced: bool = False
    # Images that are durable: (redo position, content), the newest last; and one that may be, or not, after a crash.
    images: tuple[tuple[int, int], ...] = ((0, 0),)
    maybe: tuple[tuple[int, int], ...] = ()
    # The pages of an image that are not synced: it must not be pointed to by a durable superblock.
    torn: int = 0
    pruned: int = 0
    redo_pin: int = 0
    first: Checkpoint = Checkpoint()
    second: Checkpoint = Checkpoint()


@dataclass(frozen=True, slots=True)
class Bounds:
    commits: int
    checkpoints: int


def next_worlds(world: World, rules: Rules, bounds: Bounds) -> Iterator[World]:
    """Every world that one step of one actor leads to."""
    yield from _writer_steps(world, rules, bounds)
    for name in ("first", "second"):
        yield from _checkpoint_steps(world, name, rules, bounds)


def _writer_steps(world: World, rules: Rules, bounds: Bounds) -> Iterator[World]:
    if world.is_inside:
        yield world._replace(changed=world.appended, is_inside=False)
    elif world.appended < bounds.commits and not (world.is_fenced and rules.checks_fence):
        yield world._replace(appended=world.appended + 1, is_inside=True)
    if world.durable < world.appended:
        yield world._replace(durable=world.appended)
    limit = world.durable if rules.flushes_before_acknowledging else world.changed
    if world.acknowledged < min(limit, world.changed):
        yield world._replace(acknowledged=world.acknowledged + 1)


def _checkpoint_steps(world: World, name: str, rules: Rules, bounds: Bounds) -> Iterator[World]:
    own: Checkpoint = getattr(world, name)
    other: Checkpoint = world.second if name == "first" else world.first

    def go(step: int, **changes: int) -> World:
        return world._replace(**{name: own._replace(step=step, **changes)})

    match own.step:
        case 0:
            is_free = other.step == IDLE or not rules.one_checkpoint_at_a_time
            if is_free and len(world.images) + len(world.maybe) <= bounds.checkpoints:
                pin = world.redo_pin if rules.pins_before_begin else -1
                yield go(PINNED, pin=pin)
        case 1:
            if not world.is_inside or not rules.checks_fence:
                yield go(FENCED, redo=world.appended)._replace(is_fenced=True)
        case 2:
            # Broken: the redo position is taken when writers may have gone on already.
            redo = (
                own.redo if rules.captures_inside_fence else min(world.appended + 1, bounds.commits)
            )
            yield go(CAPTURED, content=world.changed, redo=redo)._replace(is_fenced=False)
        case 3:
            durable = max(world.durable, own.redo)
            yield go(FLUSHED)._replace(durable=durable)
        case 4:
            yield go(WRITTEN)
        case 5:
            torn = world.torn if rules.syncs_pages_before_superblock else own.redo + 1
            yield go(SYNCED)._replace(torn=torn)
        case 6:
            # The superblock is written: a crash may find it, or the one before.
            yield go(PUBLISHED)._replace(maybe=((own.redo, own.content),))
        case 7:
            keep = world.images[-1:] if rules.keeps_image_before else ()
            images = (*keep, (own.redo, own.content))
            early = go(DURABLE)._replace(images=images, maybe=(), torn=0)
            yield early
            if not rules.prunes_after_superblock_is_durable:
                yield world._replace(pruned=max(world.pruned, own.redo))
        case 8:
            redo_pin = (
                min(redo for redo, _ in world.images) if rules.keeps_image_before else own.redo
            )
            yield go(RELEASED, pin=-1)._replace(redo_pin=redo_pin)
        case 9:
            pins = [world.redo_pin, *(each.pin for each in (own, other) if each.pin >= 0)]
            pruned = max(world.pruned, min(pins))
            yield world._replace(pruned=pruned, **{name: Checkpoint()})


def violation(world: World) -> str | None:
    """What is wrong with a crash in this very state; None if nothing is."""
    candidates = [*world.maybe, world.images[-1]]
    for redo, content in candidates:
        if (redo, content) in world.maybe and world.torn == redo + 1:
            return f"the superblock may point to pages that were not synced (redo {redo})"
        if world.pruned > redo:
            return f"the log before {world.pruned} is gone, and redo begins at {redo}"
        if content < redo:
            return f"the image lacks changes before its redo position: {content} of {redo}"
        recovered = max(content, world.durable)
        if recovered < world.acknowledged:
            return f"{world.acknowledged} commits were acknowledged, {recovered} come back"
    if len(world.images) > 1 and world.pruned > world.images[-2][0]:
        return "the image before cannot be fallen back to: its log is gone"
    return None


def search(rules: Rules, bounds: Bounds, state_max: int) -> tuple[int, str | None]:
    """Visit the states, nearest first; how many, and the first violation."""
    start = World()
    seen = {start}
    queue = deque([start])
    while queue and len(seen) < state_max:
        world = queue.popleft()
        problem = violation(world)
        if problem is not None:
            return len(seen), f"{problem}: {world}"
        for each in next_worlds(world, rules, bounds):
            if each not in seen:
                seen.add(each)
                queue.append(each)
    return len(seen), None


BROKEN_RULES = (
    "checks_fence",
    "syncs_pages_before_superblock",
    "prunes_after_superblock_is_durable",
    "flushes_before_acknowledging",
    "captures_inside_fence",
)


def check_protocol(budget: Budget) -> Tally:
    """Trial 13."""
    tally = Tally()
    bounds = Bounds(budget.choose(6, 30), budget.choose(6, 40))
    count, problem = search(Rules(), bounds, budget.choose(100_000, 5_000_000))
    tally.count("protocol states", count)
    if problem is not None:
        tally.note(problem)
    for name in BROKEN_RULES:
        _, problem = search(replace(Rules(), **{name: False}), Bounds(3, 3), 50_000)
        tally.count("broken rules found out")
        if problem is None:
            tally.note(f"the search does not notice that {name} is broken")
    return tally


# Trial 14

SEGMENT = 1_000


def check_retention(budget: Budget) -> Tally:
    """Holders come, move and go at random, while the log grows and is pruned."""
    tally = Tally()
    for seed in budget.seeds(2_000, 200_000):
        if budget.is_over:
            break
        try:
            run_retention(random.Random(f"retention {seed}"))
        except Exception:
            tally.fail(f"seed {seed}")
        tally.count("retention runs")
    return tally


def run_retention(chance: random.Random) -> None:
    """Never is a needed byte removed, and never a needless segment kept past one prune."""
    manager = WalRetentionManager(ManualClock())
    end, removed_to = 0, 0
    pins: dict[tuple[HolderKind, str], int] = {}
    kinds = list(HolderKind)
    manager.pin(HolderKind.REDO_LSN, "checkpoint", owner="model", lsn=LSN(0))
    pins[HolderKind.REDO_LSN, "checkpoint"] = 0
    for _ in range(30):
        end += chance.randrange(3 * SEGMENT)
        match chance.randrange(5):
            case 0 | 1:
                # The checkpoint's own pin moves on, or the floor would never rise.
                is_redo = chance.random() < 0.4
                key = (HolderKind.REDO_LSN, "checkpoint")
                if not is_redo:
                    key = (chance.choice(kinds), str(chance.randrange(3)))
                lsn = chance.randrange(end + 1)
                try:
                    manager.pin(*key, owner="model", lsn=LSN(lsn))
                except ObjectNotInPrerequisiteState:
                    assert lsn < max(removed_to, *pins.values()), "refused though it is there"
                else:
                    assert lsn >= removed_to, "accepted though it is gone"
                    pins[key] = lsn
            case 2:
                key = (HolderKind.CHECKPOINT_IN_PROGRESS, "9")
                pins[key] = manager.pin_lowest(*key, owner="model").pinned_lsn
                assert pins[key] == min(pins.values())
            case 3:
                key = chance.choice(list(pins))
                if key[0] is not HolderKind.REDO_LSN:
                    manager.release(*key)
                    del pins[key]
            case _:
                floor = manager.prune_below()
                assert floor <= min(pins.values()), "a holder's log is removed"
                assert floor == max(removed_to, min(pins.values())), "kept for nobody"
                removed_to = max(removed_to, floor)
    assert {(each.kind, each.id): each.pinned_lsn for each in manager.holders()} == pins
