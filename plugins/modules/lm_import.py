#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lm_import
short_description: Import assets into a library of Akana Lifecycle Manager, once per state
version_added: 0.1.0
description:
  - Makes sure that the assets of an archive have been imported into a library of Akana Lifecycle Manager, by its
    ImportUtils API. The archive is sent, or the server fetches it from a URL.
  - A receipt records what has been imported. As long as an archive is the newest of its O(feed), it is imported into
    the same library once, however often the play runs, however many runs overlap, and wherever one was interrupted.
  - Lifecycle Manager imports in the background. The module waits until no asset of the import is unpublished, unless
    O(wait=false). If a run ended early, the next one resumes it.
  - That may never happen, since assets may wait for approval. When the number of unpublished assets has not changed for
    O(settle_time), the state is V(incomplete), and the task fails unless O(allow_unpublished). Rows that Lifecycle
    Manager could not parse make it V(incomplete), too; the task shows them and fails unless O(allow_parsing_errors).
    Each run judges both again, and sends nothing again for them.
  - An archive is sent as it is. It is neither looked into nor unpacked.
seealso:
  - module: assetops.imports.lm_import_info
  - module: assetops.imports.lm_library
  - module: assetops.imports.lm_library_info
  - name: Lifecycle Manager ImportUtils API
    description: The vendor's page on the calls that this module wraps.
    link: https://help.akana.com/content/current/lm/api_lm/lm_api_importutils.htm
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.connection
  - assetops.imports.lm
  - assetops.imports.wait
  - assetops.imports.receipts
  - assetops.imports.receipts.adopt
  - assetops.imports.receipts.place
  - assetops.imports.attributes
  - assetops.imports.attributes.in_worker
attributes:
  action_group:
    description: >-
      Use C(group/assetops.imports.lm) or C(group/assetops.imports.imports) in C(module_defaults) to set defaults for
      this module.
    support: full
    membership:
      - assetops.imports.lm
      - assetops.imports.imports
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Not with O(force=true), which asks for another import, and not with O(receipts=none), which forgets them.
options:
  src:
    description:
      - The archive to import. Either this or O(import_url) has to be given.
      - Its name is sent with letters, digits, dots, underscores and hyphens only; others become underscores.
      - C(~) and environment variables are expanded where no file of the literal name exists.
    type: str
  import_url:
    description:
      - The address from which Lifecycle Manager itself fetches the archive.
      - User, password, query and fragment of the URL are sent and shown nowhere else. They are not part of what an
        import is known by, so two URLs that differ only in them are the same. A warning says so for each URL that has
        any of them, unless O(import_version) is set.
    type: str
  import_version:
    description:
      - What stands for the content behind O(import_url), such as a checksum or the number of a build. With another one,
        the archive is imported again.
      - Without it, a URL is imported once, whatever is behind it later. The message of an unchanged run says so.
    type: str
  feed:
    description:
      - Archives of one feed are states of the same assets, and the newest counts. Going back to an earlier one is
        another import.
      - If not set, it is the file name of the archive, or the last part of the path of O(import_url). Under another
        feed than before, an archive is imported again.
    type: str
  import_user:
    description:
      - The user in whose name assets are created and submitted. It needs the role ACE. If not set, it is O(username),
        or else the system user.
    type: str
    aliases: [user]
  concurrent_thread:
    description:
      - The importer's property C(concurrentThread). As with all properties, the vendor's Library Configuration Guide
        says what it means, and it is sent only if it is set.
    type: int
  load_factor:
    description:
      - The importer's property C(loadFactor).
    type: int
  attribute_delimiter:
    description:
      - The importer's property C(attributeDelimiter), which separates attributes, as V(|) in the vendor's example.
    type: str
  attribute_value_delimiter:
    description:
      - The importer's property C(attributeValueDelimiter), which separates values of an attribute, as V(^) in the
        vendor's example.
    type: str
  thread_sleep:
    description:
      - The importer's property C(threadSleep).
    type: int
  replace:
    description:
      - The importer's parameter C(replace). It is understood to say whether assets that exist are replaced.
    type: bool
  email_results:
    description:
      - The importer's property C(emailResults).
    type: bool
  ignore_asset_id:
    description:
      - The importer's property C(ignoreAssetId).
    type: bool
  bypass_governance:
    description:
      - The importer's property C(bypassGovernance). It is understood to publish assets without approval.
    type: bool
  validate_import:
    description:
      - The importer's parameter C(validate). Whether it imports at all with V(true) is not documented, so check mode
        does not use it.
    type: bool
    aliases: [validate]
  submission_note:
    description:
      - The importer's parameter C(submissionNote), a note for those who approve.
    type: str
  submit:
    description:
      - Whether assets are submitted for publication. With V(false) nothing is ever published, so there is nothing to
        wait for, and the state is V(scheduled).
    type: bool
  allow_parsing_errors:
    description:
      - Whether the import is good enough if some rows did not parse. They are still reported.
    type: bool
    default: false
  allow_unpublished:
    description:
      - Whether the import is good enough if some assets stay unpublished, as when they wait for approval.
    type: bool
    default: false
  settle_time:
    description:
      - For how many seconds the number of unpublished assets must not change to be taken as the end. Each change of the
        library's numbers of requests and events starts this time again.
    type: float
    default: 60
  counts:
    description:
      - Whether to ask what the library holds before the import, and again after one that this run has made. The numbers
        are in RV(counts), and shown with C(--diff). Where they cannot be read, there is a warning, and the import goes
        on.
    type: bool
    default: false
  once:
    description:
      - With V(latest), an archive that was imported is imported again when another one of its O(feed) was imported
        since, and once in each feed. With V(ever), it is never imported again.
    default: latest
notes:
  - O(concurrent_thread), O(load_factor), O(thread_sleep), O(email_results), O(submission_note) and O(import_user) do
    not make it another import. The other properties do.
  - After M(assetops.imports.lm_library) has emptied a library, everything is imported into it again.
  - Where there is nothing to do, the library is asked for its status, once. If it says that it holds no assets, it was
    emptied by other means, and what had succeeded is imported again, unless it had brought no assets then. If the
    status cannot be read, nothing is done, and the message says why. With O(submit=false) it is not asked, as assets
    that are not submitted may not be counted.
  - If an import is over and its library holds no assets, although it held some since the import was sent, the state is
    V(failed), as the library was emptied meanwhile. Where an archive without assets cannot be ruled out, as when the
    run that sent it has ended, it is V(unknown).
  - Where Lifecycle Manager still says that it has no status of a run when O(unreachable_timeout) or O(wait_timeout) is
    over, the state is V(unknown).
"""

EXAMPLES = r"""
- name: Import an archive of assets
  assetops.imports.lm_import:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
    src: /srv/exports/contents_LibraryDemo.zip

- name: Have Lifecycle Manager fetch the archive, once for each build
  assetops.imports.lm_import:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
    import_url: http://acme.com/imports/contents_LibraryDemo.zip
    import_version: build-1742

- name: Import with all properties of the vendor's example
  assetops.imports.lm_import:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
    src: /srv/exports/contents_LibraryDemo.zip
    import_user: support
    concurrent_thread: 1
    load_factor: 10
    attribute_delimiter: "|"
    attribute_value_delimiter: "^"
    thread_sleep: 250
    replace: true
    email_results: false
    ignore_asset_id: false
    bypass_governance: true
    validate_import: true
    submission_note: A submission note
    submit: true

- name: Import although some rows do not parse and some assets wait for approval
  assetops.imports.lm_import:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
    src: /srv/exports/governed.zip
    allow_parsing_errors: true
    allow_unpublished: true

- name: Import and do not wait
  assetops.imports.lm_import:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
    src: /srv/exports/nightly.zip
    wait: false
"""

RETURN = r"""
state:
  description:
    - The state of the import.
    - V(planned) is what a run without check mode would import. V(submitted) and V(running) are not
      over; the next run resumes them. V(incomplete) is over, except for assets that are not published
      or rows that did not parse; the next run looks again. V(scheduled) cannot be followed, as O(submit=false).
      V(unknown) means that nobody knows whether it was imported, or how it went.
  returned: when the options are right
  type: str
  sample: succeeded
imports:
  description: The import, as the only entry of a list.
  returned: when the options are right
  type: list
  elements: dict
  contains:
    source:
      description: The archive, as named in O(src), or its URL without user, password and query.
      type: str
      returned: always
      sample: /srv/exports/contents_LibraryDemo.zip
    target:
      description: The server and the library.
      type: str
      returned: always
      sample: https://lm.example.com library LibraryDemo
    content_sha256:
      description: The SHA-256 of what was or will be sent, in hexadecimal; V(null) for O(import_url).
      type: str
      returned: always
    size:
      description: How many bytes the archive has; V(null) for O(import_url).
      type: int
      returned: always
    key:
      description: The identity of the import in the receipts.
      type: str
      returned: always
    remote_id:
      description: The id of the run in Lifecycle Manager, V(null) while there is none.
      type: str
      returned: always
      sample: import_2016-01-22_15-35-07.484
    state:
      description: The state of this import, as above.
      type: str
      returned: always
    changed:
      description: Whether this run made Lifecycle Manager start the import, or may have.
      type: bool
      returned: always
    reason:
      description:
        - Why it was done, or not. V(new), it was not imported yet, or another one of its O(feed) was
          since, or the library was emptied since. V(receipt), it was, by a run before. V(resumed),
          a run before sent it, and this one looked at it. V(retried), an attempt before failed. V(forced),
          O(force) was set. V(joined), another run was importing it. V(adopted), O(adopt) was set.
      type: str
      returned: always
    label:
      description: The name of the target, as O(label) gave it; V(null) where it did not.
      type: str
      returned: always
    period:
      description: Always V(null); the time that a log covers is found out for License Statistics.
      type: dict
      returned: always
    window:
      description: Always V(null); time ranges are imported into License Statistics.
      type: dict
      returned: always
    attempts:
      description: How many attempts there were at this import, in all runs.
      type: int
      returned: always
    message:
      description:
        - What there is to know, in the words of Lifecycle Manager where it said something. Rows that
          did not parse are reported by name, version, id and message; the first fifty, and how many
          more there are.
      type: str
      returned: always
    server:
      description: What Lifecycle Manager answered, as it came; V(null) while there is no answer.
      type: dict
      returned: always
      contains:
        import:
          description: The answer to the import, with no more than fifty rows in C(assetImportMessages).
          type: dict
          returned: always
        status:
          description: The last status of the run, V(null) while there is none.
          type: dict
          returned: always
          sample:
            unpublished-assets: 0
        library:
          description: The last status of the library, V(null) where it was not asked for or could not
            be read.
          type: dict
          returned: always
    started_at:
      description: When the attempt began, in UTC; V(null) while there was none.
      type: str
      returned: always
      sample: '2026-11-22T03:04:05.678Z'
    finished_at:
      description: When the end of it was seen, in UTC; V(null) while there is none.
      type: str
      returned: always
    duration:
      description: The seconds between the two; V(null) while one of them is.
      type: float
      returned: always
counts:
  description: What the library held, as M(assetops.imports.lm_library_info) returns it.
  returned: with O(counts=true), when the options are right
  type: dict
  contains:
    before:
      description: Before the import; V(null) where that could not be read.
      type: dict
      returned: always
      sample:
        active_requests: 0
        catalog_assets: 0
        pending_events: 0
        projects: 3
        published_assets: 0
        users: 16
    after:
      description: After an import by this run; V(null) where it made none, or that could not be read.
      type: dict
      returned: always
receipts:
  description: The receipt store.
  returned: when the options are right
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
  sample: 401
response:
  description: The beginning of that answer.
  returned: on failure, if there was an answer
  type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, ImportsError
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.module_utils._files.content import digests_of, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import (
    connection_arguments,
    import_arguments,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.checks import MAX_SECONDS
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import (
    client_of,
    import_all,
    receipt_store,
    server_name,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.results import diff_of
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.answers import counts_of, counts_text
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.connection import (
    ENVIRONMENT,
    GUIDE,
    OPTIONS,
    LibraryFunction,
    credentials,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.imports import (
    Archive,
    import_options,
    wanted_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.library import Library
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.link import SECRETS_IGNORED, Link, link_to
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.system import (
    LifecycleManager,
    SuccessCriteria,
)

ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        **connection_arguments(OPTIONS, ENVIRONMENT),
        **import_arguments(once="latest"),
        "src": {"type": "str"},
        "import_url": {"type": "str", "no_log": True},  # what it may hold is seen before anything is logged
        "import_version": {"type": "str"},
        "feed": {"type": "str"},
        "import_user": {"type": "str", "aliases": ["user"]},
        "concurrent_thread": {"type": "int"},
        "load_factor": {"type": "int"},
        "attribute_delimiter": {"type": "str"},
        "attribute_value_delimiter": {"type": "str"},
        "thread_sleep": {"type": "int"},
        "replace": {"type": "bool"},
        "email_results": {"type": "bool"},
        "ignore_asset_id": {"type": "bool"},
        "bypass_governance": {"type": "bool", "no_log": False},
        "validate_import": {"type": "bool", "aliases": ["validate"]},
        "submission_note": {"type": "str"},
        "submit": {"type": "bool"},
        "allow_parsing_errors": {"type": "bool", "default": False},
        "allow_unpublished": {"type": "bool", "default": False},
        "settle_time": {"type": "float", "default": 60},
        "counts": {"type": "bool", "default": False},
    },
    "mutually_exclusive": [("src", "import_url")],
    "required_one_of": [("src", "import_url")],
}


def main() -> None:
    run_module(AnsibleModule(**ARGUMENTS, supports_check_mode=True), import_archive)


def import_archive(invocation: Invocation) -> dict[str, Any]:
    params = invocation.params
    GUIDE.check(params)
    function, options, criteria = LibraryFunction.of(params), import_options(params), success_criteria(params)
    link = link_of(invocation)
    client = client_of(invocation, credentials(params["username"], params["password"]), GUIDE)
    for secret in link.secrets if link else ():
        client.keep_secret(secret)
    library = Library(client, function)
    system = LifecycleManager(library, criteria)
    server = server_name(params)
    source = link or open_contents([params["src"]])[0]
    with receipt_store(invocation) as store:
        sha256 = None if isinstance(source, Link) else digests_of([source], store)[0]
        wanted = wanted_import(server, function.library, Archive(options, source), sha256, params["feed"])
        before = read_counts(library, invocation) if params["counts"] else None
        result = import_all(invocation, store, client.secrets, system, [wanted])
    (entry,) = result["imports"]
    if params["counts"]:
        has_imported = result["changed"] and not invocation.check_mode
        add_counts(result, before, read_counts(library, invocation) if has_imported else None)
    remarks = [*map(client.secrets.redact, system.remarks), link.remark(entry["reason"]) if link else ""]
    entry["message"] = " ".join(filter(None, [entry["message"], *remarks]))
    return result


def success_criteria(params: Mapping[str, Any]) -> SuccessCriteria:
    if not 0 <= params["settle_time"] <= MAX_SECONDS:
        raise BadInput("settle_time has to be a number of seconds, 0 or more, a year at most.")
    return SuccessCriteria(
        allow_parsing_errors=params["allow_parsing_errors"],
        allow_unpublished=params["allow_unpublished"],
        settle_time=params["settle_time"],
    )


def link_of(invocation: Invocation) -> Link | None:
    """The archive behind import_url, which Ansible may show again where there is nothing to hide in it."""
    url = invocation.params["import_url"]
    if url is None:
        return None
    link = link_to(url, invocation.params["import_version"])
    invocation.secret_options.discard("import_url")  # what is secret in it is known from here on
    if link.is_public:
        invocation.no_log_values.discard(url)
    elif link.version is None:
        invocation.warn(SECRETS_IGNORED)
    return link


def read_counts(library: Library, invocation: Invocation) -> dict[str, int | None] | None:
    """What the library holds; None, and a warning, where that cannot be read."""
    try:
        return counts_of(library.status(tries=1))
    except ImportsError as error:
        reason = printable(library.client.secrets.redact(error.message))
        invocation.warn(f"What the library holds could not be read. {reason}")
        return None


def add_counts(
    result: dict[str, Any], before: Mapping[str, int | None] | None, after: Mapping[str, int | None] | None
) -> None:
    """Add what the library held before and after to the result, and to its difference."""
    result["counts"] = {"before": before, "after": after}
    if "diff" in result and before is not None:
        what = f"{result['imports'][0]['target']}: what it holds"
        result["diff"].append(diff_of(what, counts_text(before), counts_text(after or before)))


if __name__ == "__main__":
    main()
