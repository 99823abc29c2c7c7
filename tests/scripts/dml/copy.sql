-- COPY in and out: text and csv, with their escapes.
CREATE TABLE t (id int PRIMARY KEY, a text, b numeric);
COPY t FROM STDIN;
1	plain	1.50
2	tab\there	\N
3	back\\slash	-3
\.
COPY t (id, a) FROM STDIN WITH (FORMAT csv, HEADER, NULL 'none');
id,a
4,"quoted, ""text"""
5,none
\.
SELECT * FROM t ORDER BY id;
--| 1 | plain          | 1.50
--| 2 | tab\there      | NULL
--| 3 | back\\slash    | -3
--| 4 | quoted, "text" | NULL
--| 5 | NULL           | NULL
COPY (SELECT * FROM t ORDER BY id) TO STDOUT;
--| 1\tplain\t1.50
--| 2\ttab\\there\t\\N
--| 3\tback\\\\slash\t-3
--| 4\tquoted, "text"\t\\N
--| 5\t\\N\t\\N
COPY (SELECT * FROM t ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE (a));
--| id,a,b
--| 1,"plain",1.50
--| 2,"tab\there",
--| 3,"back\\slash",-3
--| 4,"quoted, ""text""",
--| 5,,
--@ expect error 22P02
COPY t FROM STDIN;
6	good	1
7	bad	x
\.
SELECT count(*) FROM t;
--| 5
--@ expect error 23505
COPY t FROM STDIN;
1	twice	0
\.
--@ expect error 22P04
COPY t FROM STDIN;
8	short
\.
COPY t FROM STDIN (DELIMITER ';');
9;semi;9
\.
SELECT * FROM t WHERE id = 9;
--| 9 | semi | 9
--@ expect error 42P01
COPY nope FROM STDIN;
\.
