"""Prefect flows over the steps of a run: when they run, in what order, and what people see of them.

Prefect schedules, retries, shows and alerts. It decides nothing about people, and it is never what guarantees a
single send: that is the journal's. It keeps no result; of a run that failed it keeps the error, even so, hence as
JSON and in words that name nobody.
"""
