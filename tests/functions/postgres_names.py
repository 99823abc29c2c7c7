"""The functions that PostgreSQL 18 offers to people, kept beside this file as `postgres_names.txt`.

python -m tests.functions.postgres_names    # asks a server again

Left out are those that stand behind operators, casts, types, indexes and aggregates, and those of types that Lungfish does not have
(geometry, networks, text search, XML, money).
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.differential.server import start_server
from tests.differential.sides import PostgresSide

PATH = Path(__file__).with_name("postgres_names.txt")
_QUERY = r"""
SELECT DISTINCT proname FROM pg_proc p
WHERE pronamespace = 'pg_catalog'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_operator WHERE oprcode = p.oid OR oprrest = p.oid OR oprjoin = p.oid)
  AND NOT EXISTS (SELECT FROM pg_cast WHERE castfunc = p.oid)
  AND NOT EXISTS (SELECT FROM pg_amproc WHERE amproc = p.oid)
  AND NOT EXISTS (SELECT FROM pg_type WHERE p.oid IN (typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze, typsubscript))
  AND NOT EXISTS (SELECT FROM pg_aggregate WHERE p.oid IN (aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn))
  AND NOT EXISTS (SELECT FROM pg_proc s WHERE s.prosupport = p.oid)
  AND pg_get_function_arguments(p.oid) || ' ' || prorettype::regtype::text
      !~ '\m(internal|cstring|point|box|path|polygon|circle|lseg|line|inet|cidr|macaddr8?|tsvector|tsquery|money|xml|aclitem|trigger|event_trigger|fdw_handler|index_am_handler|tsm_handler|language_handler|table_am_handler|regconfig|regdictionary|gtsvector|pg_ddl_command|refcursor|pg_snapshot|txid_snapshot|xid8?|cid|tid)\M'
  AND proname !~ '^(pg_(stat|ls_|read_|show_|wal|control|repl|log|create|drop|copy|sync|advisory|try|backup|replication|partition|blocking|safe|isolation|event|tablespace|database|relation|table|indexes|export|listening|notif|notify|nextoid|stop|promote|reload|rotate|cancel|terminate|current_wal|last_|switch|available|extension|config|hba|ident|mcv|ndistinct|dependencies|lock_status|prepared|cursor|timezone|filenode|collation|import|set_|get_wal|get_shmem|get_replication|get_publication|get_multixact|get_backend|get_catalog|get_aios|get_loaded|clear_|restore_|char_to|encoding|conf_|jit|my_temp|is_other|safe|is_wal|wal_|column_toast|column_compression|settings|sleep)|has_|lo_|lo(read|write)|binary_upgrade|row_security|hash|ts_|tsvector|.*_subdiff|.*_sortsupport|brin|gin|query_to|table_to|schema_to|cursor_to|database_to|xml|inet|numnode|suppress|unique_key|txid|bt|array_(larger|smaller)|satisfies|elem_contained|int[0-9]*(inc|dec).*|int2int4_sum|plpgsql|amvalidate|dexp|dlog1|dlog10|dround|dtrunc|nameconcatoid|numeric_.*|.*_canonical|textlen|postgresql_fdw_validator|timestamp|timestamptz|pg_lsn|oidvectortypes|similar_escape|fmgr|shobj|col_|obj_|mxid|gtsquery|index_|getpgusername|getdatabase|icu|unicode|.*_(accum|avg|sum|support|typanalyze|minmax|transfn|hash|in_range|image|sel|send|recv|cmp|eq|ne|lt|le|gt|ge)$)'
ORDER BY 1
"""


def read_names() -> list[str]:
    return PATH.read_text(encoding="utf-8").split()


def main() -> int:
    with start_server() as uri:
        side = PostgresSide(uri)
        answer = side.run(_QUERY)
        side.close()
    if answer.sqlstate is not None:
        print(answer.summary())
        return 1
    PATH.write_text("\n".join(str(row[0]) for row in answer.rows) + "\n", encoding="utf-8")
    print(f"{len(answer.rows)} names written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
