-- json and jsonb.
CREATE TABLE j (id int PRIMARY KEY, doc jsonb);
INSERT INTO j VALUES (1, '{"name": "Ann", "tags": ["a", "b"], "n": {"x": 1.50}}'), (2, '[1, 2, {"k": null}]'), (3, 'null'), (4, NULL);
SELECT * FROM j ORDER BY id;
--| 1 | {"n": {"x": 1.50}, "name": "Ann", "tags": ["a", "b"]}
--| 2 | [1, 2, {"k": null}]
--| 3 | null
--| 4 | NULL
SELECT doc -> 'name', doc ->> 'name', doc -> 'tags' -> 0, doc #> '{n,x}', doc #>> '{n,x}' FROM j WHERE id = 1;
--| "Ann" | Ann | "a" | 1.50 | 1.50
SELECT doc -> 2 -> 'k', doc ->> -1 FROM j WHERE id = 2;
--| null | {"k": null}
SELECT id FROM j WHERE doc @> '{"name": "Ann"}';
--| 1
SELECT '{"a": 1, "b": 2, "a": 3}'::jsonb, '{"a": 1, "a": 2}'::json;
--| {"a": 3, "b": 2} | {"a": 1, "a": 2}
--@ expect error 22P02
SELECT '{"a": }'::jsonb;
SELECT jsonb_set('{"a": 1}', '{b}', '2'), '{"a": 1, "b": 2}'::jsonb - 'a', '{"a": 1}'::jsonb || '{"b": 2}';
--| {"a": 1, "b": 2} | {"b": 2} | {"a": 1, "b": 2}
SELECT key, value FROM jsonb_each('{"b": 1, "a": "x"}') ORDER BY key;
--| a | "x"
--| b | 1
SELECT value FROM jsonb_array_elements('[3, "x", null]');
--| 3
--| "x"
--| null
SELECT jsonb_typeof('1'), jsonb_typeof('"x"'), jsonb_typeof('null'), jsonb_typeof('[]'), jsonb_array_length('[1, 2]');
--| number | string | null | array | 2
SELECT jsonb_build_object('a', 1, 'b', ARRAY[1, 2]), json_build_array(1, 'x', NULL), to_jsonb(row(1, 'x'));
--| {"a": 1, "b": [1, 2]} | [1, "x", null] | {"f1": 1, "f2": "x"}
SELECT jsonb_agg(id ORDER BY id), jsonb_object_agg(id, doc ->> 'name' ORDER BY id) FROM j WHERE id < 3;
--| [1, 2] | {"1": "Ann", "2": null}
SELECT '{"a": 1}'::jsonb = '{"a":1.0}'::jsonb, '{"a": 1}'::jsonb < '{"a": 2}'::jsonb;
--| t | t
SELECT jsonb_pretty('{"a": [1, 2]}');
--| {\n    "a": [\n        1,\n        2\n    ]\n}
SELECT jsonb_path_query('{"a": [1, 2, 3]}', '$.a[*] ? (@ > 1)');
--| 2
--| 3
SELECT jsonb_strip_nulls('{"a": null, "b": 1}'), jsonb_insert('[1, 2]', '{1}', '9');
--| {"b": 1} | [1, 9, 2]
UPDATE j SET doc = doc || '{"age": 7}' WHERE id = 1 RETURNING doc -> 'age';
--| 7
