"""EXPLAIN's forms for programs: JSON, YAML and XML, laid out as PostgreSQL lays them out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

Node = dict[str, Any]
_XML_SCHEMA = "http://www.postgresql.org/2009/explain"


def _json(roots: list[Node]) -> list[str]:
    whole = [{"Plan": root} for root in roots]
    return json.dumps(whole, indent=2, ensure_ascii=False).split("\n")


# YAML: a plan's fields are indented by four more than the dash of the list that it is in.


def _yaml(roots: list[Node]) -> list[str]:
    return [line for root in roots for line in ("- Plan: ", *_yaml_fields(root, 4))]


def _yaml_fields(node: Node, indent: int) -> Iterator[str]:
    lead = " " * indent
    for label, value in node.items():
        if label == "Plans":
            yield f"{lead}Plans: "
            for child in value:
                first, *rest = _yaml_fields(child, indent + 4)
                yield f"{lead}  - {first.lstrip()}"
                yield from rest
        elif isinstance(value, list):
            yield f"{lead}{label}: "
            yield from (f"{lead}  - {json.dumps(item, ensure_ascii=False)}" for item in value)
        else:
            yield f"{lead}{label}: {_scalar(value, is_quoted=True)}"


def _xml(roots: list[Node]) -> list[str]:
    queries = [line for root in roots for line in ("  <Query>", *_xml_plan(root, 4), "  </Query>")]
    return [f'<explain xmlns="{_XML_SCHEMA}">', *queries, "</explain>"]


def _xml_plan(node: Node, indent: int) -> Iterator[str]:
    lead = " " * indent
    yield f"{lead}<Plan>"
    for label, value in node.items():
        tag = label.replace(" ", "-")
        if label == "Plans":
            yield f"{lead}  <Plans>"
            for child in value:
                yield from _xml_plan(child, indent + 4)
            yield f"{lead}  </Plans>"
        elif isinstance(value, list):
            yield f"{lead}  <{tag}>"
            yield from (
                f"{lead}    <Item>{escape(str(item), quote=False)}</Item>" for item in value
            )
            yield f"{lead}  </{tag}>"
        else:
            yield f"{lead}  <{tag}>{escape(_scalar(value, is_quoted=False), quote=False)}</{tag}>"
    yield f"{lead}</Plan>"


def _scalar(value: Any, *, is_quoted: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False) if is_quoted else str(value)


# By the word behind FORMAT, what makes the lines.
FORMATS: dict[str, Callable[[list[Node]], list[str]]] = {"json": _json, "yaml": _yaml, "xml": _xml}
