"""MLflow: runs, their files and pages, and a store that may be away.

Imports ``config`` and ``base``; MLflow itself enters through few files (`make lint` names them).
"""
