-- Dates, times, instants and intervals.
SET TimeZone = 'UTC';
CREATE TABLE d (d date, t time, ts timestamp, tz timestamptz, i interval);
INSERT INTO d VALUES ('2024-02-29', '23:59:59.5', '2024-02-29 12:00', '2024-02-29 12:00+02', '1 year 2 mons 3 days 04:05:06');
SELECT * FROM d;
--| 2024-02-29 | 23:59:59.5 | 2024-02-29 12:00:00 | 2024-02-29 10:00:00+00 | 1 year 2 mons 3 days 04:05:06
SELECT d + 1, d - 31, d - date '2024-01-01', ts + interval '1 month', tz - interval '1 day' FROM d;
--| 2024-03-01 | 2024-01-29 | 59 | 2024-03-29 12:00:00 | 2024-02-28 10:00:00+00
SELECT date '2024-01-31' + interval '1 month', date '2023-02-28' + interval '1 year';
--| 2024-02-29 00:00:00 | 2024-02-28 00:00:00
SELECT extract(year FROM d), extract(doy FROM d), extract(isodow FROM d), extract(week FROM d), date_part('hour', tz) FROM d;
--| 2024 | 60 | 4 | 9 | 10
SELECT extract(epoch FROM timestamptz '1970-01-02 00:00+00'), to_timestamp(86400);
--| 86400.000000 | 1970-01-02 00:00:00+00
SELECT date_trunc('month', ts), date_trunc('hour', ts), date_trunc('week', d) FROM d;
--| 2024-02-01 00:00:00 | 2024-02-29 12:00:00 | 2024-02-26 00:00:00+00
SELECT age(timestamp '2024-02-29', timestamp '2020-02-28'), justify_days(interval '40 days'), justify_hours(interval '30 hours');
--| 4 years 1 day | 1 mon 10 days | 1 day 06:00:00
--@ expect error 22008
SELECT '2024-02-30'::date;
SELECT 'infinity'::date, '-infinity'::timestamp, 'infinity'::timestamptz > now();
--| infinity | -infinity | t
SELECT tz AT TIME ZONE 'Europe/Berlin', ts AT TIME ZONE 'Europe/Berlin' FROM d;
--| 2024-02-29 11:00:00 | 2024-02-29 11:00:00+00
SET TimeZone = 'America/New_York';
SELECT tz, tz::date FROM d;
--| 2024-02-29 05:00:00-05 | 2024-02-29
RESET TimeZone;
SELECT to_char(ts, 'YYYY-MM-DD HH24:MI:SS'), to_char(d, 'Dy DD Mon YYYY'), to_date('05 Dec 2000', 'DD Mon YYYY') FROM d;
--| 2024-02-29 12:00:00 | Thu 29 Feb 2024 | 2000-12-05
SELECT interval '1 day' * 2.5, interval '1 hour' / 2, -interval '1 day', interval '90 minutes';
--| 2 days 12:00:00 | 00:30:00 | -1 days | 01:30:00
SELECT (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-01-15', date '2024-03-01');
--| t
SELECT make_date(2024, 2, 29), make_time(1, 2, 3.5), make_interval(0, 0, 0, 10);
--| 2024-02-29 | 01:02:03.5 | 10 days
SELECT generate_series(date '2024-01-30', date '2024-02-02', interval '1 day')::date;
--| 2024-01-30
--| 2024-01-31
--| 2024-02-01
--| 2024-02-02
