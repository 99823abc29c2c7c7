"""Random numbers, names and texts as clauses 2.1.6 and 4.3.2 have them, from one seeded source."""

from __future__ import annotations

import random

_SYLLABLES = ("BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
# The constants C of NURand (2.1.6); any within the range will do for one run.
_C = {255: 123, 1023: 259, 8191: 7911}


def last_name(number: int) -> str:
    """The last name of three syllables (4.3.2.3)."""
    return "".join(_SYLLABLES[number // place % 10] for place in (100, 10, 1))


class Numbers(random.Random):
    """One terminal's source."""

    def nurand(self, a: int, low: int, high: int) -> int:
        """A non-uniform number from `low` to `high` (2.1.6)."""
        mixed = self.randint(0, a) | self.randint(low, high)
        return (mixed + _C[a]) % (high - low + 1) + low

    def text(self, low: int, high: int) -> str:
        """A random text of `low` to `high` characters."""
        return "".join(self.choices(_LETTERS, k=self.randint(low, high)))

    def digits(self, count: int) -> str:
        """A text of that many digits."""
        return "".join(self.choices("0123456789", k=count))

    def data(self) -> str:
        """I_DATA or S_DATA: one in ten holds ORIGINAL (4.3.3.1)."""
        text = self.text(26, 50)
        if self.randrange(10):
            return text
        place = self.randint(0, len(text) - 8)
        return f"{text[:place]}ORIGINAL{text[place + 8 :]}"
