-- Integers: their bounds, their arithmetic, and what PostgreSQL refuses.
CREATE TABLE n (s smallint, i integer, b bigint);
INSERT INTO n VALUES (32767, 2147483647, 9223372036854775807), (-32768, -2147483648, -9223372036854775808), (NULL, NULL, NULL);
SELECT * FROM n ORDER BY s;
--| -32768 | -2147483648 | -9223372036854775808
--| 32767  | 2147483647  | 9223372036854775807
--| NULL   | NULL        | NULL
--@ expect error 22003
INSERT INTO n (s) VALUES (32768);
--@ expect error 22003
INSERT INTO n (i) VALUES (2147483648);
--@ expect error 22003
INSERT INTO n (b) VALUES (9223372036854775808);
--@ expect error 22003
SELECT 2147483647 + 1;
SELECT 2147483647::bigint + 1;
--| 2147483648
SELECT 7 / 2, -7 / 2, 7 % -3, -7 % 3;
--| 3 | -3 | 1 | -1
--@ expect error 22012
SELECT 1 / 0;
--@ expect error 22012
SELECT 1 % 0;
SELECT '12'::int, ' 12 '::int, '-12'::smallint;
--| 12 | 12 | -12
--@ expect error 22P02
SELECT 'abc'::int;
--@ expect error 22P02
SELECT '1.5'::int;
SELECT 1.5::int, 2.5::int, -1.5::int, 2.5::float8::int;
--| 2 | 3 | -2 | 2
SELECT 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 256 >> 4;
--| 1 | 7 | 6 | -6 | 16 | 16
SELECT sum(s), sum(i), sum(b), avg(i), count(i) FROM n;
--| -1 | -1 | -1 | -0.50000000000000000000 | 2
--@ expect error 22003
SELECT s + i FROM n WHERE s > 0;
SELECT abs(-5), sign(-5::float8), power(2, 10), sqrt(16), mod(7, 3), gcd(12, 18), lcm(4, 6);
--| 5 | -1 | 1024 | 4 | 1 | 6 | 12
SELECT 0x1F, 0b101, 0o17, 1_000_000;
--| 31 | 5 | 15 | 1000000
