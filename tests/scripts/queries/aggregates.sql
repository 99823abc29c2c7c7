-- GROUP BY and its kin.
CREATE TABLE s (region text, item text, n int, price numeric(8, 2));
INSERT INTO s VALUES ('north', 'a', 1, 1.50), ('north', 'b', 2, 2.25), ('south', 'a', 3, 1.25), ('south', 'a', NULL, 9), (NULL, 'c', 5, NULL);
SELECT count(*), count(n), sum(n), avg(n), min(price), max(price) FROM s;
--| 5 | 4 | 11 | 2.7500000000000000 | 1.25 | 9.00
SELECT region, count(*), sum(n * price) FROM s GROUP BY region ORDER BY region;
--| north | 2 | 6.00
--| south | 2 | 3.75
--| NULL  | 1 | NULL
SELECT region, sum(n) FROM s GROUP BY region HAVING count(*) > 1 ORDER BY region;
--| north | 3
--| south | 3
SELECT region, item, sum(n) FROM s GROUP BY ROLLUP (region, item) ORDER BY region NULLS LAST, item NULLS LAST, 3;
--| north | a    | 1
--| north | b    | 2
--| north | NULL | 3
--| south | a    | 3
--| south | NULL | 3
--| NULL  | c    | 5
--| NULL  | NULL | 5
--| NULL  | NULL | 11
SELECT region, item, grouping(region, item), count(*) FROM s GROUP BY GROUPING SETS ((region), (item), ()) ORDER BY 3, 1, 2;
--| north | NULL | 1 | 2
--| south | NULL | 1 | 2
--| NULL  | NULL | 1 | 1
--| NULL  | a    | 2 | 3
--| NULL  | b    | 2 | 1
--| NULL  | c    | 2 | 1
--| NULL  | NULL | 3 | 5
SELECT count(DISTINCT region), count(DISTINCT item) FROM s;
--| 2 | 3
SELECT sum(n) FILTER (WHERE region = 'north'), string_agg(item, ',' ORDER BY n DESC NULLS LAST) FROM s;
--| 3 | c,a,b,a,a
SELECT sum(n), count(*) FROM s WHERE false;
--| NULL | 0
--@ expect rows
SELECT region FROM s WHERE false GROUP BY region;
--@ expect error 42803
SELECT region, n FROM s GROUP BY region;
--@ expect error 42803
SELECT sum(sum(n)) FROM s;
SELECT stddev_samp(n), var_pop(n), corr(n, n), percentile_cont(0.5) WITHIN GROUP (ORDER BY n), mode() WITHIN GROUP (ORDER BY item) FROM s;
--| 1.7078251276599331 | 2.1875000000000000 | 1 | 2.5 | a
SELECT bit_and(n), bit_or(n), bool_or(n > 2), array_agg(n ORDER BY n) FROM s;
--| 0 | 7 | t | {1,2,3,5,NULL}
SELECT DISTINCT region FROM s ORDER BY region NULLS FIRST;
--| NULL
--| north
--| south
SELECT DISTINCT ON (region) region, item FROM s ORDER BY region, item DESC;
--| north | b
--| south | a
--| NULL  | c
