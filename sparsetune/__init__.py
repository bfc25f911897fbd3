"""SparseTune: which setting of my sparsity method should I use, and what does it cost me?

In a notebook or a script: :func:`run` a study file, or :func:`load` what a study has found; both give a
:class:`StudyResult`. Heavy libraries load with the first call.
"""

import sys

from sparsetune.app.api import StudyResult, load, run
from sparsetune.base.disk import CannotWrite
from sparsetune.base.errors import BadInput
from sparsetune.base.former_names import FormerNames
from sparsetune.base.messages import Trial

sys.meta_path.insert(0, FormerNames())

__version__ = "0.1.0"

__all__ = ["BadInput", "CannotWrite", "StudyResult", "Trial", "__version__", "load", "run"]
