"""What may vary: a flat map from a dotted name in the trial config to a range, a choice, a factor or a value.

``files.py`` reads it, ``branches.py`` several methods with a space for each, ``order.py`` puts everything behind what
it asks for, ``points.py`` draws in that order: for a study, with Optuna's suggestions, for a check, with the ends of
each range. ``cells.py`` says what factors divide a study into.
"""

from sparsetune.config.space.branches import joined, load_choice, raw_bases
from sparsetune.config.space.cells import cells, within
from sparsetune.config.space.files import load_space
from sparsetune.config.space.points import Chooser, corners, draw, flat_base
from sparsetune.config.space.space import Space

__all__ = [
    "Chooser",
    "Space",
    "cells",
    "corners",
    "draw",
    "flat_base",
    "joined",
    "load_choice",
    "load_space",
    "raw_bases",
    "within",
]
