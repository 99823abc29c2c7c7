-- standard_conforming_strings, backslash_quote, and strings in several parts with comments between.
select E'a'
  'b\n' -- foo
  'c\\d', 'e';
select 'a'
  'b' -- foo
  'c', 'e';
select 'a' -- foo
  'c', 'e';
select 'a'
-- foo
  'c', 'e';
select E'a'
-- foo
  'c\n', 'e';
select 'a'
 -- foo
  -- bar
  'c', 'e';
select 'a' -- é
  'c', nosuch;
select 'a' /* x */
  'c', nosuch;
select 'a' -- x
  E'c';
select B'1' -- x
  '0', X'1' --
'f';
select 'a' -- x 'b'
  'c' -- y
  , 'k' -- z;
select 'abc' from -- x;
select "a" -- x
"b";
show standard_conforming_strings;
show backslash_quote;
set standard_conforming_strings = off;
show standard_conforming_strings;
select 'a\\bcd' as f1, 'a\\b\'cd' as f2, 'a\\b\'''cd' as f3, 'abcd\\' as f4, 'ab\\\'cd' as f5, '\\\\' as f6;
select 'a\tb', '\061\x41', 'x' 'y\n';
select 'a'
  'b\n' -- foo
  'c\\d', 'e';
select 'a\'b' || E'c\'d' || 'e''f';
select N'a\'b', nchar 'a\\b';
select U&'\0041';
select U&"d\0061t" from (select 1 as "dat") x;
select $$a\b$$, $x$a\'$x$;
select b'101', x'1f', 'plain';
select'\\x';
select 1 as a, 'b\\c' 'd';
select nosuch, 'a\\b';
select 'a\\b', nosuch;
select 'a\\b' 'c\\d' foo bar;
create table s(a text default 'd\\e', b bytea);
insert into s values ('x\\y', '\\x00ff'), (default, '\\000a'), ('tab\there', 'a\\\\b');
select * from s;
select a, length(a) from s where a = 'x\\y' or a like 'd\\\\%';
create view vs as select 'a\\b'::text as x, a from s where a <> 'q\\';
select * from vs order by a;
create function fs() returns text language sql as 'select \'it\\\\\'\'s\'::text';
prepare ps as select 'p\\q', $1::text;
execute ps('z\\w');
set standard_conforming_strings = on;
select * from vs order by a;
execute ps('z\\w');
select pg_get_viewdef('vs');
set backslash_quote = off;
select E'a\'b';
select E'a\\''b', 'a\''b';
select E'a\\\'b';
set backslash_quote = yes;
show backslash_quote;
set backslash_quote = 'safe_Encoding';
show backslash_quote;
set backslash_quote = maybe;
set standard_conforming_strings = maybe;
begin;
set local standard_conforming_strings = off;
select 'a\\b';
commit;
select 'a\\b';
begin;
set standard_conforming_strings = off;
select 'a\\b';
rollback;
select 'a\\b';
select set_config('standard_conforming_strings', 'off', false);
select 'a\\b';
select 'a\\b';
select 'a\\b' as x from generate_series(1,1) order by 'nosuch\\';
select bit_count('\x1234567890'::bytea);
select unistr('\0064at\+0000610');
select 'a\u0041\U00000042';
select '\ud83d\ude00', '\ud83d';
select '\xZZ\q';
select 'é\\ü', nosuch;
select '\000';
select '\377';
declare c cursor for select 'x\\y';
reset standard_conforming_strings;
select 'a\\b';
set escape_string_warning = off;
set standard_conforming_strings to false;
select 'a\\b'; select 'c\\d';
select 'a\\b' from s limit 'x\\';
select foo('\\a', bar) from s;
