"""What exists: tables, columns, indexes, constraints, views, sequences, types, system views.

Start at `Catalog`, the immutable map of names to objects; `objects.py` has the objects, `store.py` keeps them in the
catalog's own heap, so that DDL is as transactional as any other change.
"""

from lungfish.catalog.catalog import PG_TEMP_OID, Catalog, Relation
from lungfish.catalog.codec import decode_object, encode_object

__all__ = ["PG_TEMP_OID", "Catalog", "Relation", "decode_object", "encode_object"]
