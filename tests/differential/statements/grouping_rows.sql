-- GROUP BY of rows: ROW(a, b) is one key, (a, b) is two, however deep it stands.
create table s(k1 int, k2 text, v int, id int primary key);
insert into s values (1,'a',5,1),(1,'b',6,2),(2,'a',7,3),(1,'a',8,4),(null,null,9,5),(null,null,10,6);
select row(k1,k2), count(*) from s group by row(k1,k2) order by 1;
select row(k1,k2), count(*) from s group by (k1,k2) order by 1;
select (k1,k2), count(*) from s group by row(k1,k2) order by 1;
select k1, count(*) from s group by row(k1,k2);
select k1, count(*) from s group by rollup(row(k1,k2));
select row(k1,k2), count(*), grouping(row(k1,k2)) from s group by rollup(row(k1,k2)) order by 3, 1;
select k1, k2, count(*) from s group by ((k1,k2)) order by 1,2;
select k1, k2, count(*) from s group by ((k1),(k2)) order by 1,2;
select k1, k2, count(*) from s group by k1,(k2,v) order by 1,2,3;
select k1, v, count(*) from s group by grouping sets ((k1,(k2,v)), ()) order by 1,2,3;
select k1, k2, count(*) from s group by rollup((k1,k2),v) order by 1,2,3;
select v from s group by row(id);
select row(id), v from s group by row(id), v order by v;
select count(*) from s group by row(k1,k2) having row(k1,k2) > row(1,'a') order by 1;
select row(k1,k2) from s group by row(k1,k2) order by row(k1,k2);
select max(v), row(k1, k2) = row(1,'a') from s group by row(k1,k2) order by 1;
select k1, k2 from s group by k1, row(k2) order by 1,2;
select x.r, count(*) from (select row(k1,k2) r from s) x group by x.r order by 1;
-- What folds to a constant is one everywhere, also where a set lacks the key; the order of rows is nothing that folds.
select k1, grouping((-1, v) < (2, 100)) from s group by cube((-1, v) < (2, 100), k1) having ((-1, v) < (2, 100)) is not null order by 1, 2;
select k1, grouping((-1, v) = (2, 100)) from s group by cube((-1, v) = (2, 100), k1) having ((-1, v) = (2, 100)) is not null order by 1, 2;
select k1, grouping(1 < 2 or v < 3) from s group by cube(1 < 2 or v < 3, k1) having (1 < 2 or v < 3) is not null order by 1, 2;
