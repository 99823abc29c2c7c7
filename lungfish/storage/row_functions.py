"""Packing and unpacking the rows of one layout: two functions, generated as Python text for its fields and compiled once.

A loop over the codecs of a row's fields costs more than the work itself, so each layout gets the loop written out. For a table of an
integer and a text, `unpack` comes to be

    def unpack(buffer, offset=0, overflow=None):
        nulls, f0, n1, f1 = read(buffer, offset + 9)
        if nulls == NO_NULLS and n1 <= 12:
            return (f0, f1[:n1].decode(),)
        bits = from_bytes(nulls, "little")
        return (None if bits & 1 else f0, None if bits & 2 else (f1[:n1] if n1 <= 12 else long_value(...)).decode(),)

in a `try` whose `except` says which row is damaged, and is paid for by a damaged row only.

The text is made of positions and sizes only, never of names or values that a user gives.

bench/rows.py and bench/oltp.py measure what it brings.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from lungfish.errors import CorruptPage, DataError
from lungfish.storage.row_codec import INLINE_SIZE_MAX, FieldCodec

# `pack(values, writer)` and `unpack(buffer, offset, overflow)`.
Pack = Callable[..., bytes]
Unpack = Callable[..., tuple[Any, ...]]

# What comes of decoding bytes that no value was encoded to.
DAMAGE = (ValueError, ArithmeticError, struct.error, DataError)

# What a view holds behind its length: prefix, buffer number and position of a long value.
_LONG = struct.Struct("<4sII")
_PREFIX_SIZE = 4
# Where the null bits begin.
_NULLS_OFFSET = 9


class RowFunctions(NamedTuple):
    """See `RowLayout.pack` and `RowLayout.unpack`."""

    pack: Pack
    unpack: Unpack


def make_row_functions(
    codecs: Sequence[FieldCodec],
    *,
    fields_format: str,
    stride: int,
    flags: tuple[int, int],
    long_value: Callable[..., bytes],
    damaged: Callable[[Any, int, Exception], CorruptPage],
) -> RowFunctions:
    """The functions of a layout whose fields follow the null bits in that `struct` format, a view as its length and 12 bytes.

    `flags`: of a row without and with long values. `long_value(length, place, buffer, overflow)` reads one.
    `damaged(buffer, offset, mistake)` is the error for a row that cannot be decoded.
    """
    null_byte_count = (len(codecs) + 7) // 8
    whole = struct.Struct(f"<QB{null_byte_count}s{fields_format}")
    body = struct.Struct(f"<{null_byte_count}s{fields_format}")
    assert whole.size == stride
    names: dict[str, Any] = {
        "write": whole.pack,
        "read": body.unpack_from,
        "NO_NULLS": bytes(null_byte_count),
        "from_bytes": int.from_bytes,
        "place_long": _LONG.pack,
        "long_value": long_value,
        "damaged": damaged,
        "DAMAGE": DAMAGE,
        "join": b"".join,
    }
    for position, codec in enumerate(codecs):
        names[f"zero{position}"] = b"" if codec.is_view else codec.zero
        names[f"encode{position}"] = codec.encode
        names[f"decode{position}"] = codec.decode
    text = "\n".join([*_pack_lines(codecs, stride, null_byte_count, flags), *_unpack_lines(codecs)])
    exec(_code_of(text), names)
    return RowFunctions(names["pack"], names["unpack"])


@lru_cache(maxsize=512)
def _code_of(text: str) -> CodeType:
    """Layouts of the same fields share it: most tables of one schema, and the catalog's own at every opening."""
    return compile(text, "<row functions>", "exec")


def _fields(codecs: Sequence[FieldCodec]) -> str:
    """The fields as `struct` takes and gives them."""
    return "".join(f", n{i}, f{i}" if c.is_view else f", f{i}" for i, c in enumerate(codecs))


def _all_inline(codecs: Sequence[FieldCodec]) -> str:
    """The condition that no value is long."""
    return "".join(f" and n{i} <= {INLINE_SIZE_MAX}" for i, c in enumerate(codecs) if c.is_view)


def _pack_lines(
    codecs: Sequence[FieldCodec], stride: int, null_byte_count: int, flags: tuple[int, int]
) -> list[str]:
    plain, with_tail = flags
    lines = ["def pack(values, writer=0):"]
    if codecs:
        lines.append(f"    {''.join(f'v{i}, ' for i in range(len(codecs)))}= values")
    lines.append("    if None not in values:")
    for position, codec in enumerate(codecs):
        lines += [f"        {line}" for line in _encode_lines(position, codec)]
    lines += [
        f"        if True{_all_inline(codecs)}:",
        f"            return write(writer, {plain}, NO_NULLS{_fields(codecs)})",
        f"    bits, tail, place = 0, [], {stride}",
    ]
    for position, codec in enumerate(codecs):
        lines += [
            f"    if v{position} is None:",
            f"        bits |= {1 << position}",
            f"        f{position} = zero{position}",
            f"        n{position} = 0",
            "    else:",
            *(f"        {line}" for line in _encode_lines(position, codec)),
        ]
        if codec.is_view:
            lines += [
                f"        if n{position} > {INLINE_SIZE_MAX}:",
                f"            tail.append(f{position})",
                f"            f{position} = place_long(f{position}[:{_PREFIX_SIZE}], 0, place)",
                f"            place += n{position}",
            ]
    lines += [
        f"    nulls = bits.to_bytes({null_byte_count}, 'little')",
        f"    flags = {with_tail} if tail else {plain}",
        f"    return join((write(writer, flags, nulls{_fields(codecs)}), *tail))",
    ]
    return lines


def _encode_lines(position: int, codec: FieldCodec) -> list[str]:
    """From a value to what `struct` takes."""
    if codec.encode is None:
        made = f"v{position}"
    elif codec.encode is str.encode:
        made = f"v{position}.encode()"
    else:
        made = f"encode{position}(v{position})"
    lines = [f"f{position} = {made}"]
    if codec.is_view:
        lines.append(f"n{position} = len(f{position})")
    return lines


def _unpack_lines(codecs: Sequence[FieldCodec]) -> list[str]:
    plain = "".join(f"{_decoded(i, c, may_be_long=False)}, " for i, c in enumerate(codecs))
    general = "".join(
        f"None if bits & {1 << i} else {_decoded(i, c, may_be_long=True)}, "
        for i, c in enumerate(codecs)
    )
    return [
        "def unpack(buffer, offset=0, overflow=None):",
        "    try:",
        f"        nulls{_fields(codecs)}{'' if codecs else ','} = read(buffer, offset + {_NULLS_OFFSET})",
        f"        if nulls == NO_NULLS{_all_inline(codecs)}:",
        f"            return ({plain})",
        "        bits = from_bytes(nulls, 'little')",
        f"        return ({general})",
        "    except DAMAGE as mistake:",
        "        raise damaged(buffer, offset, mistake) from mistake",
    ]


def _decoded(position: int, codec: FieldCodec, *, may_be_long: bool) -> str:
    """The expression that makes a value of what `struct` gives."""
    field, size = f"f{position}", f"n{position}"
    if codec.is_view:
        inline = f"{field}[:{size}]"
        if may_be_long:
            long = f"long_value({size}, {field}, buffer, overflow)"
            field = f"({inline} if {size} <= {INLINE_SIZE_MAX} else {long})"
        else:
            field = inline
    if codec.decode is None:
        return field
    if codec.decode is bytes.decode:
        return f"{field}.decode()"
    return f"decode{position}({field})"
