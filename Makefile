# Sets up what is missing, then does one thing. `make help` lists what there is.
# ARGS goes to the command behind a target: make drill ARGS="--strategy redeploy --keep"
PYTHON ?= python3
ARGS ?=
SETUP := $(PYTHON) -m setup
RUN := $(SETUP) run --

.DEFAULT_GOAL := help
.PHONY: help setup venv drill drill-aws drills test unit lint format bench doctor pulumi clean stop-docker lock kills aws-failures fuzz standby

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

setup: ## find or install all that a drill needs (virtual environment, Docker, Pulumi, image)
	@$(SETUP) all

venv: ## the virtual environment only
	@$(SETUP) venv

drill: setup ## rehearse the loss of a server; ARGS="--strategy …" and other options of `recovery drill`
	@$(RUN) recovery drill $(ARGS)

drill-aws: setup ## the same on AWS, without AWS: instance, DNS record and vault by a double of the provider
	@$(SETUP) test
	@$(RUN) recovery drill --on aws-double $(ARGS)

test: setup lint ## lint, then all tests; ARGS goes to pytest
	@$(SETUP) test
	@$(RUN) pytest -n 2 --dist loadfile tests/unit $(ARGS)
	@$(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder tests/integration $(ARGS)

drills: setup ## drills as tests: every strategy, SSH, the host stack, interruption, --keep (16 minutes)
	@$(RUN) pytest tests/drills $(ARGS)

kills: setup ## 50 recoveries killed at random moments, and at every step of two strategies (20 minutes)
	@RECOVERY_KILLS=50 $(RUN) pytest tests/integration/restore $(ARGS)

aws-failures: setup ## every AWS call of a stack fails once, and the next `up` goes on (3 minutes)
	@$(SETUP) test
	@RECOVERY_AWS_FAILURES=1 $(RUN) pytest tests/integration/infra/aws -k "each_call_fails_once or runbook" $(ARGS)

fuzz: venv ## ten minutes of random input to the reference server's parsers and readers
	@RECOVERY_FUZZ=600 $(RUN) pytest -n 2 --dist load --timeout 1200 tests/unit/server_app/vql/test_fuzz.py tests/unit/server_app/services/test_damaged_archives.py tests/unit/server_app/datastore/test_plain_records.py $(ARGS)

standby: setup ## the hot spare left alone: cut off, come back, watched by its service (5 minutes)
	@$(SETUP) test
	@RECOVERY_STANDBY=1 $(RUN) pytest tests/integration/standby $(ARGS)

unit: venv ## the tests that need neither Docker nor Pulumi
	@$(RUN) pytest -m "not docker and not pulumi and not velociraptor" $(ARGS)

lint: venv ## ruff, mypy, import-linter
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports

format: venv ## put the code into its format
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

bench: setup ## the recovery beside a plain script, alternating; prints the ratios
	@$(SETUP) test
	@$(RUN) python -m benchmarks $(ARGS)

doctor: ## is everything there for a drill? changes nothing
	@$(SETUP) doctor
	@$(RUN) recovery doctor $(ARGS)

pulumi: setup ## a Pulumi command in the right environment: make pulumi ARGS="up --stack docker"
	@$(RUN) pulumi $(ARGS)

clean: ## remove the containers and networks that a crashed drill left
	@$(RUN) recovery clean $(ARGS)

stop-docker: ## stop the Docker engine that setup started, if no container runs on it
	@$(SETUP) stop-docker

lock: venv ## resolve requirements.lock anew from pyproject.toml
	@$(PYTHON) -m setup.requirements
