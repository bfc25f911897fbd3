"""Optuna's private parts of its storage: its tables, and transactions on them.

A file of its own, because it loads SQLAlchemy, which takes a second. No public call gives the same: one transaction a
trial, times as the database has them.
"""

from __future__ import annotations

from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session

STUDIES, TRIALS = models.StudyModel.__table__, models.TrialModel.__table__
PARAMS, VALUES = models.TrialParamModel.__table__, models.TrialValueModel.__table__
USER_ATTRIBUTES, SYSTEM_ATTRIBUTES = (
    models.TrialUserAttributeModel.__table__,
    models.TrialSystemAttributeModel.__table__,
)
STEPS = models.TrialIntermediateValueModel.__table__
value_row = models.TrialValueModel.value_to_stored_repr  # a number as two columns: SQL has no infinity
step_row = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr
NOT_FOUND = models.NOT_FOUND_MSG
transaction = _create_scoped_session  # of a storage's ``scoped_session``; what fails in it is a StorageInternalError
