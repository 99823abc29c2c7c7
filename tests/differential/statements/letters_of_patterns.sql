-- The letters of regular expressions' flags and of (?...), and what POSIX's basic and extended expressions make of marks.
select regexp_match('abc', 'a(b)', 'e'), regexp_match('a(b)', 'a(b)', 'e'), regexp_match('ab', 'a\(b\)', 'e');
select regexp_match('ab', '(?e)a(b)'), regexp_match('a.c', '(?e)a\.c'), regexp_match('abc', '(?e)a\.c');
select regexp_match('w', '(?e)\w'), regexp_match('d', '(?e)[\d]'), regexp_match('\', '(?e)[\d]'), regexp_match('^a', '(?e)\^a');
select regexp_match('a', '(?e)a*?');
select regexp_match('a', '(?e)(?:a)');
select regexp_match('a', '(?e)a{1,2}?');
select regexp_match('a', '(?e)a**');
select regexp_match('ab', '(?b)a\(b\)'), regexp_match('*a', '(?b)*a'), regexp_match('a(b)', '(?b)a(b)');
select regexp_match('abc', '(?q)a.c'), regexp_match('a.c', '(?q)a.c'), regexp_match('(a', '(?q)(a'), regexp_match('abc', '(?qe)a.c');
select regexp_match('AB', '(?ei)a(b)'), regexp_match('ab', '(?be)a(b)'), regexp_match('ab', '(?eb)a\(b\)'), regexp_match('a b', '(?xq)a b');
select regexp_match('ab', 'a(b)', 'eq'), regexp_match('ab', 'a(b)', 'qe'), regexp_match('a(b)', 'a(b)', 'bq');
select regexp_match('a.c', '***=a.c', 'b'), regexp_match('ab', '***:a(b)', 'e'), regexp_match('ab', '***:(?e)a(b)');
select regexp_match('a', '***a');
select regexp_match('a', '***?a');
select regexp_match('a', '(?z)a');
select regexp_match('a', '(?E)a');
select regexp_match('a', 'a', 'E');
select regexp_replace('a(b)', 'a(b)', '<\&>', 'e'), regexp_count('ab ab', '(?e)a(b)', 1), regexp_count('a.c abc', 'a.c', 1, 'q');
