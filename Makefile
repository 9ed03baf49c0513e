# Armillary: `make lab` and `make test` set everything up. Needs Python 3.11-3.13 and a POSIX shell; GNU Make 3.81 will do.
# Every path here is relative, so that a checkout may lie in a folder with a space in its name.

PY := .venv/bin/python
WORKERS := 2
PORT :=
SECONDS := 120
FIRST = $(shell date +%s)
MINUTES := 2
ARGS :=

.PHONY: help environment lab test lint format types imports notebooks gates matrix soak fuzz simulate reference lock wheel goldens-report clean

help:
	@echo "make lab [PORT=8888]     open JupyterLab on a working copy of the guided notebooks"
	@echo "make test [ARGS='-k x']  run every test that this machine can run; lists what was skipped and how to get it"
	@echo "make lint                ruff: rules and formatting (make format mends)"
	@echo "make types               mypy --strict and pyright"
	@echo "make imports             the direction of imports between the packages"
	@echo "make notebooks           execute the guided notebooks without a browser"
	@echo "make gates               the speed limits in benchmarks/gates"
	@echo "make matrix              everything that goes wrong around a real PostgreSQL server"
	@echo "make fuzz [SECONDS=120]  throw broken texts at the parsers and the compiler (FIRST=1: its first seed)"
	@echo "make soak [MINUTES=2]    hours in little: nothing drifts on a PostgreSQL server that works on and on"
	@echo "make simulate            ten thousand seeds of the simulation in memory, 300 on SQLite files: about four minutes"
	@echo "make reference           write the generated pages of docs/reference anew"
	@echo "make goldens-report      a page that shows each golden picture before and after"
	@echo "make wheel               build the wheel and the source archive into dist/"
	@echo "make lock                resolve requirements.lock anew"
	@echo "make clean               remove .venv, caches and what was built (never work/, your copies)"

environment:
	@sh scripts/environment.sh

lab: environment
	@$(PY) -m armillary.lab --directory work $(if $(PORT),--port "$(PORT)")

test: environment
	$(PY) -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

lint: environment
	$(PY) -m ruff check --output-format concise .
	$(PY) -m ruff format --check .

format: environment
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: environment
	$(PY) -m mypy
	PYRIGHT_PYTHON_GLOBAL_NODE=0 PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(PY) -m pyright

imports: environment
	$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

notebooks: environment
	$(PY) scripts/execute_notebooks.py

gates: environment
	$(PY) scripts/run_gates.py

matrix: environment
	$(PY) -m pytest -q tests/engine/backends/postgresql/hostile/matrix.py $(ARGS)

reference: environment
	rm -rf docs/reference/constructs
	$(PY) docs/reference/make.py

fuzz: environment
	$(PY) tests/fuzz/fuzz.py --seconds $(SECONDS) --first $(FIRST)

soak: environment
	$(PY) benchmarks/postgresql/soak.py --minutes $(MINUTES)

simulate: environment
	$(PY) benchmarks/simulate.py --processes $(WORKERS) $(ARGS)
	$(PY) benchmarks/simulate.py --processes $(WORKERS) --sqlite --seeds 300

goldens-report: environment
	$(PY) scripts/goldens_report.py

wheel: environment
	$(PY) -m build --no-isolation --outdir dist .

lock: environment
	sh scripts/lock.sh

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist test-results
