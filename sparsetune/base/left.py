"""The names of the files that a run leaves in its folder, and from there in MLflow."""

from __future__ import annotations

CONFIG = "config.yaml"
FINAL = "final_results.json"
HISTORY = "history.jsonl"
RESULTS = "results.csv"
UNITS = "results.units.json"
WEIGHTS = "weights.safetensors"
TICKET = "ticket.safetensors"
LAYERS = "layers.json"
TRACE = "trace.npz"
ERROR_FILE = "error.txt"  # the traceback of what ended its job
CURVES = "curves.png"
CONTROLLER = "controller.png"
DENSITIES = "density_by_layer.png"

TABLE = "results.json"  # of all results of a run that has several, as MLflow shows tables
ON_THE_WAY = "results"  # a folder with one for each of these but the last

ENDS = "ends"  # a folder beside a job's checkpoint: states that it still needs, by key
RECORD = "record.jsonl"  # beside a job's checkpoint: what its trainings have written down

FIGURES = (CURVES, CONTROLLER, DENSITIES)
LEFT = (CONFIG, FINAL, HISTORY, RESULTS, UNITS, TABLE, WEIGHTS, TICKET, LAYERS, TRACE, *FIGURES, ERROR_FILE)
