"""Signatures that PostgreSQL has and Lungfish has not, under names that it does have, and operators of which it has none.

They take part in choosing what a call means, since PostgreSQL looks at them too: trunc('1') could be of a number or of a network
card's address, so it is ambiguous. One that is chosen is refused (0A000); no value of theirs can be there otherwise, because none of
their types can be named.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from lungfish.functions.registry import ArgumentType, Function, Polymorphic
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    JSON,
    REAL,
    SMALLINT,
    TEXT,
    VOID,
    SqlType,
    TypeKind,
    array_of,
)

_TYPES: Mapping[str, ArgumentType] = MappingProxyType(
    {
        "anyelement": Polymorphic.ANYELEMENT,
        "bigint": BIGINT,
        "boolean": BOOLEAN,
        "double precision": DOUBLE,
        "integer": INTEGER,
        "json": JSON,
        "real": REAL,
        "record": Polymorphic.RECORD,
        "smallint": SMALLINT,
        "text": TEXT,
        "aclitem[]": array_of(SqlType(TypeKind.ABSENT, name="aclitem")),
    }
)
# The argument types of each signature, as format_type writes them.
_SIGNATURES = {
    "!!": "tsquery",
    "#": "box,box | line,line | lseg,lseg | path | polygon",
    "##": "line,lseg | lseg,box | lseg,lseg | point,box | point,line | point,lseg",
    "&": "inet,inet | macaddr,macaddr | macaddr8,macaddr8",
    "&&": "box,box | circle,circle | inet,inet | polygon,polygon | tsquery,tsquery",
    "&<": "box,box | circle,circle | polygon,polygon",
    "&<|": "box,box | circle,circle | polygon,polygon",
    "&>": "box,box | circle,circle | polygon,polygon",
    "*": (
        "bigint,money | box,point | circle,point | double precision,money | integer,money | "
        "money,bigint | money,double precision | money,integer | money,real | money,smallint "
        "| path,point | point,point | real,money | smallint,money"
    ),
    "*<": "record,record",
    "*<=": "record,record",
    "*<>": "record,record",
    "*=": "record,record",
    "*>": "record,record",
    "*>=": "record,record",
    "+": (
        "aclitem[],aclitem | bigint,inet | box,point | circle,point | inet,bigint | "
        "money,money | path,path | path,point | point,point"
    ),
    "-": (
        "aclitem[],aclitem | box,point | circle,point | inet,bigint | inet,inet | money,money"
        " | path,point | point,point"
    ),
    "/": (
        "box,point | circle,point | money,bigint | money,double precision | money,integer | "
        "money,money | money,real | money,smallint | path,point | point,point"
    ),
    "<": (
        "box,box | circle,circle | inet,inet | lseg,lseg | macaddr,macaddr | "
        "macaddr8,macaddr8 | money,money | path,path | tid,tid | tsquery,tsquery | "
        "tsvector,tsvector | xid8,xid8"
    ),
    "<->": (
        "box,box | box,lseg | box,point | circle,circle | circle,point | circle,polygon | "
        "line,line | line,lseg | line,point | lseg,box | lseg,line | lseg,lseg | lseg,point |"
        " path,path | path,point | point,box | point,circle | point,line | point,lseg | "
        "point,path | point,point | point,polygon | polygon,circle | polygon,point | "
        "polygon,polygon | tsquery,tsquery"
    ),
    "<<": "box,box | circle,circle | inet,inet | point,point | polygon,polygon",
    "<<=": "inet,inet",
    "<<|": "box,box | circle,circle | point,point | polygon,polygon",
    "<=": (
        "box,box | circle,circle | inet,inet | lseg,lseg | macaddr,macaddr | "
        "macaddr8,macaddr8 | money,money | path,path | tid,tid | tsquery,tsquery | "
        "tsvector,tsvector | xid8,xid8"
    ),
    "<>": (
        "circle,circle | inet,inet | lseg,lseg | macaddr,macaddr | macaddr8,macaddr8 | "
        "money,money | point,point | tid,tid | tsquery,tsquery | tsvector,tsvector | "
        "xid,integer | xid,xid | xid8,xid8"
    ),
    "<@": (
        "box,box | circle,circle | lseg,box | lseg,line | point,box | point,circle | "
        "point,line | point,lseg | point,path | point,polygon | polygon,polygon | "
        "tsquery,tsquery"
    ),
    "<^": "box,box | point,point",
    "=": (
        "aclitem,aclitem | box,box | cid,cid | circle,circle | inet,inet | line,line | "
        "lseg,lseg | macaddr,macaddr | macaddr8,macaddr8 | money,money | path,path | tid,tid "
        "| tsquery,tsquery | tsvector,tsvector | xid,integer | xid,xid | xid8,xid8"
    ),
    ">": (
        "box,box | circle,circle | inet,inet | lseg,lseg | macaddr,macaddr | "
        "macaddr8,macaddr8 | money,money | path,path | tid,tid | tsquery,tsquery | "
        "tsvector,tsvector | xid8,xid8"
    ),
    ">=": (
        "box,box | circle,circle | inet,inet | lseg,lseg | macaddr,macaddr | "
        "macaddr8,macaddr8 | money,money | path,path | tid,tid | tsquery,tsquery | "
        "tsvector,tsvector | xid8,xid8"
    ),
    ">>": "box,box | circle,circle | inet,inet | point,point | polygon,polygon",
    ">>=": "inet,inet",
    ">^": "box,box | point,point",
    "?#": "box,box | line,box | line,line | lseg,box | lseg,line | lseg,lseg | path,path",
    "?-": "line | lseg | point,point",
    "?-|": "line,line | lseg,lseg",
    "?|": "line | lseg | point,point",
    "?||": "line,line | lseg,lseg",
    "@-@": "lseg | path",
    "@>": (
        "aclitem[],aclitem | box,box | box,point | circle,circle | circle,point | path,point "
        "| polygon,point | polygon,polygon | tsquery,tsquery"
    ),
    "@@": (
        "box | circle | lseg | polygon | text,text | text,tsquery | tsquery,tsvector | "
        "tsvector,tsquery"
    ),
    "@@@": "tsquery,tsvector | tsvector,tsquery",
    "age": "xid",
    "json_populate_record": "anyelement,json,boolean",
    "json_populate_recordset": "anyelement,json,boolean",
    "length": "lseg | path | tsvector",
    "trunc": "macaddr | macaddr8",
    "unnest": "tsvector",
    "|": "inet,inet | macaddr,macaddr | macaddr8,macaddr8",
    "|&>": "box,box | circle,circle | polygon,polygon",
    "|>>": "box,box | circle,circle | point,point | polygon,polygon",
    "||": "tsquery,tsquery | tsvector,tsvector",
    "~": "inet | macaddr | macaddr8",
    "~=": "box,box | circle,circle | point,point | polygon,polygon",
}


@cache
def absent_signatures(name: str) -> tuple[Function, ...]:
    """What PostgreSQL has beside our own under the name of a function or operator."""
    written = _SIGNATURES.get(name)
    if written is None:
        return ()
    return tuple(
        Function(name, tuple(map(_argument, each.strip().split(","))), VOID)
        for each in written.split("|")
    )


def is_absent(function: Function) -> bool:
    """Whether the signature is one of those that are only there to be refused."""
    return function.result is VOID and function in absent_signatures(function.name)


def _argument(name: str) -> ArgumentType:
    return _TYPES.get(name) or SqlType(TypeKind.ABSENT, name=name)
