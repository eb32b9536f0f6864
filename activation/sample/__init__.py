"""Example data: the Complete Journey, with what it lacks synthesised."""
