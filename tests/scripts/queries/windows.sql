-- Window functions.
CREATE TABLE e (dept text, name text, pay int);
INSERT INTO e VALUES ('it', 'ann', 50), ('it', 'bob', 40), ('it', 'cid', 40), ('hr', 'dan', 30), ('hr', 'eve', 35), ('ops', 'fay', 20);
SELECT name, row_number() OVER w, rank() OVER w, dense_rank() OVER w FROM e WINDOW w AS (PARTITION BY dept ORDER BY pay DESC) ORDER BY dept, pay DESC, name;
--| eve | 1 | 1 | 1
--| dan | 2 | 2 | 2
--| ann | 1 | 1 | 1
--| bob | 2 | 2 | 2
--| cid | 3 | 2 | 2
--| fay | 1 | 1 | 1
SELECT name, sum(pay) OVER (ORDER BY name), count(*) OVER (PARTITION BY dept) FROM e ORDER BY name;
--| ann | 50  | 3
--| bob | 90  | 3
--| cid | 130 | 3
--| dan | 160 | 2
--| eve | 195 | 2
--| fay | 215 | 1
SELECT name, lag(name) OVER (ORDER BY name), lead(pay, 2, 0) OVER (ORDER BY name) FROM e ORDER BY name;
--| ann | NULL | 40
--| bob | ann  | 30
--| cid | bob  | 35
--| dan | cid  | 20
--| eve | dan  | 0
--| fay | eve  | 0
SELECT name, first_value(name) OVER w, last_value(name) OVER w, nth_value(name, 2) OVER w FROM e WINDOW w AS (PARTITION BY dept ORDER BY name ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) ORDER BY name;
--| ann | ann | cid | bob
--| bob | ann | cid | bob
--| cid | ann | cid | bob
--| dan | dan | eve | eve
--| eve | dan | eve | eve
--| fay | fay | fay | NULL
SELECT name, sum(pay) OVER (ORDER BY pay ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM e ORDER BY pay, name;
--| fay | 50
--| dan | 85
--| eve | 105
--| bob | 115
--| cid | 130
--| ann | 90
SELECT pay, sum(pay) OVER (ORDER BY pay), sum(pay) OVER (ORDER BY pay RANGE BETWEEN 5 PRECEDING AND CURRENT ROW) FROM e ORDER BY pay;
--| 20 | 20  | 20
--| 30 | 50  | 30
--| 35 | 85  | 65
--| 40 | 165 | 115
--| 40 | 165 | 115
--| 50 | 215 | 50
SELECT name, ntile(2) OVER (ORDER BY name), percent_rank() OVER (ORDER BY pay), cume_dist() OVER (ORDER BY pay) FROM e ORDER BY pay, name;
--| fay | 2 | 0   | 0.16666666666666666
--| dan | 2 | 0.2 | 0.3333333333333333
--| eve | 2 | 0.4 | 0.5
--| bob | 1 | 0.6 | 0.8333333333333334
--| cid | 1 | 0.6 | 0.8333333333333334
--| ann | 1 | 1   | 1
SELECT dept, sum(sum(pay)) OVER (ORDER BY dept) FROM e GROUP BY dept ORDER BY dept;
--| hr  | 65
--| it  | 195
--| ops | 215
--@ expect error 42P20
SELECT name FROM e WHERE row_number() OVER () = 1;
SELECT name, avg(pay) FILTER (WHERE pay > 30) OVER (PARTITION BY dept) FROM e ORDER BY name;
--| ann | 43.3333333333333333
--| bob | 43.3333333333333333
--| cid | 43.3333333333333333
--| dan | 35.0000000000000000
--| eve | 35.0000000000000000
--| fay | NULL
