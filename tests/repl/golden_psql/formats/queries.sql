select 1 as a;
select * from (values (1,'one'||chr(10)||'line',null::int),(-20,'two',5)) v(id,name,x);
select * from (values ('one'||chr(10)||'line',1.5,true),('tä漢x',2.25,false)) v("A long name",b,"ok");
select 1 as a where false;
select 'x' as "name of col", repeat('y',60) as t, 3 as n;
select 1 as a, 'multi'||chr(10)||'l' as b;
select 'multi'||chr(10)||'l' as b, 'a'||chr(10)||chr(10)||'long line at the end' as d, 4 as c;
select 'a' as "two
lines", 2 as b;
select '<a & "b">' as "h<", '  lead' as s, '' as e, null as n;
select 'a,b' as a, 'q"q' as q, 'x' as x;
select 'x' as a_very_long_column_name_for_an_expanded_record, 1 as b;
select 1 as a union all select 2 order by 1;
select repeat('z',30) as a, 2 as b union all select 'y', 3;
select chr(9)||'tab' as t, chr(1) as c;
