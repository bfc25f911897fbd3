"""Databases and servers that studies and runs are kept in: their addresses and schemas, without their libraries.

Imports what else is in ``base``.
"""
