# SPDX-License-Identifier: GPL-3.0-or-later
"""What logs in to a server is nobody's business: it appears in no output, no receipt, and at no other host.

So it is for each system, whatever comes of the import. What only License Statistics and Haplo have, is in a
`test_secrets.py` of their own.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from ...running import ROOT
from ...sandbox.bigfix.credentials import MANAGER
from ...sandbox.handle import Sandbox
from ...sandbox.lm.asset_archives import DEMO
from ...sandbox.lm.credentials import ADMIN_USER
from ..bigfix.driver import DataImports
from ..canary import SECRET, SPELLINGS, Held, as_found, assert_quiet, run_at_highest_verbosity, traces
from ..haplo.driver import PLAIN, STANDARD, Api, Haplo
from ..lies import NO, NO_ANSWER, REDIRECTS, Lie, http, text
from ..listener import Listener
from ..lm.driver import Lm
from ..support import ABSENT, OTHER_PYTHON, Licstat, Logs

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO
IN_URL = SECRET.replace(" ", "_")
"""A token of BigFix, which has no space."""

Tasks = tuple[list[dict[str, Any]], dict[str, str]]


class Watched:
    """A system's importing module with something to import, and a server that knows the secret that is watched.

    `held`: what the server is asked that a fault can hold. `header`: the request header that has the secret.
    """

    modules: Any
    system: str
    module: str
    what: tuple[Path, ...] = ()
    login: ClassVar[dict[str, Any]]
    header: tuple[str, str]
    held = "status"

    def output(self, **options: Any) -> str:
        """All that an import gives to Ansible."""
        return str(self.modules.output(*self.what, diff=True, **{**self.login, **options}))

    def options(self, **options: Any) -> dict[str, Any]:
        given: dict[str, Any] = self.modules.options(*self.what, **{**self.login, **options})
        return given

    def fault(self, operation: str, **fault: Any) -> None:
        """Script a fault for when a request has come whole."""
        self.modules.sandbox.fault(system=self.system, operation=operation, when="after_body", **fault)

    def seen(self) -> bool:
        """Whether the server was sent the secret."""
        name, value = self.header
        return any(request.header(name) == value for request in self.modules.sandbox.requests())

    def others(self) -> list[str]:
        """What else says something about the import once it is over."""
        return [self.output(check=check, force=True) for check in (True, False)]

    def tasks(self) -> Tasks:
        """Tasks of a playbook, of which some fail, with the variables that hold the secret."""
        raise NotImplementedError

    def task(self, module: str | None = None, **options: Any) -> dict[str, Any]:
        return {f"assetops.imports.{module or self.module}": options}


def of_basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


class OfLicstat(Watched):
    system, module, header = "licstat", "licstat_import", ("x-auth-token", SECRET)
    login: ClassVar[dict[str, Any]] = {"api_token": SECRET}

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        sandbox.configure(tokens=[{"token": SECRET, "user": "Administrator"}])
        self.modules, self.logs = Licstat(sandbox, folder), Logs(folder / "logs")
        self.what = (self.logs(),)

    def tasks(self) -> Tasks:
        common = {**self.modules.options(), "api_token": "{{ secret }}"}
        good, refused, unknown = ({**common, "src": [str(log)]} for log in (*self.what, self.logs(), self.logs()))
        refusal = json.dumps({"success": False, "msg": f"Not with {SECRET}"})
        self.fault("import", skip=1, **text(refusal))
        self.fault("import", skip=2, **text(f"What is {SECRET}?"))
        question = {name: common[name] for name in ("url", "api_token")}
        tasks = [
            {**self.task(**good), "register": "good"},
            {**self.task(**refused), "ignore_errors": True},
            {**self.task(**unknown), "ignore_errors": True},
            self.task("licstat_task_info", **question, task_id="{{ good.imports[0].remote_id }}"),
        ]
        return tasks, {"secret": SECRET}


class OfBigFix(Watched):
    """With a token that was exchanged for a password, which has the words of the token, so that both are found."""

    system, module, held, header = "bigfix", "bigfix_import", "start", ("token", IN_URL)
    login: ClassVar[dict[str, Any]] = {"token": ABSENT, "username": MANAGER, "password": SECRET}

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.modules = DataImports(sandbox, folder)
        user = {"user": MANAGER, "password": SECRET, "token": IN_URL, "manage_imports": True, "sees_version": True}
        self.modules.configure(users=[user], token_in_header=True)

    def seen(self) -> bool:
        return super().seen() or any(f"token={quote(IN_URL, safe='')}" in one.query for one in self.modules.sent())

    def others(self) -> list[str]:
        return [self.output(max_age=9999), self.modules.info_output(**self.login)]

    def tasks(self) -> Tasks:
        by_token = self.modules.options(token="{{ token }}")
        by_password = self.modules.options(token=ABSENT, username=MANAGER, password="{{ password }}")
        connection = {name: by_password[name] for name in ("url", "username", "password")}
        self.fault("start", action="status", skip=2, status=500, body=f"What is {IN_URL}?")
        tasks = [
            {**self.task(**by_token), "register": "good"},
            self.task(**by_password),
            {**self.task(**by_password), "ignore_errors": True},
            self.task("bigfix_import_info", **connection),
        ]
        return tasks, {"token": IN_URL, "password": SECRET}


class OfBigFixToken(OfBigFix):
    login: ClassVar[dict[str, Any]] = {"token": IN_URL}


class OfBigFixTokenAndPassword(OfBigFix):
    login: ClassVar[dict[str, Any]] = {"token": IN_URL, "password": SECRET}


class OfBigFixHeader(OfBigFix):
    login: ClassVar[dict[str, Any]] = {"token": IN_URL, "token_transport": "header"}


class OfBigFixPasswordAndHeader(OfBigFix):
    login: ClassVar[dict[str, Any]] = {**OfBigFix.login, "token_transport": "header"}


class OfHaplo(Watched):
    system, module, held = "haplo", "haplo_batch", "batch"
    login: ClassVar[dict[str, Any]] = {"api_key": SECRET}
    header = ("authorization", of_basic("haplo", SECRET))
    api: Api = PLAIN

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        path = f"{self.api.path.removeprefix('/haplo')}/"
        sandbox.configure("haplo", keys=[{"key": SECRET, "user": "import service", "path": path}])
        self.modules = Haplo(sandbox, folder, self.api)

    def fault(self, operation: str, **fault: Any) -> None:
        self.modules.fault(operation=operation, when="after_body", **fault)

    def tasks(self) -> Tasks:
        self.fault("schedule", action="status", status=400, body=f"Not with {self.header[1]}, {SECRET}")
        task = self.task(**self.options(api_key="{{ secret }}"))
        return [{**task, "ignore_errors": True}, {**task, "register": "good"}], {"secret": SECRET}


class OfHaploStandard(OfHaplo):
    api = STANDARD


class OfLm(Watched):
    system, module = "lm", "lm_import"
    what: tuple[Path, ...] = (ARCHIVE,)
    login: ClassVar[dict[str, Any]] = {"password": SECRET}
    header = ("authorization", of_basic(ADMIN_USER, SECRET))

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        admin = {"name": ADMIN_USER, "password": SECRET, "ace": True, "usage_controller": True}
        plain = {"name": "plain", "password": "a-password-of-no-interest", "ace": True}
        sandbox.configure("lm", users=[admin, plain])
        self.modules = Lm(sandbox, folder)
        self.modules.publish(URL, ARCHIVE)

    def others(self) -> list[str]:
        return []

    def tasks(self) -> Tasks:
        by_url = {"src": ABSENT, "import_url": "{{ link }}", "library": "None"}
        connection = self.modules.connection(password="{{ secret }}")
        tasks = [
            {**self.task(**self.options(password="{{ secret }}")), "register": "good"},
            {**self.task(**self.options(password="{{ secret }}", **by_url)), "ignore_errors": True},
            self.task("lm_import_info", **connection, run_id="{{ good.imports[0].remote_id }}"),
            self.task("lm_library", **self.modules.emptying(password="{{ secret }}")),
        ]
        return tasks, {"secret": SECRET, "link": URL}


URL = f"http://jdoe:{quote(SECRET, safe='')}@acme.com/a.zip?token={quote(SECRET, safe='')}&year=2026"


class OfLmUrl(OfLm):
    """Only the URL of the archive holds something to watch."""

    what = ()
    login: ClassVar[dict[str, Any]] = {"import_url": URL, "username": "plain", "password": "a-password-of-no-interest"}
    header = ("authorization", of_basic("plain", "a-password-of-no-interest"))


@pytest.fixture
def watched(request: pytest.FixtureRequest, quick: Sandbox, tmp_path: Path) -> Watched:
    """The system that is the parameter. What it does takes next to no time."""
    found: Watched = request.param(quick, tmp_path)
    return found


def of(name: type[Watched], *more: Any) -> Any:
    """A case of a system, with a name made of what it is."""
    words = [one if isinstance(one, str) else getattr(one, "name", str(one)) for one in more]
    return pytest.param(name, *more, id="-".join([name.__name__.removeprefix("Of"), *words]).replace(" ", "_"))


OF_BIGFIX = [OfBigFix, OfBigFixToken, OfBigFixHeader, OfBigFixPasswordAndHeader]
KNOWN = [OfLicstat, *OF_BIGFIX, OfHaplo, OfHaploStandard, OfLm, OfLmUrl]


@pytest.mark.parametrize("watched", [of(one) for one in OF_BIGFIX], indirect=True)
def test_a_look_that_fails_says_nothing_of_it(watched: Watched) -> None:
    watched.fault("status", action="status", skip=2, times=None, status=500, body=f"Who is {IN_URL}?")

    output = watched.output(unreachable_timeout=0)

    assert json.loads(output)["state"] == "running"
    assert_quiet(watched.modules.folder, output)


@pytest.mark.parametrize("watched", [of(one) for one in KNOWN], indirect=True)
def test_an_import_that_goes_well_says_nothing_of_it(watched: Watched) -> None:
    foretold, first, again = (watched.output(check=check) for check in (True, False, False))
    others = watched.others()

    assert json.loads(foretold)["state"] == "planned"
    assert json.loads(first)["state"] in ("succeeded", "scheduled")
    assert json.loads(first)["changed"] is True
    assert json.loads(first)["imports"][0]["started_at"].startswith("20")  # though the URL of an archive holds a year
    assert watched.seen()
    assert_quiet(watched.modules.folder, foretold, first, again, *others)


# A server that does not do what it is asked.

WAYS_TO_FAIL = {
    *("a page of another kind", "a page without a title", "success missing", "a list nested too deep"),
    *("trouble in the server", "a page of the proxy", "a page to log in", "no success, with a reason"),
    *("HTTP 401", "HTTP 404"),
}
ANSWERS = [lie for lie in (*NO_ANSWER, *NO) if lie.name in WAYS_TO_FAIL]
FAILURES = [*ANSWERS, *(lie for lie in NO_ANSWER if lie.status is None)]
"""One of each kind of answer, and all that is not even HTTP: these come with errors of the libraries below."""

ASKED: dict[type[Watched], tuple[list[str], list[Lie]]] = {
    OfLicstat: (["import", "status"], FAILURES),
    OfBigFix: (["get_token", "status", "start"], FAILURES),
    OfLm: (["import", "status"], ANSWERS),
}


@pytest.mark.parametrize(
    ("watched", "operation", "lie"),
    [of(one, asked, lie) for one, (all_asked, lies) in ASKED.items() for asked in all_asked for lie in lies],
    indirect=["watched"],
)
def test_no_failure_says_anything_of_it(watched: Watched, operation: str, lie: Lie) -> None:
    watched.fault(operation, times=None, **lie.fault)

    output = watched.output(unreachable_timeout=0)

    assert json.loads(output)["failed"]
    assert_quiet(watched.modules.folder, output)


LOCATIONS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "quoted": lambda secret: quote(secret, safe=""),
    "partly quoted": quote,
}
REDIRECTED = [
    *[(OfLicstat, "import", status, "plain") for status in REDIRECTS],
    *[(OfLicstat, "import", 302, spelling) for spelling in ("quoted", "partly quoted")],
    *[(OfBigFix, asked, 302, "quoted") for asked in ASKED[OfBigFix][0]],
    (OfBigFix, "get_token", 307, "quoted"),
    *[(OfLm, "import", status, "quoted") for status in (302, 303)],
    *[(one, step, 302, "quoted") for one in (OfHaplo, OfHaploStandard) for step in one.api.steps],
]


@pytest.mark.parametrize(
    ("watched", "operation", "status", "spelling"), [of(*case) for case in REDIRECTED], indirect=["watched"]
)
def test_a_redirect_takes_it_nowhere(
    watched: Watched, elsewhere: Listener, operation: str, status: int, spelling: str
) -> None:
    spelled, sent = LOCATIONS[spelling](SECRET), watched.header[1].split()[-1]
    where = f"{elsewhere.url}/{spelled}/?token={spelled}&sent={LOCATIONS[spelling](sent)}#{spelled}"
    watched.fault(operation, **http("", f"{status} Found", f"Location: {where}"))

    output = watched.output()

    is_unknown = status == 303 and isinstance(watched, (OfLicstat, OfLm))  # "see what came of it over there"
    assert json.loads(output)["state"] == ("unknown" if is_unknown else "failed")
    assert elsewhere.received() == []
    assert_quiet(watched.modules.folder, output)


# A server that repeats what it was shown. `@@` stands for the secret.

ROW = '{"valid": false, "assetName": "@@", "assetVersion": "1", "assetId": "@@", "resultMessage": "no @@"}'
MODE = '{"mode": "@@", "last_status": "@@", "last_import_type": "@@", "last_import_time": "@@", "@@": ["@@"]}'
REPEATS: dict[type[Watched], dict[str, tuple[str, dict[str, Any]]]] = {
    OfLicstat: {
        "a no": ("import", {"body": '{"success": false, "msg": "Not with @@"}'}),
        "a no with a code": ("import", {"body": '{"success": false, "msg": "Not so", "code": "@@"}'}),
        "a page": ("import", {"body": "<html><title>Not with @@</title></html>"}),
        "a text": ("import", {"body": "Not with @@"}),
        "odd JSON": ("import", {"body": '{"@@": ["@@", {"@@": "@@"}]}'}),
        "an error": ("status", {"body": '{"success": true, "data": {"sts": "FAILURE", "err": "Not with @@"}}'}),
        "an odd error": (
            "status",
            {"body": '{"success": true, "data": {"sts": "FAILURE", "err": {"@@": ["@@"]}, "@@": "@@"}}'},
        ),
        "an odd state": ("status", {"body": '{"success": true, "data": {"sts": "@@", "err": null, "sbtr": "@@"}}'}),
        "a lost task": ("status", {"body": '{"success": false, "msg": "@@ knows no such task"}'}),
    },
    OfBigFix: {
        "an odd status": ("status", {"body": MODE}),
        "a failure": (
            "status",
            {"skip": 2, "body": '{"mode": "idle", "last_status": "No @@", "last_import_time": "2099-01-01T00:00:00Z"}'},
        ),
        "no status": ("status", {"body": '{"@@": "@@", "message": "Not with @@"}'}),
        "a page": ("status", {"body": "<html><title>Not with @@</title></html>"}),
        "an answer to the start": ("start", {"body": '{"mode": "idle", "message": "Not with @@"}'}),
        "a page after the start": ("start", {"body": "<html><title>Not with @@</title></html>"}),
        "no token": ("get_token", {"body": '{"token": ["@@"]}'}),
        "more than a token": ("get_token", {"body": '{"token": "@@ and more"}'}),
        "a wrong password": ("get_token", {"status": 401, "body": '{"message": "The password @@ is wrong."}'}),
    },
    OfLm: {
        "a no": ("import", {"status": 400, "content_type": "text/plain", "body": "Not with @@"}),
        "its header": ("import", {"status": 400, "body": f"I heard {of_basic(ADMIN_USER, SECRET)}"}),
        "a documented error": ("import", {"status": 500, "content_type": "text/plain", "body": "Not with @@"}),
        "odd JSON": ("import", {"body": '{"@@": ["@@", {"@@": "@@"}]}'}),
        "bad rows": ("import", {"body": f'{{"runid": "import_1", "assetImportMessages": [{ROW}]}}'}),
        "a lost run": ("status", {"status": 500, "content_type": "text/plain", "body": "@@ knows no such run"}),
        "an odd status": ("status", {"body": '{"unpublished-assets": 0, "more": {"@@": "@@"}}'}),
        "an odd library": ("library", {"body": '{"activeRequests": "@@", "catalogAssets": 1, "more": "@@"}'}),
    },
}
USUAL = ("as it is", "for a URL", "in Base64")
REPEATED = [
    *[of(one, "a page", spelling) for one in (OfLicstat, OfBigFix) for spelling in SPELLINGS if spelling not in USUAL],
    *[of(one, answer, spelling) for one in REPEATS for answer in REPEATS[one] for spelling in USUAL],
    *[of(OfLmUrl, answer, spelling) for answer in REPEATS[OfLm] for spelling in USUAL[:2]],
]


@pytest.mark.parametrize(("watched", "answer", "spelling"), REPEATED, indirect=["watched"])
def test_a_server_that_repeats_it_is_not_repeated(watched: Watched, answer: str, spelling: str) -> None:
    answers = next(known for one, known in REPEATS.items() if isinstance(watched, one))
    operation, what = answers[answer]
    secret = IN_URL if isinstance(watched, OfBigFix) and answer != "a wrong password" else SECRET
    body = what["body"].replace("@@", SPELLINGS[spelling](secret))
    watched.fault(operation, action="json", times=None, **{**what, "body": body})

    outputs = [watched.output(wait_timeout=0, unreachable_timeout=0) for _number in range(2)]

    assert_quiet(watched.modules.folder, *(as_found(output, spelling) for output in outputs))


# Whatever is wrong on this side.

BAD_INPUT: dict[type[Watched], list[dict[str, Any]]] = {
    OfLicstat: [
        {"src": ["/nowhere/debug.log"]},
        {"url": "http://licstat.invalid"},
        {"unheard_of": True},
        *[{"api_token": token} for token in (f" {SECRET}", f"{SECRET}\nX-More: 1", f"{SECRET}é")],
    ],
    OfBigFixTokenAndPassword: [{"newer_than": "yesterday"}, {"token": f"{IN_URL}\n"}, {"token": f"{IN_URL}é"}],
    OfHaplo: [{"control": "/nowhere"}, {"no": 1}],
    OfLmUrl: [{"once": "never"}, {"src": str(ARCHIVE)}, {"import_url": f"{URL} "}, {"library": "a/b"}],
}


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    ("watched", "options"),
    [of(one, options) for one, given in BAD_INPUT.items() for options in given],
    indirect=["watched"],
)
def test_no_bad_input_says_anything_of_it(watched: Watched, options: dict[str, Any]) -> None:
    output = watched.output(**options)

    assert json.loads(output)["failed"]
    assert_quiet(watched.modules.folder, output)


@pytest.mark.parametrize("watched", [of(OfLicstat), of(OfHaplo)], indirect=True)
def test_an_error_that_nobody_expected_does_not_give_it_away(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_session: Any, _method: str, _url: str, headers: Any, **_more: Any) -> None:
        raise TypeError(f"what is {headers}?")

    monkeypatch.setattr("requests.Session.request", fail)

    output = watched.output()

    assert "defect" in output
    assert_quiet(watched.modules.folder, output, *capfd.readouterr())


# A real run.

RUNS = {"in the worker": [OfLicstat, OfBigFix, OfHaplo, OfLm], "as a module": [OfLicstat, OfBigFix]}


@pytest.mark.slow
@pytest.mark.parametrize("where", RUNS)
def test_a_playbook_says_nothing_of_it_at_any_verbosity(
    where: str,
    quick: Sandbox,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor do the processes that may be seen meanwhile, of Ansible's worker or of the modules."""
    monkeypatch.setenv("ANSIBLE_LOG_PATH", str(tmp_path / "ansible.log"))
    tasks: list[dict[str, Any]] = []
    secrets: dict[str, str] = {}
    held: list[Held] = []
    for one in RUNS[where]:
        (tmp_path / one.system).mkdir()
        watched = one(quick, tmp_path / one.system)
        own_tasks, own_secrets = watched.tasks()
        tasks += [*own_tasks, {"ansible.builtin.debug": {"var": "good"}}]
        secrets.update(own_secrets)
        watched.fault(one.held, action="hold")
        held.append((one.system, one.held))

    shown = run_at_highest_verbosity(
        tmp_path,
        tmp_path_factory.mktemp("secret"),
        tasks,
        secrets,
        sandbox=quick,
        held=held,
        python=sys.executable if where == "in the worker" else OTHER_PYTHON,
    )

    assert shown.status == 0, shown.output
    assert f"ok={len(tasks)}" in shown.output
    assert f"ignored={sum('ignore_errors' in task for task in tasks)}" in shown.output
    for one, commands in zip(RUNS[where], shown.commands):
        seen = b"playbook.yml" if where == "in the worker" else one.module.encode()
        assert any(seen in command for command in commands)
        assert [command for command in commands if traces(command)] == []
    assert_quiet(tmp_path, shown.output)
