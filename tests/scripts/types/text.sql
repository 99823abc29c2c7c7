-- Text: lengths, padding, cutting, searching.
CREATE TABLE s (c char(4), v varchar(4), t text);
INSERT INTO s VALUES ('ab', 'ab', 'ab'), ('abcd', 'abcd', repeat('x', 5000)), ('äöü', 'äöü', 'äöü');
SELECT c, v, length(c), length(v), length(t), octet_length(v) FROM s ORDER BY v COLLATE "C";
--| ab\s\s | ab   | 2 | 2 | 2    | 2
--| abcd   | abcd | 4 | 4 | 5000 | 4
--| äöü\s  | äöü  | 3 | 3 | 3    | 6
--@ expect error 22001
INSERT INTO s (v) VALUES ('abcde');
INSERT INTO s (v) VALUES ('abcd   ');
SELECT v || '|' FROM s WHERE v LIKE 'abcd%' ORDER BY 1;
--| abcd\|
--| abcd\|
SELECT 'ab'::char(4) = 'ab  '::char(4), 'ab' = 'ab  ';
--| t | f
SELECT upper('straße'), lower('ÄÖ'), initcap('hello wORLD');
--| STRAßE | äö | Hello World
SELECT substring('lungfish' FROM 5), substring('lungfish' FROM 2 FOR 3), left('lungfish', 4), right('lungfish', -4);
--| fish | ung | lung | fish
SELECT position('fish' IN 'lungfish'), strpos('lungfish', 'x'), replace('aaa', 'a', 'bc'), translate('12345', '143', 'ax');
--| 5 | 0 | bcbcbc | a2x5
SELECT trim('  x '), ltrim('xxyx', 'x'), rtrim('xyxx', 'x'), btrim('xyx', 'x'), lpad('7', 3, '0'), rpad('ab', 5, 'xy');
--| x | yx | xy | y | 007 | abxyx
SELECT split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), string_to_array('a,b,,c', ','), reverse('abc');
--| b | c | {a,b,"",c} | cba
SELECT 'abc' LIKE 'a_c', 'abc' LIKE 'A%', 'abc' ILIKE 'A%', 'a%c' LIKE 'a\%c', 'abc' SIMILAR TO '(a|b)%';
--| t | f | t | t | t
SELECT 'foobar' ~ '^fo+', 'foobar' ~* 'BAR', 'foobar' !~ 'x', regexp_replace('foobar', 'o+', '0'), regexp_match('foobar', '(o+)(b)');
--| t | t | t | f0bar | {oo,b}
SELECT concat('a', NULL, 1, true), concat_ws('-', 'a', NULL, 'b'), 'a' || NULL;
--| a1t | a-b | NULL
SELECT format('%s is %I and %L', 'x', 'a b', 'it''s'), quote_literal('it''s'), quote_ident('A b'), quote_nullable(NULL);
--| x is "a b" and 'it''s' | 'it''s' | "A b" | \NULL
SELECT ascii('a'), chr(228), md5('lungfish'), encode('\x01ff'::bytea, 'hex'), to_hex(255);
--| 97 | ä | 7bd892548cea0a067e1c1a6fb5ee35b3 | 01ff | ff
SELECT E'tab\there', 'quote''d', U&'\00e4', $$dollar $ sign$$;
--| tab\there | quote'd | ä | dollar $ sign
SELECT string_agg(v, ', ' ORDER BY v DESC) FROM s;
--| äöü, abcd, abcd, ab
