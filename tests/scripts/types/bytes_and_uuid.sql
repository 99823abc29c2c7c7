-- bytea, uuid and bit strings.
CREATE TABLE x (id uuid PRIMARY KEY, b bytea);
INSERT INTO x VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\xdeadbeef'), ('A0EEBC999C0B4EF8BB6D6BB9BD380A12', 'abc\000'), ('{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13}', '');
SELECT id, b, length(b) FROM x ORDER BY id;
--| a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 | \\xdeadbeef | 4
--| a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12 | \\x61626300 | 4
--| a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13 | \\x         | 0
--@ expect error 22P02
SELECT 'nonsense'::uuid;
--@ expect error 22023
SELECT '\xabc'::bytea;
SELECT b || '\xff', substring(b FROM 1 FOR 2), encode(b, 'base64') FROM x WHERE length(b) = 4 ORDER BY id;
--| \\xdeadbeefff | \\xdead | 3q2+7w==
--| \\x61626300ff | \\x6162 | YWJjAA==
SELECT decode('aGk=', 'base64'), convert_from('\x6869', 'UTF8'), convert_to('hi', 'UTF8'), get_byte('\x0102', 1);
--| \\x6869 | hi | \\x6869 | 2
SELECT '\x01'::bytea < '\x0100'::bytea, sha256('abc');
--| t | \\xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
SELECT length(gen_random_uuid()::text);
--| 36
SELECT b'101'::bit(3), '101'::bit varying, B'1010' & B'0110', length(B'1010');
--| 101 | 101 | 0010 | 4
