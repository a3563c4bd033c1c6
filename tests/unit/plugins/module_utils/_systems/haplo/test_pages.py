# SPDX-License-Identifier: GPL-3.0-or-later
"""What Haplo's pages of batches say."""

from __future__ import annotations

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.html_page import PageError
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.pages import (
    ENDED,
    BatchPage,
    ListedBatch,
    batch_page,
    listed_batches,
)
from tests.sandbox.haplo import pages as sandbox_pages

from .samples import (
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
LOGS = {"complete": [START, *MESSAGES, END], "dry-run": [START, MESSAGES[0], END], "error": [START, EXCEPTION, END]}


def cell(state: str) -> str:
    """The line of a page with the state."""
    return f"<tr><th>State</th><td>{state}</td></tr>"


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
    assert one.identifier_prefix == IDENTIFIER[:length]


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
def test_a_list_that_is_not_as_it_was_is_not_reported(find: str, put: str, words: str) -> None:
    text = LISTS["in all states"]
    assert find in text
    with pytest.raises(PageError, match=words):
        listed_batches(text.replace(find, put))


@pytest.mark.parametrize(
    ("state", "find", "put", "words"),
    [
        ("complete", "<th>Errors</th>", "<th>Fehler</th>", "0 tables with the facts Errors, Identifier, State"),
        ("complete", IDENTIFIER, IDENTIFIER[:43], f"the identifier is none: '{IDENTIFIER[:43]}'"),
        ("running", cell("running"), cell("läuft"), "the state is none that is known: 'läuft'"),
        ("running", cell("running"), cell("not running"), "known: 'not running'"),
        ("running", cell("running"), cell("complete"), "complete, and yet the number of errors"),
        ("running", cell("running"), cell("running") * 2, "a fact of the batch is there twice"),
        ("error", cell("error"), cell("running"), "running, which is not the end, and yet"),
        ("running", "</table>", '</table><h2 id="import-log">Log</h2>', "not the end, and yet there is a log"),
        ("running", "running", 'running <a href="#import-log">log</a>', "not the end, and yet there is a log"),
        ("complete", "<h1>Batch import: ", "<h1>Import: ", "no heading that begins 'Batch import:'"),
    ],
)
def test_a_page_that_is_not_as_it_was_is_not_reported(state: str, find: str, put: str, words: str) -> None:
    assert find in PAGES[state]
    with pytest.raises(PageError, match=words):
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
def test_a_log_of_another_form_is_not_reported_and_the_state_is(find: str, put: str) -> None:
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
def test_other_pages_are_reported(text: str, words: str) -> None:
    with pytest.raises(PageError, match=words):
        listed_batches(text)
    with pytest.raises(PageError, match=words):
        batch_page(text, 7, URL)


def test_a_list_is_no_batch_and_a_batch_no_list() -> None:
    with pytest.raises(PageError, match="another page"):
        batch_page(LISTS["vendor's"], 7, URL)
    with pytest.raises(PageError, match="another page"):
        listed_batches(PAGES["vendor's"])


def test_a_long_list() -> None:
    count = 1_000
    (line,) = [f"<tr><td>{one}</tr>" for one in list_of([batch("complete", 2)]).split("<tr><td>")[1:]]
    line = line.partition("</table>")[0].replace("</tr></tr>", "</tr>")
    begin, end = list_of([]).replace("Batches: 0", f"Batches: {count}").split("</table>")
    text = begin + "".join(line.replace('/7"', f'/{row}"') for row in range(count, 0, -1)) + "</table>" + end
    found = listed_batches(text)
    assert [one.row for one in found] == list(range(count, 0, -1))
    assert {(one.identifier_prefix, one.state, one.errors) for one in found} == {(IDENTIFIER[:10], "complete", 2)}
