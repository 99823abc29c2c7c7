-- Routines and their parameters in information_schema.
CREATE SCHEMA other;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE other.color AS ENUM ('red', 'green');
CREATE DOMAIN posint AS integer CHECK (VALUE > 0);
CREATE DOMAIN price AS numeric(10,2) CONSTRAINT price_nonneg CHECK (VALUE >= 0);
CREATE TABLE parent (
  id integer GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5 MAXVALUE 1000 CYCLE) PRIMARY KEY,
  code text NOT NULL CONSTRAINT parent_code_uq UNIQUE,
  a integer, b integer,
  "Odd Name" text CHECK ("Odd Name" <> ''),
  UNIQUE NULLS NOT DISTINCT (a, b),
  CONSTRAINT ab_check CHECK (a < b AND a > 0),
  CONSTRAINT notenf CHECK (a < 100) NOT ENFORCED,
  EXCLUDE USING btree (code WITH =)
);
CREATE TABLE other.t (k integer PRIMARY KEY, v text DEFAULT 'd', dropped integer, w mood NOT NULL, CONSTRAINT "Strange Check" CHECK (k > 0 OR v IS NULL));
ALTER TABLE other.t DROP COLUMN dropped;
ALTER TABLE other.t ADD COLUMN later integer DEFAULT 7;
CREATE SEQUENCE s1;
CREATE SEQUENCE other.s2 AS smallint INCREMENT BY -2 MINVALUE -100 MAXVALUE 50 START 20 CYCLE;
CREATE FUNCTION add(a integer, b integer DEFAULT 5) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT a + b';
CREATE FUNCTION noargs() RETURNS text LANGUAGE sql RETURN 'x';
CREATE FUNCTION outs(IN i integer, OUT o1 text, OUT o2 integer[]) LANGUAGE sql STABLE AS 'SELECT ''a'', ARRAY[i]';
CREATE FUNCTION tab(n integer) RETURNS TABLE (a integer, b text) LANGUAGE sql AS 'SELECT 1, ''b''';
CREATE FUNCTION setof_parent() RETURNS SETOF parent LANGUAGE sql AS 'SELECT * FROM parent';
CREATE FUNCTION vari(VARIADIC xs numeric[]) RETURNS numeric LANGUAGE sql AS 'SELECT xs[1]';
CREATE FUNCTION other.moods(m mood, c other.color[] DEFAULT ARRAY['red'::other.color]) RETURNS mood[] LANGUAGE sql SECURITY DEFINER AS 'SELECT ARRAY[m]';
CREATE FUNCTION poly(anyelement, anyarray) RETURNS anyelement LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION dom(p posint) RETURNS price LANGUAGE sql AS 'SELECT p::price';
CREATE FUNCTION std(i integer) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM parent WHERE a > i; SELECT max(k) + add(1, 2) + nextval('s1') FROM other.t; END;
CREATE PROCEDURE proc(IN a integer, INOUT b text) LANGUAGE sql AS 'SELECT ''z''';
CREATE FUNCTION is_good(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
SELECT specific_catalog = current_database() AS specific_catalog, specific_schema, regexp_replace(specific_name, '_\d+$', '') AS specific_name, routine_catalog = current_database() AS routine_catalog, routine_schema, routine_name, routine_type, module_catalog = current_database() AS module_catalog, module_schema, module_name, udt_catalog = current_database() AS udt_catalog, udt_schema, udt_name, data_type, character_maximum_length, character_octet_length, character_set_catalog = current_database() AS character_set_catalog, character_set_schema, character_set_name, collation_catalog = current_database() AS collation_catalog, collation_schema, collation_name, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision, interval_type, interval_precision, type_udt_catalog = current_database() AS type_udt_catalog, type_udt_schema, type_udt_name, scope_catalog = current_database() AS scope_catalog, scope_schema, scope_name, maximum_cardinality, dtd_identifier, routine_body, routine_definition, external_name, external_language, parameter_style, is_deterministic, sql_data_access, is_null_call, sql_path, schema_level_routine, max_dynamic_result_sets, is_user_defined_cast, is_implicitly_invocable, security_type, to_sql_specific_catalog = current_database() AS to_sql_specific_catalog, to_sql_specific_schema, to_sql_specific_name, as_locator, created, last_altered, new_savepoint_level, is_udt_dependent, result_cast_from_data_type, result_cast_as_locator, result_cast_char_max_length, result_cast_char_octet_length, result_cast_char_set_catalog = current_database() AS result_cast_char_set_catalog, result_cast_char_set_schema, result_cast_char_set_name, result_cast_collation_catalog = current_database() AS result_cast_collation_catalog, result_cast_collation_schema, result_cast_collation_name, result_cast_numeric_precision, result_cast_numeric_precision_radix, result_cast_numeric_scale, result_cast_datetime_precision, result_cast_interval_type, result_cast_interval_precision, result_cast_type_udt_catalog = current_database() AS result_cast_type_udt_catalog, result_cast_type_udt_schema, result_cast_type_udt_name, result_cast_scope_catalog = current_database() AS result_cast_scope_catalog, result_cast_scope_schema, result_cast_scope_name, result_cast_maximum_cardinality, result_cast_dtd_identifier
  FROM information_schema.routines WHERE specific_schema IN ('public', 'other');
SELECT specific_catalog = current_database() AS specific_catalog, specific_schema, regexp_replace(specific_name, '_\d+$', '') AS specific_name, ordinal_position, parameter_mode, is_result, as_locator, parameter_name, data_type, character_maximum_length, character_octet_length, character_set_catalog = current_database() AS character_set_catalog, character_set_schema, character_set_name, collation_catalog = current_database() AS collation_catalog, collation_schema, collation_name, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision, interval_type, interval_precision, udt_catalog = current_database() AS udt_catalog, udt_schema, udt_name, scope_catalog = current_database() AS scope_catalog, scope_schema, scope_name, maximum_cardinality, dtd_identifier, parameter_default
  FROM information_schema.parameters WHERE specific_schema IN ('public', 'other');
SELECT specific_catalog = current_database() AS specific_catalog, specific_schema, regexp_replace(specific_name, '_\d+$', '') AS specific_name, routine_catalog = current_database() AS routine_catalog, routine_schema, regexp_replace(routine_name, '_\d+$', '') AS routine_name
  FROM information_schema.routine_routine_usage WHERE specific_schema IN ('public', 'other');
SELECT specific_catalog = current_database() AS specific_catalog, specific_schema, regexp_replace(specific_name, '_\d+$', '') AS specific_name, routine_catalog = current_database() AS routine_catalog, routine_schema, routine_name, table_catalog = current_database() AS table_catalog, table_schema, table_name
  FROM information_schema.routine_table_usage WHERE specific_schema IN ('public', 'other');
SELECT grantor = current_user AS grantor, CASE grantee WHEN 'PUBLIC' THEN 'PUBLIC' WHEN current_user THEN 'owner' END AS grantee, specific_catalog = current_database() AS specific_catalog, specific_schema, regexp_replace(specific_name, '_\d+$', '') AS specific_name, routine_catalog = current_database() AS routine_catalog, routine_schema, routine_name, privilege_type, is_grantable
  FROM information_schema.routine_privileges WHERE specific_schema IN ('public', 'other');
SELECT grantor = current_user AS grantor, CASE grantee WHEN 'PUBLIC' THEN 'PUBLIC' WHEN current_user THEN 'owner' END AS grantee, specific_catalog = current_database() AS specific_catalog, specific_schema, regexp_replace(specific_name, '_\d+$', '') AS specific_name, routine_catalog = current_database() AS routine_catalog, routine_schema, routine_name, privilege_type, is_grantable
  FROM information_schema.role_routine_grants WHERE specific_schema IN ('public', 'other');
SELECT object_catalog = current_database() AS object_catalog, object_schema, regexp_replace(object_name, '_\d+$', '') AS object_name, object_type, collection_type_identifier, data_type, character_maximum_length, character_octet_length, character_set_catalog = current_database() AS character_set_catalog, character_set_schema, character_set_name, collation_catalog = current_database() AS collation_catalog, collation_schema, collation_name, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision, interval_type, interval_precision, udt_catalog = current_database() AS udt_catalog, udt_schema, udt_name, scope_catalog = current_database() AS scope_catalog, scope_schema, scope_name, maximum_cardinality, dtd_identifier
  FROM information_schema.element_types WHERE object_schema IN ('public', 'other') AND object_type = 'ROUTINE';
SELECT object_catalog = current_database() AS object_catalog, object_schema, regexp_replace(object_name, '_\d+$', '') AS object_name, object_type, dtd_identifier
  FROM information_schema.data_type_privileges WHERE object_schema IN ('public', 'other') AND object_type = 'ROUTINE';
