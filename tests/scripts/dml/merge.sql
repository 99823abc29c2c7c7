-- MERGE.
CREATE TABLE stock (item int PRIMARY KEY, n int);
CREATE TABLE news (item int, change int);
INSERT INTO stock VALUES (1, 10), (2, 5), (3, 7);
INSERT INTO news VALUES (1, 5), (2, -5), (4, 8), (5, -1);
MERGE INTO stock s USING news n ON s.item = n.item
    WHEN MATCHED AND s.n + n.change = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET n = s.n + n.change
    WHEN NOT MATCHED AND n.change > 0 THEN INSERT VALUES (n.item, n.change)
    WHEN NOT MATCHED THEN DO NOTHING;
SELECT * FROM stock ORDER BY item;
--| 1 | 15
--| 3 | 7
--| 4 | 8
--@ expect error 21000
MERGE INTO stock s USING (VALUES (1), (1)) v(i) ON s.item = v.i WHEN MATCHED THEN UPDATE SET n = 0;
MERGE INTO stock s USING news n ON s.item = n.item WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING s.item;
--| 3
SELECT * FROM stock ORDER BY item;
--| 1 | 15
--| 4 | 8
