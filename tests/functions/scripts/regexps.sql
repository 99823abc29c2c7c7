-- Regular expressions: which match is taken, how long it is, and what its groups hold.
-- A part without groups is taken as a whole.
SELECT regexp_match('abcd', '(?:a|ab)(?:b|bc|)(c?)(d?)');
SELECT regexp_match('abcd', '(a|ab)(c|bcd)(d*)');
SELECT regexp_match('abcd', 'a*b?(b|bc)?(c|)(.*)');
SELECT regexp_match('xabcabcy', '(?:abc)*(.*?)(y)');
-- Mixed preferences: the first decides for the whole.
SELECT regexp_match('abcbc', 'a.*?(b.*)'), regexp_match('abcbc', 'a.*(b.*?)'), regexp_match('abcbc', '(?:a.*?){1,1}(b.*)');
SELECT regexp_match('XY1234Z', 'Y*([0-9]{1,3})'), regexp_match('XY1234Z', 'Y*?([0-9]{1,3})');
SELECT regexp_match('abc01234xyz', '(.*)(\d+)(.*)'), regexp_match('abc01234xyz', '(.*?)(\d+)(.*)'), regexp_match('abc01234xyz', '(?:(.*?)(\d+)(.*)){1,1}');
-- Rounds: the last one's groups.
SELECT regexp_match('abcab', '(?:(a)|b|(c))*'), regexp_match('aab', '((a)|(b))*'), regexp_match('aabb', '(a*|b)*'), regexp_match('', '(a*)*'), regexp_match('', '(a*)+'), regexp_match('b', '(a*)*b');
SELECT regexp_match('xyxyx', '(xyx|yx|xy)*'), regexp_match('xyxyx', '(?:(xyx)|(yx)|(xy))*'), regexp_match('aaa', '(a){0,2}(a*)'), regexp_match('aaaa', '(a|aa){2,3}?');
SELECT regexp_match('abab', '((a?)(b?))*'), regexp_match('ab', '(a??)*(b)'), regexp_match('aaa', '(a+?)*'), regexp_match('aaaa', '(a{1,2}?){2}'), regexp_match('aaaa', '(a{1,2}){2}');
-- Back references.
SELECT regexp_match('abab', '(a*)(b*)\1\2'), regexp_match('aXbaXb', '(.+)\1'), regexp_match('aa', '(a)\1*'), regexp_match('aaaa', '(a+)\1'), regexp_match('abba', '(a)(b)\2\1');
SELECT regexp_match('', '()(\1)*'), regexp_match('', '()(?:\1){2}'), regexp_match('ab', '(a){0}\1'), regexp_match('aAaA', '(a)\1', 'i'), regexp_match('abcabd', '^(.*)c?\1', 'n');
SELECT regexp_match('aabaab', '((a+)b)\1'), regexp_match('xaxa', '(x|(a))*\2'), regexp_match('aaabbb', '(a*)(?:b|\1)*'), regexp_match('abcxabc', '(abc|ab)x\1');
SELECT 'a' ~ '(a\1)';
SELECT 'a' ~ '(?=(a))\1';
SELECT 'a' ~ '\1(a)';
-- Look-arounds, which capture nothing, and may be of any length.
SELECT regexp_match('foobar', '(?=(foo))(foo)(?=bar)'), regexp_match('foobar', '(?<=fo*)bar'), regexp_match('abcabd', 'ab(?!c)(.)'), regexp_match('xab', '(?<!x)ab|b');
SELECT regexp_match('aab', '(?=(?=a)ab)'), regexp_match('aab', '(?:(?!ab).)(.*)'), regexp_replace('1234567', '(?<=\d)(?=(?:\d{3})+$)', ',', 'g');
SELECT regexp_match('a', '(?=a)*');
SELECT regexp_match('a', '(?:(?=a))*a'), regexp_match('a b', '(?:\y)+b'), regexp_match('ab', '(?:^)?b');
-- Places.
SELECT regexp_replace(E'a\nb', '^', '>', 'g'), regexp_replace(E'a\nb', '^', '>', 'gn'), regexp_replace(E'a\nb\n', '$', '<', 'gw'), regexp_replace('ab cd', '\m|\M', '|', 'g'), regexp_replace('ab cd', '\Y', '-', 'g');
-- Which of several.
SELECT regexp_instr('abcabc', 'b(c)', 1, 2), regexp_instr('abcabc', 'b(c)', 1, 2, 1), regexp_instr('abcabc', 'b(c)', 1, 2, 0, '', 1), regexp_instr('abc', 'b', 1, 1, 0, '', 1), regexp_instr('abc', 'b', 1, 1, 0, '', 2);
SELECT regexp_substr('abcabc', 'b(c|x)', 1, 2, '', 1), regexp_substr('abc', 'b', 1, 1, '', 1), regexp_substr('abc', 'b', 1, 1, '', 2), regexp_count('aaa', 'a*'), regexp_count('aaa', 'a*?'), regexp_count('banana', 'ana');
SELECT regexp_split_to_array('a,b,,c', ','), regexp_split_to_array('abc', ''), regexp_split_to_array('abc', 'b*'), regexp_split_to_array('', ''), regexp_split_to_array('aXbxc', 'x', 'i');
-- SIMILAR TO and SUBSTRING ... SIMILAR.
SELECT 'abc' SIMILAR TO 'a%', 'abc' SIMILAR TO '(a|b)(b|c)*', 'a.c' SIMILAR TO 'a.c', 'abc' SIMILAR TO 'a.c', 'ab' SIMILAR TO 'a[^b]', '' SIMILAR TO '%', 'aab' SIMILAR TO 'a{2}b';
SELECT substring('foobar' SIMILAR '%#"o_b#"%' ESCAPE '#'), substring('foobar' SIMILAR '#"%#"o_b%' ESCAPE '#'), substring('abcdefg' SIMILAR 'a#"(b_d)#"%' ESCAPE '#'), substring('foobar' SIMILAR 'x#"o#"%' ESCAPE '#');
-- LIKE.
SELECT 'abcd' LIKE '%b_d', 'abcd' LIKE 'a%_%d', 'ab' LIKE 'a%b%c', 'a\b' LIKE 'a\\b', 'a%' LIKE 'a\%', 'AbC' ILIKE '%B%', 'ÄÖ' ILIKE 'äö', 'abc' LIKE 'a#%' ESCAPE '#';
SELECT 'ab' LIKE 'a\';
SELECT 'b' LIKE 'a\';
SELECT 'xab' LIKE '%a\';
