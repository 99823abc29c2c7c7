"""PostgreSQL's isolation tester's specs, run on Lungfish: `python -m tests.isolation FOLDER [SPEC...]`."""
