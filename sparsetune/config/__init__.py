"""What may be written: a trial's config here, what may vary in ``space/``, a whole study in ``study/``.

Each of these three may import those before it; all of them ``base``, and neither torch nor Optuna.
"""
