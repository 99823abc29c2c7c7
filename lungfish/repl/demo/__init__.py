"""`lungfish demo`: load, query, kill, recover, prove, in half a minute. Start at `demo.py`.

demo.py      the story: what is done and said
shop.py      the tables and their made-up rows
writer.py    the child process that is killed: transfers money, reports each acknowledged commit
victim.py    the parent's side of that process
proof.py     the queries that must come out right after every crash
"""
