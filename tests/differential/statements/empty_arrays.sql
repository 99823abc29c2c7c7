-- ANY and ALL over no elements, which do not look at what is compared; also behind outer joins.
CREATE TABLE one (a int, x text);
INSERT INTO one VALUES (NULL, NULL), (1, 'b');
CREATE TABLE two (b int);
INSERT INTO two VALUES (1), (2);
SELECT x <> ALL ('{}'::text[]), x = ANY ('{}'::text[]), NULL::text <> ALL ('{}'::text[]), x = ANY (NULL::text[]) FROM one;
SELECT b, a FROM one RIGHT JOIN two ON a = b WHERE x <> ALL ('{}'::text[]);
SELECT b, a FROM one RIGHT JOIN two ON a = b WHERE x <> ALL (ARRAY[]::text[]);
SELECT b, a FROM one RIGHT JOIN two ON a = b WHERE NOT (x = ANY ('{}'::text[]));
SELECT b, a FROM one RIGHT JOIN two ON a = b WHERE x <> ALL (ARRAY['q']);
SELECT b, a FROM one RIGHT JOIN two ON a = b WHERE x <> ALL (ARRAY[x]);
SELECT b, a FROM one RIGHT JOIN two ON a = b WHERE (x = ANY ('{}'::text[])) IS NOT NULL;
SELECT b, a FROM one RIGHT JOIN two ON a = b WHERE x = ANY ('{b,c}'::text[]);
SELECT b, a FROM one RIGHT JOIN two ON a = b WHERE a > ALL (array_remove(ARRAY[b], 2));
