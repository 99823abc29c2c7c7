r"""What `\d NAME` says of a relation's family: the partitioned table that it is part of, its key, parents, children and partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

# Runs a query about the relation, which it may call :oid.
Rows = Callable[[str], list[list[str]]]


def partition_lines(rows: Rows, *, is_verbose: bool) -> Iterator[str]:
    """What a partition is part of, and by what a partitioned table is divided: above the indexes."""
    found = rows(
        """SELECT i.inhparent::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, c.oid),
             pg_catalog.pg_get_partition_constraintdef(c.oid)
           FROM pg_catalog.pg_class c JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
           WHERE c.oid = :oid AND c.relispartition"""
    )
    for parent, bound, condition in found:
        yield f"Partition of: {parent} {bound}"
        if is_verbose:
            yield f"Partition constraint: {condition}" if condition else "No partition constraint"
    for (key,) in rows(
        "SELECT pg_catalog.pg_get_partkeydef(oid) FROM pg_catalog.pg_class WHERE oid = :oid AND relkind = 'p'"
    ):
        yield f"Partition key: {key}"


def family_lines(rows: Rows, *, is_verbose: bool) -> Iterator[str]:
    """Parents, and children or partitions, which are counted unless all is to be told: below all else."""
    parents = rows(
        """SELECT i.inhparent::pg_catalog.regclass FROM pg_catalog.pg_inherits i
           JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
           WHERE i.inhrelid = :oid AND NOT c.relispartition ORDER BY i.inhseqno"""
    )
    if parents:
        yield _listed("Inherits: ", [name for (name,) in parents])
    ((kind,),) = rows("SELECT relkind FROM pg_catalog.pg_class WHERE oid = :oid")
    children = rows(
        """SELECT c.oid::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, c.oid), c.relkind
           FROM pg_catalog.pg_class c JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid WHERE i.inhparent = :oid
           ORDER BY coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', false), c.oid::pg_catalog.regclass::text"""
    )
    word = "partitions" if kind == "p" else "child tables"
    if not children:
        if kind == "p":
            yield "Number of partitions: 0"
    elif is_verbose:
        yield _listed(f"{word.capitalize()}: ", [_child(*each) for each in children])
    else:
        yield f"Number of {word}: {len(children)} (Use \\d+ to list them.)"


def _child(name: str, bound: str, kind: str) -> str:
    shown = f"{name} {bound}" if bound else name
    return f"{shown}, PARTITIONED" if kind == "p" else shown


def _listed(head: str, names: list[str]) -> str:
    """Names in a column behind the head."""
    return head + (",\n" + " " * len(head)).join(names)
