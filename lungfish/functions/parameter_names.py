"""The names of functions' parameters, for calls such as `make_interval(days => 3)`.

Only the functions whose parameters PostgreSQL has named stand here. A parameter with `=` may be left out; what follows is its
default as SQL.
"""

from __future__ import annotations

from collections.abc import Sequence

_JSON_PATH = "target path vars='{}' silent=false"

_SIGNATURES: dict[str, tuple[str, ...]] = {
    "make_interval": ("years=0 months=0 weeks=0 days=0 hours=0 mins=0 secs=0.0",),
    "make_date": ("year month day",),
    "make_time": ("hour min sec",),
    "make_timestamp": ("year month mday hour min sec",),
    "make_timestamptz": (
        "year month mday hour min sec",
        "year month mday hour min sec timezone",
    ),
    "jsonb_set": ("jsonb_in path replacement create_if_missing=true",),
    "jsonb_insert": ("jsonb_in path replacement insert_after=false",),
    "jsonb_set_lax": (
        "jsonb_in path replacement create_if_missing=true null_value_treatment='use_json_null'",
    ),
    "json_strip_nulls": ("target strip_in_arrays=false",),
    "jsonb_strip_nulls": ("target strip_in_arrays=false",),
    "json_populate_record": ("base from_json use_json_as_text=false",),
    "json_populate_recordset": ("base from_json use_json_as_text=false",),
    **{
        f"jsonb_path_{what}{zoned}": (_JSON_PATH,)
        for what in ("exists", "match", "query", "query_array", "query_first")
        for zoned in ("", "_tz")
    },
    "parse_ident": ("str strict=true",),
    "random_normal": ("mean=0 stddev=1",),
    "regexp_like": ("string pattern flags=''",),
    "regexp_match": ("string pattern flags=''",),
    "regexp_matches": ("string pattern flags=''",),
    "regexp_split_to_array": ("string pattern flags=''",),
    "regexp_split_to_table": ("string pattern flags=''",),
    "regexp_count": ("string pattern start=1 flags=''",),
    "regexp_instr": ("string pattern start=1 N=1 endoption=0 flags='' subexpr=0",),
    "regexp_substr": ("string pattern start=1 N=1 flags='' subexpr=0",),
    "regexp_replace": (
        "string pattern replacement flags=''",
        "string pattern replacement start=1 N=1 flags=''",
    ),
    "array_sort": ("array descending=false nulls_first=false",),
}


def arrange_arguments(
    name: str, positional_count: int, given: Sequence[str]
) -> list[int | str] | None:
    """The order in which named arguments follow the positional ones: for each next parameter the number of a name in
    `given`, or a default's SQL. None if the function has no such parameters."""
    for signature in _SIGNATURES.get(name, ()):
        arranged = _arrange(signature.split(" "), positional_count, given)
        if arranged is not None:
            return arranged
    return None


def _arrange(parameters: list[str], count: int, given: Sequence[str]) -> list[int | str] | None:
    left = [parameter.partition("=") for parameter in parameters[count:]]
    names = [name for name, _, _ in left]
    if any(name not in names for name in given):
        return None
    arranged: list[int | str] = []
    for name, has_default, default in left:
        if name in given:
            arranged.append(given.index(name))
        elif has_default:
            arranged.append(default)
        else:
            return None
    # Defaults at the end are the signature's own affair.
    while arranged and isinstance(arranged[-1], str):
        arranged.pop()
    return arranged


def first_signature(name: str, count: int) -> tuple[str, ...]:
    """The names of the parameters of a function that takes that many; empty where PostgreSQL has given none."""
    for signature in _SIGNATURES.get(name, ()):
        names = tuple([part.partition("=")[0] for part in signature.split(" ")])
        if len(names) == count:
            return names
    return ()
