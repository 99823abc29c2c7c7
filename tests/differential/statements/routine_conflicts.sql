-- Rows that a statement changes, and a function that it calls as well.
create table t(a int primary key, b int);
insert into t select i, i from generate_series(1,5) i;
create function upd(k int) returns int language sql as 'update t set b = b + 1 where a = k returning b';
update t set b = upd(a);
delete from t where upd(a) > 100;
delete from t where upd(a) > 1;
select * from t order by a;
update t set b = upd(1) where a = 2;
update t set b = upd(a + 1) where a = 5;
with w as (update t set b = 0 where a = 1 returning a) update t set b = 9 from w where t.a = w.a;
select * from t order by a;
