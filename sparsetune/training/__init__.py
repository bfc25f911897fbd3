"""The training core: needs torch, and nothing of Ray, Optuna or MLflow."""
