-- The collation that a domain was declared with.
CREATE DOMAIN dc AS varchar(5) COLLATE "C" CHECK (value <> '');
CREATE DOMAIN dn AS text;
CREATE DOMAIN di AS int[];
CREATE DOMAIN dca AS text[] COLLATE "C";
SELECT domain_name, collation_schema, collation_name FROM information_schema.domains WHERE domain_schema = 'public' ORDER BY 1;
SELECT object_name, collation_name, data_type FROM information_schema.element_types WHERE object_schema = 'public' ORDER BY 1;
CREATE TABLE t (a dc, b dn, c text COLLATE "C", d dca);
SELECT column_name, collation_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1;
SELECT attname, attcollation FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY 1;
SELECT typname, typcollation FROM pg_type WHERE typname IN ('dc', 'dn', 'di', 'dca') ORDER BY 1;
