"""How f is got."""
