#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: licstat_import
short_description: Import license server logs into X-Formation License Statistics, once each
version_added: 0.1.0
description:
  - Sees to it that the data of license server logs, as of FlexNet, LM-X, RLM or Sentinel RMS, has been imported into a
    license server of X-Formation License Statistics.
  - What has been imported is written down in a receipt. The same content with the same options is imported into the
    same license server once, however often the play runs, however many runs overlap, and wherever one was interrupted.
  - License Statistics imports in the background. The module waits for its outcome, unless told not to; a run that ended
    early is resumed by the next one.
  - A log is sent as it is, up to the size it had when the module looked at it; a log that is still being written to is
    fine. It is not unpacked.
seealso:
  - module: assetops.imports.licstat_task_info
  - name: API for importing license server data
    description: The vendor's page on the call that this module wraps.
    link: https://docs.x-formation.com/display/LICSTAT/API+for+importing+license+server+data
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.connection
  - assetops.imports.licstat
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
  license_server_id:
    description:
      - The number of the license server in License Statistics whose data this is; it stands in the grid of
        Administration > License Servers, in the column License Server ID.
      - Importing has to be enabled in the configuration of that license server.
    type: raw
    required: true
  src:
    description:
      - The logs to import. Each is an import of its own; they are sent in this order and waited for together.
      - All are looked at before the first is sent. When one fails, the others are imported all the same, and the task
        fails at the end and names each.
      - Of equal contents only the first is imported, the others are told with the reason V(duplicate).
      - C(~) and environment variables are expanded where no file of the literal name exists.
    type: list
    elements: str
    required: true
  gather:
    description:
      - What to gather from the logs. License Statistics gathers both when this is not set.
    type: list
    elements: str
    choices: [denials, usage]
  merge_policy:
    description:
      - What License Statistics does where the data overlaps with what it has, in the words of the vendor, who does not
        explain them further. It is V(reject) when this is not set.
      - V(replace) is understood to delete data that is there. Try it on data you can spare.
    type: str
    choices: [reject, replace, merge, leave_tail]
  from:
    description:
      - The beginning of the time range to import, as V(YYYY-MM-DD HH:MM[:SS]), with a space or a V(T); a date alone is
        its beginning. Without it, it is the beginning of the log.
      - Time ranges are taken as times of the License Statistics server, so a time zone is refused.
    type: str
  to:
    description:
      - The end of the time range to import, as V(YYYY-MM-DD HH:MM[:SS]), with a space or a V(T). Without it, it is the
        end of the log.
    type: str
  identity:
    description:
      - What makes two imports the same. With V(content) it is the content of the log, with V(window) the time range
        from O(from) to O(to), whatever the log holds.
      - Use V(window) to import last night from a log that keeps growing, which is another content every night. It needs
        O(from), O(to) in the past, and exactly one O(src).
    type: str
    choices: [content, window]
    default: content
  resolve_domain_names_to_ip:
    description:
      - Whether License Statistics looks up unknown IP addresses of hosts in the DNS. Needs License Statistics 6.21.
    type: bool
  find_domain_names_by_ip:
    description:
      - Whether License Statistics looks up unknown host names by IP address in the DNS. Needs License Statistics 6.21.
    type: bool
  once:
    description:
      - With V(ever), a log that was imported is never imported again; logs are facts.
      - With V(latest), it is imported again when a log with the same file name and another content was imported into
        the license server since, and once under each file name.
    default: ever
notes:
  - The vendor documents the task states V(PENDING) and V(SUCCESS) only. A task with an error, or in a state that is
    called like a failure, has failed; any other state is taken as still running and is told in the result.
  - How long License Statistics can be asked about a finished task is not documented. A task that it no longer knows is
    V(unknown).
"""

EXAMPLES = r"""
- name: Import a log with the defaults of License Statistics
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    src:
      - /var/log/flexlm/license-server.log

- name: Import denials only
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    src:
      - /var/log/flexlm/license-server.log
    gather:
      - denials

- name: Import usage only
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    src:
      - /var/log/flexlm/license-server.log
    gather:
      - usage

- name: Replace the data that is there
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    src:
      - /var/log/flexlm/license-server.log
    merge_policy: replace

- name: Import the denials of a time range
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    src:
      - /var/log/flexlm/license-server.log
    gather:
      - denials
    from: 2021-01-10 15:10:00
    to: 2021-02-10 19:13:23

- name: Look up missing addresses and host names in the DNS
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    src:
      - /var/log/flexlm/license-server.log
    resolve_domain_names_to_ip: true
    find_domain_names_by_ip: true

- name: Import yesterday from a log that keeps growing
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    src:
      - /var/log/flexlm/debug.log
    identity: window
    from: "{{ '%Y-%m-%d' | strftime(now(utc=true).timestamp() - 86400) }} 00:00:00"
    to: "{{ '%Y-%m-%d' | strftime(now(utc=true).timestamp() - 86400) }} 23:59:59"

- name: Import all rotated logs, the oldest first, and do not wait
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    src: "{{ query('ansible.builtin.fileglob', '/var/log/flexlm/debug.log.*') | sort | reverse }}"
    wait: false
"""

RETURN = r"""
state:
  description:
    - The state of the import, or the worst of several.
    - V(planned) is what a run without check mode would import. V(submitted) and V(running) are not over; the next run
      resumes them. V(unknown) means that the answer to an upload was lost and License Statistics cannot be asked.
  returned: when src could be read
  type: str
  sample: succeeded
imports:
  description: One entry for each of O(src), in that order.
  returned: when src could be read
  type: list
  elements: dict
  contains:
    source:
      description: The log, as named in O(src).
      type: str
      returned: always
      sample: /var/log/flexlm/debug.log
    target:
      description: The server and the license server.
      type: str
      returned: always
      sample: https://licstat.example.com license server 40
    content_sha256:
      description:
        - The SHA-256 of what was or will be imported, in hexadecimal; V(null) where O(identity=window) and nothing was
          sent yet.
      type: str
      returned: always
    size:
      description: How many bytes of the log were taken.
      type: int
      returned: always
    key:
      description: The identity of the import in the receipts.
      type: str
      returned: always
    remote_id:
      description: The id of the task in License Statistics, V(null) while there is none.
      type: str
      returned: always
      sample: import_527ddd6f-d7de-4854-bc99-839b5afd458e
    state:
      description: The state of this import, as above.
      type: str
      returned: always
    changed:
      description: Whether this run made License Statistics start the import, or may have.
      type: bool
      returned: always
    reason:
      description:
        - Why it was done, or not. V(new), it was not imported yet. V(receipt), it was, by a run before. V(resumed), a
          run before sent it, and this one waited for it. V(retried), an attempt before failed. V(forced), O(force) was
          set. V(duplicate), it stands in O(src) twice. V(joined), another run was at it.
      type: str
      returned: always
    attempts:
      description: How many attempts there were at this import, in all runs.
      type: int
      returned: always
    message:
      description: What there is to know, in the words of License Statistics where it said something.
      type: str
      returned: always
    server:
      description: What License Statistics answered last about the task, as it came; V(null) while there is no task.
      type: dict
      returned: always
    started_at:
      description: When the attempt began, in UTC; V(null) while there was none.
      type: str
      returned: always
      sample: "2026-11-22T03:04:05.678Z"
    finished_at:
      description: When the end of it was seen, in UTC; V(null) while there is none.
      type: str
      returned: always
    duration:
      description: The seconds between the two; V(null) while one of them is.
      type: float
      returned: always
receipts:
  description: The receipt store.
  returned: when src could be read
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

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files.content import digests_of, open_contents
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
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat import (
    ENVIRONMENT,
    GATHER,
    GUIDE,
    MERGE_POLICY,
    OPTIONS,
    ImportOptions,
    LicenseStatistics,
    credentials,
    license_server,
    moment,
    wanted_import,
)

ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        **connecting(OPTIONS, ENVIRONMENT),
        **importing(once="ever"),
        "license_server_id": {"type": "raw", "required": True},
        "src": {"type": "list", "elements": "str", "required": True},
        "gather": {"type": "list", "elements": "str", "choices": list(GATHER)},
        "merge_policy": {"type": "str", "choices": list(MERGE_POLICY)},
        "from": {"type": "str"},
        "to": {"type": "str"},
        "identity": {"type": "str", "choices": ["content", "window"], "default": "content"},
        "resolve_domain_names_to_ip": {"type": "bool"},
        "find_domain_names_by_ip": {"type": "bool"},
    },
}


def main() -> None:
    run_module(AnsibleModule(**ARGUMENTS, supports_check_mode=True), import_logs)


def import_logs(host: Host) -> dict[str, Any]:
    params = host.params
    GUIDE.check(params)
    options = options_of(params)
    client = client_of(host, credentials(params["api_token"]), GUIDE)
    system = LicenseStatistics(client, params["api_version"])
    server = server_name(params)
    contents = open_contents(params["src"])
    if options.is_window and len(contents) > 1:
        raise BadInput("identity=window takes exactly one src: the window would be imported from the first one only.")
    with receipt_store(host) as store:
        digests = [None] if options.is_window else digests_of(contents, store)
        wanted = [wanted_import(server, options, content, sha256) for content, sha256 in zip(contents, digests)]
        return import_all(host, store, client.secrets, system, wanted)


def options_of(params: dict[str, Any]) -> ImportOptions:
    for option in ("src", "gather"):
        if params[option] == []:
            raise BadInput(f"{option} is an empty list.")
    options = ImportOptions(
        license_server_id=license_server(params["license_server_id"]),
        gather=params["gather"] and tuple(set(params["gather"])),
        merge_policy=params["merge_policy"],
        start=moment(params["from"], "from"),
        end=moment(params["to"], "to"),
        resolve_domain_names_to_ip=params["resolve_domain_names_to_ip"],
        find_domain_names_by_ip=params["find_domain_names_by_ip"],
        is_window=params["identity"] == "window",
    )
    options.check(datetime.now())
    return options


if __name__ == "__main__":
    main()
