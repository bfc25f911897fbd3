"""Gets data sets from where their makers keep them. The only room that downloads.

Imports ``data``, ``config`` and ``base``.
"""
