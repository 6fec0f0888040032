# Each target does the set-up that it needs by itself; `make` alone tells what there is.
.DEFAULT_GOAL := help
.PHONY: help demo test test-odoo test-install lint fix pot bench stop clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 15

demo: ## a telephone company in a database, served on http://127.0.0.1:8069 (SERVE=0: only the table)
	@dev/demo.py

test: ## all tests, or a part: make test T=tests/test_x.py
	@dev/test $(T)

test-odoo: ## the same tests with Odoo's own runner, at installation (TAGS=/telecom_billing:TestX)
	@dev/test --odoo $(if $(TAGS),--tags $(TAGS))

test-install: ## install with demo data, update, uninstall: none may log a warning
	@dev/test --lifecycle

lint: ## ruff, pylint-odoo and OCA's checks
	@dev/lint

fix: ## let ruff mend and format what it can
	@dev/lint --fix ruff format

pot: ## write the template of the translations anew
	@dev/pot

bench: ## the benchmarks, each prints a table (B=name: only that one)
	@dev/bench $(B)

stop: ## stop the embedded PostgreSQL
	@dev/setup stop

clean: ## remove the databases and everything that was fetched
	@dev/setup clean
