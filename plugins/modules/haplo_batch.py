#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haplo_batch
short_description: Schedule batch imports into Haplo, once each
version_added: 0.1.0
description:
  - Sees to it that a batch of files has been scheduled for import into a Haplo application. It uploads the control file
    if Haplo does not know it, begins a batch, uploads the files, and schedules the batch, as a dry run if wanted.
  - What has been scheduled is written down in a receipt, step by step. The same control file with the same files is
    scheduled once, however often the play runs, however many runs overlap, and wherever one was interrupted. A run that
    was interrupted is taken up by the next one, which does not send again what Haplo has acknowledged.
  - A feed of people or of organisations is a state, so with the default of O(once) going back to an earlier state is an
    import again.
  - The outcome is V(scheduled), never V(succeeded). Haplo imports in the background, and its API has no way to ask how
    that went. The result names the page with the log of the batch, for a person to look at.
  - What would make Haplo take a file and then not import it is found before anything is sent, as far as it can be seen
    from the control file and the files.
seealso:
  - name: Batch import API
    description: The vendor's page on the calls that this module makes.
    link: https://docs.haplo.org/import/batch/api
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.connection
  - assetops.imports.wait
  - assetops.imports.receipts
  - assetops.imports.receipts.place
  - assetops.imports.attributes
  - assetops.imports.attributes.in_worker
attributes:
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Not with O(force=true), which asks for another import, and not with O(receipts=none), which forgets them.
options:
  url:
    description:
      - The address of the Haplo application, by the host name and the scheme that it has set itself; at another one it
        redirects.
      - If not set, the value of the environment variable E(HAPLO_URL) is used.
    type: str
    required: true
  api_key:
    description:
      - An API key for batch import. It is made in System management > Users > SRV > Batch data import access.
      - After fifty wrong keys Haplo lets nobody in from the same host for five minutes; so after one that is refused,
        nothing more is sent.
      - If not set, the value of the environment variable E(HAPLO_API_KEY) is used.
    type: str
    required: true
  api_path:
    description:
      - The path to the API below O(url). Keys are made for one path; this is for applications that have the same API
        elsewhere.
    type: str
    default: /api/haplo-data-import-batch
  control:
    description:
      - The control file, which tells Haplo how to read the files and what to make of them. It has to be UTF-8 without a
        byte order mark.
      - It is uploaded only if Haplo does not know it.
      - C(~) and environment variables are expanded where no file of the literal name exists.
      - Either this or O(control_digest) is required.
    type: str
  control_digest:
    description:
      - The SHA-256, in 64 lower-case hexadecimal digits, of a control file that Haplo knows already.
      - Whether the names in O(files) are in that control file cannot be checked then, and neither the sizes of files.
    type: str
  files:
    description:
      - The files of the batch. They are sent one after the other, in this order.
      - Each name may be there once, and all are looked at before anything is sent.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The name of the file in the control file, which is the key to its entry under C(files). If the control file
            has an entry C(DEFAULT), any name will do.
        type: str
        required: true
      src:
        description:
          - The file. It must not be empty.
          - C(~) and environment variables are expanded where no file of the literal name exists.
          - Of JSON and of TSV with a row of names, Haplo reads no file of more than 16777216 bytes.
        type: str
        required: true
  comment:
    description:
      - What to call the batch in Haplo, which calls it "Unnamed batch" otherwise. At most 65536 bytes.
      - Another comment does not make it another import.
    type: str
  control_comment:
    description:
      - What to call the control file in Haplo if it is uploaded, which calls it "Unnamed control file" otherwise. At
        most 65536 bytes.
    type: str
  dry_run:
    description:
      - Whether Haplo shall only try the import and log what it finds, and import nothing.
      - A dry run and an import of the same files are two imports, each with a batch and a receipt of its own.
    type: bool
    default: false
  feed:
    description:
      - A name for what the files are a state of, such as V(people). With O(once=latest), an import stands until another
        one of the same feed is scheduled.
      - If not set, batches with the same control file and the same names of files are a feed, dry runs one of their
        own. So set it if the control file may change, or the names do, as with dates in them.
      - The same files in two feeds are two imports.
    type: str
  once:
    description:
      - With V(latest), a batch that was scheduled is scheduled again if another one of the same O(feed) was since; so
        A, B and A again are three imports, and A twice in a row is one.
      - With V(ever), it is never scheduled again.
    default: latest
  wait:
    description:
      - Whether to wait where another run is at the same import. If not, the module succeeds with the state V(running).
      - For the import itself nobody can wait.
  wait_timeout:
    description:
      - For how many seconds to wait for another run. Then the module fails with the state V(running).
  wait_sleep:
    description:
      - The longest pause in seconds between two looks at how the other run is doing.
  unreachable_timeout:
    description:
      - For how many seconds in a row the receipt store may fail while waiting for another run.
  response_timeout:
    description:
      - After how many seconds to give up on the answer to what was sent, counted from the last block on. Then it is
        sent again, which does no harm here.
  on_unknown:
    description:
      - Of no consequence here. Scheduling again tells whether a batch was scheduled, so a run whose answer was lost is
        settled by the next one.
notes:
  - Haplo checks control files when they are uploaded, and tells what is wrong in its own words. What is in the files it
    looks at only when it imports them; mistakes in them are in the log of the batch and nowhere else.
  - A batch that was begun and never scheduled stays in Haplo's list, where it does nothing. There is no way to remove
    one over the API.
"""

EXAMPLES = r"""
- name: Import people
  assetops.imports.haplo_batch:
    url: https://research.example.ac.uk
    api_key: "{{ haplo_api_key }}"
    control: /etc/haplo/people-control.json
    files:
      - name: people
        src: /var/lib/hr-export/people.json
    comment: People from HR
    control_comment: HR feed
    feed: people

- name: Only try it; the message of the result says where the log is
  assetops.imports.haplo_batch:
    url: https://research.example.ac.uk
    api_key: "{{ haplo_api_key }}"
    control: /etc/haplo/people-control.json
    files:
      - name: people
        src: /var/lib/hr-export/people.json
    dry_run: true

- name: Import by a control file that Haplo has
  assetops.imports.haplo_batch:
    url: https://research.example.ac.uk
    api_key: "{{ haplo_api_key }}"
    control_digest: "{{ haplo_control_digest }}"
    files:
      - name: people
        src: /var/lib/hr-export/people.json
      - name: visitors
        src: /var/lib/hr-export/visitors.tsv
"""

RETURN = r"""
state:
  description:
    - The state of the import.
    - V(scheduled) is the end of what can be known. V(planned) is what a run without check mode would schedule.
      V(running), another run is at it. V(unknown), whether it is scheduled could not be found out; the next run will.
  returned: when the files could be read
  type: str
  sample: scheduled
imports:
  description: One entry, for the batch.
  returned: when the files could be read
  type: list
  elements: dict
  contains:
    source:
      description: The control file, as named in O(control), or its digest.
      type: str
      returned: always
      sample: /etc/haplo/people-control.json
    target:
      description: The application.
      type: str
      returned: always
      sample: https://research.example.ac.uk
    content_sha256:
      description:
        - A SHA-256 that stands for the whole batch, in hexadecimal. It is that of the JSON object with the digest of
          the control file as C(control) and an object of the digests of the files by name as C(files), with sorted
          names and without spaces.
      type: str
      returned: always
    size:
      description: The bytes of the files together, without the control file.
      type: int
      returned: always
    key:
      description: The identity of the import in the receipts.
      type: str
      returned: always
    remote_id:
      description: The identifier of the batch in Haplo, V(null) while it is not scheduled.
      type: str
      returned: always
      sample: 3dZ0qxu9uYbDhYjvLkMwTn_pr5Q2cKsEaHf8Xo6RgBi1
    state:
      description: The state of the import, as above.
      type: str
      returned: always
    changed:
      description: Whether this run made Haplo schedule the batch, or may have.
      type: bool
      returned: always
    reason:
      description:
        - Why it was done, or not. V(new), it was not scheduled yet, or not as the latest of its feed. V(receipt), it
          was, by a run before. V(resumed), a run before had come to schedule it, and this one made sure. V(retried), an
          attempt before ended earlier than that. V(forced), O(force) was set. V(joined), another run was at it.
      type: str
      returned: always
    attempts:
      description: How many attempts there were at this import, in all runs.
      type: int
      returned: always
    message:
      description:
        - Where in Haplo the log of the batch is; or what went wrong, in the words of Haplo where it said something.
      type: str
      returned: always
    server:
      description: What Haplo answered when the batch was scheduled, as it came; V(null) while it is not.
      type: str
      returned: always
      sample: SCHEDULED
    started_at:
      description: When the attempt began, in UTC; V(null) while there was none.
      type: str
      returned: always
      sample: "2026-11-22T03:04:05.678Z"
    finished_at:
      description: When it was seen to be scheduled, or to have failed, in UTC; V(null) while neither is.
      type: str
      returned: always
    duration:
      description: The seconds between the two; V(null) while one of them is.
      type: float
      returned: always
receipts:
  description: The receipt store.
  returned: when the files could be read
  type: dict
  contains:
    store:
      description: Its path or URL, or V(none).
      type: str
      returned: always
    created:
      description: Whether this run made it.
      type: bool
      returned: always
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
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files.content import digests_of, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._http.client import base_url, basic_credentials
from ansible_collections.assetops.imports.plugins.module_utils._module import (
    Host,
    client_of,
    connecting,
    import_all,
    importing,
    receipt_store,
    run_module,
    server_name,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo import (
    ENVIRONMENT,
    GUIDE,
    OPTIONS,
    SHA256,
    USER,
    Batch,
    ControlFile,
    DataFile,
    HaploBatches,
    api_base,
    check_text,
    control_file,
    wanted_batch,
)

FILE = {"name": {"type": "str", "required": True}, "src": {"type": "str", "required": True}}


ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        **connecting(OPTIONS, ENVIRONMENT),
        **importing(once="latest"),
        "control": {"type": "str"},
        "control_digest": {"type": "str"},
        "files": {"type": "list", "elements": "dict", "required": True, "options": FILE},
        "comment": {"type": "str"},
        "control_comment": {"type": "str"},
        "dry_run": {"type": "bool", "default": False},
        "feed": {"type": "str"},
    },
    "mutually_exclusive": [("control", "control_digest")],
    "required_one_of": [("control", "control_digest")],
}


def main() -> None:
    run_module(AnsibleModule(**ARGUMENTS, supports_check_mode=True), import_batch)


def import_batch(host: Host) -> dict[str, Any]:
    params = host.params
    GUIDE.check(params)
    check(params)
    client = client_of(host, basic_credentials(USER, params["api_key"]), GUIDE)
    system = HaploBatches(client, base_url(params["url"]), api_base(params["api_path"]))
    server = server_name(params)
    control = control_of(params)
    contents = open_contents([file["src"] for file in params["files"]], "files")
    names = [file["name"] for file in params["files"]]
    if control is not None:
        for name, content in zip(names, contents):
            control.check(name, content)
    with receipt_store(host) as store:
        digests = digests_of(contents, store)
        batch = Batch(
            control_sha256=control.sha256 if control else params["control_digest"],
            control=control,
            files=tuple(DataFile(*file) for file in zip(names, contents, digests)),
            dry_run=params["dry_run"],
            comment=params["comment"],
            control_comment=params["control_comment"],
            feed=params["feed"],
        )
        source = control.content.source if control else batch.control_sha256
        return import_all(host, store, client.secrets, system, [wanted_batch(server, source, batch)])


def check(params: dict[str, Any]) -> None:
    """Raise `BadInput` for what the options themselves show to be wrong."""
    names = [file["name"] for file in params["files"]]
    if not names:
        raise BadInput("files is an empty list; a batch without files does nothing.")
    for name in names:
        check_text("files: a name", name)
        if names.count(name) > 1:
            raise BadInput(f"files: {name!r} is there {names.count(name)} times; Haplo imports only the last one.")
    for option in ("comment", "control_comment", "feed"):
        check_text(option, params[option])
    digest = params["control_digest"]
    if digest is not None and not re.fullmatch(SHA256, digest):
        raise BadInput(f"control_digest {digest!r} is no SHA-256 in 64 lower-case hexadecimal digits.")
    if digest is not None and params["control_comment"] is not None:
        raise BadInput("control_comment is of no use with control_digest: no control file is uploaded then.")


def control_of(params: dict[str, Any]) -> ControlFile | None:
    """The control file, where it was given and not only its digest."""
    if params["control"] is None:
        return None
    (content,) = open_contents([params["control"]], "control")
    return control_file(content)


if __name__ == "__main__":
    main()
