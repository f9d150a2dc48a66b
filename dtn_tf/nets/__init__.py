"""The three networks of the paper, f, g and D, and the judge of its tables."""
