"""What is known of a page's changes, in either form."""

from __future__ import annotations

import lungfish


def test_a_leaf_that_gets_entries_at_its_end_is_known_to_be_changed_as_late_as_they_were() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        insert = "INSERT INTO t VALUES (?, ?)"
        for start in (0, 100, 200):
            connection.executemany(insert, [(number, 1) for number in range(start, start + 50)])
        before = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchval()
        connection.executemany(insert, [(number, 1) for number in range(300, 350)])
        late = connection.execute(
            "SELECT count(*) FROM lungfish.dirty_page_list('t_pkey') WHERE newest_lsn >= ?::pg_lsn",
            (before,),
        ).fetchval()
        assert late == 1
