"""Where jobs run. Also what a worker imports first, on whatever machine: Ray's own modules already want a home.

Imports ``base``; Ray through ``ray_*.py``, and what is to be done comes as a job.
"""

from sparsetune.base.surroundings.home import settle

settle()
