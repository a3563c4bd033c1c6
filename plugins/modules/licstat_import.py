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
  - A log is sent as it is, and not unpacked. One that grows or changes while it is read is not imported, as half of a
    log is not that log; its import is V(failed), and the other logs are imported all the same. Only of a
    time range, a log that grows is taken, up to the size it had when the module looked at it.
  - The module finds the logs itself where it is given folders, and archives or deletes those that were imported if it
    is told to.
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
  - assetops.imports.receipts.adopt
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
      - Exactly one of O(src) and O(paths) is needed.
    type: list
    elements: str
  paths:
    description:
      - The folders in which to look for the logs, which are imported the oldest first.
      - That none is there is a success, unless O(require_logs), where anything was imported into this license server
        before. Where the receipts know of no such import, as always with O(receipts=none), it is an error, in check
        mode, too; so wrong folders or patterns are not taken for quiet nights.
      - A folder that is not there or cannot be read is an error, and so is a link to nothing among the logs. They are
        followed where they lead to files, not where they lead to folders. Empty files are left out.
      - C(~) and environment variables are expanded where no folder of the literal name exists.
    type: list
    elements: str
  patterns:
    description:
      - Names of logs, with C(*), C(?) and C([]), which take no hidden files. The default takes the rotated ones, with
        numbers or dates, and leaves the one that still grows, which would be another content every night.
      - What is called like a rotated log, as C(lmgrd.log.1), C(DEBUG.LOG.1), C(report.rl-20261124), and taken by none
        of them, is told in RV(left_out), unless O(excludes) take it.
    type: list
    elements: str
    default: [debug.log.*, debug.log-*]
  excludes:
    description:
      - Names of files that are no logs though they match, and with O(recurse) of folders that are not looked into.
        License Statistics is not known to take compressed logs, so by default they are left out, and told.
    type: list
    elements: str
    default: ['*.gz', '*.bz2', '*.xz', '*.zip', '*.zst']
  recurse:
    description:
      - Whether to look into the folders below O(paths), too, but for O(archive).
    type: bool
    default: false
  min_age:
    description:
      - For how many seconds a log must not have been written to, so that a rotation or a copy that is at it can end.
        Half of a log is not that log; what is seen to change while it is read is never imported, but a log to which a
        line is written each minute is not seen to change in between.
    type: int
    default: 0
  max_age:
    description:
      - Logs that were not written to for more seconds than this are left out. If not set, none is too old.
    type: int
  require_logs:
    description:
      - Whether it is an error that there is no log, although some were imported before.
    type: bool
    default: false
  afterwards:
    description:
      - What becomes of a log of which License Statistics says that its import succeeded, in this run or an earlier one.
        Never set anything but V(keep) for a log that is still being written to.
      - V(archive) moves it to O(archive), under its name and the beginning of its SHA-256. V(delete) deletes it. Of a
        link, the archive gets what it leads to, and the link is removed.
      - A log that holds something else by now than what was imported is kept, and so is one of which a time range was
        imported, or that has the name of an archived log. With O(wait=false), the next run puts it away.
      - What is copied to another disk is read again and compared, and the disk has it before the log goes. A log that
        has a hidden name because a run was killed as it removed it is found by its own name an hour later.
      - Where a log cannot be put away, the task fails and says why; what became of the imports is told all the same.
    type: str
    choices: [keep, archive, delete]
    default: keep
  archive:
    description:
      - The folder for O(afterwards=archive), on the host where the logs lie; needed for that. It is made if it is not
        there. It must not be one of O(paths), and is not searched where it lies below them.
      - What is in it is never overwritten.
    type: path
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
      - With O(identity=since_last), it is where the first time range of all begins.
    type: str
  to:
    description:
      - The end of the time range to import, as V(YYYY-MM-DD HH:MM[:SS]), with a space or a V(T). It is in the range.
        Without it, it is the end of the log, or with O(identity=since_last) that of the last day that is over.
    type: str
  window:
    description:
      - Which time range of a log that keeps growing is imported night by night. There must be exactly one log.
      - V(since_last) imports all that came since the last time range that was imported, up to the end of the last day
        that is over. So a night that failed or never came is in the one after it. It stands for O(identity=since_last).
      - V(yesterday) imports the last day that is over, once, and no other. It stands for O(from), O(to) and
        O(identity=window). Where days before it are missing, O(on_gap) says what happens. Where it was imported as a
        part of more days, it is not imported again, and where only a part of it was, it is refused.
      - O(from) and O(to) together take its place, to catch up by hand. An empty text is as if it was not set.
    type: str
    choices: ['', yesterday, since_last]
  identity:
    description:
      - What makes two imports the same. With V(content) it is the content of the log, with V(window) the time range
        from O(from) to O(to), whatever the log holds.
      - Use V(since_last) or V(window) for a log that keeps growing, which is another content every night. They need
        exactly one log, and O(to), if it is set, in the past.
      - With V(since_last), the time range begins a second after the last one that was imported successfully into the
        same license server with the same O(gather), as the receipts tell; the first one with O(from) or the log. One
        that an earlier run left open is seen to its end first. As long as it is V(unknown), none after it is imported.
        Where there is nothing new, the last one is returned, unchanged.
      - V(window) needs both O(from) and O(to).
    type: str
    choices: [content, window, since_last]
    default: content
  timezone:
    description:
      - The time zone in which a day of the license server begins and ends, as a name of the IANA database such as
        V(Europe/Berlin). It says when a time range is over, and which day was the last one.
      - If not set, it is that of the host that the module runs on, which is right where both are at the same place.
      - A time range that is not over by the clock of the License Statistics server is refused, too. Where the log was
        written to later than the clock of the host that the module runs on tells, that is warned of.
    type: str
  on_gap:
    description:
      - What to do where a time range was not imported between those that were. V(warn) warns of it, V(fail) fails and
        sends nothing.
      - With O(identity=window) the gap before this time range counts, with O(identity=since_last) any.
    type: str
    choices: [warn, fail]
    default: warn
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

- name: Import what came since the last time, from a log that keeps growing
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    src:
      - /var/log/flexlm/debug.log
    window: since_last
    timezone: Europe/Berlin

- name: Import yesterday only, and fail where the day before is missing
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 41
    src:
      - /var/log/flexlm/debug.log
    window: yesterday
    on_gap: fail

- name: Take what was imported by other means before for imported
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    paths:
      - /var/log/flexlm
    adopt: true

- name: Import all rotated logs, the oldest first, and archive what is imported
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    paths:
      - /var/log/flexlm
    afterwards: archive
    archive: /var/log/flexlm/imported

- name: Import logs that were not written to for an hour, and do not wait
  assetops.imports.licstat_import:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    license_server_id: 40
    paths:
      - /var/log/flexlm
    patterns:
      - report-*.rl
    min_age: 3600
    wait: false
"""

RETURN = r"""
state:
  description:
    - The state of the import, or the worst of several.
    - V(planned) is what a run without check mode would import. V(submitted) and V(running) are not
      over; the next run resumes them. V(unknown) means that the answer to an upload was lost and License
      Statistics cannot be asked.
    - V(succeeded), too, where there was no log to import and that is no error.
  returned: when the logs could be read
  type: str
  sample: succeeded
imports:
  description: One entry for each log, in the order of O(src), or the oldest first; empty where there
    is none.
  returned: when the logs could be read
  type: list
  elements: dict
  contains:
    source:
      description: The log, as named in O(src), or found in O(paths).
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
        - The SHA-256 of what was or will be imported, in hexadecimal; V(null) where O(identity=window)
          and nothing was sent yet.
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
        - Why it was done, or not. V(new), it was not imported yet. V(receipt), it was, by a run before.
          V(resumed), a run before sent it, and this one waited for it. V(retried), an attempt before
          failed. V(forced), O(force) was set. V(duplicate), it stands in the task twice. V(joined),
          another run was at it. V(adopted), O(adopt) was set.
      type: str
      returned: always
    label:
      description: The name of the target, as O(label) gave it; V(null) where it did not.
      type: str
      returned: always
    period:
      description:
        - What time the content tells of itself, by the clock of the host that wrote it, without a time
          zone; V(null) where that is not known.
      type: dict
      returned: always
      contains:
        first:
          description: The first moment in it.
          type: str
          returned: always
          sample: '2026-11-23T07:47:04'
        last:
          description: The last moment in it.
          type: str
          returned: always
          sample: '2026-11-24T03:04:05'
    window:
      description: The time range that the import is known by; V(null) where it is its content.
      type: dict
      returned: always
      contains:
        from:
          description: Its beginning; V(null) for the beginning of the log.
          type: str
          returned: always
          sample: '2026-11-23T00:00:00'
        to:
          description: Its end, which is in it.
          type: str
          returned: always
          sample: '2026-11-23T23:59:59'
    attempts:
      description: How many attempts there were at this import, in all runs.
      type: int
      returned: always
    message:
      description: What there is to know, in the words of License Statistics where it said something.
      type: str
      returned: always
    server:
      description: What License Statistics answered last about the task, as it came; V(null) while there
        is no task.
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
gaps:
  description: The time ranges that were not imported between those that were; empty where none is to
    be imported.
  returned: when the logs could be read
  type: list
  elements: dict
  contains:
    from:
      description: The beginning.
      type: str
      returned: always
      sample: '2026-11-21T00:00:00'
    to:
      description: The end, which is in it.
      type: str
      returned: always
      sample: '2026-11-22T23:59:59'
left_out:
  description:
    - What is called like a log in O(paths) and was not taken, by reason; with O(recurse), links to
      folders, too. Empty with O(src).
    - The log that is still written to beside rotated ones, as C(debug.log), is no oversight every night;
      it is told, as are folders that are not searched, only where it is an error that there is no log.
  returned: when the logs could be read
  type: list
  elements: dict
  contains:
    reason:
      description: Why it was left out.
      type: str
      returned: always
      sample: called like a rotated log, but taken by none of the patterns
    count:
      description: How many files or folders were.
      type: int
      returned: always
    paths:
      description: The first ten of them.
      type: list
      elements: str
      returned: always
put_away:
  description:
    - What became of each log whose import succeeded, in check mode what would become of it; empty with
      O(afterwards=keep).
    - Putting one away makes the task changed.
  returned: when the logs could be read
  type: list
  elements: dict
  contains:
    source:
      description: The log, as in RV(imports[].source).
      type: str
      returned: always
    state:
      description: V(archived), V(deleted), V(kept), or V(failed) where it could not be put away.
      type: str
      returned: always
    place:
      description: Where the archive has it; V(null) where it was deleted or is where it was.
      type: str
      returned: always
      sample: /var/log/flexlm/imported/debug.log.1-0a1b2c3d4e5f
    reason:
      description: Why it is where it was; V(null) where it is not.
      type: str
      returned: always
receipts:
  description: The receipt store.
  returned: when the logs could be read
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
from dataclasses import asdict, replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Wanted
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._files.content import (
    Content,
    Interrupted,
    digests_or_obstacles,
    open_contents,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import expanded, shown_by_reason
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import (
    connection_arguments,
    import_arguments,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import (
    client_of,
    import_all,
    importer_of,
    receipt_store,
    server_name,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.results import diff_of, result_of
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import NOWHERE
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat import (
    ENVIRONMENT,
    GATHER,
    GUIDE,
    MERGE_POLICY,
    OPTIONS,
    ImportOptions,
    LicenseStatistics,
    credentials,
    hindered_import,
    license_server,
    moment,
    target_of,
    wanted_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat_windows import (
    Range,
    history_of,
    import_day,
    import_since_last,
    last_day,
    late_log,
    slow_clock,
    wanted_window,
    zone_of,
)

SEARCH: Mapping[str, Any] = {
    "patterns": {"type": "list", "elements": "str", "default": ["debug.log.*", "debug.log-*"]},
    "excludes": {"type": "list", "elements": "str", "default": ["*.gz", "*.bz2", "*.xz", "*.zip", "*.zst"]},
    "recurse": {"type": "bool", "default": False},
    "min_age": {"type": "int", "default": 0},
    "max_age": {"type": "int"},
}
ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        **connection_arguments(OPTIONS, ENVIRONMENT),
        **import_arguments(once="ever"),
        "license_server_id": {"type": "raw", "required": True},
        "src": {"type": "list", "elements": "str"},
        "paths": {"type": "list", "elements": "str"},
        **SEARCH,
        "require_logs": {"type": "bool", "default": False},
        "afterwards": {"type": "str", "choices": ["keep", "archive", "delete"], "default": "keep"},
        "archive": {"type": "path"},
        "gather": {"type": "list", "elements": "str", "choices": list(GATHER)},
        "merge_policy": {"type": "str", "choices": list(MERGE_POLICY)},
        "from": {"type": "str"},
        "to": {"type": "str"},
        "window": {"type": "str", "choices": ["", "yesterday", "since_last"]},
        "identity": {"type": "str", "choices": ["content", "window", "since_last"], "default": "content"},
        "timezone": {"type": "str"},
        "on_gap": {"type": "str", "choices": ["warn", "fail"], "default": "warn"},
        "resolve_domain_names_to_ip": {"type": "bool"},
        "find_domain_names_by_ip": {"type": "bool"},
    },
    "mutually_exclusive": [("src", "paths")],
    "required_one_of": [("src", "paths")],
    "required_if": [("afterwards", "archive", ("archive",))],
}


def main() -> None:
    run_module(AnsibleModule(**ARGUMENTS, supports_check_mode=True), import_logs)


def import_logs(invocation: Invocation) -> dict[str, Any]:
    params = invocation.params
    GUIDE.check(params)
    options = options_of(params)
    client = client_of(invocation, credentials(params["api_token"]), GUIDE)
    system = LicenseStatistics(client, params["api_version"])
    server = server_name(params)
    contents, left_out, passed_over = logs_of(params)
    if options.is_window:
        check_that_it_is_one(contents)
    with receipt_store(invocation) as store:
        if options.is_window and contents:
            result = import_window(invocation, store, client.secrets, system, server, contents[0], options)
        else:
            wanted = wanted_imports(server, options, contents, store)
            result = {**import_all(invocation, store, client.secrets, system, wanted), "gaps": []}
        result["left_out"] = left_out
        result["put_away"] = []
        if not contents:
            result.update(failure_without_logs(params, store, target_of(server, options), [*left_out, *passed_over]))
        if params["afterwards"] != "keep":
            see_to_what_is_done(invocation, store, contents, result)
        return result


def wanted_imports(server: str, options: ImportOptions, contents: list[Content], store: Store) -> list[Wanted]:
    """The import of each log. One that is still being written, or is gone, keeps no other from being imported."""
    wanted = []
    for content, digest in zip(contents, digests_or_obstacles(contents, store)):
        if isinstance(digest, Interrupted):
            wanted.append(hindered_import(server, options, content, f"{digest.message} Nothing of it was sent."))
        else:
            wanted.append(wanted_import(server, options, content, digest))
    return wanted


def options_of(params: dict[str, Any]) -> ImportOptions:
    check_lists(params)
    options = ImportOptions(
        license_server_id=license_server(params["license_server_id"]),
        gather=params["gather"] and tuple(set(params["gather"])),
        merge_policy=params["merge_policy"],
        start=moment(params["from"], "from"),
        end=moment(params["to"], "to"),
        resolve_domain_names_to_ip=params["resolve_domain_names_to_ip"],
        find_domain_names_by_ip=params["find_domain_names_by_ip"],
        is_window=known_by(params) != "content",
        zone=zone_of(params["timezone"]),
    )
    options = in_time(options, params)
    options.check()
    return options


def known_by(params: dict[str, Any]) -> str:
    """What the imports are known by. A range that somebody names is that range, whatever `window` stands for."""
    if not params["window"]:
        return str(params["identity"])
    is_by_hand = params["from"] is not None and params["to"] is not None
    return "since_last" if params["window"] == "since_last" and not is_by_hand else "window"


def in_time(options: ImportOptions, params: dict[str, Any]) -> ImportOptions:
    """The options with the time range that is meant. Raises `BadInput` where none is."""
    identity, is_given = known_by(params), (options.start is not None, options.end is not None)
    if identity == "since_last":
        check_since_last(params)
        return options if options.end else replace(options, end=last_day(options.zone).end)
    if params["window"] and any(is_given) and not all(is_given):
        raise BadInput(f"from and to take the place of window={params['window']} together, and one of them is missing.")
    if params["window"] and not any(is_given):
        day = last_day(options.zone)
        return replace(options, start=day.start, end=day.end)
    if identity == "window" and not all(is_given):
        raise BadInput("identity=window needs both from and to: they are what the import is known by.")
    return options


def check_since_last(params: dict[str, Any]) -> None:
    """Raise `BadInput` for what cannot go with a range that begins where the last one ended."""
    if params["force"]:
        raise BadInput("force has no time range to import again here; name it, with identity=window, from and to.")
    if params["once"] != "ever":
        raise BadInput("once=latest is for contents that replace each other, and time ranges do not.")
    if params["receipts"] == NOWHERE:
        raise BadInput("Where the last time range ended stands in the receipts, and receipts is none.")


def check_lists(params: dict[str, Any]) -> None:
    """Raise `BadInput` for options about logs that cannot be meant."""
    for option in ("src", "paths", "patterns", "gather"):
        if params[option] == []:
            raise BadInput(f"{option} is an empty list.")
    for option in ("paths", "patterns", "excludes"):
        if not all(text.strip() for text in params[option] or ()):
            raise BadInput(f"{option} holds an empty text, as where it is taken from a variable that is not set.")
    for option in ("patterns", "excludes"):
        if any("/" in text for text in params[option]):
            raise BadInput(
                f"{option} are matched with names, and no name has a slash in it; folders belong into paths."
            )
    for option in ("min_age", "max_age"):
        if params[option] is not None and params[option] < 0:
            raise BadInput(f"{option} has to be a number of seconds, 0 or more.")
    if params["src"]:
        for option, spec in SEARCH.items():
            if params[option] != spec.get("default"):
                raise BadInput(f"{option} says which logs are found in paths, and is of no use with src.")
    if params["archive"] is not None and not params["archive"].strip():
        raise BadInput("archive is empty, as where it is taken from a variable that is not set.")
    if params["afterwards"] == "archive":
        archive = expanded(params["archive"])
        if archive.exists() and not archive.is_dir():
            raise BadInput(f"archive: {params['archive']} is there, and is no folder.")


def check_that_it_is_one(contents: list[Content]) -> None:
    """Raise `BadInput` where a time range would be imported from the first of several logs only."""
    if len(contents) > 1:
        raise BadInput(
            f"A time range is imported from exactly one log, and here are {len(contents)}; name the one in src."
        )


def import_window(
    invocation: Invocation,
    store: Store,
    secrets: Secrets,
    system: LicenseStatistics,
    server: str,
    content: Content,
    options: ImportOptions,
) -> dict[str, Any]:
    """Import a time range of a growing log, and tell what was left out before it."""

    def wanted(range_: ImportOptions) -> Wanted:
        return wanted_window(server, range_, content)

    target = target_of(server, options)
    gaps = check_gaps(invocation, store, target, options)
    importer = importer_of(invocation, store, secrets, system)
    how = (lambda one: importer.run([one])[0], lambda: store.windows_of(target), wanted, options)
    if known_by(invocation.params) == "since_last":
        imports = import_since_last(*how)
    elif invocation.params["force"] or invocation.params["from"] is not None or options.end is None:
        imports = importer.run([wanted(options)])  # as it is named
    else:
        imports = [import_day(*how, Range(options.start, options.end))]
    if slow := slow_clock(content):
        invocation.warn(slow)
    for one in imports:
        if late := late_log(one.period, one.wanted.options):
            invocation.warn(f"{one.wanted.source}: {late}")
    return {**result_of(invocation, store, secrets, imports), "gaps": gaps}


def check_gaps(invocation: Invocation, store: Store, target: str, options: ImportOptions) -> list[dict[str, str]]:
    """What was never imported between time ranges that were, told, or refused if the user wants that."""
    history = history_of(store.windows_of(target).found, options)
    if known_by(invocation.params) == "since_last":
        gaps = history.gaps
    else:
        gaps = [gap for gap in (options.start and history.gap_before(options.start),) if gap]
    if gaps:
        told = (
            f"Between time ranges that were imported into {target}, this was not: {'; '.join(map(str, gaps))}. Import"
            " it with from and to, or say with adopt, from and to that it is there."
        )
        if invocation.params["on_gap"] == "fail":
            raise BadInput(f"{told} Nothing was sent, since on_gap=fail.")
        invocation.warn(told)
    return [{"from": gap.start.isoformat(), "to": gap.end.isoformat()} for gap in gaps if gap.start]


def logs_of(params: dict[str, Any]) -> tuple[list[Content], list[dict[str, Any]], list[dict[str, Any]]]:
    """The logs, what was left out, and what is of interest besides where there is no log."""
    if params["src"]:
        return open_contents(params["src"]), [], []
    # Not needed, and so not to be loaded, where the logs are named.
    from ansible_collections.assetops.imports.plugins.module_utils._files.finding import Search, find_logs

    found = find_logs(
        Search(
            paths=tuple(params["paths"]),
            patterns=tuple(params["patterns"]),
            excludes=tuple(params["excludes"]),
            recurse=params["recurse"],
            min_age=params["min_age"],
            max_age=params["max_age"],
            archive=expanded(params["archive"]) if params["archive"] else None,
            fills_archive=params["afterwards"] == "archive",
        )
    )
    return found.contents, shown_by_reason(found.left_out), shown_by_reason(found.passed_over)


def failure_without_logs(
    params: dict[str, Any], store: Store, target: str, others: list[dict[str, Any]]
) -> dict[str, Any]:
    """What to tell where there is no log: nothing, unless one is required or there never was one, which is no night."""
    is_known = store.is_known(target)
    if is_known and not params["require_logs"]:
        return {}
    told = f"There is no log {' or '.join(params['patterns'])} in {', '.join(params['paths'])}"
    if others:
        each = ", ".join(f"{one['count']} {one['reason']} (as {one['paths'][0]})" for one in others)
        told += f"; left out were {each}"
    if not is_known:
        told += (
            f". Nor do the receipts ({store.location}) know of any import into {target}, so paths or patterns may be"
            " wrong. Once a log was imported, a run without one is a success, unless require_logs"
        )
    return {"state": "failed", "msg": f"{told}.", "left_out": others}


def see_to_what_is_done(invocation: Invocation, store: Store, contents: list[Content], result: dict[str, Any]) -> None:
    """Put away the logs whose import succeeded; in check mode tell of those whose import would have."""
    from ansible_collections.assetops.imports.plugins.module_utils._files.putting_away import (
        MOVED,
        PutAway,
        failure,
        moves,
        put_away,
    )

    done = ("succeeded", "planned") if invocation.check_mode else ("succeeded",)
    logs = [(log, one["content_sha256"]) for log, one in zip(contents, result["imports"]) if one["state"] in done]
    if known_by(invocation.params) != "content" or invocation.params["from"] or invocation.params["to"]:
        outcomes = [PutAway(log.source, "kept", reason="only a time range of it was imported") for log, _unused in logs]
    else:
        archive = expanded(invocation.params["archive"]) if invocation.params["afterwards"] == "archive" else None
        outcomes = put_away(logs, archive, store, check_mode=invocation.check_mode)
    result["put_away"] = [asdict(one) for one in outcomes]
    if any(one.state in MOVED for one in outcomes):
        result["changed"] = True
        if invocation.diff:
            result["diff"].append(diff_of("logs", *moves(outcomes)))
    if failure(outcomes):
        result["msg"] = f"{result.get('msg', 'All imports ended well.')} {failure(outcomes)}"


if __name__ == "__main__":
    main()
