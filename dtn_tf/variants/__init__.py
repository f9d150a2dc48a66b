"""DTN with a method or a net replaced: rows of the tables, and what goes beyond the paper."""
