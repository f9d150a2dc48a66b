"""A page to try a trained DTN on: served on this machine, or as files that need no Python."""
