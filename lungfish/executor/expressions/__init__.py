"""Bound expressions made into evaluators, over batches and over single rows.

One file a family of expressions; each has a vector maker and a row maker for each kind, and `makers.py` lists them all.
"""
