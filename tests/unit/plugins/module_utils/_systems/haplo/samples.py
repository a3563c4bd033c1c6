# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of batches: those that were taken from the vendor's templates, and the sandbox's in each state."""

from __future__ import annotations

import html
from pathlib import Path

from tests.sandbox.haplo import pages
from tests.sandbox.haplo.batches import Batch, StoredFile, Upload
from tests.sandbox.haplo.importing import Outcome

IDENTIFIER = "zrGS6so1usAb3dEf-h_J0123456789abcdefghijKLMN"
OTHERS = tuple(f"{number}{'aB-_5' * 9}"[:43] + "z" for number in range(10))
HEADINGS = "<tr><th>Identifier</th><th>State</th><th>Errors</th><th>Created</th><th>Comment</th></tr>"
START, END = "START: Wed Nov 25 2026 18:58:11 GMT-0000 (UTC)", "END: Wed Nov 25 2026 18:58:12 GMT-0000 (UTC)"
COMMENT = """</td><td>complete & <b> "c's" ä Batches: 9"""  # as a person may write it; the pages have it escaped
CREATED = "25 Nov 2026, 18:58"
MESSAGES = ("bad <value> & more (record 1)", "two\nlines (record 2)")
STORED = StoredFile("5a" * 32, 12, "people & more.json", Path("/nowhere"))
VENDORS_LIST = pages.page(
    "Batch import jobs",
    f"<p>Batches: 2</p><table>{HEADINGS}"
    '<tr><td><a href="/do/haplo-data-import-batch/batch/7">Ab3dEf-h_J...</a></td><td>scheduled</td><td></td>'
    "<td>25 Nov 2026, 18:58</td><td>nightly</td></tr>"
    '<tr><td><a href="/do/haplo-data-import-batch/batch/6">zrGS6so1us...</a></td><td>complete</td><td>3</td>'
    '<td>24 Nov 2026, 18:58</td><td>a &lt;b&gt; &amp; "c"</td></tr></table>'
    '<p>&nbsp;</p><p>To create a new batch, select a <a href="/do/haplo-data-import-batch/control-files">control file'
    "</a> and click 'New batch...'</p>",
)
VENDORS_LOG = f"{START}\nbad <value> (record 1)\n{END}"
VENDORS_PAGE = pages.page(
    "Batch import: nightly",
    f"<table><tr><th>Identifier</th><td>{IDENTIFIER}</td></tr>"
    f'<tr><th>Control file</th><td><a href="/do/haplo-data-import-batch/control-file/1">{"5a" * 32}</a></td></tr>'
    "<tr><th>Created</th><td>25 Nov 2026, 18:58</td></tr><tr><th>Comment</th><td>nightly</td></tr>"
    '<tr><th>State</th><td>complete &nbsp; <a href="#import-log" role=button>view log below...</a></td></tr>'
    "<tr><th>Errors</th><td>1</td></tr></table>"
    f'<h2 id="import-log">Log</h2><pre>{html.escape(VENDORS_LOG, quote=False)}</pre>',
)
READY_PAGE = pages.page(
    "Batch import: (copy)",
    f"<table><tr><th>Identifier</th><td>{IDENTIFIER}</td></tr>"
    f'<tr><th>Control file</th><td><a href="/do/haplo-data-import-batch/control-file/1">{"5a" * 32}</a></td></tr>'
    "<tr><th>Created</th><td>25 Nov 2026, 18:58</td></tr><tr><th>Comment</th><td>(copy)</td></tr>"
    "<tr><th>State</th><td>ready</td></tr><tr><th>Errors</th><td></td></tr></table>"
    '<p><a role="button" class="z__button_link" href="/do/haplo-data-import-batch/schedule-batch/dry-run/7">Dry run...'
    '</a> <a role="button" class="z__button_link" href="/do/haplo-data-import-batch/schedule-batch/import/7">Import '
    "data...</a></p>",
)


def batch(state: str, errors: int = 0, *, row: int = 7, identifier: str = IDENTIFIER) -> Batch:
    """A batch of the sandbox in that state, with all that it has then."""
    one = Batch(identifier, COMMENT, STORED, 0.0)
    one.row, one.control_row = row, 1
    one.uploads = [Upload("people", STORED, late=False), Upload("<more>", STORED, late=False)]
    one.dry_run = None if state == "uploading" else state == "dry-run"
    if state in ("complete", "dry-run", "error", "running"):
        said = ["EXCEPTION: Error during import: x <y>. File: z, line: 1"] if state == "error" else MESSAGES[:errors]
        one.outcome = Outcome(state if state != "running" else "complete", errors)
        if state != "running":
            one.finished = True
            one.log = [START, *said, END]
    assert one.state() == state
    return one


def page_of(one: Batch) -> str:
    """Its own page."""
    return pages.batch(one, lambda _at: CREATED)


def list_of(found: list[Batch], shown_characters: int = 10) -> str:
    """The list of some, the oldest first here, and the newest first in there."""
    return pages.batches(found, lambda _at: CREATED, shown_characters)


STATES = {"uploading": 0, "scheduled": 0, "running": 0, "complete": 2, "dry-run": 1, "error": 0}
"""The states that batches of the API can have, each with how many errors there are in it here."""
PAGES = {
    "vendor's": VENDORS_PAGE,
    "ready": READY_PAGE,
    "complete, no errors": page_of(batch("complete")),
    **{state: page_of(batch(state, errors)) for state, errors in STATES.items()},
}
LISTS = {
    "vendor's": VENDORS_LIST,
    "empty": list_of([]),
    "in all states": list_of(
        [batch(state, STATES[state], row=number + 3, identifier=OTHERS[number]) for number, state in enumerate(STATES)]
    ),
}
