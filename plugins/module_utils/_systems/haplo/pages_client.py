# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client for Haplo's pages of batches: it reads them with a key of their own.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from typing import Callable, Generic, TypeVar

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    Outage,
    Refused,
    as_sentence,
    shortened,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.client import TRIES, Client
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import MAX_SHOWN, describe, request_line
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.guides import (
    GROUP,
    KEY_PATH,
    PAGES_GUIDE,
    PAGES_PATH,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.html_page import PageError, quoted
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.pages import (
    BatchPage,
    ListedBatch,
    batch_page,
    listed_batches,
)

T = TypeVar("T")
REFUSAL_ADVICE = {  # by the kind of error that Haplo names
    "INVALID-API-KEY": f"It is wrong, or made for another request path than {KEY_PATH}.",
    "UNAUTHORISED": f"Its user is blocked, or in no group that lets people in. It has to be in {GROUP!r}, too.",
    "THROTTLE": (
        "After fifty wrong keys Haplo lets nobody in from this host, with the key that imports neither. Correct the"
        " key, and ask nothing for five minutes."
    ),
}
LARGEST_PAGE = 16 * 1024 * 1024  # bytes; the list holds all batches that there ever were


class BatchPages:
    """The pages of batches of a Haplo application. `client` has the key that may read them.

    `url` is the base URL. `tries` is how often a request is sent if the server is in trouble. A page that cannot be
    read counts as such trouble, as a gateway's page in its place does, until one stays unreadable. The methods raise
    `PageError` where a page does not say what was asked, and `Outage` for trouble that may pass. After the first answer
    that refuses the key no more requests are sent, as fifty wrong keys lock out the key that imports, too.
    """

    def __init__(self, client: Client, url: str, *, tries: int = TRIES) -> None:
        self.secrets = client.secrets
        self._client = client
        self.url = url
        self._tries = tries
        self._refusal: PageError | None = None

    def newest(self) -> list[ListedBatch]:
        """All batches, the newest first. The server lists all there ever were each time, so ask rarely."""
        return self._read("batches", listed_batches)

    def find(self, identifier: str) -> BatchPage:
        """A batch whose row is not known. The list shows its row, and the page its whole identifier."""
        listed = self.newest()
        rows = [one.row for one in listed if identifier.startswith(one.identifier_prefix)]
        for page in map(self._page, rows):
            if page.identifier == identifier:
                return page
        which = "is not in the list" if not rows else "is in the list by its beginning only, and is another"
        raise PageError(
            f"GET {self.url}{PAGES_PATH}/batches: batch {identifier} {which}, of {len(listed)} batches. Is"
            f" {PAGES_GUIDE.named('url')} the application that it was sent to?"
        )

    def batch(self, row: int, identifier: str | None = None) -> BatchPage:
        """The batch of a row. Raises `PageError` if it has another identifier than `identifier`."""
        page = self._page(row)
        if identifier is not None and page.identifier != identifier:
            raise PageError(f"GET {page.url}: this is batch {page.identifier}, and not {identifier}.")
        return page

    def link(self, row: int) -> str:
        """The address of a batch's page."""
        return f"{self.url}{PAGES_PATH}/batch/{row}"

    def _page(self, row: int) -> BatchPage:
        return self._read(f"batch/{row}", lambda text: batch_page(text, row, self.link(row)))

    def _read(self, page: str, read: Callable[[str], T]) -> T:
        """Get a page, and return what `read` makes of it."""
        if self._refusal is not None:
            raise PageError(self._refusal.message, self._refusal.answer)
        reader = _PageReader(read)
        try:
            answer = self._client.ask(
                "GET",
                f"{PAGES_PATH}/{page}",
                headers={"Accept": "text/html"},
                tries=self._tries,
                is_enough=reader.is_enough,
                max_size=LARGEST_PAGE,
            )
        except Refused as error:
            raise self._refused_page(error) from error
        except Outage as outage:
            if reader.answer is None or outage.answer is not reader.answer:
                raise
            self._tries = 1
            answer = reader.answer
        if reader.error is None:
            return reader.results[-1]
        problem = shortened(self._client.secrets.redact(reader.error.message), 2 * MAX_SHOWN)
        message = as_sentence(f"{request_line(answer)}: {problem}")
        raise PageError(message, answer, is_transient=reader.error.is_transient)

    def _refused_page(self, error: Refused) -> PageError:
        """Why a page was refused, and what to do. A refusal of the key is remembered."""
        answer = error.answer
        if answer is None:
            return PageError(error.message)
        if answer.status in (401, 403):
            advice = f"{PAGES_GUIDE.advice[403]} {REFUSAL_ADVICE.get(_error_kind(answer), '')}".rstrip()
            self._refusal = PageError(f"The API key was refused: {advice} {describe(answer)}", answer)
            return self._refusal
        if re.search(r"/do/authentication/login(\?|$)", answer.headers.get("location", "")):
            return PageError(
                f"{describe(answer)} It points to the page to log in: the API key did not arrive, as where something on"
                " the way takes the header Authorization away.",
                answer,
            )
        if answer.status == 400:
            return PageError(
                f"{describe(answer)} There is no batch of that row, or not any more.", answer, is_transient=True
            )
        if answer.status == 404:
            return PageError(f"{describe(answer)} {PAGES_GUIDE.advice[404]}", answer, is_transient=True)
        return PageError(error.message, answer, is_transient=True)


class _PageReader(Generic[T]):
    """Reads one page from each answer until one is good: the `results`, or the `error` of the last `answer`."""

    def __init__(self, read: Callable[[str], T]) -> None:
        self._read = read
        self.answer: Answer | None = None
        self.error: PageError | None = None
        self.results: list[T] = []

    def is_enough(self, answer: Answer) -> bool:
        """Whether the answer could be read, or another one would be the same."""
        if not 200 <= answer.status < 300:
            return False
        self.answer, self.error = answer, None
        try:
            _check_answer(answer)
            self.results.append(self._read(answer.text))
        except PageError as error:
            self.error = error
        return self.error is None or not self.error.is_transient


def _check_answer(answer: Answer) -> None:
    """Raise `PageError` for an answer that is not a whole page."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status != 200 or kind != "text/html":
        raise PageError(
            f"the answer is HTTP {answer.status} with the content type {quoted(kind)}, and not 200 with a page",
            is_transient=True,
        )
    if not answer.is_whole and answer.text:
        raise PageError(
            f"the page has more than {LARGEST_PAGE} bytes, of which no more are read. Look at it in a browser; a batch"
            " by its row needs no list"
        )
    if not answer.is_whole:
        raise PageError("the page is compressed in a way that was not asked for", is_transient=True)


def _error_kind(answer: Answer) -> str:
    try:
        return str(json_object(answer).get("kind"))
    except ValueError:
        return ""
