"""Where jobs run. Also what a worker imports first, on whatever machine: Ray's own modules already want a home."""

from sparsetune.base.surroundings.home import settle

settle()
