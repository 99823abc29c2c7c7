"""`python -m tests.history.mutations [--only TEXT]`: plants each fault of `mutation_list.py`; fails unless it is found."""

from __future__ import annotations

import sys

from tests.crash.mutations import main
from tests.history.mutation_list import MUTATIONS

if __name__ == "__main__":
    sys.exit(main(MUTATIONS, "python -m tests.history.mutations"))
