"""What the commands print. Results go to stdout; tables where people read, JSON or YAML where programs do.

Imports every room below it; decides nothing.
"""
