"""Fixtures of the end-to-end tests; what they are made of is in ``batch_home``."""

from batch_home import copy_project, first_batch, make_home

__all__ = ["copy_project", "first_batch", "make_home"]
