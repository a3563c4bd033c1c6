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
  - Makes sure that the data of license server logs, such as those of FlexNet, LM-X, RLM or Sentinel RMS, has been
    imported into a license server of X-Formation License Statistics.
  - A receipt records what has been imported. The same content with the same options is imported into the same license
    server once, however often the play runs, however many runs overlap, and wherever one was interrupted.
  - License Statistics imports in the background. The module waits for the outcome, unless O(wait=false). If a run ended
    early, the next one resumes it.
  - A log is sent as it is, and not unpacked. One that grows or changes while it is read is not imported, as half of a
    log is not that log. Its import is V(failed), and the other logs are still imported. Only for the import of a time
    range may a log grow; it is read up to the size it had when the module opened it.
  - The module finds the logs itself in O(paths), and archives or deletes those that were imported if O(afterwards) says
    so.
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
  action_group:
    description: >-
      Use C(group/assetops.imports.licstat) or C(group/assetops.imports.imports) in C(module_defaults) to set defaults
      for this module.
    support: full
    membership:
      - assetops.imports.licstat
      - assetops.imports.imports
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Not with O(force=true), which asks for another import, and not with O(receipts=none), which forgets them.
options:
  license_server_id:
    description:
      - The number of the license server in License Statistics. Administration > License Servers shows it in the column
        License Server ID.
      - Importing has to be enabled in the configuration of that license server.
    type: raw
    required: true
  src:
    description:
      - The logs to import. Each is an import of its own; they are sent in this order and waited for together.
      - All are opened before the first is sent. When one fails, the others are still imported; the task fails at the
        end and names each.
      - Of logs with the same content only the first is imported; the others are reported with the reason V(duplicate).
      - C(~) and environment variables are expanded where no file of the literal name exists.
      - Exactly one of O(src) and O(paths) is needed.
    type: list
    elements: str
  paths:
    description:
      - The folders in which to look for the logs, which are imported the oldest first.
      - If there is no log, that is a success where anything was imported into this license server before, unless
        O(require_logs). Where the receipts have no such import, as always with O(receipts=none), it is an error, in
        check mode, too. So wrong folders or patterns are not mistaken for quiet nights.
      - A folder that is missing or cannot be read is an error, and so is a broken link among the logs. Links to files
        are followed, links to folders are not. Empty files are left out.
      - C(~) and environment variables are expanded where no folder of the literal name exists.
    type: list
    elements: str
  patterns:
    description:
      - Patterns for the names of logs, with C(*), C(?) and C([]); they do not match hidden files. The default matches
        rotated logs, with numbers or dates, and not the log that still grows, whose content would be another one every
        night.
      - A file that is called like a rotated log, such as C(lmgrd.log.1), C(DEBUG.LOG.1) or C(report.rl-20261124), but
        matches none of them, is reported in RV(left_out), unless it matches O(excludes).
    type: list
    elements: str
    default: [debug.log.*, debug.log-*]
  excludes:
    description:
      - Patterns for the names of files that are not logs although they match, and with O(recurse) of folders that are
        not searched. License Statistics is not known to take compressed logs, so by default they are left out and
        reported.
    type: list
    elements: str
    default: ['*.gz', '*.bz2', '*.xz', '*.zip', '*.zst']
  recurse:
    description:
      - Whether to search the folders below O(paths), too, except O(archive).
    type: bool
    default: false
  min_age:
    description:
      - For how many seconds a log must not have been written to, so that a rotation or a copy can end first. A log that
        changes while it is read is never imported, but one to which a line is written each minute may not change in
        that time.
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
      - What to do with a log once License Statistics has reported that its import succeeded, in this run or an earlier
        one. Never set anything but V(keep) for a log that is still being written to.
      - V(archive) moves it to O(archive), under its name and the beginning of its SHA-256. V(delete) deletes it. If the
        log is a link, the archive gets the file that it leads to, and the link is removed.
      - A log is kept if its content is no longer what was imported, if a time range of it was imported, or if it has
        the name of an archived log. With O(wait=false), the next run puts it away.
      - A copy on another disk is read again and compared, and is on that disk before the log is removed. A run that was
        killed while it removed a log may leave it under a hidden name; an hour later it is found by its own name again.
      - Where a log cannot be put away, the task fails and says why; the result still reports how the imports ended.
    type: str
    choices: [keep, archive, delete]
    default: keep
  archive:
    description:
      - The folder for O(afterwards=archive), on the host where the logs are; required then. It is created if it is
        missing. It must not be one of O(paths), and is not searched where it is below them.
      - Files in it are never overwritten.
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
      - With O(identity=since_last), it is where the very first time range begins.
    type: str
  to:
    description:
      - The end of the time range to import, as V(YYYY-MM-DD HH:MM[:SS]), with a space or a V(T). The end is in the
        range. If not set, it is the end of the log, or with O(identity=since_last) the end of the last day that is
        over.
    type: str
  window:
    description:
      - Which time range of a log that keeps growing is imported night by night. There must be exactly one log.
      - V(since_last) imports all since the last time range that was imported, up to the end of the last day that is
        over. So the next night makes up for one that failed or was missed. It means O(identity=since_last).
      - V(yesterday) imports the last day that is over, once, and no other. It means O(from), O(to) and
        O(identity=window). Where days before it are missing, O(on_gap) says what happens. A day that was imported as a
        part of a longer range is not imported again; one of which only a part was imported is refused.
      - To catch up by hand, set O(from) and O(to); together they take its place. An empty text is the same as not set.
    type: str
    choices: ['', yesterday, since_last]
  identity:
    description:
      - What makes two imports the same. With V(content) it is the content of the log, with V(window) the time range
        from O(from) to O(to), whatever the log holds.
      - Use V(since_last) or V(window) for a log that keeps growing, whose content is another one every night. Both need
        exactly one log, and O(to), if it is set, has to be in the past.
      - With V(since_last), the time range begins a second after the last one that was imported successfully into the
        same license server with the same O(gather), by the receipts. The first one begins with O(from) or with the log.
        An import that an earlier run did not finish is finished first; as long as it is V(unknown), nothing later is
        imported. Where there is nothing new, the last import is returned, unchanged.
      - V(window) needs both O(from) and O(to).
    type: str
    choices: [content, window, since_last]
    default: content
  timezone:
    description:
      - The time zone in which a day of the license server begins and ends, as a name of the IANA database such as
        V(Europe/Berlin). It says when a time range is over, and which day was the last one.
      - If not set, it is that of the host that the module runs on, which is right where both are at the same place.
      - A time range that is not over by the clock of the License Statistics server is refused, too. If the log was
        written to at a later time than it is by the clock of the host that the module runs on, there is a warning.
    type: str
  on_gap:
    description:
      - What to do where a time range between those that were imported is missing. V(warn) warns, V(fail) fails and
        sends nothing.
      - With O(identity=window) only the gap right before this time range counts, with O(identity=since_last) any gap.
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
    called like a failure, has failed; any other state counts as still running and is reported in the result.
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
          failed. V(forced), O(force) was set. V(duplicate), the task names the same content twice.
          V(joined), another run was importing it. V(adopted), O(adopt) was set.
      type: str
      returned: always
    label:
      description: The name of the target, as O(label) gave it; V(null) where it did not.
      type: str
      returned: always
    period:
      description:
        - The time that the log covers, by the clock of the host that wrote it, without a time zone;
          V(null) where that is not known.
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
  description: The time ranges that are missing between those that were imported; empty where no time
    range is to be imported.
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
    - The files in O(paths) that are called like logs and were left out, by reason; with O(recurse),
      links to folders, too. Empty with O(src).
    - The log that is still written to beside rotated ones, such as C(debug.log), is left out on purpose.
      It is reported only where it is an error that there is no log, and so are folders that are not
      searched.
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
    - What was done with each log whose import succeeded, or in check mode what would be done; empty
      with O(afterwards=keep).
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
      description: Its path in the archive; V(null) where it was deleted or stayed where it was.
      type: str
      returned: always
      sample: /var/log/flexlm/imported/debug.log.1-0a1b2c3d4e5f
    reason:
      description: Why it stayed where it was; V(null) where it did not.
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
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import (
    connection_arguments,
    import_arguments,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import (
    client_of,
    importer_of,
    receipt_store,
    server_name,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.results import diff_of, result_of
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
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
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.system import LicenseStatistics
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.windows import (
    WindowImporter,
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
    target = target_of(server, options)
    logs = open_logs(params)
    if options.is_window:
        check_single_log(logs.contents)
    with receipt_store(invocation) as store:
        importer = importer_of(invocation, store, client.secrets, system)
        if options.is_window and logs.contents:
            (log,) = logs.contents
            gaps = check_gaps(invocation, store, target, options)
            imports = import_window(params, window_importer(importer, store, server, log, target), options)
            warn_of_window(invocation, log, imports)
        else:
            gaps, imports = [], importer.run(wanted_imports(server, options, logs.contents, store))
        result = result_of(invocation, store, client.secrets, imports)
        result.update(gaps=gaps, left_out=logs.left_out, put_away=[])
        if not logs.contents:
            result.update(failure_without_logs(params, store, target, logs))
        if params["afterwards"] != "keep":
            put_away_logs(invocation, store, logs.contents, result)
        return result


def check_gaps(invocation: Invocation, store: Store, target: str, options: ImportOptions) -> list[dict[str, str]]:
    """What was never imported between time ranges that were: a warning, or refused if the user wants that."""
    is_since_last = import_identity(invocation.params) == "since_last"
    gaps = find_gaps(store, target, options, is_since_last=is_since_last)
    if gaps:
        message = (
            f"Between time ranges that were imported into {target}, this was not: {'; '.join(map(str, gaps))}. Import"
            " it with from and to, or say with adopt, from and to that it is there."
        )
        if invocation.params["on_gap"] == "fail":
            raise BadInput(f"{message} Nothing was sent, since on_gap=fail.")
        invocation.warn(message)
    return [{"from": gap.start.isoformat(), "to": gap.end.isoformat()} for gap in gaps if gap.start]


def import_window(params: dict[str, Any], importer: WindowImporter, options: ImportOptions) -> list[Import]:
    """Import a time range of a growing log: what came since the last one, the one that is named, or a day."""
    if import_identity(params) == "since_last":
        return importer.since_last(options)
    if params["force"] or params["from"] is not None or options.end is None:
        return importer.named(options)
    return [importer.one_day(options, TimeRange(options.start, options.end))]


def warn_of_window(invocation: Invocation, log: Content, imports: list[Import]) -> None:
    """Warn where a clock may be wrong, or the log does not hold all of a time range."""
    if warning := slow_clock_warning(log):
        invocation.warn(warning)
    for one in imports:
        if missing := missing_from_log(one.period, one.wanted.options):
            invocation.warn(f"{one.wanted.source}: {missing}")


def put_away_logs(invocation: Invocation, store: Store, contents: list[Content], result: dict[str, Any]) -> None:
    """Put away the logs whose import succeeded, and add what became of them to the result."""
    # Not needed, and so not to be loaded, where all logs are kept.
    from ansible_collections.assetops.imports.plugins.module_utils._files.putting_away import (
        MOVED,
        failure_message,
        moves_before_and_after,
    )

    params, imports = invocation.params, result["imports"]
    are_whole = import_identity(params) == "content" and not (params["from"] or params["to"])
    outcomes = put_away_imported(
        params, store, contents, imports, are_whole=are_whole, check_mode=invocation.check_mode
    )
    result["put_away"] = [asdict(one) for one in outcomes]
    if any(one.state in MOVED for one in outcomes):
        result["changed"] = True
        if invocation.diff:
            result["diff"].append(diff_of("logs", *moves_before_and_after(outcomes)))
    if failure_message(outcomes):
        result["msg"] = f"{result.get('msg', 'All imports ended well.')} {failure_message(outcomes)}"


if __name__ == "__main__":
    main()
