"""How numbers, durations and columns look wherever they are printed. Knows nothing of studies.

Imports nothing but rich.
"""
