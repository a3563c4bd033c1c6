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
  - Sees to it that a batch of files has been scheduled for import into a Haplo application. It uploads the control file
    if Haplo does not know it, begins a batch, uploads the files, and schedules the batch, as a dry run if wanted.
  - What has been scheduled is written down in a receipt, step by step. The same control file with the same files is
    scheduled once, however often the play runs, however many runs overlap, and wherever one was interrupted. A run that
    was interrupted is taken up by the next one, which does not send again what Haplo has acknowledged.
  - A feed of people or of organisations is a state, so with the default of O(once) going back to an earlier state is an
    import again.
  - Haplo imports in the background, and its API has no way to ask how that went. So without O(outcome_api_key) the
    outcome is V(scheduled), never V(succeeded), and the result tells where a person finds the log of the batch.
  - With O(outcome_api_key) it waits for the end of the batch, and the outcome is V(succeeded), V(incomplete) where
    there are errors in the log, or V(failed). Where that cannot be told, it is V(scheduled).
  - Haplo takes whatever it is sent, and what it then makes of a file stands in its log only. So before a batch is sent,
    its files are read as Haplo will read them. One of which nothing could be imported is refused; of what would be
    imported wrongly without a word there is a warning. O(check_files) says what is looked at.
  - What to import is a control file with files, files of a O(kind), a O(directory) with a batch or several in it, or a
    list of O(batches). Of several, each is an import of its own; one that cannot be sent does not keep the others from
    being scheduled, and makes the task fail at the end.
  - With O(kind) it is standard batch import, which the vendor recommends for regular imports. Its control file is fixed
    in the application, so none is sent; it has another path, and needs another O(api_key). Its steps are documented,
    and its server is not public. So all that is not as documented is shown as it came and taken for nothing else, and a
    batch whose scheduling was not answered stays V(unknown) until somebody has looked (see O(on_unknown)).
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
      - With O(kind), one for standard batch import (Tools > Data import > Standard Batch APIs > Create API key...).
        Neither works for the other API, so a task imports over one of them.
      - After fifty wrong keys Haplo lets nobody in from the same host for five minutes; so after one that is refused,
        nothing more is sent.
      - If not set, the value of the environment variable E(HAPLO_API_KEY) is used.
    type: str
    required: true
  outcome_api_key:
    description:
      - A second API key, with which the pages of batches are read in Haplo's user interface, as they alone tell what
        became of a batch. Without it, the outcome is not known.
      - It is made in System management > Users > (user) > New API key..., with the request path
        C(/do/haplo-data-import-batch/batch), without a slash at its end. A key for a shorter path could import, too.
        The user has to be an ordinary one in the group "Batch data administration"; the service user of O(api_key) is
        not.
      - These pages are no documented interface. They are taken only in the form that they are known to have. Where they
        are otherwise, or not shown to this key, the state stays V(scheduled), with a warning that says why. After the
        first refusal of the key nothing more is asked in this task.
      - Once the page of a batch could be read, one that cannot is trouble, which is borne for O(unreachable_timeout) as
        any other is, and then a failure; so is a key that is refused by then.
      - Whatever a run before left V(scheduled) is looked at again, where nothing is to be sent for it.
      - With O(kind) it is not used, and a warning says so, as the pages of standard batches are not known.
      - If not set, the value of the environment variable E(HAPLO_OUTCOME_API_KEY) is used.
    type: str
  allow_errors:
    description:
      - How many errors in the log of a batch are acceptable, V(true) for any number, V(false) for none. With more of
        them, the module fails with the state V(incomplete).
      - Haplo counts messages, not records. A record may have several; some of them keep it from being imported, and
        some do not.
      - It is judged anew by each run. A batch that ended with errors is never sent again but with O(force).
      - It is of no consequence without O(outcome_api_key).
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
      - As the control file tells how files are read, they are not checked then but for being there and not empty.
        Whether the names in O(files) are in it cannot be told either, nor whether one is missing.
    type: str
  kind:
    description:
      - The identifier of an API of standard batch import, as Haplo shows it on the page of that API in Tools > Data
        import > Standard Batch APIs. No call lists them.
      - The control file is in the application then. Unless O(control_copy) is given, files are not checked but for
        being there and not empty, and whether their names are right, or one is missing, cannot be told.
      - Not together with O(control_comment).
    type: str
  control_copy:
    description:
      - A copy of the control file that is fixed in the application for O(kind). Files are checked by it, as they are by
        O(control); it is never sent, and does not make it another import.
      - Nobody but its user can see to it that it is what the application has.
      - C(~) and environment variables are expanded where no file of the literal name exists.
    type: str
  files:
    description:
      - The files of the batch. They are sent one after the other, in this order.
      - Each name may be there once, and all are looked at before anything is sent.
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
      - A directory with batches, in place of O(control) and O(files). It is a batch itself, or each folder in it is
        one, that has a control file in it; all other files beside that are its data. Hidden files and folders are
        passed over. Batches are sent in the order of their names, those of one feed in the order of their dates.
      - A file is called by its name in the control file if that has it, and else by it without what is behind the last
        dot, so C(people.json) may be C(people) there.
      - A folder that lacks a file that the control file names, unless O(allow_missing_files), or has one that it does
        not name, is an error, and nothing of it is sent; so is one with an empty file, or with a file that
        O(check_files) refuses, as while it is still being written. A folder without a control file is left out, with a
        warning if there are files in it. A directory or folder that cannot be read is an error.
      - Put a folder there when it is complete, by renaming it, or put the control file into it last.
      - Each folder in it is a feed of its own, called by O(feed), if that is set, a slash, and the name of the folder.
        So what is in it is imported when it changes, and only then.
      - Where there is a date in the name of a folder, the folder is what a feed was at that moment, and what is left of
        the name is the feed, C(people) for C(people-2026-11-25), C(20261125_people), C(2026-11-25T0300_people) and
        C(people.20261125-0300). Where nothing is left of it, the feed is O(feed), or else what the directory is called.
        A date without a time is the beginning of that day. Times have no zone, so use the same one for all.
      - The states of a feed are imported from the oldest to the newest, and an older one never after a newer one. If
        one cannot be imported, as it is not whole or is refused, the later ones of that feed are not tried until it is
        mended, or hidden behind a dot. What is older than the newest one that was sent is left out. There is a warning
        if it was never imported, which means that it came too late. A content that comes again right after itself is
        not imported again.
      - An error are two dates in a name, a day that there is not, such as C(2026-11-31), a number behind the date that
        is no time, a date more than a day ahead of the clock, two folders of a feed with the same moment, and a feed of
        which some folders have a date in their names and others have none. Of eight digits that are no date nothing is
        thought.
      - A link to a folder is a folder, called by the name of the link. It is left out if it leads to the directory, to
        what is in it and not hidden, or where another link leads, as what is there would be imported under two names.
        A link to nothing is an error.
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
        files and say nothing of it.
      - C(DEFAULT) in a control file is no such name, and does not stand for those that have entries of their own.
      - With O(control_digest), and O(kind) without O(control_copy), nobody can tell what is missing.
    type: bool
    default: false
  check_files:
    description:
      - Whether to read the files of a batch before it is sent, in check mode too, as Haplo will read them. V(false)
        leaves that to Haplo, which tells of it in its log only.
      - What can only end in an error, or of which Haplo would import nothing, is refused. Of JSON, what cannot be
        parsed, as with a byte order mark, in JSON Lines, with C(NaN) or cut off; and records that are no objects, as
        where the list of records is within an object. Of TSV, what begins with a line break, has no column for which
        the control file looks, as with commas for tabs or in UTF-16, or has a C(charset) in the control file that is
        none. Of XML, what is not well-formed, or has a comment, a document type or a processing instruction before its
        root element. Of JSON and TSV, files of more than 16777216 bytes.
      - What would be imported wrongly without a word is warned of, with the line. A line break at the end of TSV, which
        makes one more record; a byte order mark, because of which the first column is not found; rows with too few or
        too many cells; quotes. Bytes that do not fit the charset. Lists without records, and records without values.
        Names that are there twice, and names that look like one for which the control file looks. Numbers that Haplo
        rounds. CDATA sections, which Haplo leaves out.
      - If there is a record processor or an instruction of a plugin in the control file, names are not compared, and
        what a plugin may make something of is only warned of. How the readers of plugins read is not known here; files
        for them are not checked.
      - JSON and TSV are in memory while they are looked at, mostly with two to five bytes for each of their own. Of
        JSON that is one large object, or has large lists in its records, it may be thirty.
      - With O(control_digest), and O(kind) without O(control_copy), nothing of this is checked.
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
          - What the batch is called in the result, RV(imports[].source), and in the receipts. If not set, it is its
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
      - Whether Haplo shall only try the import and log what it finds, and import nothing.
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
        V(submitted) once it is scheduled, and a later run looks how it went.
      - Whether to wait where another run is at the same import. If not, the module succeeds with the state V(running).
  wait_timeout:
    description:
      - For how many seconds to wait. A batch may wait behind others, of all applications of a server, and one that a
        stop of the server interrupted has no end. So then the module fails, for a batch with the state V(scheduled), as
        it cannot be told what became of it, and for another run with V(running). The next run looks again.
  wait_sleep:
    description:
      - The longest pause in seconds between two looks, at the page of a batch or at how the other run is doing.
  unreachable_timeout:
    description:
      - For how many seconds in a row looking may fail, because Haplo or the receipt store is away or in trouble. Then
        the module fails, for a batch with the state V(scheduled). The next run looks again.
  response_timeout:
    description:
      - After how many seconds to give up on the answer to what was sent, counted from the last block on. Then it is
        sent again, which does no harm here; but with O(kind), what schedules is sent once.
  on_unknown:
    description:
      - Of no consequence with a control file. Scheduling again tells whether a batch was scheduled, so a run whose
        answer was lost is settled by the next one.
      - With O(kind), nobody outside the vendor knows whether scheduling twice imports twice. So with V(fail) nothing is
        sent for a batch that was to be scheduled and whose answer was lost. Look at it in Haplo; the message has its
        identifier and the page.
      - With V(retry), that same batch is scheduled again, and no other one is begun. If Haplo says, as it does in batch
        import, that it is not in the 'uploading' state, it was scheduled before. What does not tell leaves it
        V(unknown). For another batch in its place use O(force=true), or M(assetops.imports.import_receipt) with
        O(assetops.imports.import_receipt#module:state=failed).
notes:
  - Haplo checks control files when they are uploaded, and tells what is wrong in its own words. What is in the files it
    looks at only when it imports them. Whether their values are right, such as the name of a type, shows in the log of
    the batch and nowhere else.
  - A batch that was stopped by an error while Haplo imported it, which only O(outcome_api_key) tells, may be partly
    imported. So no later run sends the same files again by itself, unless it was a dry run, and each fails, with the
    key or without, whatever was imported before. Correct them, or set O(force).
  - A batch of which its page says that it is not scheduled, as where Haplo was restored from a backup, failed, and the
    next run schedules it.
  - A batch that was begun and never scheduled stays in Haplo's list, where it does nothing. There is no way to remove
    one over the API.
  - Of standard batch import it is guessed that identifiers are 16 to 128 letters, digits, hyphens and underscores, that
    the digests that it answers with are SHA-256, and that its readers are those of batch import. Where that does not
    hold, the import fails, or is V(unknown), with what Haplo said.
  - In check mode it is asked to schedule a batch that cannot be. How standard batch import answers to that is not
    documented; check mode fails where it is with a page, although a real import, which does not depend on it, may work.
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
    - V(scheduled) is the end of what can be known without O(outcome_api_key), or where the pages do
      not tell more; it is the state, too, where there is no batch.
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
      be read, or were not tried as a state of their feed before them was not imported, with the state
      V(failed) and V(null) for what is not known of them. With O(wait=false), they are V(running) where
      another run is at that state. Empty where there is no batch.
  returned: when the files of a batch could be read, or there is none
  type: list
  elements: dict
  contains:
    source:
      description:
        - The control file, as named in O(control) or found in O(directory), its digest, or the O(kind);
          or what the batch is called in O(batches).
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
          V(receipt), it was, by a run before. V(resumed), a run before had come to schedule it, and
          this one made sure, or looked what became of it. V(retried), an attempt before ended earlier
          than that. V(forced), O(force) was set. V(joined), another run was at it. V(adopted), O(adopt)
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
          zone; or from when to when this content was what the feed was. V(null) otherwise.
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
        - Where its page was read, with O(outcome_api_key), what that says. C(batch) is the identifier,
          C(row) the number by which the page goes, C(url) its address, C(state) the state in Haplo's
          word, C(errors) the number of errors, V(null) while it has not ended and of no meaning where
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
      description: When it was seen to be scheduled, or to have ended, in UTC; V(null) while neither
        is.
      type: str
      returned: always
    duration:
      description: The seconds between the two; V(null) while one of them is.
      type: float
      returned: always
untold:
  description:
    - Where O(outcome_api_key) is used, the batches of which it does not tell how they ended, each with
      the reason. They are scheduled, and their pages could not be read; or they have not ended, and
      are not waited for. Empty where all have ended, and without that key.
    - So a playbook can go on from a dry run only where it is empty. In check mode, what a run would
      wait for is not in it. What was adopted is not, either.
  returned: when the files of a batch could be read, or there is none
  type: list
  elements: str
left_out:
  description:
    - What is in O(directory) and is no batch, or an older state of a feed than the newest one that
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
      description: How many folders are.
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

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Wanted, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import STATES, Import
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, digests_of, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import name_of, shown, shown_by_reason
from ansible_collections.assetops.imports.plugins.module_utils._http.client import base_url, basic_credentials
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
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo import (
    ENVIRONMENT,
    OPTIONS,
    SHA256,
    SYSTEM,
    USER,
    Api,
    Batch,
    ControlFile,
    DataFile,
    HaploBatches,
    api_base,
    check_text,
    control_file,
    wanted_batch,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_comments import comment_of
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_dates import in_short
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_folders import (
    BatchFolder,
    Found,
    find_batches,
    some,
    sources_in,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_outcome import Outcomes, allowed_errors
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_pages import BatchPages
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_standard import (
    StandardApi,
    StandardBatches,
    check_kind,
    where_to_look,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_states import (
    Feed,
    Outcome,
    State,
    Unsent,
    import_states,
)

FILE: Mapping[str, Any] = {"name": {"type": "str", "required": True}, "src": {"type": "str", "required": True}}
READ_BY = ("control", "control_digest", "kind")  # what tells Haplo how to read files; one of them
CONTENT: Mapping[str, Any] = {name: {"type": "str"} for name in (*READ_BY, "control_copy")}
FILES: Mapping[str, Any] = {"type": "list", "elements": "dict", "options": FILE}
TEXTS: Mapping[str, Any] = {name: {"type": "str"} for name in ("comment", "control_comment", "feed")}
LISTED: Mapping[str, Any] = {
    "name": {"type": "str"},
    **CONTENT,
    "files": {**FILES, "required": True},
    **TEXTS,
    "dry_run": {"type": "bool"},
}
"""A batch in the option `batches`."""

ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        **connection_arguments(OPTIONS, ENVIRONMENT),
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
            "options": LISTED,
            "mutually_exclusive": [READ_BY],
            "required_one_of": [READ_BY],
            "required_by": {"control_copy": ["kind"]},
        },
        "require_batches": {"type": "bool", "default": False},
        "allow_errors": {"type": "raw", "default": False},
        **TEXTS,
        "dry_run": {"type": "bool", "default": False},
    },
    "mutually_exclusive": [
        (*READ_BY, "directory", "batches"),
        ("files", "directory", "batches"),
    ],
    "required_one_of": [(*READ_BY, "directory", "batches")],
    "required_by": {**{name: ["files"] for name in READ_BY}, "control_copy": ["kind"]},
}


@dataclass(frozen=True)
class Order:
    """What shall be one batch: its options, and the folder that stands for its control file and its files."""

    options: Mapping[str, Any]
    folder: BatchFolder | None = None

    @property
    def source(self) -> str:
        """For people and receipts."""
        if self.folder is not None:
            return shown(self.folder.control)
        return str(next(filter(None, (self.options.get(name) for name in ("name", *READ_BY))), ""))

    @property
    def is_dated(self) -> bool:
        return self.folder is not None and self.folder.dated is not None

    @property
    def title(self) -> str | None:
        """What it is called in Haplo, besides by its files."""
        feed: str | None = self.options["feed"]
        if self.folder is None:
            return self.options.get("name") or feed
        if self.folder.dated is None:
            return feed or self.folder.own_name
        return f"{feed} {in_short(self.folder.dated.moment)}"


@dataclass(frozen=True)
class Opened:
    """An order whose files are there and can be read, by their names in the control file."""

    order: Order
    control: ControlFile | None
    files: Mapping[str, Content]

    def check_by(self, invocation: Invocation) -> Callable[[], None] | None:
        """What reads the files before they are sent; None where nobody wants that, or knows how they are read."""
        if self.control is None or not self.order.options["check_files"]:
            return None
        return partial(check_contents, invocation, self.control, self.files)

    @property
    def control_comment(self) -> str | None:
        """What the control file is called in Haplo, unless the user says so; None where it is not uploaded."""
        return None if self.control is None else comment_of(self.order.title, [self.control.content.name])

    def batch(self, store: Store) -> Batch:
        """What is sent."""
        options = self.order.options
        digests = digests_of([*self.files.values()], store)
        control = self.control if options["kind"] is None else None  # a copy of a control file is not sent
        return Batch(
            control_sha256=control.sha256 if control else options["control_digest"],
            control=control,
            files=tuple(DataFile(*file) for file in zip(self.files, self.files.values(), digests)),
            dry_run=options["dry_run"],
            comment=options["comment"] or comment_of(self.order.title, [one.name for one in self.files.values()]),
            control_comment=options["control_comment"] or self.control_comment,
            feed=options["feed"],
            kind=options["kind"],
        )


def main() -> None:
    run_module(AnsibleModule(**ARGUMENTS, supports_check_mode=True), import_batch)


def import_batch(invocation: Invocation) -> dict[str, Any]:
    params = invocation.params
    is_standard = has_kinds(params)
    api_class, system_class = (StandardApi, StandardBatches) if is_standard else (Api, HaploBatches)
    api_class.guide.check(params)
    check(params)
    base = api_base(api_class.path if params["api_path"] is None else params["api_path"])
    outcomes = outcomes_of(invocation, is_standard=is_standard)
    client = client_of(invocation, basic_credentials(USER, params["api_key"]), api_class.guide)
    for credentials in invocation.no_log_values:  # of both keys
        client.keep_secret(credentials)
    system = system_class(client, base_url(params["url"]), api_class(client, base), outcomes)
    server = server_name(params)
    found = found_by(invocation)
    orders = orders_of(params, found)
    if not orders:
        return {**nothing_there(params, invocation.warn), **left_out_of(found)}
    dated = [order for order in orders if order.is_dated]
    undated = [order for order in orders if not order.is_dated]
    opened, unusable = opened_of(undated, is_all=not dated)
    with receipt_store(invocation, make=bool(opened) or is_any_usable(dated)) as store:
        wanted = [wanted_of(invocation, store, server, one) for one in opened]
        feeds = feeds_of(dated, server, partial(wanted_of, invocation, store, server))
        importer = importer_of(invocation, store, client.secrets, system)
        outcome = import_states(feeds, wanted, importer.run, store, policy_of(invocation), datetime.now())
        result = result_of(invocation, store, client.secrets, outcome.imports)
        result["untold"] = untold_of(invocation, result["imports"]) if outcomes is not None else []
        result = with_unsent(result, [*unusable, *outcome.unsent], blank_of(invocation, store, client.secrets, server))
    tell_left_out(invocation, found, outcome)
    return {**result, **left_out_of(found)}


def outcomes_of(invocation: Invocation, *, is_standard: bool) -> Outcomes | None:
    """What tells what became of batches, where the user has a key for that, and the pages that tell are known."""
    params = invocation.params
    allowed = allowed_errors(params["allow_errors"])
    if params["outcome_api_key"] is None:
        return None
    if is_standard:
        invocation.warn(
            "outcome_api_key is of no use with kind: the pages that tell of standard batches are not known."
        )
        return None
    client = client_of(invocation, basic_credentials(USER, params["outcome_api_key"]))
    return Outcomes(BatchPages(client, base_url(params["url"])), allowed, invocation.warn)


# What is asked for.


def check(params: dict[str, Any]) -> None:
    """Raise `BadInput` for what the options themselves show to be wrong."""
    if not params["control_name"].strip("./ ") or "/" in params["control_name"]:
        raise BadInput(f"control_name {params['control_name']!r} is no name of a file in a folder.")
    if params["directory"] is not None and not params["directory"].strip():
        raise BadInput("directory is empty; leave it out where there shall be none.")
    if params["strict_files"] and not params["check_files"]:
        raise BadInput(
            "strict_files refuses what check_files finds, and check_files is false; set one of them otherwise."
        )
    if params["batches"] is None:
        check_batch(params, is_folder=params["directory"] is not None)
    if has_kinds(params) and not all(batch["kind"] is not None for batch in params["batches"] or []):
        raise BadInput(
            "batches: some have kind, and others control or control_digest. These are two APIs of Haplo, each with an"
            " API key of its own; import by two tasks, one for each."
        )
    for number, batch in enumerate(params["batches"] or []):
        try:
            check_batch(of_batch(params, batch))
        except BadInput as error:
            raise BadInput(f"batches[{number}]: {error.message}") from None


def check_batch(options: Mapping[str, Any], *, is_folder: bool = False) -> None:
    """Raise `BadInput` for what the options of a batch show to be wrong; its files may be those of a folder."""
    read_by = [option for option in READ_BY if options[option] is not None]
    if not is_folder and not read_by:  # Ansible lets a null pass
        raise BadInput("One of control, control_digest, kind, batches and directory is needed, and none is set.")
    if options["kind"] is not None:
        check_kind(options["kind"])
    for option in TEXTS:
        check_text(option, options[option])
    if options["files"] is not None:
        check_names([file["name"] for file in options["files"]])
    digest = options["control_digest"]
    if digest is not None and not re.fullmatch(SHA256, digest):
        raise BadInput(f"control_digest {digest!r} is no SHA-256 in 64 lower-case hexadecimal digits.")
    for name in read_by:
        check_without_control_file(options, name)


def check_without_control_file(options: Mapping[str, Any], read_by: str) -> None:
    """Raise `BadInput` for what needs a control file to be sent, or at least to be here."""
    if read_by == "control":
        return
    if options["control_comment"] is not None:
        raise BadInput(f"control_comment is of no use with {read_by}: no control file is uploaded then.")
    remedy = "a copy of it with control_copy" if read_by == "kind" else "it with control in place of control_digest"
    for option in ("strict_files", "trim_final_newline"):
        if options[option] and options["control_copy"] is None:
            raise BadInput(f"{option} needs the control file, which tells how the files are read; give {remedy}.")


def check_names(names: list[str]) -> None:
    if not names:
        raise BadInput("files is an empty list; a batch without files does nothing.")
    for name in names:
        check_text("files: a name", name)
        if names.count(name) > 1:
            raise BadInput(f"files: {name!r} is there {names.count(name)} times; Haplo imports only the last one.")


def found_by(invocation: Invocation) -> Found | None:
    """What is in the directory, if one was given; says which folders in it may have been meant to be batches."""
    params = invocation.params
    if params["directory"] is None:
        return None
    found = find_batches(params["directory"], params["control_name"])
    if found.doubtful:
        invocation.warn(
            f"Of the folders in {params['directory']}, {some(found.doubtful)} cannot be imported: there are files in"
            f" it, and no {params['control_name']}. Hide the name behind a dot if it is not to be a batch."
        )
    return found


def has_kinds(params: Mapping[str, Any]) -> bool:
    """Whether it is for standard batch import, at least some of it."""
    return any(batch["kind"] is not None for batch in (params, *(params["batches"] or [])))


def orders_of(params: Mapping[str, Any], found: Found | None) -> list[Order]:
    """What shall be batches, in order."""
    if found is not None:
        return told_apart([Order({**params, "feed": feed_of(params, folder)}, folder) for folder in found.batches])
    if params["batches"] is not None:
        return [Order(of_batch(params, batch)) for batch in params["batches"]]
    return [Order(params)]


def of_batch(params: Mapping[str, Any], batch: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options of one of `batches`; what it leaves out is as for all."""
    return {**params, **{name: value for name, value in batch.items() if value is not None}}


def feed_of(params: Mapping[str, Any], folder: BatchFolder) -> str | None:
    """A folder beside others is a feed of its own, or else they would take turns in being the latest.

    Where a date is in its name, all folders that are called the same without it are one feed.
    """
    if folder.name is None:
        return str(params["feed"]) if params["feed"] is not None else None
    name = folder.name if folder.dated is None else folder.dated.rest
    return "/".join(filter(None, (params["feed"], name))) or folder.directory_name


def told_apart(orders: list[Order]) -> list[Order]:
    """The same; of a feed with folders that have a date in their names and such that have none, all have a problem."""
    dated, undated = ({one.options["feed"]: one for one in orders if one.is_dated is is_it} for is_it in (True, False))

    def told(order: Order) -> Order:
        feed, folder = order.options["feed"], order.folder
        if folder is None or feed not in dated or feed not in undated:
            return order
        both = " and ".join(one[feed].source for one in (undated, dated))
        problem = f"{both} are both of the feed {feed}, and only one has a date in its name. Rename one."
        return replace(order, folder=replace(folder, problem=folder.problem or problem))

    return [told(order) for order in orders]


def feeds_of(orders: list[Order], server: str, wanted: Callable[[Opened], Wanted]) -> list[Feed]:
    """The feeds of which dated folders are the states."""
    states: dict[str, list[State]] = {}
    for order in orders:
        folder = order.folder
        if folder is not None and folder.dated is not None:
            state = State(
                folder.path, order.source, folder.dated.moment, partial(wanted_state, order, wanted), folder.problem
            )
            states.setdefault(order.options["feed"], []).append(state)
    return [
        Feed(feed, stream_of(server, feed, orders[0].options["dry_run"]), tuple(own)) for feed, own in states.items()
    ]


def wanted_state(order: Order, wanted: Callable[[Opened], Wanted]) -> Wanted:
    """The import of a dated folder. Raises `ImportsError`."""
    return wanted(opened_order(order))


def stream_of(server: str, feed: str, dry_run: bool) -> str:
    """The stream of a feed, which is the same whatever is in its batches."""
    return wanted_batch(server, feed, Batch("", None, (), dry_run=dry_run, feed=feed)).stream


# Its files.


def opened_of(orders: list[Order], *, is_all: bool) -> tuple[list[Opened], list[Unsent]]:
    """The orders whose files can be sent, and the others. Raises `BadInput` if these are all that there is, and bad."""
    opened, unusable = [], []
    for order in orders:
        try:
            opened.append(opened_order(order))
        except BadInput as error:
            unusable.append(Unsent(order.source, error.message))
    if is_all and not opened:
        raise BadInput(" ".join(one.message for one in unusable))
    return opened, unusable


def is_any_usable(orders: list[Order]) -> bool:
    """Whether the files of one of these can be sent; most likely those of the last one can."""
    for order in reversed(orders):
        with suppress(BadInput):
            return bool(opened_order(order).files)
    return False


def wanted_of(invocation: Invocation, store: Store, server: str, opened: Opened) -> Wanted:
    """The import of a batch."""
    where = None if opened.order.options["kind"] is None else where_to_look
    return wanted_batch(server, opened.order.source, opened.batch(store), opened.check_by(invocation), where)


def opened_order(order: Order) -> Opened:
    """An order with its files, which Haplo would import. Raises `BadInput` if they are not there, or would not be."""
    if order.folder is not None:
        folder = order.folder.readable()
        control = control_at(name_of(folder.control))
        sources = sources_in(folder, control)
        check_names([*sources])
        check_text("feed, with the name of the folder,", order.options["feed"])
        return opened_with(order, control, sources)
    sources = {file["name"]: file["src"] for file in order.options["files"]}
    return opened_with(order, control_of(order.options), sources)


def opened_with(order: Order, control: ControlFile | None, sources: Mapping[str, str]) -> Opened:
    options = order.options
    contents = dict(zip(sources, open_contents([*sources.values()], "files")))
    if control is not None:
        entries = {name: control.entry(name) for name in contents}
        if not options["allow_missing_files"]:
            control.check_complete(sources, "files" if order.folder is None else shown(order.folder.path))
        if options["trim_final_newline"]:
            contents = {name: trimmed(entries[name], content) for name, content in contents.items()}
        if options["check_files"]:
            for name, content in contents.items():
                control.check_size(name, content)
    return Opened(order, control, contents)


def trimmed(entry: Mapping[str, Any], content: Content) -> Content:
    """A file as it is sent with `trim_final_newline`."""
    from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_tsv import without_final_break

    return without_final_break(entry, content)


def check_contents(invocation: Invocation, control: ControlFile, files: Mapping[str, Content]) -> None:
    """Read the files of a batch as Haplo would, and warn of what it would import wrongly.

    Raises `BadInput` for what it could not import at all, and with `strict_files` for all of it.
    """
    from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_files import check_file

    refused = []
    for name, content in files.items():
        for finding in check_file(control, name, content):
            if finding.is_fatal or invocation.params["strict_files"]:
                refused.append(f"{content.source}{finding}")
            else:
                invocation.warn(f"{content.source}{finding}")
    if refused:
        raise BadInput(f"files: {' '.join(refused)}")


def control_of(options: Mapping[str, Any]) -> ControlFile | None:
    """The control file by which a batch's files are read, as far as it is here: the one that is sent, or a copy."""
    option = "control" if options["kind"] is None else "control_copy"
    return None if options[option] is None else control_at(options[option], option)


def control_at(path: str, option: str = "control") -> ControlFile:
    (content,) = open_contents([path], option)
    return control_file(content, option)


# What came of it.


def nothing_there(params: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """The result where there is no batch, which is told, or an error if there had to be one."""
    told = "batches is an empty list."
    if params["directory"] is not None:
        name = params["control_name"]
        told = f"There is no batch in {params['directory']}: no {name} in it, and none in a folder in it."
    nothing = {"changed": False, "state": "scheduled", "imports": [], "untold": []}
    if params["require_batches"]:
        return {**nothing, "state": "failed", "msg": f"{told} As require_batches is true, there has to be one."}
    warn(f"{told} Nothing was imported.")
    return nothing


def untold_of(invocation: Invocation, imports: list[dict[str, Any]]) -> list[str]:
    """The batches of which nobody knows how they ended, although there is a key for that; with the reason."""
    is_awaited = invocation.check_mode and invocation.params["wait"]
    states = ("scheduled",) if is_awaited else ("scheduled", "submitted", "running")
    why = "It is scheduled; how it ended is not known, as it was not waited for."
    return [
        f"{one['source']}: {one['message'] or why}"
        for one in imports
        if one["state"] in states and (one["remote_id"] or one["state"] != "scheduled")  # adopted, as the user wanted
    ]


def left_out_of(found: Found | None) -> dict[str, Any]:
    """What is in the directory and is no batch."""
    return {"left_out": [] if found is None else shown_by_reason(found.left_out)}


def tell_left_out(invocation: Invocation, found: Found | None, outcome: Outcome) -> None:
    """Put what was left out of the states to what else was; warn of what was never imported."""
    if found is not None:
        for reason, paths in outcome.left_out.items():
            found.leave_out(reason, *paths)
    for feed, paths in outcome.late.items():
        invocation.warn(
            f"Of the folders in {invocation.params['directory']}, {some(paths)} came too late, and will not be"
            f" imported: a newer state of {feed} was imported before."
            " Hide the name behind a dot if that is as it should be."
        )


def blank_of(invocation: Invocation, store: Store, secrets: Secrets, server: str) -> dict[str, Any]:
    """The entry in the result of an import of which nothing is known."""
    nothing = Wanted("", SYSTEM, server, stream="", source="", size=0, content_sha256=None, options={})
    (entry,) = result_of(invocation, store, secrets, [Import(nothing, state="failed")])["imports"]
    return {**entry, "key": None}


def with_unsent(result: dict[str, Any], unsent: list[Unsent], blank: Mapping[str, Any]) -> dict[str, Any]:
    """The result with the batches that were not sent, which did not keep those of other feeds from being imported."""
    entries = [{**blank, "source": one.source, "state": one.state, "message": one.message} for one in unsent]
    imports = [*result["imports"], *entries]
    state = max(
        [result["state"] if result["imports"] else "scheduled", *(one.state for one in unsent)], key=STATES.index
    )
    msg = [result.get("msg")]
    for what, is_held_up in (("cannot be imported", False), ("were not tried", True)):
        failed = [one for one in unsent if one.state == "failed" and one.is_held_up is is_held_up]
        reasons = " ".join(dict.fromkeys(as_sentence(one.message) for one in failed))
        msg.append(f"{len(failed)} of {len(imports)} batches {what}: {reasons}" if failed else None)
    told = " ".join(filter(None, msg))
    return {**result, "state": state, "imports": imports, **({"msg": told} if told else {})}


if __name__ == "__main__":
    main()
