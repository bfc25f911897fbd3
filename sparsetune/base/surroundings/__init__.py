"""What a process finds around it and cannot choose: a home, a temporary folder, processors, a cluster's address.

Containers and batch systems often give one that cannot serve. What can be replaced is, with one remark.
"""
