-- What one call does to a sequence the next one sees, row by row.
create sequence s;
select nextval('s'), currval('s'), nextval('s') from generate_series(1, 3);
create table t (x int default nextval('s'), y text, z int default -1 * currval('s'));
insert into t (y) select 'row ' || i from generate_series(1, 4) i;
insert into t (y) values ('a'), ('b');
select * from t order by x;
update t set x = nextval('s'), z = lastval() where y in ('a', 'b');
select x = z, y from t where y in ('a', 'b') order by y;
select setval('s', 100), nextval('s'), currval('s');
drop table t;
drop sequence s;
