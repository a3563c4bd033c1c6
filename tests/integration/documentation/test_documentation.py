# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation says what the code does: options, groups and examples, of every module that there is."""

from __future__ import annotations

import functools
import importlib
import json
import os
import re
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from ...running import ROOT
from ...sandbox.bigfix.credentials import MANAGER, MANAGER_PASSWORD
from ..bigfix.driver import DataImports
from ..lm.driver import Lm
from ..support import FIRST_DAY, Licstat, Logs, Playbook, argument_spec, only

COLLECTION = "assetops.imports"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
SYSTEMS = ("licstat", "bigfix", "haplo", "lm")


@functools.cache
def documents() -> dict[str, dict[str, Any]]:
    """The documentation of each module as `ansible-doc` puts it together, with what its fragments say."""
    names = [f"{COLLECTION}.{module}" for module in MODULES]
    told = subprocess.check_output([sys.executable, "-m", "ansible", "doc", "--json", *names], text=True, cwd=ROOT)
    found: dict[str, dict[str, Any]] = json.loads(told)
    return {name.rpartition(".")[2]: content for name, content in found.items()}


def documented_options(module: str) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = documents()[module]["doc"]["options"]
    return options


def examples(module: str) -> list[dict[str, Any]]:
    """The tasks in a module's EXAMPLES."""
    found = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{module}")
    tasks: list[dict[str, Any]] = yaml.safe_load(found.EXAMPLES)
    return tasks


def runtime() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    return content


# Options.


PARTS: dict[str, Any] = {
    "type": "str",
    "elements": None,
    "required": False,
    "choices": None,
    "default": None,
    "aliases": [],
}
"""What an option has, and what holds if it does not stand there."""


@pytest.mark.parametrize("module", MODULES)
def test_the_options_that_there_are_are_documented_as_they_are(module: str) -> None:
    documented, options = documented_options(module), argument_spec(module)
    assert {name: [option.get(part, PARTS[part]) for part in PARTS] for name, option in documented.items()} == {
        name: [option.get(part, PARTS[part]) for part in PARTS] for name, option in options.items()
    }
    assert all("".join(option["description"]).strip() for option in documented.values())


@pytest.mark.parametrize("module", MODULES)
def test_the_environment_variable_of_an_option_is_named_in_its_description(module: str) -> None:
    for name, option in argument_spec(module).items():
        described = " ".join(documented_options(module)[name]["description"])
        named = [variable for variable in re.findall(r"E\((\w+)\)", described) if variable.isupper()]
        taken = option.get("fallback", (None, []))[1]
        assert set(taken) <= set(named), name
        if "If not set, the value of the environment variable" in described:
            assert named[-1:] == list(taken), name


@pytest.mark.parametrize("module", MODULES)
def test_every_secret_is_kept_and_nothing_else_is(module: str) -> None:
    for name, option in argument_spec(module).items():
        is_text = option["type"] == "str" and "choices" not in option
        is_secret = re.search("token|password|api_key|import_url", name) is not None and is_text
        assert bool(option.get("no_log")) == is_secret, name


@pytest.mark.parametrize("module", MODULES)
def test_names_in_descriptions_are_names_of_options_and_choices(module: str) -> None:
    options = documented_options(module)
    for text in _texts(documents()[module]["doc"]):
        for name, _unused, wanted in re.findall(r"O\((\w+)(=([^)]*))?\)", text):
            assert name in options
            assert not wanted or wanted in (options[name].get("choices") or [wanted])
        for link in re.findall(r"M\(([\w.]+)\)", text):
            assert link.rpartition(".")[2] in MODULES or not link.startswith(COLLECTION)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_whether_it_can_check_and_tell_differences(module: str) -> None:
    attributes = documents()[module]["doc"]["attributes"]

    assert attributes["check_mode"]["support"] == "full"
    only_tells = module.endswith("_info") or module in ("import_summary", "import_targets", "import_watch")
    assert attributes["diff_mode"]["support"] == ("N/A" if only_tells else "full")
    assert {"idempotent", "platform"} <= set(attributes)


def _texts(content: Any) -> list[str]:
    """All texts in there."""
    if isinstance(content, str):
        return [content]
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else []
    return [text for part in parts for text in _texts(part)]


# Groups of modules for `module_defaults`.


def test_a_group_holds_the_modules_of_its_system_or_those_that_wait_for_imports() -> None:
    expected = {system: [module for module in MODULES if module.startswith(f"{system}_")] for system in SYSTEMS}
    waits = {"wait_timeout", "on_unknown"}
    expected["imports"] = [module for module in MODULES if waits <= set(argument_spec(module))]

    assert {group: sorted(modules) for group, modules in runtime()["action_groups"].items()} == expected


@pytest.mark.parametrize("module", MODULES)
def test_every_module_documents_the_groups_that_it_is_in(module: str) -> None:
    documented = documents()[module]["doc"]["attributes"].get("action_group", {"membership": [], "description": ""})
    groups = [f"{COLLECTION}.{group}" for group, modules in runtime()["action_groups"].items() if module in modules]

    assert sorted(documented["membership"]) == sorted(groups)
    assert all(f"C(group/{group})" in "".join(documented["description"]) for group in groups)


# Examples.


@pytest.mark.parametrize("module", MODULES)
def test_every_example_has_a_name_and_options_that_there_are(module: str) -> None:
    for task in examples(module):
        assert task["name"][0].isupper()
        if f"{COLLECTION}.{module}" not in task:  # it uses a result
            continue
        given = task[f"{COLLECTION}.{module}"]
        options = argument_spec(module)
        assert set(given) <= set(options)
        assert {name for name, option in options.items() if option.get("required")} <= set(given)
        for name, value in given.items():
            choices = options[name].get("choices")
            for item in value if isinstance(value, list) else [value]:
                assert not choices or item in choices


VENDOR_QUERIES = [
    "",
    "gather=Denials",
    "gather=Usage",
    "mergePolicy=Replace",
    "gather=Denials&from=2021-01-10%2015%3A10%3A00&to=2021-02-10%2019%3A13%3A23",
    "resolveDomainNamesToIP=true&findDomainNamesByIP=true",
]
"""Of the six examples on the vendor's page."""


@pytest.mark.slow
def test_every_example_runs_as_it_stands(
    licstat: Licstat, make_log: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSETOPS_RECEIPTS", str(tmp_path / "receipts.db"))
    tasks, registered = [], []
    for number, task in enumerate([*examples("licstat_import"), *examples("licstat_task_info")]):
        folder = _logs_of_an_example(make_log, number, task)
        registered.append(f"example_{number}")
        here = {
            "/var/log/flexlm": str(folder),
            "https://licstat.example.com": licstat.sandbox.licstat_url,
            "import_527ddd6f-d7de-4854-bc99-839b5afd458e": "{{ example_0.imports[0].remote_id }}",
            f"{task.get('register')}.": f"{registered[-1]}.",
            f"{task.get('register')} is ": f"{registered[-1]} is ",
        }
        tasks.append({**_replaced(task, here), "register": registered[-1]})
    assert "example.com" not in str(tasks)
    seen = tmp_path / "results.json"
    content = "{{ [" + ", ".join(registered) + "] | to_json }}"
    tasks.append({"ansible.builtin.copy": {"content": content, "dest": str(seen), "mode": "0600"}})

    status, output = Playbook(tmp_path, tasks, vars={"licstat_api_token": licstat.sandbox.licstat_token}).run()

    assert status == 0, output
    results = json.loads(seen.read_text(encoding="utf-8"))
    imports, questions = results[: len(examples("licstat_import"))], results[len(examples("licstat_import")) :]
    assert [result["state"] for result in imports] == ["succeeded"] * (len(imports) - 1) + ["submitted"]
    adopts = ["adopt" in task["assetops.imports.licstat_import"] for task in examples("licstat_import")]
    assert [not result["changed"] for result in imports] == adopts
    assert [(result["state"], result["changed"]) for result in questions] == [("succeeded", False)] * len(questions)
    assert [request.query for request in licstat.uploads][: len(VENDOR_QUERIES)] == VENDOR_QUERIES
    names = [task.file_name for task in licstat.sandbox.licstat().tasks]
    assert names[-4:] == ["debug.log.3", "debug.log.2", "debug.log.1", "report-1.rl"]
    imported = sum(server.imports for server in licstat.held_by_all.values())
    assert imported == len(licstat.uploads) == len(imports) - adopts.count(True) + 2


@pytest.mark.slow
def test_every_example_for_bigfix_and_license_metric_tool_runs_as_it_stands(
    bigfix: DataImports, lmt: DataImports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSETOPS_RECEIPTS", str(tmp_path / "receipts.db"))
    bigfix.configure(raw_imports_enabled=True)
    authority = tmp_path / "lmt.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    here = {
        "https://bigfix.example.com:9081": bigfix.url,
        "https://lmt.example.com:9081": lmt.url,
        "/etc/pki/lmt.pem": str(authority),
    }
    tasks = [_replaced(task, here) for task in [*examples("bigfix_import"), *examples("bigfix_import_info")]]
    module = "assetops.imports.bigfix_import"
    for options in [task[module] for task in tasks if module in task]:
        options.setdefault("wait_sleep", 0.05)
        if "username" in options:
            options["username"] = MANAGER
    assert "example.com" not in str(tasks)
    secrets = {"bigfix_token": bigfix.token, "lmt_token": lmt.token, "lmt_password": MANAGER_PASSWORD}

    status, output = Playbook(tmp_path, tasks, vars=secrets).run()

    assert status == 0, output
    assert [one.type for one in bigfix.held.started_by_api][:1] == ["complete"]
    assert len(lmt.held.started_by_api) == 1


def _replaced(content: Any, texts: dict[str, str]) -> Any:
    """The same with other texts in place of these, wherever they stand."""
    if isinstance(content, dict):
        return {name: _replaced(value, texts) for name, value in content.items()}
    if isinstance(content, list):
        return [_replaced(item, texts) for item in content]
    if isinstance(content, str):
        for old, new in texts.items():
            content = content.replace(old, new)
    return content


def _logs_of_an_example(make_log: Logs, number: int, task: dict[str, Any]) -> Path:
    """A folder with all logs that examples name, with contents of its own, in the time range of the example if any."""
    first = 10 * number
    for options in task.values():
        if isinstance(options, dict) and isinstance(start := options.get("from"), datetime):
            first = (start - FIRST_DAY).days + 1
    make_log(f"{number}/license-server.log", day=first)
    for name, day in (("debug.log.1", 1), ("debug.log.2", 2), ("debug.log.3", 3), ("report-1.rl", 5)):
        rotated = make_log(f"{number}/{name}", day=first + day)
        os.utime(rotated, (time.time() - day * 24 * 3600,) * 2)
    return make_log(f"{number}/debug.log", day=first + 4).parent


@pytest.mark.slow
def test_the_examples_that_wait_go_on_where_the_server_is_in_trouble(
    licstat: Licstat, lm: Lm, make_log: Logs, tmp_path: Path
) -> None:
    sandbox = licstat.sandbox
    here = {
        "https://licstat.example.com": sandbox.licstat_url,
        "https://lmt.example.com:9081": sandbox.lmt_url,
        "https://lm.example.com": sandbox.lm_url,
        "importer": sandbox.lm_username,
        "import_527ddd6f-d7de-4854-bc99-839b5afd458e": only(licstat(make_log(), wait=False))["remote_id"],
        "import_2016-01-22_15-35-07.484": only(lm(lm.archive()))["remote_id"],
    }
    secrets = {
        "licstat_api_token": sandbox.licstat_token,
        "lm_password": sandbox.lm_password,
        "lmt_token": sandbox.lmt_token,
    }
    modules = ("licstat_task_info", "lm_import_info", "lm_library_info", "bigfix_import_info")
    tasks = [task for module in modules for task in examples(module) if "retries" in task]
    assert len(tasks) == len(modules)
    for system, operations in (("licstat", ["status"]), ("lm", ["status", "library"]), ("lmt", ["status"])):
        for operation in operations:  # a page of a gateway, after which the modules do not ask again by themselves
            sandbox.fault("html", system=system, operation=operation)

    status, output = Playbook(tmp_path, [{**_replaced(task, here), "delay": 0} for task in tasks], vars=secrets).run()

    assert status == 0, output
    assert output.count("FAILED - RETRYING") >= len(tasks)
    assert [fault["hits"] for fault in sandbox.faults()] == [1] * len(tasks)
