"""The DTN's peers: other unpaired translations, trained and scored by the same commands."""
