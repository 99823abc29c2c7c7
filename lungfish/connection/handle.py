"""The public face of an open database: sessions, checkpoint, check, and the two ways to end, clean and crashed."""

from __future__ import annotations
