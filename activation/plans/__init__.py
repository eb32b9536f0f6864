"""What a plan tells beside its waterfall: who enters and leaves, what it looks like, whom to check, what it takes.

Everything here reads exported or frozen Parquet and decides nothing. No address and no name leaves this package
unmasked.
"""
