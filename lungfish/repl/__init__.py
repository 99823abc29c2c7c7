r"""The command line: prompt, script runner, demo, check. A client of the public API like any other.

Start at `main.py`. The way of a line:

    prompt.py or batch.py  ->  interpreter.py  ->  Connection.execute  ->  output.py
                                    |
                               commands.py (\d, \timing, ...)

`target.py` holds the open database, `wiring.py` joins the parts, `demo/` is `lungfish demo`.
"""
