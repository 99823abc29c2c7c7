-- Floating point: shortest exact text, infinities and not-a-number.
SELECT 0.1::float8, 1e100::float8, 1e-7::float8, 123456789.123456789::float8, 1.0::float4;
--| 0.1 | 1e+100 | 1e-07 | 123456789.12345679 | 1
SELECT 'Infinity'::float8, '-inf'::float8, 'NaN'::float8;
--| Infinity | -Infinity | NaN
SELECT 'NaN'::float8 = 'NaN'::float8, 'NaN'::float8 > 1e300;
--| t | t
--@ expect error 22003
SELECT 1e308::float8 * 10;
--@ expect error 22012
SELECT 1::float8 / 0;
--@ expect error 22003
SELECT 1e400::float8;
SELECT 0.1::float4, 0.1::float4::float8, 16777217::float4;
--| 0.1 | 0.10000000149011612 | 1.6777216e+07
SELECT round(2.5::float8), round(-2.5::float8), trunc(-1.7::float8), ceil(1.2::float8);
--| 2 | -2 | -1 | 2
SELECT sqrt(2::float8), cbrt(27::float8), degrees(pi()), radians(180::float8);
--| 1.4142135623730951 | 3.0000000000000004 | 180 | 3.141592653589793
--@ expect error 2201F
SELECT sqrt(-1::float8);
CREATE TABLE f (v float8);
INSERT INTO f VALUES (3), ('NaN'), (-1), ('inf'), ('-inf'), (NULL), (0);
SELECT v FROM f ORDER BY v;
--| -Infinity
--| -1
--| 0
--| 3
--| Infinity
--| NaN
--| NULL
SELECT v FROM f ORDER BY v DESC NULLS LAST;
--| NaN
--| Infinity
--| 3
--| 0
--| -1
--| -Infinity
--| NULL
SELECT min(v), max(v), count(v) FROM f;
--| -Infinity | NaN | 6
