"""Muster operated on one host: a Prefect server, a work pool, workers, all deployments, and the site beside them.

`muster up` and `muster down` start this package in a process of its own. All it keeps is in ``prefect/`` of the home.
"""
