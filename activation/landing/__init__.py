"""Inputs: from an extract in the inbox to checked, typed Parquet that is never changed."""
