-- What MERGE answers: MERGE_ACTION() beside the rows.
create table t (a int primary key, b int);
insert into t values (1, 1), (2, 2), (3, 3);
merge into t using (values (1), (5)) v(x) on a = x when matched then update set b = 9 when not matched then insert values (x) returning merge_action(), merge_action() || a as what, a, x;
merge into t using (values (1), (7)) v(x) on a = x when matched then delete when not matched by source and a < 4 then update set b = 0 returning merge_action(), (select merge_action() from (values (1)) q), *;
with m as (merge into t using (values (2), (8)) v(x) on a = x when matched then do nothing when not matched then insert values (x) returning merge_action() act, a) select * from m;
merge into t using (values (2)) v(x) on a = x when matched then update set b = 1 returning merge_action(), old.b, new.b, case merge_action() when 'UPDATE' then 'u' when 'DELETE' then 'd' end as short;
select * from t;
select merge_action();
update t set a = a returning merge_action();
merge into t using (values (2)) v(x) on merge_action() = 'x' when matched then delete;
create table parts (a int, b text) partition by list (a);
create table part1 partition of parts for values in (1);
create table part2 partition of parts for values in (2);
insert into parts values (1, 'x');
merge into parts using (values (1), (2)) v(x) on a = x when matched then update set a = 2 when not matched then insert values (x) returning merge_action(), old.a, new.a, parts.*, tableoid::regclass::text;
merge into parts using (values (2)) v(x) on a = x and b = 'x' when matched then delete returning merge_action(), parts.*;
