"""The catalogs of what Lungfish has none of: conversions, text search, foreign data, publications, triggers, policies.

They are there, with PostgreSQL's columns and no rows, because tools ask for them.
"""

from __future__ import annotations

from lungfish.catalog.objects import SystemView
from lungfish.executor.system_views.definition import catalog_of

ABSENT_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        2607,
        "pg_conversion",
        "oid oid, conname name, connamespace oid, conowner oid, conforencoding int4, contoencoding int4,"
        " conproc regproc, condefault bool",
    ),
    catalog_of(3602, "pg_ts_config", "oid oid, cfgname name, cfgnamespace oid, cfgowner oid, cfgparser oid"),
    catalog_of(3603, "pg_ts_config_map", "mapcfg oid, maptokentype int4, mapseqno int4, mapdict oid"),
    catalog_of(
        3600,
        "pg_ts_dict",
        "oid oid, dictname name, dictnamespace oid, dictowner oid, dicttemplate oid, dictinitoption text",
    ),
    catalog_of(
        3601,
        "pg_ts_parser",
        "oid oid, prsname name, prsnamespace oid, prsstart regproc, prstoken regproc, prsend regproc,"
        " prsheadline regproc, prslextype regproc",
    ),
    catalog_of(
        3764,
        "pg_ts_template",
        "oid oid, tmplname name, tmplnamespace oid, tmplinit regproc, tmpllexize regproc",
    ),
    catalog_of(3576, "pg_transform", "oid oid, trftype oid, trflang oid, trffromsql regproc, trftosql regproc"),
    catalog_of(
        3466,
        "pg_event_trigger",
        "oid oid, evtname name, evtevent name, evtowner oid, evtfoid oid, evtenabled char, evttags text[]",
    ),
    catalog_of(
        2328,
        "pg_foreign_data_wrapper",
        "oid oid, fdwname name, fdwowner oid, fdwhandler oid, fdwvalidator oid, fdwacl acl, fdwoptions text[]",
    ),
    catalog_of(1418, "pg_user_mapping", "oid oid, umuser oid, umserver oid, umoptions text[]"),
    catalog_of(2995, "pg_largeobject_metadata", "oid oid, lomowner oid, lomacl acl"),
    catalog_of(3596, "pg_seclabel", "objoid oid, classoid oid, objsubid int4, provider text, label text"),
    catalog_of(3592, "pg_shseclabel", "objoid oid, classoid oid, provider text, label text"),
    catalog_of(3394, "pg_init_privs", "objoid oid, classoid oid, objsubid int4, privtype char, initprivs acl"),
    catalog_of(2964, "pg_db_role_setting", "setdatabase oid, setrole oid, setconfig text[]"),
    catalog_of(6102, "pg_subscription_rel", "srsubid oid, srrelid oid, srsubstate char, srsublsn pg_lsn"),
    catalog_of(
        6100,
        "pg_subscription",
        "oid oid, subdbid oid, subskiplsn pg_lsn, subname name, subowner oid, subenabled bool, subbinary bool,"
        " substream char, subtwophasestate char, subdisableonerr bool, subpasswordrequired bool, subrunasowner bool,"
        " subfailover bool, subconninfo text, subslotname name, subsynccommit text, subpublications text[],"
        " suborigin text",
    ),
    catalog_of(
        12113,
        "pg_user_mappings",
        "umid oid, srvid oid, srvname name, umuser oid, usename name, umoptions text[]",
    ),
    catalog_of(6243, "pg_parameter_acl", "oid oid, parname text, paracl acl"),
    catalog_of(
        2620,
        "pg_trigger",
        "oid oid, tgrelid oid, tgparentid oid, tgname name, tgfoid oid, tgtype int2, tgenabled char,"
        " tgisinternal bool, tgconstrrelid oid, tgconstrindid oid, tgconstraint oid, tgdeferrable bool,"
        " tginitdeferred bool, tgnargs int2, tgattr int2vector, tgargs bytea, tgqual tree, tgoldtable name, tgnewtable name",
    ),
    catalog_of(
        3256,
        "pg_policy",
        "oid oid, polname name, polrelid oid, polcmd char, polpermissive bool, polroles oid[], polqual tree,"
        " polwithcheck tree",
    ),
    catalog_of(
        6104,
        "pg_publication",
        "oid oid, pubname name, pubowner oid, puballtables bool, pubinsert bool, pubupdate bool, pubdelete bool,"
        " pubtruncate bool, pubviaroot bool, pubgencols char",
    ),
    catalog_of(
        6106,
        "pg_publication_rel",
        "oid oid, prpubid oid, prrelid oid, prqual tree, prattrs int2vector",
    ),
    catalog_of(6237, "pg_publication_namespace", "oid oid, pnpubid oid, pnnspid oid"),
    catalog_of(3118, "pg_foreign_table", "ftrelid oid, ftserver oid, ftoptions text[]"),
    catalog_of(
        1417,
        "pg_foreign_server",
        "oid oid, srvname name, srvowner oid, srvfdw oid, srvtype text, srvversion text, srvacl acl,"
        " srvoptions text[]",
    ),
    catalog_of(
        3079,
        "pg_extension",
        "oid oid, extname name, extowner oid, extnamespace oid, extrelocatable bool, extversion text,"
        " extconfig oid[], extcondition text[]",
    ),
    catalog_of(
        12107,
        "pg_policies",
        "schemaname name, tablename name, policyname name, permissive text, roles name[], cmd text, qual text,"
        " with_check text",
    ),
    catalog_of(
        12108,
        "pg_seclabels",
        "objoid oid, classoid oid, objsubid int4, objtype text, objnamespace oid, objname text, provider text,"
        " label text",
    ),
    catalog_of(
        12109,
        "pg_available_extensions",
        "name name, default_version text, installed_version text, comment text",
    ),
)  # fmt: skip
