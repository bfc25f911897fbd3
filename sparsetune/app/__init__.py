"""The story of a study on one page (``study.py``), single runs, and all that joins rooms (``parts.py``).

Imports ``drive`` and every room below it; here alone rooms that do not know one another meet.
"""
