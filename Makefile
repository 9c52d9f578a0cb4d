# Everything starts here; `make` alone lists what there is.
#
# Each target makes the virtual environment first, if .venv is absent or older than the
# requirements. On Linux without a GPU, PyTorch's CPU build saves gigabytes of download:
#
#     PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make book

PYTHON ?= python3
JOBS ?= 2
PORT ?= 8000

VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
LAB := $(VENV)/.lab
PAGES := $(addprefix tests/book/test_,$(addsuffix .py,pages browser architecture_page exercise_tables folded results meanings finder ledger slides frame hosted course_map live_pages hand))
STAGES := lint unit notebooks-proof book-proof pages

# Small networks run many times faster on one thread each than on two that fight for a core.
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: help book lab pdf slides dist links shape test test-lab test-machines notebooks studies check lint format docs-serve clean $(addprefix test-,$(STAGES))

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(READY)  ## build the book and say where it is
	$(VENV)/bin/jupyter-book build . --all -n -W --keep-going --quiet
	@echo
	@echo "The book is ready. Open it in a browser:"
	@echo "  file://$(CURDIR)/_build/html/index.html"

lab: $(LAB)  ## open the lessons in JupyterLab, to run and to change (LAB_OPTIONS=--no-browser)
	$(RUN) book/_tools/lessons.py lab live -- $(LAB_OPTIONS)

pdf: book  ## print the whole book into one PDF, which the cover then links to (needs Chromium)
	$(RUN) book/_tools/print_book.py _build/html _build/pdf
	@$(MAKE) --no-print-directory book

slides: book  ## write slides of every lesson, for teachers, and the figures as files
	$(RUN) book/_tools/slides.py _build/html _build/slides

dist: book  ## build the wheel, the source archive and the site, for a release
	rm -rf _build/dist
	$(RUN) -m hatchling build -d _build/dist
	cd _build/html && ../../$(RUN) -m zipfile -c ../dist/score-matching-patch-by-patch.zip *

links: $(READY)  ## ask whether the addresses outside the book still answer
	$(VENV)/bin/jupyter-book build . --all --builder linkcheck --quiet

test: $(READY)  ## prove everything: lint, tests, claims, notebooks, book, pages
	@start=$$(date +%s); \
	for stage in $(STAGES); do \
	  before=$$(date +%s); echo "=== $$stage"; \
	  $(MAKE) --no-print-directory test-$$stage || { echo "make test: FAILED in the stage $$stage"; exit 1; }; \
	  echo "=== $$stage took $$(($$(date +%s) - before)) s"; \
	done; \
	echo "make test: all of [$(STAGES)] passed in $$(($$(date +%s) - start)) s"

test-lab: $(LAB)  ## open a lesson in JupyterLab, run it and move its slider (needs Chromium)
	NEED_LAB=1 $(RUN) -m pytest tests/book/test_live_server.py -q

test-machines: $(READY)  ## execute every lesson under emulated processors, and say what differs
	$(RUN) book/_tools/machines.py --jobs $(JOBS)

shape: $(READY)  ## sizes of the library, the lessons and the tests, and what changed since the last tag (SINCE=v0.1.0)
	$(RUN) book/_tools/shape.py $(SINCE)

notebooks: $(READY)  ## execute again the lessons whose code or library changed (JOBS=2 at a time)
	$(RUN) book/_tools/lessons.py run --jobs $(JOBS)

studies: $(READY)  ## measure the comparison tables again where code or weights changed, and print them
	$(RUN) -m lessons_lib.course.studies tables

check: test-lint  ## lint, and the tests of the library's mathematics: after each change of a line
	$(RUN) -m pytest tests/library -q -n $(JOBS) --dist worksteal

lint: test-lint  ## style, spelling and clean notebooks

format: $(READY)  ## rewrite the code in the common style
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

docs-serve: book  ## build the book and serve it on http://localhost:8000 (PORT=8000)
	$(RUN) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

clean:  ## remove everything that was built, except .venv and what you changed in live/
	rm -rf _build .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# The stages of `make test`, in its order.

test-lint: $(READY)
	$(RUN) -m ruff check --quiet .
	$(RUN) -m ruff format --quiet --check .
	$(VENV)/bin/lint-imports --no-cache --no-logo >$(VENV)/.imports || { cat $(VENV)/.imports; exit 1; }
	$(VENV)/bin/codespell
	$(RUN) book/_tools/lessons.py check

test-unit: $(READY)
	$(RUN) -m pytest tests $(addprefix --ignore ,$(PAGES)) -q -n $(JOBS) --dist loadfile

test-notebooks-proof: $(READY)
	$(RUN) -m pytest book -q -n $(JOBS) --dist loadfile -p tests.book.stored_outputs \
	  --nbval --nbval-current-env --nbval-cell-timeout=3600 \
	  --nbval-sanitize-with tests/book/nbval_sanitize.cfg

test-book-proof: $(READY)
	$(VENV)/bin/jupyter-book build . --all -n -W --keep-going --quiet

test-pages: $(READY)
	$(RUN) -m pytest $(PAGES) -q -n $(JOBS) --dist worksteal --built-book _build/html

$(READY): requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is not. Try: make PYTHON=python3.12 book"; exit 1; }
	@echo "Preparing $(VENV): about a minute, and about 1.5 GB."
	@$(RUN) -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --disable-pip-version-check -r requirements.txt -c constraints.txt -e .
	@touch $@

$(LAB): $(READY) requirements-lab.txt constraints.txt
	$(RUN) -m pip install --disable-pip-version-check -r requirements-lab.txt -c constraints.txt
	@touch $@
