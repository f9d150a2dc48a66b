"""Tests, one file per module; run them with pytest."""
