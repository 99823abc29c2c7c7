-- Partial unique indexes that ON CONFLICT means: those whose predicate each part of what it says holds.
create table t (a int, b text, c int, gone date);
create unique index ta on t (a) where gone is null;
create unique index tb on t (lower(b)) where gone is null and c > 0;
insert into t values (1, 'x', 1);
insert into t values (1, 'y', 1) on conflict (a) where gone is null do update set b = excluded.b returning *;
insert into t values (1, 'z', 2) on conflict (a) where gone is null and c > 0 do update set b = excluded.b returning *;
insert into t values (1, 'w', 2) on conflict (a) where c > 0 and gone is null do nothing returning *;
insert into t values (1, 'w', 2) on conflict (a) where c > 0 do nothing;
insert into t values (1, 'w', 2) on conflict (a) do nothing;
insert into t values (2, 'Z', 2) on conflict (lower(b)) where gone is null do nothing;
insert into t values (2, 'Z', 2) on conflict (lower(b)) where c > 0 and gone is null do update set c = 9 returning *;
select * from t order by a;
-- Names of schemas, and comments, that are refused.
create schema sa;
alter schema sa rename to pg_x;
create type ct as (x int);
comment on domain ct is 'x';
comment on type ct is 'x';
