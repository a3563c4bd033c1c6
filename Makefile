# SPDX-License-Identifier: GPL-3.0-or-later
# Everything runs in an environment that the first command makes below .cache.

.PHONY: help demo docs test test-quick test-matrix test-everywhere test-eda test-mutants sandbox bench lock clean

help:
	@echo 'make demo        import real logs into a sandbox, twice, and show what happened'
	@echo 'make docs        build the documentation site, .cache/docs/html/index.html'
	@echo 'make test        all checks: linters, documentation, unit, sanity and integration tests'
	@echo 'make test-quick  the checks of the minute-long loop: ruff, mypy, and the unit tests not marked slow'
	@echo 'make test-matrix the telling tests on ansible-core 2.18 to 2.21 and what comes next, and on Python 3.9 hosts'
	@echo 'make test-everywhere tries, say, to kill runs at every point there is; make test does so at some of them'
	@echo 'make test-eda    run the event source in the real ansible-rulebook, which takes a Java runtime'
	@echo 'make test-mutants changes the code in small ways and names the changes that no test notices (SAMPLE=200)'
	@echo 'make sandbox     serve the sandbox until interrupted'
	@echo 'make bench       measure uploads, runs with nothing to do, many targets, and reports'
	@echo 'make lock        pin the packages that the pinned ones need (tests/requirements/lock.txt)'
	@echo 'make clean       remove .cache: environment, caches, logs'

demo:
	@tests/tools/in-venv.sh run python -m tests.tools.demo

docs:
	@tests/tools/in-venv.sh test python -m tests.tools.docs

test:
	@tests/tools/in-venv.sh test python -m tests.tools.check

test-quick:
	@tests/tools/in-venv.sh test python -m tests.tools.check --quick

test-matrix:
	@tests/tools/in-venv.sh test python -m tests.tools.matrix

test-everywhere:
	@tests/tools/in-venv.sh test python -m pytest -v --everywhere tests

test-eda:
	@tests/tools/in-venv.sh test python -m tests.tools.eda

test-mutants:
	@tests/tools/in-venv.sh test python -m tests.tools.mutants

sandbox:
	@tests/tools/in-venv.sh run python -m tests.sandbox

bench:
	@tests/tools/in-venv.sh test python -m benchmarks.run
	@tests/tools/in-venv.sh test python -m benchmarks.targets
	@tests/tools/in-venv.sh test python -m benchmarks.reports

lock:
	@tests/tools/in-venv.sh bare tests/tools/lock.sh

clean:
	rm -rf .cache
