"""A checker of isolation over long random histories: `python -m tests.history --level serializable --operations 200000`."""
