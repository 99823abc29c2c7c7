-- Whose aggregate it is, when aggregates stand inside of one another, and what FILTER of a window function may not look at.
CREATE TABLE w1(id int, c0 int, c3 text, b boolean);
CREATE TABLE w2(id int, c0 int, c3 text, b boolean);
SELECT id, count(*) FILTER (WHERE max(c3) > 'a') OVER () from w1 group by id;
SELECT id, sum(max(c0)) FILTER (WHERE id > 1) OVER () from w1 group by id;
SELECT id, count(*) FILTER (WHERE count(*) over () > 1) OVER () from w1 group by id;
SELECT id, count(*) FILTER (WHERE grouping(id) = 1) OVER () from w1 group by id;
SELECT id, count(*) FILTER (WHERE grouping(id) = 1) from w1 group by id;
SELECT id, count(*) FILTER (WHERE (select max(w1.c0) from w2) = 1) over () from w1 group by id;
SELECT id, count(*) FILTER (WHERE (select max(w1.c0) from w2) = 1) from w1 group by id;
SELECT 1 FROM w1 AS a1 JOIN LATERAL (SELECT a6.c0, max((SELECT max(CASE WHEN s7.id IS NOT NULL THEN NULL::smallint END) FILTER (WHERE (a6.c3 SIMILAR TO '(a|b)%')) FROM w1 AS s7 WHERE a1.b)) FROM w1 AS a5 LEFT JOIN w2 AS a6 ON a5.id = a6.id GROUP BY a6.c0) AS a4(x0, x1) ON true;
SELECT 1 FROM w1 AS a1 JOIN LATERAL (SELECT a6.c0, max((SELECT max(1) FILTER (WHERE (a6.c3 = 'a')) FROM w1 AS s7)) FROM w2 AS a6 GROUP BY a6.c0) AS a4(x0, x1) ON true;
SELECT a6.c0, max((SELECT max(1) FILTER (WHERE (a6.c3 = 'a')) FROM w1 AS s7)) FROM w2 AS a6 GROUP BY a6.c0;
SELECT a6.c0, (SELECT max(1) FILTER (WHERE (a6.c3 = 'a')) FROM w1 AS s7) FROM w2 AS a6 GROUP BY a6.c0;
SELECT a6.c0, (SELECT max(s7.id) FILTER (WHERE (a6.c3 = 'a')) FROM w1 AS s7) FROM w2 AS a6 GROUP BY a6.c0, a6.c3;
SELECT id, count(*) FILTER (WHERE generate_series(1, 2) = 1) OVER () from w1 group by id;
