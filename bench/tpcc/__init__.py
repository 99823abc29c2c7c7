"""TPC-C's five transactions over a scaled-down database, written from the specification (TPC-C, revision 5.11).

    schema.py        the tables and what they hold at first (clauses 1.3 and 4.3)
    numbers.py       random numbers, names and texts as the specification has them (2.1.6, 4.3.2)
    transactions.py  New-Order, Payment, Order-Status, Delivery, Stock-Level (2.4 to 2.8) and their mix (5.2.3)
    checks.py        the consistency conditions (3.3.2)

Where it departs from the specification: sizes are free (`Scale`); amounts are whole cents and rates ten-thousandths, in integers, so
that the three systems compute alike; there are no terminals, no think times and no deferred queue, so its figures are not TPC-C's.

    python -m bench.tpcc.run FOLDER --threads 8 --seconds 20       # loads if FOLDER is empty, runs the mix, checks the conditions
"""
