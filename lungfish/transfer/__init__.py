"""Databases out of and into other forms: dumps as plain SQL, and files of other programs.

Start at `dump`, which writes SQL that PostgreSQL and Lungfish load, and at `load`, which reads it, data files and SQLite databases.
"""

from lungfish.transfer.data_files import FileOptions
from lungfish.transfer.dump import DumpOptions, DumpReport, dump
from lungfish.transfer.load import LoadOptions, load
from lungfish.transfer.report import BadValue, LoadReport

__all__ = [
    "BadValue",
    "DumpOptions",
    "DumpReport",
    "FileOptions",
    "LoadOptions",
    "LoadReport",
    "dump",
    "load",
]
