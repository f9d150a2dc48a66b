"""Command-line flags, and the one function that turns them into a config."""
