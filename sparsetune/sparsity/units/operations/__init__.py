"""What operations do to units: each file has those of a kind by their names in torch; ``call.py`` has all others."""
