"""Pictures: the domains, where they come from, which train what, and the way into a batch."""
