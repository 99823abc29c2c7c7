"""Values at the edges of types, and texts of expressions over them with holes `<type>`, for `edges.py`."""

from __future__ import annotations

from itertools import pairwise

SETUP = (
    "DROP SCHEMA IF EXISTS edges CASCADE",
    "CREATE SCHEMA edges",
    "SET search_path = edges, public",
    "CREATE TYPE pair AS (a integer, b text)",
    "CREATE TYPE nest AS (p pair, q integer[])",
    "CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')",
    "CREATE DOMAIN small AS integer CHECK (VALUE < 100)",
)
STYLES = (
    ("TimeZone", ("UTC", "UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "<+03>-03")),
    ("IntervalStyle", ("postgres", "postgres", "postgres_verbose", "sql_standard", "iso_8601")),
    ("DateStyle", ("ISO, MDY", "ISO, DMY", "SQL, DMY", "German", "Postgres, MDY", "ISO, YMD")),
    ("extra_float_digits", ("1", "1", "0", "-3")),
    ("bytea_output", ("hex", "escape")),
)
_RANGES = (
    ("int4range", "int4multirange", "integer"),
    ("int8range", "int8multirange", "bigint"),
    ("numrange", "nummultirange", "numeric"),
    ("daterange", "datemultirange", "date"),
    ("tsrange", "tsmultirange", "timestamp"),
    ("tstzrange", "tstzmultirange", "timestamptz"),
)
# {r} a range, {m} its multirange, {s} what they are over.
_OF_RANGES: dict[str, tuple[str, ...]] = {
    "boolean": (
        "<{r}> && <{r}>", "<{r}> @> <{r}>", "<{r}> <@ <{m}>", "<{r}> << <{r}>", "<{m}> >> <{r}>", "<{r}> &< <{r}>", "<{m}> &> <{m}>", "<{r}> -|- <{r}>", "<{r}> -|- <{m}>",
        "<{r}> < <{r}>", "<{m}> >= <{m}>", "<{r}> @> <{s}>", "<{s}> <@ <{m}>", "isempty(<{r}>)", "lower_inc(<{r}>)", "upper_inc(<{m}>)", "lower_inf(<{m}>)", "upper_inf(<{r}>)",
        "<{m}> = <{m}>", "<{m}> @> <{m}>", "<{r}> = ANY (ARRAY[<{r}>, <{r}>])", "<{m}> && <{m}>", "<{m}> << <{m}>", "(<{r}>, <{s}>) < (<{r}>, <{s}>)",
    ),
    "{r}": ("<{r}> + <{r}>", "<{r}> * <{r}>", "<{r}> - <{r}>", "range_merge(<{r}>, <{r}>)", "{r}(<{s}>, <{s}>)", "{r}(<{s}>, <{s}>, '[]')", "{r}(<{s}>, <{s}>, '()')",
            "range_merge(<{m}>)", "(SELECT range_intersect_agg(x) FROM (VALUES (<{r}>), (<{r}>)) AS v(x))", "{r}(NULL, <{s}>, '(]')", "<{r}>::text::{r}",
            "(ARRAY(SELECT unnest(<{m}>)))[1]", "greatest(<{r}>, <{r}>)", "(SELECT max(x) FROM (VALUES (<{r}>), (<{r}>)) AS v(x))"),
    "{m}": ("<{m}> + <{m}>", "<{m}> - <{m}>", "<{m}> * <{m}>", "{m}(<{r}>, <{r}>)", "<{r}>::{m}", "{m}(<{r}>)", "(SELECT range_agg(x) FROM (VALUES (<{r}>), (<{r}>)) AS v(x))",
            "(SELECT range_agg(x) FROM (VALUES (<{m}>), (<{m}>)) AS v(x))", "(SELECT range_intersect_agg(x) FROM (VALUES (<{m}>), (<{m}>)) AS v(x))", "<{m}>::text::{m}"),
    "{s}": ("lower(<{r}>)", "upper(<{r}>)", "lower(<{m}>)", "upper(<{m}>)"),
    "text": ("<{r}>::text", "<{m}>::text", "array_agg(<{r}>)::text", "ARRAY[<{r}>, <{r}>]::text", "to_jsonb(<{m}>)::text", "row(<{r}>, <{m}>)::text"),
}  # fmt: skip
_BOUNDS: dict[str, tuple[str, ...]] = {
    "integer": ("0", "1", "5", "-7", "2147483647", "-2147483648"),
    "bigint": ("0", "3", "9223372036854775807", "-9223372036854775808"),
    "numeric": ("0", "1.50", "1.5", "-2", "NaN", "Infinity", "1e20"),
    "date": ("2024-02-28", "2024-02-29", "0001-01-01 BC", "5874897-12-31", "infinity", "-infinity"),
    "timestamp": ("2024-02-29 12:00", "2024-03-31 02:30:00.5", "infinity", "4713-01-01 00:00 BC"),
    "timestamptz": ("2024-03-31 00:30+00", "2024-10-27 02:30+02", "-infinity", "290000-12-31 23:59:59+00"),
}  # fmt: skip
_FORMS = ("[{0},{1})", "({0},{1}]", "[{0},{1}]", "({0},{1})", "[{0},)", "(,{1}]", "(,)", "empty")


def _range_leaves(kind: str) -> tuple[str, ...]:
    """Ranges over the type in every form, their bounds in order, and one that is not."""
    values = _BOUNDS[kind]
    made = [
        form.format(f'"{one}"', f'"{other}"') for form in _FORMS for one, other in pairwise(values)
    ]
    return tuple(dict.fromkeys([*made, f"[{values[0]},{values[0]}]", f"[{values[1]},{values[0]})"]))


LEAVES: dict[str, tuple[str, ...]] = {
    **_BOUNDS,
    "boolean": ("true", "false"),
    "text": ("", "a", "abc", " x ", "äß", "2024-02-29", "12:30", "1,234.50", "{1,2}", "%s|%2$s", "a1b22", "日本", "1 mon", "J2451187", "-5", "1e5"),
    "double precision": ("0", "0.5", "-1.5", "1e-300", "1e300", "NaN", "Infinity", "-0", "123456789.987654321"),
    "interval": (
        "0", "1 mon", "-1 day", "1 year 2 mons -3 days 04:05:06.789", "-1 mon 31 days", "178000000 years", "2147483647 days", "-2147483648 days", "1.5 mons", "1.1 weeks",
        "P1Y2M3DT4H5M6.7S", "P0001-02-03T04:05:06", "1-2 3 4:05:06", "@ 1 year 2 hours ago", "infinity", "-infinity", "1 microsecond", "-1.5 hours", "0.5 days",
        "-0.0000005 s", "23:59:59.9999999", "1 day -00:00:01", "12 mons", "30 days", "24 hours", "-178956970 years", "1 century", "P1W",
    ),
    "time": ("00:00", "12:34:56.789", "23:59:59.999999", "24:00", "04:05 PM"),
    "timetz": ("00:00+00", "12:34:56.5-08", "23:59:59+05:30", "24:00-15:59"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "019535d9-3df7-79fb-b466-fa907fa17f9e", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "bit varying": ("", "1", "0110", "111111111", "10101010101010101010101010101010101"),
    "bytea": ("", "\\x00ff", "abc", "\\x8000000000000001", "a\\000b"),
    "integer[]": ("{}", "{1}", "{3,1,2}", "{NULL,1}", "{{1,2},{3,4}}", "[0:1]={5,6}", "[2:2][-1:0]={{1,2}}", "{{{1},{2}}}", "{1,1,NULL,NULL}"),
    "text[]": ("{}", "{a}", '{b,NULL,"a b","",NULL}', "{{a,b},{c,d}}", "[5:6]={x,y}", '{"\\"q\\"","{}"}'),
    "pair": ("(1,a)", "(,)", "(2,)", '(1,"b c")', '(,"")'),
    "pair[]": ("{}", '{"(1,a)","(2,b)"}', '{NULL,"(,)"}', '{{"(1,a)"},{"(1,b)"}}'),
    "nest": ('("(1,a)","{1,2}")', "(,)", '("(,)",{})'),
    "mood": ("sad", "ok", "glad"),
    "jsonb": ("null", "1", "1.0", '"a"', "[]", "{}", "[1, 2, [3]]", '{"a": 1, "b": "x"}', '{"a": {"b": [1, null]}, "c": 2.50}', '[{"a": 1, "b": "p"}, {"a": null}]', '{"p": {"a": 1}, "q": [1, 2]}', "true"),
    "json": ("null", "1.50", ' {"a" : 1, "a": 2} ', "[1, {}]", '{"a": 1, "b": "x"}', '"\\u00e4"'),
}  # fmt: skip
LEAVES["small"] = ("0", "5", "-1", "99")
for _range, _multi, _over in _RANGES:
    LEAVES[_range] = _range_leaves(_over)
    _joined = LEAVES[_range]
    LEAVES[_multi] = (
        "{}", *(f"{{{one}}}" for one in _joined[:-1:4]), *(f"{{{one},{other}}}" for one, other in zip(_joined[:-1:3], _joined[1:-1:5], strict=False)),
    )  # fmt: skip

_FIELDS = (
    "century", "day", "decade", "dow", "doy", "epoch", "hour", "isodow", "isoyear", "julian", "microseconds", "millennium", "milliseconds", "minute", "month", "quarter",
    "second", "timezone", "timezone_hour", "week", "year",
)  # fmt: skip
_TIMES = ("interval", "timestamp", "timestamptz", "date", "time", "timetz")
_TEMPLATES: dict[str, tuple[str, ...]] = {
    "boolean": (
        "<interval> < <interval>", "<interval> = <interval>", "(<timestamp>, <interval>) OVERLAPS (<timestamp>, <timestamp>)", "(<time>, <time>) OVERLAPS (<time>, <interval>)",
        "<timestamptz> > <timestamp>", "<date> = <timestamptz>", "<timetz> < <timetz>", "isfinite(<interval>)", "<integer[]> @> <integer[]>", "<integer[]> && <integer[]>",
        "<integer[]> < <integer[]>", "<pair> = <pair>", "<pair> < <pair>", "<pair> IS NULL", "<nest> IS NOT NULL", "<pair[]> = <pair[]>", "<pair> = ANY (<pair[]>)", "<pair[]> @> <pair[]>",
        "<integer> = ANY (<integer[]>)", "<text> < ALL (<text[]>)", "<bit varying> < <bit varying>", "<mood> > <mood>", "<mood> BETWEEN <mood> AND <mood>", "<jsonb> @> <jsonb>",
        "<jsonb> ? <text>", "<jsonb> ?| <text[]>", "<jsonb> ?& <text[]>", "<jsonb> < <jsonb>", "<text> IS JSON", "<jsonb> IS JSON ARRAY", "<nest> < <nest>", "<text> LIKE <text>",
        "<bytea> < <bytea>", "<uuid> < <uuid>", "<pair> IS DISTINCT FROM <pair>", "ROW(<integer>, <text>) = <pair>", "<text>::boolean",
    ),
    "integer": (
        "<integer> + <integer>", "<integer> / <integer>", "<integer> << 3", "<date> - <date>", "array_length(<integer[]>, 2)", "(<integer[]>)[1]", "(<integer[]>)[<integer>]",
        "(<integer[]>)[1][2]", "array_upper(<integer[]>, 1)", "array_lower(<integer[]>, 2)", "cardinality(<pair[]>)", "array_position(<integer[]>, <integer>)", "(<pair>).a",
        "((<pair[]>)[1]).a", "((<nest>).p).a", "(<nest>).q[1]", "array_position(<text[]>, <text>, 2)", "bit_length(<bit varying>)", "position(<bit varying> in <bit varying>)",
        "get_bit(<bit varying>, 1)", "<bit varying>::bit(8)::integer", "jsonb_array_length(<jsonb>)", "<jsonb>::integer", "<small> + <small>", "(<integer>::small)::integer",
        "<numeric>::integer", "<double precision>::integer", "<text>::integer", "array_ndims(<pair[]>)", "gcd(<integer>, <integer>)", "lcm(<integer>, <integer>)", "abs(<integer>)",
        "<bytea>::integer", "width_bucket(<integer>, <integer[]>)", "<integer> % <integer>", "uuid_extract_version(<uuid>)::integer", "bit_count(<bytea>)::integer", "get_byte(<bytea>, 1)",
        "width_bucket(<numeric>, <numeric>, <numeric>, <integer>)", "strpos(<text>, <text>)", "crc32(<bytea>)::bit(16)::integer",
    ),
    "bigint": ("<bigint> + <bigint>", "<bigint> * <integer>", "<bigint> / <bigint>", "<double precision>::bigint", "factorial(20)::bigint", "<bytea>::bigint", "abs(<bigint>)"),
    "numeric": (
        "<numeric> / <numeric>", "<numeric> * <numeric>", "round(<numeric>, <integer>)", "trunc(<numeric>, -1)", "<numeric> % <numeric>", "div(<numeric>, <numeric>)", "sqrt(<numeric>)", "exp(<numeric>)",
        "ln(<numeric>)", "log(<numeric>, <numeric>)", "power(<numeric>, 3)", "power(<numeric>, 0.5)", "<double precision>::numeric", "<text>::numeric", "<numeric>::numeric(6,2)", "<numeric>::numeric(3,-2)",
        "to_number(<text>, '9G999D99')", "to_number(<text>, 'S99V9')", "<jsonb>::numeric", "scale(<numeric>)::numeric", "min_scale(<numeric>)::numeric", "trim_scale(<numeric>)",
        "ceil(<numeric>)", "sign(<numeric>)", "gcd(<numeric>, <numeric>)", "(SELECT avg(x) FROM unnest(<integer[]>) AS u(x))", "random(1, 1)::numeric", "<bigint>::numeric / 7",
        *(f"extract({field} FROM <{kind}>)" for field in _FIELDS for kind in _TIMES),
    ),
    "double precision": (
        "<double precision> * <double precision>", "<double precision> / <double precision>", "sqrt(<double precision>)", "power(<double precision>, <double precision>)", "exp(<double precision>)",
        "ln(<double precision>)", "<numeric>::double precision", "<text>::double precision", "cbrt(<double precision>)", "sinh(<double precision>)", "atan2(<double precision>, <double precision>)",
        "round(<double precision>)", "date_part('epoch', <interval>)", "sind(<double precision>)", "<double precision>::real", "erf(<double precision>)",
        "asin(<double precision>)", "cotd(<double precision>)",
    ),
    "interval": (
        "<interval> + <interval>", "<interval> - <interval>", "<interval> * <double precision>", "<interval> / <double precision>", "<interval> * <integer>", "- <interval>", "justify_days(<interval>)",
        "justify_hours(<interval>)", "justify_interval(<interval>)", "age(<timestamp>, <timestamp>)", "<timestamp> - <timestamp>", "<timestamptz> - <timestamptz>", "<time> - <time>", "<interval>::interval(1)",
        "<interval>::interval day to minute", "<interval>::interval year to month", "<interval>::interval hour to second(2)", "make_interval(<integer>, <integer>, 0, <integer>)", "date_trunc('month', <interval>)",
        "date_trunc('millisecond', <interval>)", "<text>::interval", "<time>::interval", "make_interval(secs => <double precision>)", "age(<timestamptz>, <timestamptz>)", "date_trunc('decade', <interval>)",
        "(SELECT avg(x) FROM (VALUES (<interval>), (<interval>)) AS v(x))", "(SELECT sum(x) FROM (VALUES (<interval>), (<interval>)) AS v(x))", "<interval>::text::interval",
        "<interval>::interval year", "<interval>::interval minute to second", "<interval>::interval hour", "<interval>::interval day to hour",
    ),
    "timestamp": (
        "<timestamp> + <interval>", "<timestamp> - <interval>", "date_trunc('week', <timestamp>)", "date_trunc('century', <timestamp>)", "<timestamptz> AT TIME ZONE 'Europe/Berlin'", "<date> + <time>",
        "date_bin(<interval>, <timestamp>, <timestamp>)", "<timestamptz>::timestamp", "<text>::timestamp", "<timestamp>::timestamp(0)", "<date> + <interval>", "make_timestamp(<integer>, 2, 29, 23, 59, 59.9999999)",
        "(ARRAY(SELECT * FROM generate_series(<timestamp>, <timestamp>, <interval>) LIMIT 3))[3]", "<timestamptz> AT TIME ZONE <interval>", "date_trunc('microseconds', <timestamp>)",
        "<timestamptz> AT LOCAL", "<timestamp>::text::timestamp", "to_timestamp(<text>, 'YYYY-MM-DD')::timestamp", "<timestamptz> AT TIME ZONE '+03:30'",
    ),
    "timestamptz": (
        "<timestamptz> + <interval>", "date_trunc('day', <timestamptz>)", "date_trunc('year', <timestamptz>, 'Asia/Kathmandu')", "<timestamp> AT TIME ZONE 'America/St_Johns'", "<timestamp>::timestamptz",
        "to_timestamp(<double precision>)", "<date>::timestamptz", "date_add(<timestamptz>, <interval>, 'Europe/Berlin')", "date_subtract(<timestamptz>, <interval>)", "<text>::timestamptz",
        "date_bin(<interval>, <timestamptz>, <timestamptz>)", "make_timestamptz(2024, 3, 31, 2, 30, 0, 'Europe/Berlin')", "(ARRAY(SELECT * FROM generate_series(<timestamptz>, <timestamptz>, <interval>) LIMIT 3))[2]",
        "<timestamptz>::text::timestamptz", "<date> + <timetz>", "<timestamp> AT TIME ZONE <interval>", "uuid_extract_timestamp(<uuid>)", "date_trunc('hour', <timestamptz>, 'America/St_Johns')",
    ),
    "date": ("<date> + <integer>", "<timestamp>::date", "<timestamptz>::date", "<text>::date", "make_date(<integer>, 2, 29)", "to_date(<text>, 'YYYY-MM-DD')", "to_date(<text>, 'IYYY-IW-ID')", "<date>::text::date",
             "to_date(<text>, 'J')", "greatest(<date>, <date>)"),
    "time": ("<time> + <interval>", "<time> - <interval>", "<timestamp>::time", "<interval>::time", "<time>::time(1)", "make_time(23, 59, 59.9999999)", "<text>::time", "<timetz>::time", "<timestamptz>::time"),
    "timetz": ("<timetz> + <interval>", "<timetz> AT TIME ZONE 'UTC'", "<timestamptz>::timetz", "<timetz>::timetz(0)", "<time>::timetz", "<timetz> AT TIME ZONE <interval>"),
    "bit varying": (
        "<bit varying> || <bit varying>", "~ <bit varying>", "<bit varying> & <bit varying>", "<bit varying> << <integer>", "<bit varying> >> 2", "substring(<bit varying> from <integer> for 3)",
        "overlay(<bit varying> placing <bit varying> from 2)", "<integer>::bit(7)::bit varying", "<bit varying>::bit(4)::bit varying", "set_bit(<bit varying>, 0, 1)", "<bit varying> # <bit varying>",
    ),
    "bytea": ("<bytea> || <bytea>", "substring(<bytea> from 2)", "set_byte(<bytea>, 0, <integer>)", "overlay(<bytea> placing <bytea> from 2)", "<integer>::bytea", "<bigint>::bytea", "decode(<text>, 'hex')",
              "decode(<text>, 'base64')", "decode(<text>, 'escape')", "trim(<bytea> from <bytea>)", "reverse(<bytea>)", "<text>::bytea", "convert_to(<text>, 'LATIN1')"),
    "integer[]": (
        "<integer[]> || <integer[]>", "<integer[]> || <integer>", "<integer> || <integer[]>", "(<integer[]>)[1:2]", "(<integer[]>)[:1][1:]", "(<integer[]>)[2:][:]", "array_cat(<integer[]>, <integer[]>)",
        "array_remove(<integer[]>, <integer>)", "array_replace(<integer[]>, NULL, 0)", "array_fill(<integer>, ARRAY[2, 2])", "array_fill(1, ARRAY[2], ARRAY[<integer> % 5])", "trim_array(<integer[]>, 1)",
        "array_sort(<integer[]>)", "array_sort(<integer[]>, true, true)", "array_reverse(<integer[]>)", "ARRAY[<integer[]>, <integer[]>]", "ARRAY(SELECT unnest(<integer[]>) ORDER BY 1 DESC)", "(<nest>).q",
        "array_positions(<integer[]>, 1)", "ARRAY(SELECT x FROM unnest(<integer[]>) WITH ORDINALITY AS u(x, n) ORDER BY n DESC)", "<text>::integer[]", "(SELECT array_agg(x) FROM (VALUES (<integer[]>), (<integer[]>)) AS v(x))",
        "array_append(<integer[]>, NULL)", "ARRAY[<integer>, <integer>]", "ARRAY(SELECT (x).a FROM unnest(<pair[]>) AS u(x))",
    ),
    "text[]": ("<text[]> || <text>", "string_to_array(<text>, <text>)", "regexp_split_to_array(<text>, '[0-9]+')", "regexp_match(<text>, '([a-z])([0-9])?')", "<integer[]>::text[]", "(<text[]>)[2:3]", "array_replace(<text[]>, <text>, <text>)",
               "<pair[]>::text[]", "ARRAY(SELECT jsonb_object_keys(<jsonb>))", "ARRAY(SELECT jsonb_array_elements_text(<jsonb>))", "parse_ident(<text>)", "array_sort(<text[]>, true)"),
    "pair": ("ROW(<integer>, <text>)::pair", "(<pair[]>)[1]", "(<nest>).p", "jsonb_populate_record(NULL::pair, <jsonb>)", "jsonb_populate_record(<pair>, <jsonb>)", "<text>::pair", "greatest(<pair>, <pair>)",
             "json_populate_record(NULL::pair, <json>)", "(SELECT max(x) FROM unnest(<pair[]>) AS u(x))"),
    "pair[]": ("<pair[]> || <pair>", "ARRAY[<pair>, <pair>]", "array_append(<pair[]>, <pair>)", "ARRAY(SELECT jsonb_populate_recordset(NULL::pair, <jsonb>))", "array_remove(<pair[]>, <pair>)", "(<pair[]>)[1:1]",
               "(SELECT array_agg(x ORDER BY x DESC) FROM unnest(<pair[]>) AS u(x))", "array_sort(<pair[]>)"),
    "nest": ("ROW(<pair>, <integer[]>)::nest", "jsonb_populate_record(NULL::nest, <jsonb>)", "ROW(ROW(<integer>, <text>), <integer[]>)::nest"),
    "mood": ("(enum_range(<mood>, NULL))[1]", "greatest(<mood>, <mood>)", "<text>::mood", "enum_last(<mood>)"),
    "small": ("<integer>::small", "(<small> + 1)::small", "<text>::small"),
    "jsonb": (
        "<jsonb> || <jsonb>", "<jsonb> -> <text>", "<jsonb> -> <integer>", "<jsonb> #> <text[]>", "<jsonb> - <text>", "<jsonb> - <integer>", "<jsonb> #- <text[]>", "jsonb_set(<jsonb>, <text[]>, <jsonb>)",
        "jsonb_set(<jsonb>, '{a,0}', <jsonb>, false)", "jsonb_insert(<jsonb>, '{0}', <jsonb>)", "jsonb_set_lax(<jsonb>, '{a}', NULL, true, 'delete_key')", "to_jsonb(<pair>)", "to_jsonb(<integer[]>)", "to_jsonb(<interval>)",
        "to_jsonb(<timestamptz>)", "to_jsonb(<double precision>)", "to_jsonb(<numeric>)", "to_jsonb(<pair[]>)", "(<jsonb>)['a']", "(<jsonb>)[1]['b']", "jsonb_strip_nulls(<jsonb>, true)", "<json>::jsonb", "<text>::jsonb",
        "jsonb_build_object(<text>, <interval>)", "jsonb_object(<text[]>)", "jsonb_agg(<nest>)", "jsonb_object_agg(<text>, <mood>)", "JSON_OBJECT(<text> : <integer> RETURNING jsonb)", "JSON_ARRAY(<integer>, <text> NULL ON NULL RETURNING jsonb)",
        "to_jsonb(<bytea>)", "to_jsonb(<daterange>)", "jsonb_build_array(<date>, <time>, <boolean>)", "<jsonb> - <text[]>", "to_jsonb(<bit varying>)",
    ),
    "json": ("to_json(<nest>)", "row_to_json(<pair>)", "<json> -> 'a'", "json_build_array(<timestamp>, <numeric>)", "array_to_json(<integer[]>)", "json_strip_nulls(<json>)", "<text>::json", "json_object(<text[]>, <text[]>)",
             "JSON_SCALAR(<numeric>)", "JSON(<text>)", "row_to_json(<nest>, true)"),
    "text": (
        *(f"<{kind}>::text" for kind in ("interval", "timestamp", "timestamptz", "date", "time", "timetz", "bit varying", "bytea", "integer[]", "pair[]", "nest", "jsonb", "double precision", "numeric")),
        "to_char(<interval>, 'YYYY-MM-DD HH24:MI:SS.US')", "to_char(<timestamp>, 'FMDay Mon DDth IYYY IW ID J Q WW CC')", "to_char(<timestamptz>, 'HH12:MI PM TZ OF TZH:TZM SSSSS')", "to_char(<numeric>, 'FM999,990.099')",
        "to_char(<numeric>, 'S9.99EEEE')", "to_char(<double precision>, '9999PR')", "to_char(<integer>, 'FMRN')", "to_char(<integer>, '00009MI')", "array_to_string(<integer[]>, ',', '*')", "array_dims(<integer[]>)",
        "format(<text>, <integer>, <text>)", "<jsonb> ->> 'a'", "<jsonb> #>> <text[]>", "jsonb_pretty(<jsonb>)", "jsonb_typeof(<jsonb>)", "(<pair>).b", "substr(<text>, <integer>, 2)", "left(<text>, <integer>)",
        "right(<text>, -1)", "split_part(<text>, 'a', -1)", "regexp_replace(<text>, '([a-z])', '<\\1>', 'g')", "regexp_substr(<text>, '[0-9]+', 1, 2)", "encode(<bytea>, 'escape')", "encode(<bytea>, 'base64')",
        "convert_from(<bytea>, 'UTF8')", "lpad(<text>, 5, <text>)", "translate(<text>, 'ab', 'x')", "initcap(<text>)", "casefold(<text>)", "(SELECT string_agg(x, ',' ORDER BY x DESC) FROM unnest(<text[]>) AS u(x))",
        "(SELECT string_agg(u::text, ';') FROM unnest(<integer[]>, <text[]>) AS u(x, y))", "(SELECT string_agg(e::text, ';') FROM jsonb_each(<jsonb>) AS e)", "quote_nullable(<text>)", "to_bin(<integer>)", "to_oct(<integer>)",
        "overlay(<text> placing <text> from <integer>)", "repeat(<text>, 2)", "unistr(<text>)", "<mood>::text", "<json> ->> 1", "(SELECT string_agg(x::text, ';') FROM jsonb_to_recordset(<jsonb>) AS x(a integer, b text))",
        "to_char(<date>, 'RM Y,YYY BC')", "to_char(<timestamp>, 'YYY YY Y DDD D W FF3 MS')", "concat_ws(<text>, <date>, NULL, <boolean>)", "pg_typeof(<interval>)::text", "normalize(<text>, NFKD)", "ltrim(<text>, <text>)",
    ),
}  # fmt: skip


def _all_templates() -> dict[str, tuple[str, ...]]:
    made = dict(_TEMPLATES)
    for one, multi, over in _RANGES:
        for kind, templates in _OF_RANGES.items():
            name = kind.format(r=one, m=multi, s=over)
            filled = tuple(each.format(r=one, m=multi, s=over) for each in templates)
            made[name] = made.get(name, ()) + filled
    return made


TEMPLATES = _all_templates()
