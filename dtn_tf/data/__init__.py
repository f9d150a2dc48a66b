"""Where digits come from: the domains, their sources, and the way into a batch."""
