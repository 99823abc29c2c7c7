-- Exact numbers: scale, rounding and special values.
CREATE TABLE p (a numeric, b numeric(6, 2));
INSERT INTO p VALUES (1.10, 1234.567), (123456789012345678901234567890.5, -0.005), ('NaN', NULL), ('Infinity', 9999.99);
SELECT * FROM p ORDER BY a;
--| 1.10                             | 1234.57
--| 123456789012345678901234567890.5 | -0.01
--| Infinity                         | 9999.99
--| NaN                              | NULL
--@ expect error 22003
INSERT INTO p (b) VALUES (10000);
SELECT 1.10 + 2.200, 1.5 * 1.5, 10 / 4.0, 1 / 3.0;
--| 3.300 | 2.25 | 2.5000000000000000 | 0.33333333333333333333
SELECT round(2.5), round(3.5), round(-2.5), round(1234.567, -2), trunc(1.999, 1), ceil(1.1), floor(-1.1);
--| 3 | 4 | -3 | 1200 | 1.9 | 2 | -2
SELECT 0.1 + 0.2 = 0.3, 0.1::float8 + 0.2::float8 = 0.3::float8;
--| t | f
SELECT 1e400::numeric > 1, 1.0 = 1.00, 1.0::text, 1.00::text;
--| t | t | 1.0 | 1.00
--@ expect error 22012
SELECT 1 / 0.0;
SELECT 'NaN'::numeric = 'NaN'::numeric, 'NaN'::numeric > 'Infinity'::numeric;
--| t | t
SELECT 10 ^ 20, 2::numeric ^ 0.5, exp(1.0), ln(10.0), log(100.0);
--| 1e+20 | 1.4142135623730950 | 2.7182818284590452 | 2.3025850929940457 | 2.0000000000000000
SELECT 1234.5::numeric(5, 1), 1234.56::numeric(6);
--| 1234.5 | 1235
--@ expect error 22003
SELECT 12345.6::numeric(5, 1);
SELECT div(7.5, 2), mod(7.5, 2), scale(1.200), min_scale(1.200), trim_scale(1.200);
--| 3 | 1.5 | 3 | 1 | 1.2
SELECT sum(a), avg(a) FROM p WHERE a < 10;
--| 1.10 | 1.10000000000000000000
SELECT width_bucket(5.35, 0.024, 10.06, 5);
--| 3
