"""SparseTune: which setting of my sparsity method should I use, and what does it cost me?

In a notebook or a script: :func:`run` a study file, or :func:`load` what a study has found; both give a
:class:`StudyResult`. Heavy libraries load with the first call.
"""

from sparsetune.api import StudyResult, load, run
from sparsetune.config.disk import CannotWrite
from sparsetune.config.errors import BadInput
from sparsetune.config.messages import Trial

__version__ = "0.1.0"

__all__ = ["BadInput", "CannotWrite", "StudyResult", "Trial", "__version__", "load", "run"]
