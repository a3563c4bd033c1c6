# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Haplo's pages of batches say, by themselves and asked for over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Connection, Outage
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client, basic_credentials
from ansible_collections.assetops.imports.plugins.module_utils._systems import haplo_pages
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_pages import (
    ENDED,
    BatchPage,
    BatchPages,
    ListedBatch,
    NotTold,
    batch_page,
    listed_batches,
)
from tests.sandbox.handle import Sandbox
from tests.sandbox.haplo import pages as sandbox_pages
from tests.sandbox.haplo.keys import API_KEY, OUTCOME_KEY
from tests.unit.sandbox.haplo_client import JOE, new_batch, post, upload

from .haplo_samples import (
    COMMENT,
    CREATED,
    END,
    IDENTIFIER,
    LISTS,
    MESSAGES,
    OTHERS,
    PAGES,
    START,
    STATES,
    VENDORS_LOG,
    batch,
    list_of,
)

URL = "https://research.example.ac.uk/do/haplo-data-import-batch/batch/7"
EXCEPTION = "EXCEPTION: Error during import: x <y>. File: z, line: 1"
LOGS = {
    "complete": [START, *MESSAGES, END],
    "dry-run": [START, MESSAGES[0], END],
    "error": [START, EXCEPTION, END],
}
STATE_CELL = "<tr><th>State</th><td>{}</td></tr>"


# What is on a page.


def test_the_vendors_list() -> None:
    assert listed_batches(LISTS["vendor's"]) == [
        ListedBatch(7, "Ab3dEf-h_J", "scheduled", None, "25 Nov 2026, 18:58", "nightly"),
        ListedBatch(6, "zrGS6so1us", "complete", 3, "24 Nov 2026, 18:58", 'a <b> & "c"'),
    ]
    assert listed_batches(LISTS["empty"]) == []


def test_a_list_of_all_states() -> None:
    """The newest first."""
    assert listed_batches(LISTS["in all states"]) == [
        ListedBatch(number + 3, OTHERS[number][:10], state, STATES[state] if state in ENDED else None, CREATED, COMMENT)
        for number, state in reversed(list(enumerate(STATES)))
    ]


def test_the_vendors_page() -> None:
    assert batch_page(PAGES["vendor's"], 7, URL) == BatchPage(
        7, URL, IDENTIFIER, "complete", 1, VENDORS_LOG, CREATED, "nightly"
    )
    ready = batch_page(PAGES["ready"], 7, URL)
    assert (ready.state, ready.errors, ready.log, ready.comment) == ("ready", None, None, "(copy)")


@pytest.mark.parametrize("state", STATES)
def test_a_page_in_each_state(state: str) -> None:
    errors = STATES[state] if state in ENDED else None
    log = "\n".join(LOGS[state]) if state in LOGS else None
    assert batch_page(PAGES[state], 7, URL) == BatchPage(7, URL, IDENTIFIER, state, errors, log, CREATED, COMMENT)


@pytest.mark.parametrize("length", [8, 9, 12, 43, 44])
def test_more_or_less_of_an_identifier_may_be_shown(length: int) -> None:
    (one,) = listed_batches(list_of([batch("scheduled")], length))
    assert one.beginning == IDENTIFIER[:length]


@pytest.mark.parametrize("where", ["list", "page"])
def test_a_page_without_its_frame_of_content_is_looked_at_wholly(where: str) -> None:
    text = LISTS["vendor's"] if where == "list" else PAGES["vendor's"]
    other = text.replace('id="z__ws_content"', 'id="main"')
    assert other != text
    if where == "list":
        assert listed_batches(other) == listed_batches(text)
    else:
        assert batch_page(other, 7, URL) == batch_page(text, 7, URL)


@pytest.mark.parametrize(
    ("find", "put", "words"),
    [
        ("<th>Errors</th>", "<th>Fehler</th>", "0 tables with the columns Identifier, State, Errors"),
        ("<th>State</th><th>Errors</th>", "<th>Errors</th><th>State</th>", "0 tables with the columns"),
        ("<p>Batches: 6</p>", "<p>Batches: 7</p>", "says that it has 7 batches, and 6 are there"),
        ("<p>Batches: 6</p>", "<p>Batches: 5</p>", "says that it has 5 batches, and 6 are there"),
        ("<p>Batches: 6</p>", "<p>6 batches</p>", "no number of batches"),
        ("<td>running</td>", "<td>stuck</td>", "line 4 of the list: the state is none that is known: 'stuck'"),
        ("<td>running</td><td></td>", "<td>running</td><td>2</td>", "is running, which is not the end, and yet"),
        ("<td>complete</td><td>2</td>", "<td>complete</td><td></td>", "is complete, and yet the number of errors"),
        ("<td>complete</td><td>2</td>", "<td>complete</td><td>two</td>", "number of errors is none: 'two'"),
        (f"{OTHERS[2][:10]}...", f"{OTHERS[2][:10]}", "no beginning of an identifier of at least 8 characters"),
        (f"{OTHERS[2][:10]}...", f"{OTHERS[2][:7]}...", "no beginning of an identifier of at least 8 characters"),
        ('batch/batch/5"', 'batch/show/5"', "a link that is not to the page of a batch"),
        ('batch/batch/5"', 'batch/batch/6"', "the same row number"),
        ("<td>running</td>", "<td>running</td><td>x</td>", "line 4 of the list has not the 5 cells"),
        ("<td>running</td>", "<td><b>run</b>ning</td>", "the state is divided"),
        ("</table>", "", "do not end in the order"),
        ("<h1>Batch import jobs</h1>", "<h1>Jobs</h1>", "no heading that begins 'Batch import jobs'"),
        ("<h1>Batch import jobs</h1>", "", "its headings are: none"),
        ("<table>", "<div>" * 100 + "<table>", "more than 100 elements within each other"),
        ("<table>", "<![x", "HTML|order|cut"),
    ],
)
def test_a_list_that_is_not_as_it_was_is_not_told(find: str, put: str, words: str) -> None:
    text = LISTS["in all states"]
    assert find in text
    with pytest.raises(NotTold, match=words):
        listed_batches(text.replace(find, put))


@pytest.mark.parametrize(
    ("state", "find", "put", "words"),
    [
        ("complete", "<th>Errors</th>", "<th>Fehler</th>", "0 tables with the facts Errors, Identifier, State"),
        ("complete", IDENTIFIER, IDENTIFIER[:43], f"the identifier is none: '{IDENTIFIER[:43]}'"),
        (
            "running",
            STATE_CELL.format("running"),
            STATE_CELL.format("läuft"),
            "the state is none that is known: 'läuft'",
        ),
        ("running", STATE_CELL.format("running"), STATE_CELL.format("not running"), "known: 'not running'"),
        (
            "running",
            STATE_CELL.format("running"),
            STATE_CELL.format("complete"),
            "complete, and yet the number of errors",
        ),
        (
            "running",
            STATE_CELL.format("running"),
            STATE_CELL.format("running") * 2,
            "a fact of the batch is there twice",
        ),
        ("error", STATE_CELL.format("error"), STATE_CELL.format("running"), "running, which is not the end, and yet"),
        ("running", "</table>", '</table><h2 id="import-log">Log</h2>', "not the end, and yet there is a log"),
        ("running", "running", 'running <a href="#import-log">log</a>', "not the end, and yet there is a log"),
        ("complete", "<h1>Batch import: ", "<h1>Import: ", "no heading that begins 'Batch import:'"),
    ],
)
def test_a_page_that_is_not_as_it_was_is_not_told(state: str, find: str, put: str, words: str) -> None:
    assert find in PAGES[state]
    with pytest.raises(NotTold, match=words):
        batch_page(PAGES[state].replace(find, put), 7, URL)


@pytest.mark.parametrize(
    ("find", "put"),
    [
        ("<pre>START: ", "<pre>BEGIN: "),
        ("\nEND: ", "\nThe end: "),
        ("<pre>", "<p>-</p><pre>"),
        ("<pre>", "-<pre>"),
        ("</pre>", "</pre><pre></pre>"),
        ('id="import-log"', 'id="log"'),
        ("(record 1)", "<b>(record 1)</b>"),
    ],
)
def test_a_log_of_another_form_is_not_told_and_the_state_is(find: str, put: str) -> None:
    text = PAGES["complete"]
    assert find in text
    found = batch_page(text.replace(find, put), 7, URL)
    assert (found.state, found.errors, found.log) == ("complete", 2, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (sandbox_pages.login("/do/x"), "a page to log in"),
        (
            sandbox_pages.stopped("You are not permitted to perform this action."),
            "in the group 'Batch data administration'.*Haplo says: You are not permitted to perform this action$",
        ),
        ("<html><body><h1>503 Maintenance</h1></body></html>", "its headings are: '503 Maintenance'"),
        ("", "its headings are: none"),
        ("{}", "its headings are: none"),
    ],
)
def test_other_pages_are_told(text: str, words: str) -> None:
    with pytest.raises(NotTold, match=words):
        listed_batches(text)
    with pytest.raises(NotTold, match=words):
        batch_page(text, 7, URL)


def test_a_list_is_no_batch_and_a_batch_no_list() -> None:
    with pytest.raises(NotTold, match="another page"):
        batch_page(LISTS["vendor's"], 7, URL)
    with pytest.raises(NotTold, match="another page"):
        listed_batches(PAGES["vendor's"])


def test_a_long_list() -> None:
    count = 5_000
    (line,) = [f"<tr><td>{one}</tr>" for one in list_of([batch("complete", 2)]).split("<tr><td>")[1:]]
    line = line.partition("</table>")[0].replace("</tr></tr>", "</tr>")
    begin, end = list_of([]).replace("Batches: 0", f"Batches: {count}").split("</table>")
    text = begin + "".join(line.replace('/7"', f'/{row}"') for row in range(count, 0, -1)) + "</table>" + end
    found = listed_batches(text)
    assert [one.row for one in found] == list(range(count, 0, -1))
    assert {(one.beginning, one.state, one.errors) for one in found} == {(IDENTIFIER[:10], "complete", 2)}


# Over HTTP.


def pages_of(sandbox: Sandbox, key: str = OUTCOME_KEY, **options: Any) -> BatchPages:
    """The pages of the sandbox, for who has this key; nobody waits between tries."""
    secrets = Secrets()
    headers = {}
    if key:
        secrets.add(key, username="haplo")
        headers = basic_credentials("haplo", key)
    client = Client(Connection(url=sandbox.haplo_url), headers, secrets, pause=lambda _seconds: None)
    return BatchPages(client, sandbox.haplo_url, **options)


def scheduled(sandbox: Sandbox, records: Any = None, **mode: str) -> str:
    """A batch that was sent; its identifier."""
    identifier = new_batch(sandbox)
    upload(sandbox, identifier, [JOE] if records is None else records)
    post(sandbox, "schedule", batch=identifier, **mode)
    return identifier


def test_a_batch_is_found_and_followed(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    pages, other = pages_of(sandbox), new_batch(sandbox)
    identifier = scheduled(sandbox, [{**JOE, "url": "<u>"}], mode="dry-run")
    row = pages.find(identifier).row
    assert row == 2
    link = f"{sandbox.haplo_url}/do/haplo-data-import-batch/batch/2"
    assert (pages.batch(row).state, pages.batch(row).url, pages.link(row)) == ("scheduled", link, link)
    sandbox.clock(step=1)
    assert pages.batch(row, identifier).state == "running"
    sandbox.clock(step=10)
    found = pages.batch(row, identifier)
    assert (found.row, found.identifier, found.state, found.errors) == (2, identifier, "dry-run", 1)
    assert found.log == "\n".join(sandbox.haplo().batch(identifier).log)
    assert [(one.row, one.state) for one in pages.newest()] == [(2, "dry-run"), (1, "uploading")]
    assert pages.find(other).row == 1
    sent = [request for request in sandbox.requests("haplo") if request.operation in ("batches", "outcome")]
    assert {request.header("accept") for request in sent} == {"text/html"}
    assert {request.method for request in sent} == {"GET"}


@pytest.mark.parametrize("length", [8, 12, 44])
def test_it_is_found_by_as_much_of_its_identifier_as_is_shown(sandbox: Sandbox, length: int) -> None:
    identifier = new_batch(sandbox)
    new_batch(sandbox)
    sandbox.configure("haplo", shown_characters=length)
    assert pages_of(sandbox).find(identifier).row == 1


def test_too_little_of_it_is_not_told(sandbox: Sandbox) -> None:
    identifier = new_batch(sandbox)
    sandbox.configure("haplo", shown_characters=7)
    with pytest.raises(NotTold, match="/batches: line 1 of the list: no beginning of an identifier"):
        pages_of(sandbox).find(identifier)


def test_several_that_begin_alike_are_each_looked_at(sandbox: Sandbox) -> None:
    """Which does not happen in the sandbox: so the others are made to look so."""
    identifiers = [new_batch(sandbox) for _time in range(3)]
    changes = [{"find": f">{one[:10]}...", "put": f">{identifiers[0][:10]}..."} for one in identifiers]
    sandbox.configure("haplo", page_changes=changes)
    pages = pages_of(sandbox)
    assert pages.find(identifiers[0]).row == 1
    assert [request.path[-7:] for request in sandbox.requests("haplo", "outcome")] == ["batch/3", "batch/2", "batch/1"]
    with pytest.raises(NotTold, match=r"is not in the list, of 3 batches. Is url "):
        pages.find(identifiers[1])
    with pytest.raises(NotTold, match="in the list by its beginning only"):
        pages.find(f"{identifiers[0][:10]}{'x' * 34}")


def test_another_batch_on_the_page_is_not_told(sandbox: Sandbox) -> None:
    mine, others = new_batch(sandbox), new_batch(sandbox)
    with pytest.raises(NotTold, match=f"/batch/2: this is batch {others}, and not {mine}"):
        pages_of(sandbox).batch(2, mine)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (
            "x" * 43,
            "It is wrong, or made for another request path than /do/haplo-data-import-batch/batch.*Invalid API Key",
        ),
        (API_KEY, "made for another request path"),
        ("blocked-key-of-43-characters-0123456789abcd", "Its user is blocked.*Not authorised"),
        ("nothing-key-of-43-characters-0123456789abcd", "Its user is blocked, or in no group that lets people in"),
    ],
)
def test_a_key_that_is_refused_is_not_given_again(sandbox: Sandbox, key: str, words: str) -> None:
    identifier = new_batch(sandbox)
    users: list[dict[str, Any]] = [
        {"key": "blocked-key-of-43-characters-0123456789abcd", "may_administer": True, "blocked": True},
        {"key": "nothing-key-of-43-characters-0123456789abcd", "may_nothing": True},
        {"key": API_KEY, "path": "/api/haplo-data-import-batch/"},
    ]
    sandbox.configure(
        "haplo", keys=[{"user": "u", "path": "/do/haplo-data-import-batch/batch", **one} for one in users]
    )
    before = len(sandbox.requests())
    pages = pages_of(sandbox, key)
    messages = set()
    for ask in (pages.newest, lambda: pages.batch(1), lambda: pages.find(identifier), pages.newest):
        with pytest.raises(NotTold, match=words) as raised:
            ask()
        messages.add(raised.value.message)
        assert raised.value.answer is not None
        assert raised.value.answer.status == 403
    (message,) = messages
    assert "outcome_api_key (role variable haplo_batch_outcome_api_key" in message
    assert key not in message
    assert len(sandbox.requests()) == before + 1


def test_a_key_that_was_locked_out(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    for _time in range(50):
        with pytest.raises(NotTold, match="It is wrong"):
            pages_of(sandbox, "x" * 43).newest()
    with pytest.raises(NotTold, match=r"nobody in from this host.*ask nothing for five minutes"):
        pages_of(sandbox).newest()


def test_a_user_who_may_not_see_batches(sandbox: Sandbox) -> None:
    new_batch(sandbox)
    sandbox.configure("haplo", keys=[{"key": OUTCOME_KEY, "user": "u", "path": "/do/"}])
    pages = pages_of(sandbox)
    for ask in (pages.newest, lambda: pages.batch(1)):
        with pytest.raises(NotTold, match="has to be in the group 'Batch data administration'"):
            ask()


def test_a_key_that_does_not_arrive(sandbox: Sandbox) -> None:
    with pytest.raises(NotTold, match=r"/batches: HTTP 302.*page to log in: the API key did not arrive"):
        pages_of(sandbox, "").newest()


def test_another_host(sandbox: Sandbox) -> None:
    sandbox.configure("haplo", host="research.example.ac.uk", requires_https=True)
    with pytest.raises(
        NotTold, match=r"It points to https://research.example.ac.uk/haplo/do/haplo-data.*so set url to"
    ):
        pages_of(sandbox).newest()


def test_a_row_that_is_not_there(sandbox: Sandbox) -> None:
    with pytest.raises(NotTold, match=r"/batch/9: HTTP 400.*There is no batch of that row"):
        pages_of(sandbox).batch(9)


def test_haplo_without_the_plugin(sandbox: Sandbox) -> None:
    sandbox.fault("status", operation="batches", status=404, times=1)
    with pytest.raises(NotTold, match=r"HTTP 404.*There is no such page. url .*Haplo may lack the plugin"):
        pages_of(sandbox).newest()


@pytest.mark.parametrize("action", ["status", "truncate", "drop"])
def test_trouble_of_the_server_may_pass(sandbox: Sandbox, action: str) -> None:
    new_batch(sandbox)
    how = {"status": {"status": 500}, "truncate": {}, "drop": {}}[action]
    sandbox.fault(action, operation="outcome", times=2, **how)
    once, often = pages_of(sandbox, tries=1), pages_of(sandbox)
    with pytest.raises(Outage):
        once.batch(1)
    assert often.batch(1).state == "uploading"
    assert once.batch(1).state == "uploading"


def test_a_page_of_something_else(sandbox: Sandbox) -> None:
    sandbox.fault("html", operation="batches", times=1)
    with pytest.raises(NotTold, match=r"GET http.*/batches: "):
        pages_of(sandbox).newest()


def test_a_page_that_is_changed_is_not_told(sandbox: Sandbox) -> None:
    new_batch(sandbox)
    sandbox.configure("haplo", page_changes=[{"find": "<th>Errors</th>", "put": "<th>Fehler</th>"}])
    pages = pages_of(sandbox)
    with pytest.raises(NotTold, match=r"GET http.*/batches: the page has 0 tables with the columns"):
        pages.newest()
    with pytest.raises(NotTold, match=r"GET http.*/batch/1: the page has 0 tables with the facts"):
        pages.batch(1)


def test_what_is_shown_of_a_page_is_short_and_has_no_secret(sandbox: Sandbox) -> None:
    new_batch(sandbox)
    put = f"<td>{'long ' * 1000}{OUTCOME_KEY}</td>"
    sandbox.configure("haplo", page_changes=[{"find": "<td>uploading</td>", "put": put}])
    with pytest.raises(NotTold, match="the state is none that is known") as raised:
        pages_of(sandbox).batch(1)
    assert len(raised.value.message) < 1500
    sandbox.configure("haplo", page_changes=[{"find": "<td>uploading</td>", "put": f"<td>{OUTCOME_KEY}</td>"}])
    with pytest.raises(NotTold, match=r"the state is none that is known: '\*{8}'"):
        pages_of(sandbox).batch(1)


def test_a_list_that_is_larger_than_other_answers_may_be(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    new_batch(sandbox)
    sandbox.configure("haplo", page_changes=[{"find": "</table>", "put": f"</table><p>{'x' * 2**21}</p>"}])
    assert len(pages_of(sandbox).newest()) == 1
    monkeypatch.setattr(haplo_pages, "LARGEST_PAGE", 2**20 + 1)
    with pytest.raises(NotTold, match="the page has more than 1048577 bytes, of which no more are read"):
        pages_of(sandbox).newest()
