"""Texts of expressions by their type, with holes `<type>` for expressions inside, none of which can raise an error on the data of `schemas.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator

_HOLE = re.compile(r"<([a-z][a-z0-9 ]*(?:\[\])?)>")


def pieces_of(template: str) -> Iterator[tuple[str, bool]]:
    """The template's pieces in order; beside each, whether it is a hole, and then its type."""
    for index, piece in enumerate(_HOLE.split(template)):
        yield piece, bool(index % 2)


TEMPLATES: dict[str, tuple[str, ...]] = {
    "boolean": (
        "<boolean> AND <boolean>", "<boolean> OR <boolean>", "NOT <boolean>", "<integer> IS NULL", "<text> IS NOT NULL",
        "<boolean> IS TRUE", "<boolean> IS NOT FALSE", "<boolean> IS UNKNOWN", "<text> LIKE 'a%'", "<text> LIKE '%b%'",
        "<text> ~ '^[a-b]'", "<text> ILIKE 'ABC%'", "(<integer>, <text>) = (<integer>, <text>)", "starts_with(<text>, <text>)",
        "(<integer>, <integer>) < (<integer>, <integer>)", "<text> SIMILAR TO '(a|b)%'", "<date> + 1 > <date>",
        "<integer> = ANY (ARRAY[<integer>, <integer>])", "<text> <> ALL (ARRAY[<text>, <text>])",
        "<jsonb> @> <jsonb>", "<jsonb> ? 'a'", "<jsonb> ?| ARRAY['a', <text>]", "<jsonb> @? '$.a'", "<jsonb> IS JSON OBJECT",
        "<integer[]> @> <integer[]>", "<integer[]> && <integer[]>", "<integer> = ANY (<integer[]>)", "<text> <> ALL (<text[]>)", "<text[]> <@ <text[]>",
        "<int4range> && <int4range>", "<int4range> @> coalesce(<integer>, 3)", "<int4range> << <int4range>", "<int4range> -|- <int4range>", "isempty(<int4range>)",
        "<daterange> @> coalesce(<date>, '2024-01-01')", "<daterange> &< <daterange>", "lower_inc(<daterange>)", "upper_inf(<daterange>)", "isfinite(<date>)",
        "(<date>, <interval>) OVERLAPS (<date>, <date>)", "<text> ~ '^(a|b)+c?$'", "<text> ~* '(.)b\\1|\\my'", "<text> IS JSON",
    ),
    "integer": (
        "length(<text>)", "<integer> % 10 + 1", "abs(<integer> % 100)", "sign(<integer>)::integer", "<date> - <date>",
        "strpos(<text>, <text>)", "<integer> % 50 * 3", "- (<integer> % 50)", "extract(year FROM <date>)::integer", "<boolean>::integer",
        "ascii(<text>)", "octet_length(<bytea>)", "<smallint> + 1", "mod(<integer>, 7)", "<integer> & 7", "<integer> # 3", "~ (<integer>)",
        "cardinality(<integer[]>)", "array_length(<text[]>, 1)", "array_position(<integer[]>, <integer>)", "(<integer[]>)[1] % 100", "(<integer[]>)[<smallint>] % 100",
        "lower(<int4range>) % 100", "upper(<daterange>) - <date>", "date_part('dow', <date>)::integer", "extract(isoyear FROM <date>)::integer",
        "extract(quarter FROM <timestamp without time zone>)::integer", "width_bucket(<integer>, 0, 10, 5)", "regexp_count(<text>, 'a|b')",
        "num_nulls(<integer>, <text>, <jsonb>)", "bit_count(<bytea>)::integer", "array_ndims(<text[]>)", "gcd(<integer>, 12)",
    ),
    "bigint": ("<integer>::bigint", "<bigint> % 1000", "<integer> + <bigint> % 1000", "<bigint> / 3", "char_length(<text>)::bigint"),
    "smallint": ("(<integer> % 100)::smallint",),
    "numeric": (
        "<integer>::numeric", "<numeric> + <numeric>", "<numeric> - <integer>", "<numeric> * 2", "round(<numeric>, 2)", "trunc(<numeric>, 1)",
        "<numeric> / 3", "abs(<numeric>)", "ceil(<numeric>)", "floor(<numeric>)", "<bigint>::numeric(20,3)", "extract(epoch FROM <interval>)",
        "<numeric> % 3", "- <numeric>", "round(<numeric>)", "sign(<numeric>)", "div(<numeric>, 3)", "sqrt(abs(<numeric>))",
        "extract(second FROM <time without time zone>)", "extract(julian FROM <timestamp without time zone>)", "trim_scale(<numeric>)", "scale(<numeric>)::numeric",
        "extract(epoch FROM <timestamp with time zone>)", "round(<numeric>, -1)", "<numeric>::numeric(12,1)",
    ),
    "double precision": (
        "<integer>::double precision", "<double precision> * 2", "<double precision> - <double precision>", "sqrt(abs(<double precision>))",
        "<real>::double precision", "floor(<double precision>)", "- <double precision>", "<numeric>::double precision", "power(<integer> % 5, 2)",
    ),
    "real": ("(<integer> % 1000)::real", "<real> * 2", "- <real>"),
    "text": (
        "<text> || <text>", "upper(<text>)", "lower(<text>)", "substr(<text>, 1, 2)", "replace(<text>, 'a', 'x')", "btrim(<text>)", "left(<text>, 2)",
        "right(<text>, -1)", "<integer>::text", "<date>::text", "<numeric>::text", "<boolean>::text", "concat(<text>, <integer>, <boolean>)",
        "concat_ws('-', <text>, <date>, <text>)", "reverse(<text>)", "repeat(<text>, 2)", "lpad(<text>, 5, '*')", "split_part(<text>, 'b', 1)",
        "<interval>::text", "<timestamp without time zone>::text", "<character>::text", "md5(<text>)", "initcap(<text>)", "<double precision>::text",
        "format('%s/%s', <text>, <integer>)", "translate(<text>, 'ab', 'ba')", "regexp_replace(<text>, 'b+', '<\\&>')", "quote_literal(<text>)",
        "<uuid>::text", "<bytea>::text", "<real>::text", "<text>::character varying(2)",
        "<jsonb> ->> 'a'", "<jsonb> #>> '{b,0}'", "<jsonb>::text", "jsonb_typeof(<jsonb>)", "jsonb_pretty(<jsonb>)", "array_to_string(<text[]>, ',', '-')",
        "(<text[]>)[2]", "<integer[]>::text", "<int4range>::text", "<daterange>::text", "to_char(<timestamp without time zone>, 'YYYY-MM-DD HH24:MI:SS.US Dy')",
        "to_char(<date>, 'FMDay, DDth FMMonth IYYY-IW')", "to_char(<numeric>, 'SG9,999,990.00')", "to_char(<integer>, 'RN')", "to_char(<interval>, 'HH24:MI:SS')",
        "encode(<bytea>, 'base64')", "regexp_substr(<text>, '[a-c]+')", "split_part(<text>, 'a', -1)", "overlay(<text> placing 'Z' from 2 for 1)",
        "to_hex(<integer> % 1000)", "quote_ident(<text>)", "substring(<text> from '(.)b')", "json_build_array(<integer>, <text>)::text",
        "normalize(<text>, NFD)", "chr(abs(<integer> % 50) + 65)", "<timestamp with time zone>::text", "<time without time zone>::text",
    ),
    "date": ("<date> + <integer> % 100", "<timestamp without time zone>::date", "<date> - 1", "make_date(2024, abs(<integer> % 12) + 1, 1)",
        "upper(<daterange>)", "to_date(<date>::text, 'YYYY-MM-DD')", "<timestamp with time zone>::date", "(<date> + <interval>)::date"),
    "timestamp without time zone": (
        "<date>::timestamp without time zone", "<timestamp without time zone> + <interval>", "date_trunc('month', <timestamp without time zone>)",
        "date_bin('15 minutes', <timestamp without time zone>, '2001-01-01')",
        "to_timestamp(<date>::text, 'YYYY-MM-DD') AT TIME ZONE 'UTC'", "make_timestamp(2024, 2, abs(<integer> % 28) + 1, 3, 4, 5.5)",
        "<date> + <interval>", "<date> + <time without time zone>", "<timestamp with time zone> AT TIME ZONE 'Europe/Berlin'",
    ),
    "timestamp with time zone": (
        "<timestamp with time zone> - <interval>", "<timestamp without time zone> AT TIME ZONE 'America/New_York'",
        "date_trunc('day', <timestamp with time zone>)", "<date>::timestamp with time zone",
    ),
    "time without time zone": ("<timestamp without time zone>::time without time zone", "<time without time zone> + <interval>"),
    "interval": (
        "<interval> + <interval>", "<timestamp without time zone> - <timestamp without time zone>", "<interval> * 2", "- <interval>",
        "justify_days(<interval>)", "age(<timestamp without time zone>, <timestamp without time zone>)",
        "<time without time zone> - <time without time zone>",
        "justify_hours(<interval>)", "justify_interval(<interval>)", "make_interval(days => <integer> % 50)", "<interval> / 3", "age(<date>)  - age(<date>)",
        "date_trunc('hour', <interval>)", "<timestamp with time zone> - <timestamp with time zone>",
    ),
    "bytea": ("<bytea> || <bytea>", "convert_to(<text>, 'UTF8')", "substr(<bytea>, 1, 1)", "sha256(<bytea>)"),
    "jsonb": (
        "jsonb_build_object('a', <integer>, 'b', <text>)", "to_jsonb(<integer>)", "to_jsonb(<text[]>)", "jsonb_build_array(<integer>, <jsonb>, <boolean>)", "<jsonb> -> 'a'",
        "<jsonb> -> 0", "<jsonb> #> '{a,b}'", "jsonb_strip_nulls(<jsonb>)", "jsonb_path_query_array(<jsonb>, '$.**')", "to_jsonb(<date>)", "jsonb_path_query_first(<jsonb>, '$.a')",
        "jsonb_build_object(coalesce(<text>, 'n'), <jsonb>) || jsonb_build_object('k', <numeric>)", "to_jsonb(ROW(<integer>, <text>))",
    ),
    "integer[]": (
        "ARRAY[<integer>, <integer>]", "array_append(<integer[]>, <integer>)", "array_prepend(<integer>, <integer[]>)", "<integer[]> || <integer[]>",
        "array_remove(<integer[]>, <integer>)", "array_replace(<integer[]>, 1, <integer>)", "(<integer[]>)[1:2]", "array_positions(<text[]>, <text>)",
        "trim_array(ARRAY[1, 2, <integer>], 1)", "array_sort(<integer[]>)", "array_reverse(<integer[]>)",
    ),
    "text[]": (
        "ARRAY[<text>, <text>]", "string_to_array(<text>, 'b')", "<text[]> || <text>", "<integer[]>::text[]", "regexp_split_to_array(<text>, 'b*')", "regexp_match(<text>, '(a)(b)?')",
        "array_cat(<text[]>, <text[]>)", "string_to_array(<text>, NULL)", "array_fill(<text>, ARRAY[2])",
    ),
    "int4range": (
        "int4range(least(<integer>, 3), greatest(<integer>, 3), '[]')", "<int4range> * <int4range>", "range_merge(<int4range>, <int4range>)", "int4range(NULL, <integer>)",
    ),
    "daterange": (
        "daterange(least(<date>, '2024-01-01'), greatest(<date>, '2024-01-01'))", "<daterange> * <daterange>", "daterange(<date>, NULL)",
    ),
}  # fmt: skip
