-- What is said of the session: schemas that are there, settings with bounds; prepared statements and what they pass over.
create schema s;
set search_path to nosuch, public, s, public;
select current_schemas(true), current_schema;
select current_schemas(false);
reset search_path;
set extra_float_digits = 4;
set extra_float_digits = -16;
set extra_float_digits = 3;
reset extra_float_digits;
prepare one as select 1;
execute one(1, 'x');
prepare lengths(varchar(2), numeric(3, 1)) as select $1, $2;
execute lengths('abc', 12.345);
execute lengths('abc');
create table parent (id serial primary key);
create table child () inherits (parent);
create table copied (like parent including all);
select table_name, column_default from information_schema.columns where table_schema = 'public' order by 1;
-- Strings of type json are read whole where a function looks for parts.
select '{"a": 1, "b": "\u0000"}'::json -> 'a';
select '"\u0000"'::json ->> 0;
select '[1, "\ud83d"]'::json #> '{0}';
select json_each('{"a": 1, "b": "\u0000"}');
select json_object_keys('{"a": 1, "b": "\u0000"}');
select json_array_elements('["\u0000"]');
select json_array_length('["\u0000"]');
select json_strip_nulls('["\u0000"]');
select * from json_to_record('{"a": 1, "b": "\u0000"}') as (a int);
select json_populate_record(null::record, '{"f1": 0}');
-- What the catalogs say of casts and of routines.
select castsource::regtype, casttarget::regtype, castcontext, castmethod from pg_cast
where castsource in ('json'::regtype, 'jsonb'::regtype, 'oid'::regtype, 'text'::regtype, 'varchar'::regtype)
and casttarget in ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'int4'::regtype, 'bpchar'::regtype) and castsource <> casttarget order by 1, 2;
create function f(a int, b text default 'q') returns int language sql as 'select a';
create aggregate total(int) (sfunc = int4pl, stype = int);
select routine_name, routine_body, routine_definition, external_language from information_schema.routines where routine_schema = 'public' order by 1;
select parameter_name, parameter_default from information_schema.parameters where specific_schema = 'public' order by 1;
create table sent (a text, b varchar);
create index on sent (textsend(a));
create index on sent (varcharsend(b));
