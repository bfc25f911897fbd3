"""What the commands print. Results go to stdout; tables where people read, JSON or YAML where programs do.

Imports ``app`` and all below it; decides nothing.
"""
