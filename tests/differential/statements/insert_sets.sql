-- Sets in the VALUES of INSERT.
create table hp(a int, b text default 'd');
insert into hp values (generate_series(1,3));
insert into hp values (generate_series(1,3), 'x') returning *;
insert into hp(b, a) values ('y', generate_series(4,5)) returning *;
insert into hp values (generate_series(1,2)), (5);
insert into hp values (unnest(array['7','8'])::int, generate_series(1,3)::text) returning *;
insert into hp values ('1', generate_series(1,2));
select * from hp order by a, b;
