-- Objects keep their shortest keys first, yet one key is compared with another as text.
select '{"b":1}'::jsonb < '{"aa":1}'::jsonb, '{"b":1,"aa":2}'::jsonb < '{"b":1,"c":0}'::jsonb, '{"b":1, "zz":1}'::jsonb < '{"c":0,"aa":0}'::jsonb;
select '{"b":2}'::jsonb < '{"b":10}'::jsonb, '{"f1":1}'::jsonb <= '{"k":1}'::jsonb, greatest('{"é":1}'::jsonb, '{"zz":1}', '{"z":9}'), jsonb '[{"b":1}]' > jsonb '[{"aa":1}]';
create table documents (id int primary key, j jsonb);
insert into documents select i, jsonb_build_object(repeat(chr(97 + i % 7), 1 + i % 3), i % 5, repeat(chr(98 + i % 4), 1 + i % 4), null) from generate_series(1, 60) i;
insert into documents values (100, '{}'), (101, '[]'), (102, '[[]]'), (103, '""'), (104, 'null'), (105, '[{}]'), (106, '{"": 1}'), (107, '{"a": {"b": 1}}'), (108, '{"a": {"aa": 1}}');
select j, count(*) from documents group by j order by j;
create index on documents (j);
select j from documents where j > '{"b": 1, "c": 2}' order by j;
select j from documents where j between '{"aa": 0}' and '{"c": 3, "dd": null}' order by j desc;
select min(id), max(id) from documents where j < '{"aa": 1, "b": 2}';
select rank() over (order by j), dense_rank() over (order by j desc), id from documents order by id;
drop table documents;
