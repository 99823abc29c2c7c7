-- Hypothetical-set aggregates.
CREATE TABLE marks (team text, a int, b text);
INSERT INTO marks VALUES ('x', 1, 'k'), ('x', 1, 'm'), ('x', 4, NULL), ('x', NULL, 'z'), ('y', 2, 'a'), ('y', 2, 'a');
SELECT team, rank(2) WITHIN GROUP (ORDER BY a), dense_rank(2) WITHIN GROUP (ORDER BY a), percent_rank(2) WITHIN GROUP (ORDER BY a), cume_dist(2) WITHIN GROUP (ORDER BY a) FROM marks GROUP BY team ORDER BY team;
SELECT rank(1, 'l') WITHIN GROUP (ORDER BY a, b), rank(1, 'l') WITHIN GROUP (ORDER BY a DESC, b), dense_rank(NULL, 'l') WITHIN GROUP (ORDER BY a NULLS FIRST, b), cume_dist(2, NULL) WITHIN GROUP (ORDER BY a, b DESC NULLS LAST) FROM marks;
SELECT rank(2) WITHIN GROUP (ORDER BY a) FILTER (WHERE team = 'x') FROM marks;
SELECT percent_rank(0) WITHIN GROUP (ORDER BY a) FROM marks WHERE false;
SELECT a, dense_rank(a) WITHIN GROUP (ORDER BY a) FROM marks GROUP BY a ORDER BY a;
SELECT rank(a) WITHIN GROUP (ORDER BY a) FROM marks;
SELECT rank(sum(a)) WITHIN GROUP (ORDER BY a) FROM marks;
SELECT rank(1) WITHIN GROUP (ORDER BY b) FROM marks;
SELECT rank('k') WITHIN GROUP (ORDER BY a) FROM marks;
SELECT rank('3') WITHIN GROUP (ORDER BY a), rank('l'::varchar) WITHIN GROUP (ORDER BY b) FROM marks;
SELECT rank(1) WITHIN GROUP (ORDER BY a, b) FROM marks;
SELECT rank(1) OVER () FROM marks;
SELECT team FROM marks GROUP BY team HAVING rank(1) WITHIN GROUP (ORDER BY a) > 1;
