# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of the importing actions: on the controller, Ansible's worker process imports, and no module is started.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, ClassVar

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.json import AnsibleJSONEncoder
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation, secret_options
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_work
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import is_url
from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide
from ansible_collections.assetops.imports.plugins.plugin_utils._awx import is_job, with_credentials
from ansible_collections.assetops.imports.plugins.plugin_utils._variables import unknown_variable_warnings

RUN_ON = ("controller", "host")
LOCAL_CONNECTIONS = ("ansible.builtin.local", "mitogen_local")
OPTION_IN_MESSAGE = re.compile(r"(?<=value of )\w+|(?<=argument ')\w+")  # in messages of Ansible
INTERPRETER_VARIABLES = ("LD_", "OPENSSL_", "PYTHON")  # prefixes; they have an effect only when a process starts
MISSING = "missing required arguments: "  # words of Ansible

display = Display()
encoder: Any = AnsibleJSONEncoder  # has no type of its own from ansible-core 2.19 on


class ImportAction(ActionBase):
    """An importing module as an action, which runs it in the worker process where that gives the same result.

    The module itself is started if the task needs another host, user, interpreter or environment, or if something else
    has to be able to end it.

    The task of a role has a variable `__<module>_run_on`. With "controller" it runs there as the user that runs
    Ansible, whatever is set for the host that it is delegated to. Options that the task does not set are taken from the
    variables of the role, `<module>_<option>`, so that only those that are set cost time. If `__import_report_collect`
    is set, as in the plays of this collection, a failure does not fail this task: it fails later, with the report.
    """

    _supports_check_mode = True
    _supports_async = True

    ARGUMENTS: ClassVar[Mapping[str, Any]]
    """The arguments of AnsibleModule."""
    GUIDE: ClassVar[Guide]
    """How to set its options, for messages."""
    OPTIONS_OF_ROLE: ClassVar[Collection[str]] = ()
    """The options that are variables of the role, if those are not the options of the module."""
    PRELOADED: ClassVar[tuple[ModuleType, ...]] = ()
    """Modules that the work imports late: they are loaded once before Ansible forks its workers, not in each."""

    @staticmethod
    def work(invocation: Invocation) -> Mapping[str, Any]:
        """What the module does."""
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of the import, which is the same in the worker and by the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        if f"__{self._name}_run_on" not in self._task.vars:
            return {**result, **self._with_advice(self._import(variables, None), variables)}
        collect = self._name == self._role and self._templar.template(variables.get("__import_report_collect", False))
        if boolean(collect, strict=False):
            return {**result, **self._run_role_for_report(variables)}
        return {**result, **self._run_role(variables)}

    def _run_role_for_report(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Run the task of a role, and leave its failure to the report."""
        try:
            done = self._run_role(variables)
        except AnsibleConnectionFailure as error:
            done = {"failed": True, "state": "unreachable", "msg": str(error)}
        except AnsibleError as error:
            done = {"failed": True, "msg": str(error)}
        if not done.get("failed"):
            return done
        show = self._line_display(variables)
        if show is not None:
            show("failed; the report says why")
        return {**done, "failed": False, "left_to_report": True}

    def _run_role(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Run the task of a role."""
        run_on = self._run_on()
        self._task.args = {**self._options_of_role(variables), **self._task.args}
        done = self._import(variables, run_on)
        unknown = unknown_variable_warnings(
            self._role, variables, self.OPTIONS_OF_ROLE or self.ARGUMENTS["argument_spec"]
        )
        if unknown:
            done["warnings"] = [*unknown, *done.get("warnings", ())]
        return self._with_advice(done, variables)

    def _with_advice(self, done: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """The result; the message of a failure says how to set options that are missing."""
        if not done.get("failed") or "msg" not in done:
            return done
        message = str(done["msg"])
        missing = message.partition(MISSING)[2].split(", ") if MISSING in message else []
        ways = [self.GUIDE.how_to_set(option) for option in missing if option in self.GUIDE.meanings]
        return {
            **done,
            "msg": with_credentials(" ".join([as_sentence(message), *ways] if ways else [message]), variables),
        }

    def _import(self, variables: dict[str, Any], run_on: str | None) -> dict[str, Any]:
        """Import, in the worker or by the module."""
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        if run_on == "controller" and is_job(variables):
            self._require_receipts(environment)
        is_for_controller = run_on == "controller"
        obstacle = self._why_own_process() or (
            _why_own_environment(environment) if is_for_controller else self._why_elsewhere(variables, environment)
        )
        host = variables.get("inventory_hostname")
        if obstacle is None:
            display.vvv(f"{self._task.action} runs in the worker process", host=host)
            return self._run_in_worker(variables, environment)
        display.vvv(f"{self._task.action} runs as a module: {obstacle}", host=host)
        if is_for_controller:
            variables = self._use_controller(variables)
        done: dict[str, Any] = self._execute_module(task_vars=variables, wrap_async=self._task.async_val)
        return done

    # The task of a role

    @property
    def _name(self) -> str:
        """The name of the module without the collection."""
        return str(self._task.action.rpartition(".")[2])

    @property
    def _role(self) -> str:
        """The role that the task may belong to."""
        return self._name.removesuffix("_info")

    def _run_on(self) -> str | None:
        """Where the task of a role runs; None for other tasks.

        Only the task itself can set this, not a host that returns facts of that name.
        """
        wanted = self._task.vars.get(f"__{self._name}_run_on")
        if wanted is None:
            return None
        place = str(self._templar.template(wanted))
        if place not in RUN_ON:
            raise AnsibleActionFail(
                f"{self._role}_run_on has to be {' or '.join(RUN_ON)}, not {place!r}. Nothing was done."
            )
        return place

    def _options_of_role(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The options that are set as variables of the role."""
        found = {
            option: variables[f"{self._name}_{option}"]
            for option in self.ARGUMENTS["argument_spec"]
            if f"{self._name}_{option}" in variables
        }
        if "label" in self.ARGUMENTS["argument_spec"]:
            found.setdefault("label", variables.get("inventory_hostname"))
        templated: dict[str, Any] = self._templar.template(found)
        omitted = variables.get("omit")
        return self.compatible_options(
            {option: value for option, value in templated.items() if value != omitted}, variables
        )

    def _require_receipts(self, environment: Mapping[str, Any]) -> None:
        """Create no store in a file unless that is asked for: it would be lost with the container of the job."""
        if "require_receipts" in self.ARGUMENTS["argument_spec"]:
            in_environment = {**os.environ, **environment}.get("ASSETOPS_RECEIPTS", "")
            place = str(self._task.args.get("receipts") or in_environment)
            self._task.args.setdefault("require_receipts", not is_url(place))

    def compatible_options(self, options: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """Of the options that variables of the role set, those that can be used together."""
        return options

    # In the worker, or as the module

    def _why_own_process(self) -> str | None:
        """Why it needs a process that outlives the worker; None if it does not: what was sent has to be waited for."""
        if self._task.async_val:
            return "async is set"
        return "timeout is set" if self._task.timeout else None

    def _why_elsewhere(self, variables: Mapping[str, Any], environment: Mapping[str, Any]) -> str | None:
        """Why it needs another host, user, interpreter or environment; None if it does not."""
        if not self._is_local():
            return f"the connection is {self._connection.ansible_name}"
        if self._connection.become is not None:
            return "become is set"
        if environment:
            return "environment is set"
        interpreter = self._interpreter(variables)
        return None if interpreter == sys.executable else f"the interpreter is {interpreter}, not {sys.executable}"

    def _is_local(self) -> bool:
        """Whether commands run on this host. A plugin derived from the local one may run them elsewhere."""
        return self._connection.ansible_name in LOCAL_CONNECTIONS

    def _interpreter(self, variables: Mapping[str, Any]) -> str:
        """The interpreter of the module, or the word for finding one, such as `auto`."""
        where = variables["ansible_delegated_vars"][self._task.delegate_to] if self._task.delegate_to else variables
        # Stripped last: from ansible-core 2.19 on, a stripped text is no longer trusted, so it is not templated.
        wanted = constants.config.get_config_value("INTERPRETER_PYTHON", variables=where)
        try:
            return str(self._templar.template(wanted)).strip()
        except AnsibleError:
            return f"{wanted}"  # running the module will report the error

    def _use_controller(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Switch to a local connection without become; returns the variables with the controller's interpreter."""
        if self._task.async_val and self._task.poll and not (self._is_local() and self._connection.become is None):
            raise AnsibleActionFail(
                "async with poll cannot be used for an import on the controller here: Ansible would poll it"
                f" over {self._connection.ansible_name}, or with become. Use poll: 0, or leave out async."
            )
        self._connection = self._shared_loader_obj.connection_loader.get(
            "ansible.builtin.local",
            self._play_context,
            task_uuid=self._task._uuid,
            ansible_playbook_pid=str(os.getppid()),
        )
        own = {"ansible_python_interpreter": sys.executable}
        delegated = variables.get("ansible_delegated_vars", {})
        return {
            **variables,
            **own,
            "ansible_delegated_vars": {host: {**others, **own} for host, others in delegated.items()},
        }

    # In the worker

    def _run_in_worker(self, variables: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
        """The result that the module would return."""
        # As a module gets them: without the marks of templates and vaults.
        arguments = json.loads(json.dumps(self._task.args, cls=encoder, vault_to_text=True))
        warnings: dict[str, None] = {}  # in order, each once
        # A local connection runs commands in this folder, so relative paths start there.
        with _environment(environment), _folder(self._loader.get_basedir()):
            validation = ArgumentSpecValidator(**self.ARGUMENTS).validate(arguments)
            for both in validation._warnings:
                warnings[f"Both option {both['option']} and its alias {both['alias']} are set."] = None
            invocation = Invocation(
                params={**arguments, **validation.validated_parameters},
                check_mode=self._task.check_mode,
                diff=self._task.diff,
                warn=lambda text: warnings.update({text: None}),
                secret_options=secret_options(self.ARGUMENTS["argument_spec"]),
                no_log_values=set(validation._no_log_values),
                show=self._line_display(variables),
            )
            outcome = (
                {"msg": self._refusal(validation)} if validation.error_messages else run_work(invocation, self.work)
            )
        return self._module_result(variables, invocation, outcome, list(warnings))

    def _refusal(self, validation: Any) -> str:
        text = str(validation.errors.msg)
        if isinstance(validation.errors[0], UnsupportedError):
            text = f"Unsupported parameters for ({self._task.action}) module: {text}"
        return (
            OPTION_IN_MESSAGE.sub(rf"{self._name}_\g<0>", text) if f"__{self._name}_run_on" in self._task.vars else text
        )

    def _line_display(self, variables: Mapping[str, Any]) -> Callable[[str], None] | None:
        """A function that shows a line while the task runs; None if nothing may be shown.

        It writes to standard error, as programs may read standard output. Lines go through a queue to Ansible's main
        process, so any thread may show them.
        """
        if self._task.no_log:
            return None
        origin = f"{variables.get('inventory_hostname')} | {self._task.name or self._task.action}"
        ansible = os.getppid()

        def show(line: str) -> None:
            if os.getppid() == ansible:  # otherwise it was killed, and nothing reads the queue
                display.display(f"[{origin}] {line}", stderr=True)

        return show

    def _module_result(
        self, variables: Mapping[str, Any], invocation: Invocation, outcome: dict[str, Any], warnings: list[str]
    ) -> dict[str, Any]:
        """The result as Ansible would get it from the module: plain data, without secrets."""
        result = dict(outcome)
        if "msg" in result:
            result["failed"] = True
        if not _are_tracebacks_shown():
            result.pop("exception", None)
        if _is_invocation_shown(variables):
            result["invocation"] = {"module_args": invocation.params}
        if warnings:
            result["warnings"] = warnings
        plain = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
        cleaned: dict[str, Any] = json.loads(json.dumps(remove_values(result, invocation.no_log_values)))
        return {**cleaned, **plain}


def _why_own_environment(environment: Mapping[str, Any]) -> str | None:
    """Why the environment needs a new process; None if it does not."""
    names = sorted(name for name in environment if name.startswith(INTERPRETER_VARIABLES))
    return f"environment sets {', '.join(names)}" if names else None


def _are_tracebacks_shown() -> bool:
    """ansible-core 2.19 has a setting for this; before, they always were."""
    if not constants.config.get_configuration_definition("DISPLAY_TRACEBACK"):
        return True
    return bool({"always", "error"}.intersection(constants.config.get_config_value("DISPLAY_TRACEBACK")))


def _is_invocation_shown(variables: Mapping[str, Any]) -> bool:
    """ansible-core 2.21 has a setting for this; before, it always was."""
    if not constants.config.get_configuration_definition("INJECT_INVOCATION"):
        return True
    return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=variables))


@contextlib.contextmanager
def _environment(variables: Mapping[str, Any]) -> Iterator[None]:
    """Set these variables in the environment of this process."""
    before = {name: os.environ.get(name) for name in variables}
    try:
        os.environ.update({name: str(value) for name, value in variables.items()})
        time.tzset()
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        time.tzset()


@contextlib.contextmanager
def _folder(path: str) -> Iterator[None]:
    """Change the current folder."""
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)
