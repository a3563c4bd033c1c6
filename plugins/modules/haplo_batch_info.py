#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haplo_batch_info
short_description: Read what became of batches in Haplo
version_added: 0.1.0
description:
  - Reads the state of batches that were scheduled for import, such as those of M(assetops.imports.haplo_batch), and
    once they have ended their outcome, with their logs. Nothing is changed.
  - Haplo's API does not say that. Its pages for people do, but nobody promises that they stay as they are. So they are
    read only in exactly the form that the vendor's public source gives them. For any other page the module fails and
    says what is different; it never guesses.
  - It needs a key of its own; O(outcome_api_key) says how to make one. The key that imports cannot read these pages.
seealso:
  - module: assetops.imports.haplo_batch
  - name: API keys
    description: The vendor's page on keys.
    link: https://docs.haplo.org/dev/api-key
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.connection
  - assetops.imports.attributes
attributes:
  action_group:
    description: Use C(group/assetops.imports.haplo) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - assetops.imports.haplo
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
options:
  url:
    description:
      - The address of the Haplo application, with the host name and the scheme that it is set up for; from others it
        redirects.
      - If not set, the value of the environment variable E(HAPLO_URL) is used.
    type: str
    required: true
  outcome_api_key:
    description:
      - An API key with the request path C(/do/haplo-data-import-batch/batch), without a slash at its end, of a user in
        the group Batch data administration.
      - An administrator makes it so. Make an ordinary user for it, in System management > Users; the service users of
        the keys for import will not do. Put that user in the group Batch data administration, and where that is not
        enough to be let in, in one for all who may log in. Then choose New API key... at that user, and set the request
        path to the above in place of C(/api/). The key is shown once.
      - Of all pages of batch import, this path opens only the two that show batches. A key for all of
        C(/do/haplo-data-import-batch/) could import, too, and make new keys.
      - After fifty wrong keys Haplo lets nobody in from the same host for five minutes, not even with the key that
        imports. So after one that is refused, nothing more is sent.
      - If not set, the value of the environment variable E(HAPLO_OUTCOME_API_KEY) is used.
    type: str
    required: true
  batch:
    description:
      - The identifier of a batch, of 44 characters, as in
        RV(assetops.imports.haplo_batch#module:imports[].remote_id).
      - The addresses of Haplo's pages have row numbers, so the batch is looked for in the list of all batches that
        there ever were. To ask for it repeatedly, use its RV(batches[].row), which spares the server that list.
    type: str
  row:
    description:
      - The row number of a batch, as in RV(batches[].row), and at the end of the address of its page.
    type: int
  newest:
    description:
      - How many batches to read, the newest first, of all that were made over the API or by people; at most 100. Fewer
        are returned if there are fewer.
      - It is V(10) if none of O(batch), O(row) and O(newest) is set.
    type: int
notes:
  - If a server was stopped in the middle of an import, it may show the batch as V(running) for ever. So set a limit for
    waiting.
  - Batches of standard batch import are not on these pages.
"""

EXAMPLES = r"""
- name: See what became of a batch
  assetops.imports.haplo_batch_info:
    url: https://research.example.ac.uk
    outcome_api_key: "{{ haplo_outcome_api_key }}"
    batch: zrGS6so1usAb3dEf-h_J0123456789abcdefghijKLMN
  register: found

- name: Wait until it has ended, through outages too, but stop if asking again is of no use
  assetops.imports.haplo_batch_info:
    url: https://research.example.ac.uk
    outcome_api_key: "{{ haplo_outcome_api_key }}"
    row: "{{ found.batches[0].row }}"
  register: outcome
  until: not outcome.is_outage | default(false) and (outcome is failed or outcome.batches[0].has_ended)
  retries: 120
  delay: 15

- name: Fail if it did not import all
  ansible.builtin.assert:
    that:
      - outcome.batches[0].state == 'complete'
      - outcome.batches[0].errors == 0
    fail_msg: "{{ outcome.batches[0].url }}: {{ outcome.batches[0].log }}"

- name: Read the newest batches
  assetops.imports.haplo_batch_info:
    url: https://research.example.ac.uk
    outcome_api_key: "{{ haplo_outcome_api_key }}"
    newest: 5
  register: newest

- name: Show those that an exception has stopped
  ansible.builtin.debug:
    msg: "{{ newest.batches | selectattr('state', 'eq', 'error') | map(attribute='url') }}"
"""

RETURN = r"""
batches:
  description: The batches that were asked for, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    batch:
      description: The identifier of the batch.
      type: str
      sample: zrGS6so1usAb3dEf-h_J0123456789abcdefghijKLMN
    row:
      description: Its row number, which is in the address of its page.
      type: int
      sample: 7
    url:
      description: The address of its page, for people who may see it.
      type: str
      sample: https://research.example.ac.uk/do/haplo-data-import-batch/batch/7
    state:
      description:
        - Haplo's own word. V(uploading), it is not scheduled. V(ready), the same for one that was made by a person.
          V(scheduled) and V(running), it has not ended.
        - V(complete), an import has come to its end, and V(dry-run), a dry run has; RV(batches[].errors) says how.
        - V(error), an exception has stopped it. What came before that is imported, unless it was a dry run; the page
          does not say whether it was.
      type: str
      sample: complete
    has_ended:
      description: Whether that is the end, V(complete), V(dry-run) or V(error).
      type: bool
    errors:
      description:
        - How many messages there were; V(null) before the end. They are not records. A record may have several, and
          most messages keep no record from being imported.
        - In state V(error) it is V(0) and means nothing.
      type: int
      sample: 1
    log:
      description:
        - The whole log, with its first and last line; V(null) before the end, or if it does not have the known form.
          Haplo logs no more than 500 messages.
      type: str
      sample: |-
        START: Wed Nov 25 2026 18:58:11 GMT-0000 (UTC)
        bad value (record 1)
        END: Wed Nov 25 2026 18:58:12 GMT-0000 (UTC)
    created:
      description: When it was made, as Haplo writes it, in the time zone of the key's user.
      type: str
      sample: 25 Nov 2026, 18:58
    comment:
      description: Its comment.
      type: str
      sample: nightly
is_outage:
  description:
    - That it failed because the server could not be reached or was in trouble, so that asking again later may help.
  returned: on failure, if that is why
  type: bool
  sample: true
http_status:
  description: The HTTP status of the answer that made it fail.
  returned: on failure, if there was an answer
  type: int
  sample: 403
response:
  description: The beginning of that answer.
  returned: on failure, if there was an answer
  type: str
"""

import re
from collections.abc import Iterator
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Outage
from ansible_collections.assetops.imports.plugins.module_utils._http.client import basic_credentials
from ansible_collections.assetops.imports.plugins.module_utils._http.urls import base_url
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import connection_arguments
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import client_of
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.results import answer_result
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.batch import IDENTIFIER
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.guides import (
    PAGES_ENVIRONMENT,
    PAGES_GUIDE,
    PAGES_OPTIONS,
    USER,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.pages import ENDED, BatchPage
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.pages_client import BatchPages

DEFAULT_NEWEST = 10  # batches that are read if the option is not set
MAX_BATCHES = 100  # as each is a request


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_arguments(PAGES_OPTIONS, PAGES_ENVIRONMENT),
            "batch": {"type": "str"},
            "row": {"type": "int"},
            "newest": {"type": "int"},
        },
        mutually_exclusive=[("batch", "row", "newest")],
        supports_check_mode=True,
    )
    run_module(module, read_batches)


def read_batches(invocation: Invocation) -> dict[str, Any]:
    """Read the batches that the options ask for."""
    params = invocation.params
    PAGES_GUIDE.check(params)
    check_options(params["batch"], params["row"], params["newest"])
    client = client_of(invocation, basic_credentials(USER, params["outcome_api_key"]), PAGES_GUIDE)
    pages = BatchPages(client, base_url(params["url"]))
    try:
        found = list(requested_pages(pages, params["batch"], params["row"], params["newest"]))
    except Outage as error:
        outage = {} if error.is_permanent else {"is_outage": True}
        return {"msg": client.secrets.redact(error.message), **outage, **answer_result(error.answer)}
    return {"changed": False, "batches": [page_result(page, client.secrets.redact) for page in found]}


def check_options(batch: str | None, row: int | None, newest: int | None) -> None:
    """Raise `BadInput` for a batch that cannot exist, and for too many."""
    if batch is not None and not re.fullmatch(IDENTIFIER, batch):
        raise BadInput(f"batch {batch!r} is no identifier of a batch, which has 44 letters, digits, - and _.")
    if row is not None and row < 1:
        raise BadInput(f"row {row} is no row number of a batch; they begin with 1.")
    if newest is not None and not 1 <= newest <= MAX_BATCHES:
        raise BadInput(f"newest is {newest}; it has to be a number from 1 to {MAX_BATCHES}.")


def requested_pages(pages: BatchPages, batch: str | None, row: int | None, newest: int | None) -> Iterator[BatchPage]:
    """The batches that were asked for."""
    if batch is not None:
        yield pages.find(batch)
    elif row is not None:
        yield pages.batch(row)
    else:
        for listed in pages.newest()[: newest or DEFAULT_NEWEST]:
            yield pages.batch(listed.row)


def page_result(page: BatchPage, redact: Callable[[str], str]) -> dict[str, Any]:
    """A batch as it is returned, without secrets in what people and data have put there."""
    return {
        "batch": page.identifier,
        "row": page.row,
        "url": page.url,
        "state": page.state,
        "has_ended": page.state in ENDED,
        "errors": page.errors,
        "log": page.log and redact(page.log),
        "created": redact(page.created),
        "comment": redact(page.comment),
    }


if __name__ == "__main__":
    main()
