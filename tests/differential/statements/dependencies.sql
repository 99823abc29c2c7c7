-- pg_depend, read by pg_describe_object.
CREATE TABLE ct (c1 int, c2 text, d int default 5, check (d > 0));
CREATE UNIQUE INDEX ct1 ON ct(c1);
CREATE INDEX ct2 ON ct(c2);
CREATE UNIQUE INDEX ct3 ON ct(abs(c1));
CREATE INDEX ct4 ON ct(c1, c1, c2);
CREATE INDEX ct5 ON ct(c1) where c2 > 'a';
ALTER TABLE ct ADD PRIMARY KEY USING INDEX ct1;
CREATE TABLE cx (c1 int REFERENCES ct, s serial, i int generated always as identity);
CREATE MATERIALIZED VIEW cm AS SELECT * FROM ct;
CREATE TABLE cp (c1 int, c2 int) PARTITION BY RANGE (c1);
CREATE TABLE cp_0 PARTITION OF cp FOR VALUES FROM (0) TO (10);
CREATE INDEX cpi on cp (c2);
CREATE TABLE ch () inherits (ct);
CREATE SEQUENCE sq owned by ct.c1;
SELECT pg_describe_object(classid, objid, objsubid) as obj, pg_describe_object(refclassid,refobjid,refobjsubid) as objref, deptype FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid in ('ct'::regclass, 'ct1'::regclass, 'ct2'::regclass, 'ct3'::regclass, 'ct4'::regclass, 'ct5'::regclass, 'cm'::regclass, 'cp'::regclass, 'cp_0'::regclass, 'cpi'::regclass, 'cp_0_c2_idx'::regclass, 'sq'::regclass, 'cx_s_seq'::regclass, 'cx_i_seq'::regclass, 'ch'::regclass) ORDER BY 1, 2;
SELECT pg_describe_object(classid, objid, objsubid) as obj, pg_describe_object(refclassid,refobjid,refobjsubid) as objref, deptype FROM pg_depend WHERE classid in ('pg_constraint'::regclass, 'pg_attrdef'::regclass) and refobjid in ('ct'::regclass, 'cx'::regclass, 'cp'::regclass) and refclassid = 'pg_class'::regclass and pg_describe_object(classid, objid, objsubid) not like '%not_null%' and pg_describe_object(classid, objid, objsubid) not like '%for column i of%' ORDER BY 1, 2;
select schemaname, sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, cache_size, last_value from pg_sequences where sequencename = 'sq';
select nextval('sq');
select sequencename, data_type, last_value from pg_sequences where sequencename in ('sq', 'cx_s_seq') order by 1
