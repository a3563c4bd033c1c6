#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haplo_batch
short_description: Run batch imports into Haplo, once each
version_added: 0.1.0
description:
  - Schedules batches of files for import into a Haplo application. It uploads the control file if Haplo does not know
    it, begins a batch, uploads the files, and schedules the batch, as a dry run if wanted.
  - What has been scheduled is recorded in a receipt, step by step. The same control file with the same files is
    scheduled once, however often the play runs, however many runs overlap, and wherever one was interrupted. The next
    run continues one that was interrupted, and does not send again what Haplo has acknowledged.
  - A feed of people or of organisations is a state. So with the default of O(once), going back to an earlier state is
    an import again.
  - Haplo imports in the background, and its API does not say how that went. So without O(outcome_api_key) the outcome
    is V(scheduled), never V(succeeded), and the result says where a person finds the log of the batch.
  - With O(outcome_api_key) it waits for the end of the batch, and the outcome is V(succeeded), V(incomplete) if
    there are errors in the log, or V(failed). If that cannot be read, it is V(scheduled).
  - Haplo takes whatever it is sent, and reports only in its log what it made of a file. So before a batch is sent, its
    files are read as Haplo will read them. A file of which nothing could be imported is refused. If something would be
    imported wrongly while Haplo says nothing, there is a warning. O(check_files) says what is checked.
  - What to import is a control file with files, files of a O(kind), a O(directory) with a batch or several in it, or a
    list of O(batches). Each of several batches is an import of its own. One that cannot be sent does not keep the
    others from being scheduled, but makes the task fail at the end.
  - With O(kind) it is standard batch import, which the vendor recommends for regular imports. Its control file is fixed
    in the application, so none is sent; it has another path, and needs another O(api_key). Its steps are documented,
    but its server is not public. So an answer that is not as documented is shown as it came, and nothing is concluded
    from it. A batch whose scheduling was not answered stays V(unknown) until somebody has looked (see O(on_unknown)).
seealso:
  - name: Batch import API
    description: The vendor's page on the calls that this module makes.
    link: https://docs.haplo.org/import/batch/api
  - name: Standard batch import API
    description: The same for O(kind).
    link: https://docs.haplo.org/import/standard-batch/api
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.connection
  - assetops.imports.wait
  - assetops.imports.receipts
  - assetops.imports.receipts.adopt
  - assetops.imports.receipts.place
  - assetops.imports.attributes
  - assetops.imports.attributes.in_worker
attributes:
  action_group:
    description: >-
      Use C(group/assetops.imports.haplo) or C(group/assetops.imports.imports) in C(module_defaults) to set defaults for
      this module.
    support: full
    membership:
      - assetops.imports.haplo
      - assetops.imports.imports
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Not with O(force=true), which asks for another import, and not with O(receipts=none), which forgets them.
options:
  url:
    description:
      - The address of the Haplo application, with the host name and the scheme that it is set up for; from others it
        redirects.
      - If not set, the value of the environment variable E(HAPLO_URL) is used.
    type: str
    required: true
  api_key:
    description:
      - An API key for batch import. It is made in System management > Users > SRV > Batch data import access.
      - With O(kind), one for standard batch import (Tools > Data import > Standard Batch APIs > Create API key...).
        Neither works for the other API, so a task imports over one of them.
      - After fifty wrong keys Haplo lets nobody in from the same host for five minutes; so after one that is refused,
        nothing more is sent.
      - If not set, the value of the environment variable E(HAPLO_API_KEY) is used.
    type: str
    required: true
  outcome_api_key:
    description:
      - A second API key, to read the pages of batches in Haplo's user interface, as only they show what became of a
        batch. Without it, the outcome is not known.
      - It is made in System management > Users > (user) > New API key..., with the request path
        C(/do/haplo-data-import-batch/batch), without a slash at its end. A key for a shorter path could import, too.
        The user has to be an ordinary one in the group "Batch data administration"; the service user of O(api_key) is
        not.
      - These pages are no documented interface, so they are read only in their known form. If they have another form,
        or are not shown to this key, the state stays V(scheduled), with a warning that says why. After the first
        refusal of the key, this task asks for no more pages.
      - Once the page of a batch could be read, a page that cannot be read counts as an outage. It is retried for
        O(unreachable_timeout), and then it is a failure; so is a key that is refused by then.
      - What an earlier run left V(scheduled) is polled again, if nothing is to be sent for it.
      - With O(kind) it is not used, and a warning says so, as the pages of standard batches are not known.
      - If not set, the value of the environment variable E(HAPLO_OUTCOME_API_KEY) is used.
    type: str
  allow_errors:
    description:
      - How many errors in the log of a batch are acceptable, V(true) for any number, V(false) for none. With more of
        them, the module fails with the state V(incomplete).
      - Haplo counts messages, not records. A record may have several; some of them keep it from being imported, and
        some do not.
      - Each run judges anew. A batch that ended with errors is sent again only with O(force).
      - It has no effect without O(outcome_api_key).
    type: raw
    default: false
  api_path:
    description:
      - The path to the API below O(url). Keys are made for one path; this is for applications that have the same API
        elsewhere.
      - If not set, it is V(/api/haplo-data-import-batch), and with O(kind) V(/api/haplo-data-import-standard-api).
    type: str
  control:
    description:
      - The control file, which tells Haplo how to read the files and what to make of them. It has to be UTF-8 without a
        byte order mark.
      - It is uploaded only if Haplo does not know it.
      - C(~) and environment variables are expanded where no file of the literal name exists.
      - One of this, O(control_digest), O(kind), O(directory) and O(batches) is required.
    type: str
  control_digest:
    description:
      - The SHA-256, in 64 lower-case hexadecimal digits, of a control file that Haplo knows already.
      - As the control file says how files are read, it is checked only that they are there and not empty. It is not
        known either whether the names in O(files) are in it, or whether one is missing.
    type: str
  kind:
    description:
      - The identifier of an API of standard batch import, as Haplo shows it on the page of that API in Tools > Data
        import > Standard Batch APIs. No call of the API lists them.
      - The control file is in the application then. Unless O(control_copy) is given, it is checked only that files are
        there and not empty. It is not known whether their names are right, or whether one is missing.
      - Not together with O(control_comment).
    type: str
  control_copy:
    description:
      - A copy of the control file that is fixed in the application for O(kind). Files are checked by it, as they are by
        O(control); it is never sent, and does not make it another import.
      - Only its user can make sure that it is what the application has.
      - C(~) and environment variables are expanded where no file of the literal name exists.
    type: str
  files:
    description:
      - The files of the batch. They are sent one after the other, in this order.
      - Each name may be there once, and all are checked before anything is sent.
      - Required with O(control), O(control_digest) and O(kind).
    type: list
    elements: dict
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
        type: str
        required: true
  directory:
    description:
      - A directory with batches, in place of O(control) and O(files). It is a batch itself if there is a control file
        in it, and so is each folder in it with a control file. All other files beside a control file are its data.
        Hidden files and folders are ignored. Batches are sent in the order of their names, those of one feed in the
        order of their dates.
      - The control file names a file by its own name, or by that without what follows the last dot, so C(people.json)
        may be C(people) there.
      - A folder that lacks a file that the control file names, unless O(allow_missing_files), or has one that it does
        not name, is an error, and nothing of it is sent; so is one with an empty file, or with a file that
        O(check_files) refuses, such as one that is still being written. A folder without a control file is left out,
        with a warning if there are files in it. A directory or folder that cannot be read is an error.
      - Put a folder there when it is complete, by renaming it, or put the control file into it last.
      - Each folder in it is a feed of its own. Its name is O(feed), if that is set, a slash, and the name of the
        folder. So what is in it is imported when it changes, and only then.
      - If there is a date in the name of a folder, the folder is the state of a feed at that moment, and the rest of
        the name is the feed, such as C(people) for C(people-2026-11-25), C(20261125_people), C(2026-11-25T0300_people)
        and C(people.20261125-0300). Without a rest, the feed is O(feed), or else the name of the directory. A date
        without a time is the beginning of that day. Times have no zone, so use the same one for all.
      - The states of a feed are imported from the oldest to the newest, and an older one never after a newer one. If
        one cannot be imported, as it is not whole or is refused, the later ones of that feed are not tried until it is
        corrected, or hidden behind a dot. What is older than the newest one that was sent is left out. There is a
        warning if it was never imported, which means that it came too late. A content that comes again right after
        itself is not imported again.
      - Errors are two dates in a name; a day that does not exist, such as C(2026-11-31); a number behind the
        date that is no time; a date more than a day ahead of the clock; two folders of a feed with the same moment; and
        a feed of which only some folders have a date in their names. Eight digits that are no date are a part of the
        name.
      - A link to a folder is a folder with the name of the link. It is left out if it leads to the directory, to what
        is in it and not hidden, or where another link leads, as what is there would be imported under two names. A link
        to nothing is an error.
      - C(~) and environment variables are expanded where no folder of the literal name exists.
    type: str
  control_name:
    description:
      - The name of control files in O(directory).
    type: str
    default: control.json
  allow_missing_files:
    description:
      - Whether a file that the control file names may be missing in O(files), in a batch of O(batches) or in a folder
        of O(directory). Otherwise it is an error, and nothing of that batch is sent, as Haplo would import the other
        files and say nothing.
      - C(DEFAULT) in a control file is no such name, and does not stand for those that have entries of their own.
      - With O(control_digest), and O(kind) without O(control_copy), it is not known what is missing.
    type: bool
    default: false
  check_files:
    description:
      - Whether to read the files of a batch before it is sent, in check mode too, as Haplo will read them. V(false)
        leaves that to Haplo, which reports it only in its log.
      - A file is refused if it can only end in an error, or Haplo would import nothing of it. In JSON that is what
        cannot be parsed, such as with a byte order mark, in JSON Lines, with C(NaN) or cut off; and records that are no
        objects, such as where the list of records is within an object. In TSV it is what begins with a line break, has
        no column for which the control file looks, such as with commas for tabs or in UTF-16, or has a C(charset) in
        the control file that does not exist. In XML it is what is not well-formed, or has a comment, a document type or
        a processing instruction before its root element. JSON and TSV of more than 16777216 bytes are refused, too.
      - There is a warning, with the line, for what would be imported wrongly while Haplo says nothing. That is a line
        break at the end of TSV, which makes one more record; a byte order mark, because of which the first column is
        not found; rows with too few or too many cells; quotes; bytes that do not fit the charset; lists without
        records, and records without values; names that are there twice, and names that look like one for which the
        control file looks; numbers that Haplo rounds; and CDATA sections, which Haplo leaves out.
      - If there is a record processor or an instruction of a plugin in the control file, names are not compared, and
        there are only warnings for what a plugin may be able to use. Files for readers of plugins are not checked, as
        it is not known how they read.
      - JSON and TSV are in memory while they are checked, usually with two to five bytes for each byte of the file. For
        JSON that is one large object, or has large lists in its records, it may be thirty.
      - With O(control_digest), and O(kind) without O(control_copy), none of this is checked.
    type: bool
    default: true
  strict_files:
    description:
      - Whether to refuse what O(check_files) warns of.
      - Not with O(control_digest), O(kind) without O(control_copy), nor with O(check_files=false).
    type: bool
    default: false
  trim_final_newline:
    description:
      - Whether to send TSV files without the line breaks at their end, which Haplo takes for one more record, without
        values. The files themselves stay as they are.
      - It is another content then, with a digest of its own, and so another import. If the charset of a file is not
        known here, that is an error.
      - Not with O(control_digest), nor with O(kind) without O(control_copy).
    type: bool
    default: false
  batches:
    description:
      - Batches with files from anywhere, in place of O(control) and O(files). They are sent in this order.
      - Either all of them have a O(batches[].kind), or none has.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the batch in the result, RV(imports[].source), and in the receipts. If not set, it is its
            O(batches[].control), O(batches[].control_digest) or O(batches[].kind).
        type: str
      control:
        description:
          - As O(control), for this batch. One of this, O(batches[].control_digest) and O(batches[].kind) is required.
        type: str
      control_digest:
        description:
          - As O(control_digest), for this batch.
        type: str
      kind:
        description:
          - As O(kind), for this batch.
        type: str
      control_copy:
        description:
          - As O(control_copy), for this batch.
        type: str
      files:
        description:
          - As O(files), for this batch.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description:
              - The name of the file in the control file.
            type: str
            required: true
          src:
            description:
              - The file. It must not be empty.
            type: str
            required: true
      comment:
        description:
          - In place of O(comment), for this batch.
        type: str
      control_comment:
        description:
          - In place of O(control_comment), for this batch.
        type: str
      feed:
        description:
          - In place of O(feed), for this batch.
        type: str
      dry_run:
        description:
          - In place of O(dry_run), for this batch.
        type: bool
  require_batches:
    description:
      - Whether it is an error that there is no batch in O(directory), or that O(batches) is empty. Otherwise there is a
        warning.
    type: bool
    default: false
  comment:
    description:
      - What to call the batch in Haplo. At most 65536 bytes. If not set, it is what is imported, which is O(feed) with
        the date of the folder, the folder, or O(batches[].name), and the names of the files, 200 characters at most.
      - Another comment does not make it another import.
    type: str
  control_comment:
    description:
      - What to call the control file in Haplo if it is uploaded. At most 65536 bytes. If not set, it is as O(comment),
        with the name of the control file.
    type: str
  dry_run:
    description:
      - Whether Haplo only tries the import and logs what it finds, and imports nothing.
      - A dry run and an import of the same files are two imports, each with a batch and a receipt of its own.
    type: bool
    default: false
  feed:
    description:
      - A name for what the files are a state of, such as V(people). With O(once=latest), an import stands until another
        one of the same feed is scheduled.
      - If not set, batches with the same control file, or of the same O(kind), and the same names of files are a feed,
        dry runs one of their own. So set it if the control file may change, or the names do, as with dates in them.
      - The same files in two feeds are two imports.
    type: str
  once:
    description:
      - With V(latest), a batch that was scheduled is scheduled again if another one of the same O(feed) was since; so
        A, B and A again are three imports, and A twice in a row is one.
      - With V(ever), it is never scheduled again, not even as the newest state of a O(directory).
    default: latest
  wait:
    description:
      - With O(outcome_api_key), whether to wait for the end of the batch. If not, the module succeeds with the state
        V(submitted) once it is scheduled, and a later run polls how it ended.
      - Whether to wait if another run is at the same import. If not, the module succeeds with the state V(running).
  wait_timeout:
    description:
      - For how many seconds to wait. A batch may wait behind others, of all applications of a server, and one that a
        stop of the server interrupted has no end. Then the module fails, for a batch with the state V(scheduled), as
        its outcome is not known, and for another run with V(running). The next run polls again.
  wait_sleep:
    description:
      - The longest pause in seconds between two polls of the page of a batch, or of the other run.
  unreachable_timeout:
    description:
      - For how many seconds in a row polling may fail, because Haplo or the receipt store is away or in trouble. Then
        the module fails, for a batch with the state V(scheduled). The next run polls again.
  response_timeout:
    description:
      - After how many seconds to give up on the answer to what was sent, counted from the last block on. Then it is
        sent again, which does no harm here; but with O(kind), what schedules is sent once.
  on_unknown:
    description:
      - It has no effect with a control file. Scheduling again shows whether a batch was scheduled, so the next run
        settles one whose answer was lost.
      - With O(kind), nobody outside the vendor knows whether scheduling twice imports twice. So with V(fail) nothing is
        sent for a batch that was to be scheduled and whose answer was lost. Look at it in Haplo; the message has its
        identifier and the page.
      - With V(retry), that same batch is scheduled again, and no other one is begun. If Haplo says, as it does in batch
        import, that it is not in the 'uploading' state, it was scheduled before. An answer that does not say so leaves
        it V(unknown). For another batch in its place use O(force=true), or M(assetops.imports.import_receipt) with
        O(assetops.imports.import_receipt#module:state=failed).
notes:
  - Haplo checks control files when they are uploaded, and says what is wrong in its own words. It reads data files only
    when it imports them. Whether their values are right, such as the name of a type, is only in the log of the batch.
  - A batch that was stopped by an error while Haplo imported it, which only O(outcome_api_key) shows, may be partly
    imported. So no later run sends the same files again by itself, unless it was a dry run. Each later run fails, with
    the key or without, whatever was imported before. Correct the files, or set O(force).
  - If the page of a batch says that it is not scheduled, such as after Haplo was restored from a backup, the batch
    failed, and the next run schedules it.
  - A batch that was begun and never scheduled stays in Haplo's list, where it does nothing. The API has no way to
    remove one.
  - For standard batch import it is guessed that identifiers are 16 to 128 letters, digits, hyphens and underscores,
    that the digests that it answers with are SHA-256, and that its readers are those of batch import. If that is wrong,
    the import fails, or is V(unknown), with what Haplo said.
  - In check mode Haplo is asked to schedule a batch that cannot exist. How standard batch import answers to that is not
    documented. Check mode fails if the answer is a page, although a real import, which does not depend on it, may work.
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

- name: Import visitors from a program that ends files in a line break, and nothing that Haplo would read otherwise
  assetops.imports.haplo_batch:
    url: https://research.example.ac.uk
    api_key: "{{ haplo_api_key }}"
    control: /etc/haplo/visitors-control.json
    files:
      - name: visitors
        src: /var/lib/hr-export/visitors.tsv
    trim_final_newline: true
    strict_files: true

- name: Only try it; the message of the result says where the log is
  assetops.imports.haplo_batch:
    url: https://research.example.ac.uk
    api_key: "{{ haplo_api_key }}"
    control: /etc/haplo/people-control.json
    files:
      - name: people
        src: /var/lib/hr-export/people.json
    dry_run: true

- name: Import people, and fail if there are more than three errors in the log of the batch
  assetops.imports.haplo_batch:
    url: https://research.example.ac.uk
    api_key: "{{ haplo_api_key }}"
    outcome_api_key: "{{ haplo_outcome_api_key }}"
    allow_errors: 3
    control: /etc/haplo/people-control.json
    files:
      - name: people
        src: /var/lib/hr-export/people.json
    feed: people

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

- name: Import regularly by a control file that is fixed in the application, of which there is a copy for checks
  assetops.imports.haplo_batch:
    url: https://research.example.ac.uk
    api_key: "{{ haplo_standard_api_key }}"
    kind: example-standard-api
    control_copy: /etc/haplo/example-standard-api.json
    files:
      - name: people
        src: /var/lib/hr-export/people.json
      - name: visitors
        src: /var/lib/hr-export/visitors.tsv

- name: Import what is put into a directory, each folder with a control file as a batch
  assetops.imports.haplo_batch:
    url: https://research.example.ac.uk
    api_key: "{{ haplo_api_key }}"
    directory: /var/lib/hr-batches
    require_batches: true

# In there are people-2026-11-24, people-2026-11-25 and staff-2026-11-25; each night adds to them.
- name: Import what a directory has of each feed since the last time, the oldest first
  assetops.imports.haplo_batch:
    url: https://research.example.ac.uk
    api_key: "{{ haplo_api_key }}"
    directory: /var/lib/hr-nights
    feed: hr

- name: Import the feeds of two faculties by the same control file
  assetops.imports.haplo_batch:
    url: https://research.example.ac.uk
    api_key: "{{ haplo_api_key }}"
    batches:
      - name: Arts
        control: /etc/haplo/people-control.json
        files:
          - name: people
            src: /var/lib/hr-export/arts.json
        feed: arts
      - name: Science
        control: /etc/haplo/people-control.json
        files:
          - name: people
            src: /var/lib/hr-export/science.json
        feed: science
"""

RETURN = r"""
state:
  description:
    - The state of the import, or the worst of several.
    - V(scheduled) is all that can be known without O(outcome_api_key), or if the pages do not show
      more. It is also the state if there is no batch.
    - With O(outcome_api_key), V(succeeded), the batch ended without errors. V(incomplete), it ended
      with errors in its log. V(failed), it was stopped by an error, or is not scheduled. V(submitted),
      it is not waited for.
    - V(planned) is what a run without check mode would schedule. V(running), another run is at it,
      or the batch has not ended. V(unknown), whether it is scheduled could not be found out; the next
      run will, but with O(kind) only as O(on_unknown) says.
  returned: when the files of a batch could be read, or there is none
  type: str
  sample: scheduled
imports:
  description:
    - One entry for each batch, in the order in which they are sent; after them those that could not
      be read, or were not tried as an earlier state of their feed was not imported, with the state
      V(failed) and V(null) for what is not known of them. With O(wait=false), they are V(running) if
      another run is at that state. Empty if there is no batch.
  returned: when the files of a batch could be read, or there is none
  type: list
  elements: dict
  contains:
    source:
      description:
        - The control file, as named in O(control) or found in O(directory), its digest, or the O(kind);
          or the name of the batch in O(batches).
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
        - A SHA-256 that stands for the whole batch, in hexadecimal. It is that of the JSON object with
          the digest of the control file as C(control), or with the O(kind) as C(kind), and an object
          of the digests of the files by name as C(files), with sorted names and without spaces.
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
      description: The state of this import, as above.
      type: str
      returned: always
    changed:
      description: Whether this run made Haplo schedule the batch, or may have.
      type: bool
      returned: always
    reason:
      description:
        - Why it was done, or not. V(new), it was not scheduled yet, or not as the latest of its feed.
          V(receipt), it was, by an earlier run. V(resumed), an earlier run had come to schedule it,
          and this one made sure, or polled what became of it. V(retried), an earlier attempt ended
          before that. V(forced), O(force) was set. V(joined), another run was at it. V(adopted), O(adopt)
          was set.
      type: str
      returned: always
    label:
      description: The name of the target, as O(label) gave it; V(null) where it did not.
      type: str
      returned: always
    period:
      description:
        - Of a folder with a date in its name, that moment as C(first) and as C(last), without a time
          zone; or from when to when the feed had this content. V(null) otherwise.
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
        - Where in Haplo the log of the batch is, with O(kind) without a link; or what went wrong, in
          the words of Haplo where it said something.
      type: str
      returned: always
    server:
      description:
        - What Haplo answered when the batch was scheduled, as it came; V(null) while it is not.
        - If its page was read, with O(outcome_api_key), what that says. C(batch) is the identifier,
          C(row) the number in the address of the page, C(url) that address, C(state) the state in Haplo's
          word, C(errors) the number of errors, V(null) while it has not ended and without meaning if
          the state is V(error), and C(log) the log, at most 65536 characters of it, V(null) while there
          is none.
      type: raw
      returned: always
      sample: SCHEDULED
    started_at:
      description: When the attempt began, in UTC; V(null) while there was none.
      type: str
      returned: always
      sample: '2026-11-22T03:04:05.678Z'
    finished_at:
      description: When it was found to be scheduled, or to have ended, in UTC; V(null) before that.
      type: str
      returned: always
    duration:
      description: The seconds between the two; V(null) while one of them is.
      type: float
      returned: always
untold:
  description:
    - With O(outcome_api_key), the batches whose outcome is not known, each with the reason. They are
      scheduled, and their pages could not be read; or they have not ended, and are not waited for.
      Empty if all have ended, and without that key.
    - So a playbook can go on from a dry run only if it is empty. In check mode, what a run would wait
      for is not in it. What was adopted is not, either.
  returned: when the files of a batch could be read, or there is none
  type: list
  elements: str
left_out:
  description:
    - What is in O(directory) and is no batch, or is an older state of a feed than the newest one that
      was sent, by reason.
  returned: when the files of a batch could be read, or there is none
  type: list
  elements: dict
  contains:
    reason:
      description: Why it was left out.
      type: str
      returned: always
      sample: no control.json in it
    count:
      description: How many folders were left out for this reason.
      type: int
      returned: always
    paths:
      description: The first ten of them.
      type: list
      elements: str
      returned: always
receipts:
  description: The receipt store.
  returned: when the files of a batch could be read
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
from datetime import datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._http.client import basic_credentials
from ansible_collections.assetops.imports.plugins.module_utils._http.urls import base_url
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import (
    connection_arguments,
    import_arguments,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import (
    client_of,
    importer_of,
    policy_of,
    receipt_store,
    server_name,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.results import result_of
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.api import Api, checked_api_path
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.folders import find_batches
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.guides import (
    API_ENVIRONMENT,
    API_OPTIONS,
    SYSTEM,
    USER,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.opened import (
    feeds_of,
    is_any_usable,
    open_usable,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.options import (
    READ_BY,
    TEXTS,
    check_options,
    is_standard_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.outcome import (
    BatchOutcomes,
    allowed_errors,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.pages_client import BatchPages
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.requested import (
    RequestedBatch,
    requested_batches,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.result import (
    left_out_result,
    no_batches_result,
    unknown_outcomes,
    warn_of_doubtful,
    warn_of_late,
    with_unsent,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.standard import (
    StandardApi,
    StandardBatches,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.states import BatchesResult, import_states
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.system import HaploBatches

FILE: Mapping[str, Any] = {"name": {"type": "str", "required": True}, "src": {"type": "str", "required": True}}
FILES: Mapping[str, Any] = {"type": "list", "elements": "dict", "options": FILE}
CONTENT: Mapping[str, Any] = {name: {"type": "str"} for name in (*READ_BY, "control_copy")}
NAMES: Mapping[str, Any] = {name: {"type": "str"} for name in TEXTS}
BATCH: Mapping[str, Any] = {
    "name": {"type": "str"},
    **CONTENT,
    "files": {**FILES, "required": True},
    **NAMES,
    "dry_run": {"type": "bool"},
}
"""A batch in the option `batches`."""

ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        **connection_arguments(API_OPTIONS, API_ENVIRONMENT),
        **import_arguments(once="latest"),
        **CONTENT,
        "files": FILES,
        "directory": {"type": "str"},
        "control_name": {"type": "str", "default": "control.json"},
        "allow_missing_files": {"type": "bool", "default": False},
        "check_files": {"type": "bool", "default": True},
        "strict_files": {"type": "bool", "default": False},
        "trim_final_newline": {"type": "bool", "default": False},
        "batches": {
            "type": "list",
            "elements": "dict",
            "options": BATCH,
            "mutually_exclusive": [READ_BY],
            "required_one_of": [READ_BY],
            "required_by": {"control_copy": ["kind"]},
        },
        "require_batches": {"type": "bool", "default": False},
        "allow_errors": {"type": "raw", "default": False},
        **NAMES,
        "dry_run": {"type": "bool", "default": False},
    },
    "mutually_exclusive": [
        (*READ_BY, "directory", "batches"),
        ("files", "directory", "batches"),
    ],
    "required_one_of": [(*READ_BY, "directory", "batches")],
    "required_by": {**{name: ["files"] for name in READ_BY}, "control_copy": ["kind"]},
}


def main() -> None:
    run_module(AnsibleModule(**ARGUMENTS, supports_check_mode=True), import_batch)


def import_batch(invocation: Invocation) -> dict[str, Any]:
    """Import all that the options ask for."""
    params, warn = invocation.params, invocation.warn
    system, server = system_of(invocation), server_name(params)
    found = None
    if params["directory"] is not None:
        found = find_batches(params["directory"], params["control_name"])
        warn_of_doubtful(found, params, warn)
    batches = requested_batches(params, found)
    if not batches:
        return {**no_batches_result(params, warn), **left_out_result(found)}
    result, outcome = import_requested(invocation, system, server, batches)
    warn_of_late(outcome, params, warn)
    return {**result, **left_out_result(found, outcome)}


def import_requested(
    invocation: Invocation, system: HaploBatches, server: str, batches: list[RequestedBatch]
) -> tuple[dict[str, Any], BatchesResult]:
    """Import these batches; of folders with a date in their names the oldest of each feed first."""
    warn = invocation.warn
    dated = [batch for batch in batches if batch.is_dated]
    opened, unusable = open_usable([batch for batch in batches if not batch.is_dated], is_all=not dated)
    with receipt_store(invocation, make=bool(opened) or is_any_usable(dated)) as store:
        feeds = feeds_of(dated, server, store, warn)
        wanted = [batch.wanted(server, store, warn) for batch in opened]
        importer = importer_of(invocation, store, system.secrets, system)
        outcome = import_states(feeds, wanted, importer.run, store, policy_of(invocation), datetime.now())
        result = result_of(invocation, store, system.secrets, outcome.imports)
        blank = blank_entry(invocation, store, system.secrets, server)
    is_awaited = invocation.check_mode and invocation.params["wait"]
    result["untold"] = unknown_outcomes(result["imports"], is_awaited=is_awaited) if system.reads_outcomes else []
    return with_unsent(result, [*unusable, *outcome.unsent], blank), outcome


def system_of(invocation: Invocation) -> HaploBatches:
    """The client of batch import, or of standard batch import. Raises `BadInput` for options that are wrong."""
    params = invocation.params
    is_standard = is_standard_import(params)
    api_class, system_class = (StandardApi, StandardBatches) if is_standard else (Api, HaploBatches)
    api_class.guide.check(params)
    check_options(params)
    api_path = checked_api_path(api_class.path if params["api_path"] is None else params["api_path"])
    outcomes = outcomes_of(invocation, is_standard=is_standard)
    client = client_of(invocation, basic_credentials(USER, params["api_key"]), api_class.guide)
    for credentials in invocation.no_log_values:  # of both keys
        client.keep_secret(credentials)
    return system_class(client, base_url(params["url"]), api_class(client, api_path), outcomes)


def outcomes_of(invocation: Invocation, *, is_standard: bool) -> BatchOutcomes | None:
    """The reader of outcomes, if the user has a key for that and the pages are known."""
    params = invocation.params
    allowed = allowed_errors(params["allow_errors"])
    if params["outcome_api_key"] is None:
        return None
    if is_standard:
        invocation.warn("outcome_api_key is of no use with kind: the pages of standard batches are not known.")
        return None
    client = client_of(invocation, basic_credentials(USER, params["outcome_api_key"]))
    return BatchOutcomes(BatchPages(client, base_url(params["url"])), allowed, invocation.warn)


def blank_entry(invocation: Invocation, store: Store, secrets: Secrets, server: str) -> dict[str, Any]:
    """The entry in the result of an import of which nothing is known."""
    nothing = Wanted("", SYSTEM, server, stream="", source="", size=0, content_sha256=None, options={})
    (entry,) = result_of(invocation, store, secrets, [Import(nothing, state="failed")])["imports"]
    return {**entry, "key": None}


if __name__ == "__main__":
    main()
