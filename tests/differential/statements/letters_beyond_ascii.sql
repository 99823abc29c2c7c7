-- Letters, marks and signs beyond ASCII: their cases, the classes of regular expressions, where words end.
select lower('İx'), upper('ᾳ'), upper('ŉß'), casefold('İ'), casefold('ẞςſ'), casefold(U&'\1FD3\FB05'), initcap('²ab İİ हिन्दी كِتاب');
select 'İ' ilike 'i', 'i' ilike 'İ', 'i' ~* 'İ', 'İ' ~* 'i', 'ΑΣ' ilike 'ας', 'ΑΣ' ilike 'ασ', 'ΟΔΟΣ' ilike 'οδο_';
select regexp_matches('हिन्दी भाषा', '\w+', 'g'), 1;
select regexp_split_to_array('كِتاب جديد', '\W+'), regexp_count('ก็ น้ำ', '\y\w');
select c, c ~ '\w', c ~ '[[:alpha:]]', c ~ '[[:upper:]]', c ~ '[[:lower:]]', c ~ '[[:punct:]]', c ~ '[[:graph:]]', c ~ '[[:print:]]'
from unnest(array['€', '§', '«', '—', '×', 'Ⅷ', 'ⅷ', 'Ⓐ', 'ⓐ', 'ि', '²', '٣', U&'\2003', U&'\2028', U&'\0378', U&'\00A0', '©']) c order by c;
