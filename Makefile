# make study   install, then tune AST's PI gains on scikit-learn's digits
# make test    install with the test tools, then run the default test suite
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

# what every URL, shell and pattern has to quote
ELSEWHERE := 50% \#1 {a}?

# else each process that a test starts would compile the package anew
export PYTHONDONTWRITEBYTECODE :=

.PHONY: study test test-slow test-elsewhere lint wordings bench clean

study: $(VENV)/.installed
	$(BIN)/sparsetune study studies/ast_pi.yaml

test: $(VENV)/.installed-test
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# real data, faults at seeded moments, clusters, browsers; SPARSETUNE_DATA names a folder with MNIST/raw
test-slow: $(VENV)/.installed-test
	$(BIN)/pytest -m slow

# the default suite on what is committed, in a new environment: in another zone, without a home, for nobody else's eyes
test-elsewhere:
	folder=$$(mktemp -d) && git clone --quiet . "$$folder/$(ELSEWHERE)" && cd "$$folder/$(ELSEWHERE)" && \
		umask 077 && env -u HOME TZ=Asia/Tokyo $(MAKE) test && rm -rf "$$folder"

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# what errors of input say, after a change that was meant
wordings: $(VENV)/.installed-test
	$(BIN)/python tests/test_wordings.py

# about 45 minutes; the last two want SPARSETUNE_DATA; benchmarks/data.py wants an archive, benchmarks/gpu.py a GPU,
# benchmarks/mlflow_page.py Chromium and the test tools
bench: $(VENV)/.installed
	$(BIN)/python benchmarks/house.py
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/harness_overhead.py
	$(BIN)/python benchmarks/harness_profile.py
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/early_stopping.py
	$(BIN)/python benchmarks/ast_controller.py
	$(BIN)/python benchmarks/ast_accuracy.py
	$(BIN)/python benchmarks/ast_step.py
	$(BIN)/python benchmarks/lottery_level.py
	$(BIN)/python benchmarks/slt.py
	$(BIN)/python benchmarks/training_core.py

clean:
	rm -rf $(VENV) build dist *.egg-info

define install
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "SparseTune needs Python 3.11 or later; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV): a few minutes, 6.5 GB"
	$(PIP) --editable $(1)
	touch $(VENV)/.installed $@
endef

$(VENV)/.installed: pyproject.toml constraints.txt
	$(call install,.)

$(VENV)/.installed-test: pyproject.toml constraints.txt
	$(call install,'.[test]')
