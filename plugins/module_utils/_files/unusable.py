# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a file cannot be used, and what to do: for the person who named it. Imported only if one cannot be used.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.assetops.imports.plugins.module_utils._files.paths import path_text

MAX_SIMILAR = 3  # names in a folder that are shown
KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def why_unreadable(name: str, path: Path, error: OSError) -> str:
    """Why the file that was called `name` cannot be read, and what to do."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{reason}; {_mistake_in(name) or _what_is_there(path)}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{reason}; {describe_access(path)}"
    return reason


def why_not_regular(mode: int) -> str:
    """Why something that is not a regular file cannot be imported."""
    advice = "; name the files in it, one by one" if stat.S_ISDIR(mode) else ""
    return f"not a regular file but {KINDS.get(stat.S_IFMT(mode), 'a device')}{advice}"


def describe_access(path: Path) -> str:
    """Who owns a path, or the folder that bars the way to it, with which mode; and who this process runs as."""
    barred = next((folder for folder in reversed(path.parents) if not os.access(folder, os.X_OK)), path)
    try:
        status = barred.stat()
    except OSError:
        return f"this is user {current_user()}"
    mode = stat.S_IMODE(status.st_mode)
    owner = f"belongs to {_user_name(status.st_uid)} and has mode {mode:04o}"
    return f"{one_line_path(barred)} {owner}, this is user {current_user()}"


def current_user() -> str:
    """The user that this process runs as."""
    return _user_name(os.geteuid())


def host_and_user() -> str:
    """The host and the user that look for files."""
    return f"on {os.uname().nodename} as user {current_user()}"


def one_line_path(path: Path) -> str:
    """A path on one line."""
    return in_one_line(path_text(path))


def in_one_line(text: str) -> str:
    """A text with its control characters, and what is not UTF-8, escaped."""
    escaped = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)
    return escaped.encode("utf-8", "backslashreplace").decode("utf-8")


def _user_name(uid: int) -> str:
    import pwd

    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"with uid {uid}"


def _mistake_in(name: str) -> str | None:
    """What shows that a name cannot be that of a file here, and what to do."""
    if re.match(r"[A-Za-z]:[\\/]|\\\\", name):
        return "that is a path of Windows; copy the file to the host where the module runs, and give its path there"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", name):
        return "that is a URL, not a file; download it first, as with ansible.builtin.get_url"
    if "{{" in name or "{%" in name:
        return "that is a template that was not filled in"
    if name[:1] in "'\"" or name[-1:] in "'\"":
        return "there are quotes around it that became a part of it; leave them out"
    if name != name.strip():
        return "there is space around it; leave that out"
    if name.startswith("[") and name.endswith("]"):
        return "that is a list written as a text; give it as a list"
    if re.search(r"[*?]|\[.*\]", name):
        return (
            "wildcards are not expanded; name the files, one by one, or list them with"
            " query('ansible.builtin.fileglob', ...)"
        )
    if re.search(r"[,;]", name):
        return "if these are several files, give each as an item of a list of its own"
    return _unset_variable(name)


def _unset_variable(name: str) -> str | None:
    found = re.search(r"\$(?:\{(\w+)\}|(\w+))", name)
    if found is None or (found[1] or found[2]) in os.environ:
        return None
    return f"the environment variable {found[1] or found[2]} is not set where the module runs"


def _what_is_there(path: Path) -> str:
    """How far the path leads, and which names there are similar to the missing one."""
    if path.is_symlink():
        return f"it is a link to {in_one_line(os.fsencode(path.readlink()).decode('utf-8', 'backslashreplace'))}"
    missing, folder = next(_steps_up(path.absolute()))
    if not folder.is_dir():
        return f"{one_line_path(folder)} is not a folder"
    try:
        names = [one_line_path(Path(one.name)) for one in folder.iterdir()]
    except OSError:
        return f"{one_line_path(folder)} is there, but may not be listed; {describe_access(folder)}"
    found = f"the folder {one_line_path(folder)} is there, and"
    if not names:
        return f"{found} is empty"
    name = one_line_path(Path(missing.name))
    similar = _similar_names(name, names)
    if not similar:
        return f"{found} nothing in it has a name like {name}"
    return f"{found} what is most like it in there is {', '.join(similar)}"


def _steps_up(path: Path) -> Iterator[tuple[Path, Path]]:
    """What is missing, and the folder above it, beginning where something exists."""
    child = path
    for parent in path.parents:
        if os.path.lexists(parent):
            yield child, parent
        child = parent


def _similar_names(name: str, names: list[str]) -> list[str]:
    """The names that are most similar to one, whatever their case."""
    import difflib

    by_lower = {one.lower(): one for one in sorted(names)}
    return [by_lower[one] for one in difflib.get_close_matches(name.lower(), by_lower, MAX_SIMILAR)]
