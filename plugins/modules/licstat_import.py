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
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._module import (
    Invocation,
    client_of,
    connection_arguments,
    difference,
    import_all,
    import_arguments,
    importer_of,
    receipt_store,
    result_of,
    run_module,
    server_name,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.client import LicenseStatistics
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.connection import (
    ENVIRONMENT,
    GUIDE,
    OPTIONS,
    credentials,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.imports import (
    GATHER,
    MERGE_POLICY,
    ImportOptions,
    target_of,
    wanted_imports,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.logs import (
    SEARCH,
    failure_without_logs,
    open_logs,
    put_away_imported,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.options import (
    import_identity,
    import_options,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.ranges import (
    TimeRange,
    missing_from_log,
    slow_clock_warning,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.windows import (
    check_single_log,
    find_gaps,
    window_importer,
)

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
    options = import_options(params)
    client = client_of(invocation, credentials(params["api_token"]), GUIDE)
    system = LicenseStatistics(client, params["api_version"])
    server = server_name(params)
    logs = open_logs(params)
    if options.is_window:
        check_single_log(logs.contents)
    with receipt_store(invocation) as store:
        if options.is_window and logs.contents:
            result = import_window(invocation, store, client.secrets, system, server, logs.contents[0], options)
        else:
            wanted = wanted_imports(server, options, logs.contents, store)
            result = {**import_all(invocation, store, client.secrets, system, wanted), "gaps": []}
        result.update(left_out=logs.left_out, put_away=[])
        if not logs.contents:
            result.update(failure_without_logs(params, store, target_of(server, options), logs))
        if params["afterwards"] != "keep":
            put_away_logs(invocation, store, logs.contents, result)
        return result


def import_window(
    invocation: Invocation,
    store: Store,
    secrets: Secrets,
    system: LicenseStatistics,
    server: str,
    content: Content,
    options: ImportOptions,
) -> dict[str, Any]:
    """Import a time range of a growing log, and report what is missing before it."""
    params, is_since_last = invocation.params, import_identity(invocation.params) == "since_last"
    target = target_of(server, options)
    gaps = find_gaps(store, target, options, is_since_last=is_since_last)
    report_gaps(invocation, target, gaps)
    importer = window_importer(importer_of(invocation, store, secrets, system), store, server, content, target)
    if is_since_last:
        imports = importer.since_last(options)
    elif params["force"] or params["from"] is not None or options.end is None:
        imports = importer.named(options)
    else:
        imports = [importer.one_day(options, TimeRange(options.start, options.end))]
    if warning := slow_clock_warning(content):
        invocation.warn(warning)
    for one in imports:
        if missing := missing_from_log(one.period, one.wanted.options):
            invocation.warn(f"{one.wanted.source}: {missing}")
    result = result_of(invocation, store, secrets, imports)
    return {**result, "gaps": [{"from": gap.start.isoformat(), "to": gap.end.isoformat()} for gap in gaps if gap.start]}


def report_gaps(invocation: Invocation, target: str, gaps: list[TimeRange]) -> None:
    """Warn of what was never imported between time ranges that were, or refuse it if the user wants that."""
    if not gaps:
        return
    message = (
        f"Between time ranges that were imported into {target}, this was not: {'; '.join(map(str, gaps))}. Import"
        " it with from and to, or say with adopt, from and to that it is there."
    )
    if invocation.params["on_gap"] == "fail":
        raise BadInput(f"{message} Nothing was sent, since on_gap=fail.")
    invocation.warn(message)


def put_away_logs(invocation: Invocation, store: Store, contents: list[Content], result: dict[str, Any]) -> None:
    """Put away the logs whose import succeeded, and add what became of them to the result."""
    # Not needed, and so not to be loaded, where all logs are kept.
    from ansible_collections.assetops.imports.plugins.module_utils._files.putting_away import MOVED, failure, moves

    is_of_content = import_identity(invocation.params) == "content"
    outcomes = put_away_imported(
        invocation.params,
        store,
        contents,
        result["imports"],
        is_of_content=is_of_content,
        check_mode=invocation.check_mode,
    )
    result["put_away"] = [asdict(one) for one in outcomes]
    if any(one.state in MOVED for one in outcomes):
        result["changed"] = True
        if invocation.diff:
            result["diff"].append(difference("logs", *moves(outcomes)))
    if failure(outcomes):
        result["msg"] = f"{result.get('msg', 'All imports ended well.')} {failure(outcomes)}"


if __name__ == "__main__":
    main()
