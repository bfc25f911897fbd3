# The cells of docs/python.md; VS Code, PyCharm and Jupytext open this file as a notebook. Run it in the project's root.

# %%
from pathlib import Path

import optuna
from optuna.importance import FanovaImportanceEvaluator

import sparsetune

shorter = {"study": "first look", "training.epochs": 5}
result = sparsetune.run("studies/ast_pi.yaml", set=shorter, trials=8, in_process=True)
result

# %%
result.front[["metrics.val_accuracy", "metrics.compute_saved"]]

# %%
trials = result.trials
off_target = (trials["metrics.activation_rate"] - trials["params.method.target_activation"]).abs()
trials.assign(off_target=off_target).nsmallest(2, "off_target")[["params.method.kp", "off_target"]]

# %%
evaluator = FanovaImportanceEvaluator(seed=0)
shares = optuna.importance.get_param_importances(
    result.study, evaluator=evaluator, target=lambda trial: trial.values[0]
)
{name: round(float(share), 2) for name, share in shares.items()}

# %%
number = int(result.front.index[0])
Path("best.yaml").write_text(result.yaml(number))
result.config(number)["training"]

# %%
goal = {"study": "one goal", "objectives": [{"metric": "val_loss", "goal": "minimize"}]}
best = sparsetune.run("studies/ast_pi.yaml", set=goal, trials=4, in_process=True, progress=False).best
best.number, best.params["method.kp"], best.metrics["val_loss"]

# %%
sparsetune.load("first look").counts

# %%
try:
    sparsetune.run("studies/ast_pi.yaml", set={"method.kpp": 0.1})
except sparsetune.BadInput as error:
    print(error)
