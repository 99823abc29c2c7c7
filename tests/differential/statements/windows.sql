-- Frames at the edges of numbers, copied windows, and offsets that do not fit.
CREATE TABLE ends (id int, f float8, n numeric, d date);
INSERT INTO ends VALUES (1, '-inf', '-inf', '2020-01-01'), (2, 0, 0, '2020-02-01'), (3, 7, 7, NULL), (4, 'inf', 'inf', '2021-01-01'), (5, 'nan', 'nan', '2022-01-01'), (6, NULL, NULL, '2022-01-01');
SELECT id, first_value(id) OVER w, last_value(id) OVER w FROM ends WINDOW w AS (ORDER BY f RANGE BETWEEN 'inf' PRECEDING AND 'inf' FOLLOWING) ORDER BY id;
SELECT id, first_value(id) OVER w, last_value(id) OVER w FROM ends WINDOW w AS (ORDER BY f DESC RANGE BETWEEN 'inf' PRECEDING AND 'inf' PRECEDING) ORDER BY id;
SELECT id, first_value(id) OVER w, last_value(id) OVER w FROM ends WINDOW w AS (ORDER BY n RANGE BETWEEN 'inf' PRECEDING AND 'inf' FOLLOWING) ORDER BY id;
SELECT id, first_value(id) OVER w, last_value(id) OVER w FROM ends WINDOW w AS (ORDER BY f RANGE BETWEEN 8 PRECEDING AND 8 FOLLOWING) ORDER BY id;
SELECT sum(id) OVER (ORDER BY f RANGE BETWEEN 'nan' PRECEDING AND CURRENT ROW) FROM ends;
SELECT sum(id) OVER (ORDER BY d RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM ends;
SELECT sum(id) OVER (w) FROM ends WINDOW w AS (ORDER BY id ROWS 1 PRECEDING);
SELECT sum(id) OVER w FROM ends WINDOW w AS (ORDER BY id ROWS 1 PRECEDING) ORDER BY id;
SELECT id, stddev(n) OVER (ORDER BY id ROWS 1 PRECEDING) FROM (VALUES (1, 600.0), (2, 470), (3, 170)) t(id, n) ORDER BY id;
SELECT substring('banana' SIMILAR 'b*#"%#"a' ESCAPE '#'), substring('banana' FROM '(?:ba){1,1}?(.*)'), interval 'PT99999999.123456789S';
-- Times of day do not turn over at midnight in frames, as they do in sums.
CREATE TABLE clocks (id int, t time, z timetz, ts timestamp, i interval);
INSERT INTO clocks SELECT n, time '00:00' + n * interval '3 hours', timetz '00:00+00' + n * interval '3 hours', timestamp '2024-01-31' + n * interval '3 hours', n * interval '3 hours' FROM generate_series(0, 9) n;
SELECT id, t, min(t) OVER w, max(t) OVER w, count(*) OVER w FROM clocks WINDOW w AS (ORDER BY t RANGE BETWEEN interval '4 hours' PRECEDING AND interval '4 hours' FOLLOWING) ORDER BY id;
SELECT id, t, min(t) OVER w, max(t) OVER w, count(*) OVER w FROM clocks WINDOW w AS (ORDER BY t DESC RANGE BETWEEN interval '4 hours' PRECEDING AND interval '4 hours' FOLLOWING) ORDER BY id;
SELECT id, z, min(z) OVER w, max(z) OVER w, count(*) OVER w FROM clocks WINDOW w AS (ORDER BY z RANGE BETWEEN interval '4 hours' PRECEDING AND interval '4 hours' FOLLOWING) ORDER BY id;
SELECT id, t, count(*) OVER (ORDER BY t RANGE BETWEEN interval '1 day 1 hour' PRECEDING AND CURRENT ROW) FROM clocks ORDER BY id;
SELECT id, t, count(*) OVER (ORDER BY t RANGE BETWEEN interval '1 mon' PRECEDING AND CURRENT ROW) FROM clocks ORDER BY id;
SELECT id, t, count(*) OVER (ORDER BY t RANGE BETWEEN interval '30 hours' PRECEDING AND interval '30 hours' FOLLOWING) FROM clocks ORDER BY id;
SELECT id, count(*) OVER (ORDER BY t RANGE BETWEEN interval '-1 hours' PRECEDING AND CURRENT ROW) FROM clocks ORDER BY id;
SELECT id, count(*) OVER (ORDER BY t RANGE BETWEEN interval '-1 day 1 hours' PRECEDING AND CURRENT ROW) FROM clocks ORDER BY id;
SELECT id, count(*) OVER (ORDER BY t RANGE BETWEEN UNBOUNDED PRECEDING AND interval '4 hours' PRECEDING), count(*) OVER (ORDER BY z DESC NULLS FIRST RANGE BETWEEN interval '4 hours' FOLLOWING AND UNBOUNDED FOLLOWING) FROM clocks ORDER BY id;
