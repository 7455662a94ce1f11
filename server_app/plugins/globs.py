"""glob(): files by patterns, folder by folder, as a real server looks for them.

All that matches in a folder comes before what lies deeper. In the file store a name is matched and
shown without the ending that says what kind of file it is, so that `*.zip` finds nothing there.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from server_app.plugins.accessors import HOST, AccessError, Entry, located, may_open, members
from server_app.vql.builtin.faults import json_fault
from server_app.vql.call import CallError
from server_app.vql.modes import FileMode
from server_app.vql.paths import OSPath, split
from server_app.vql.registry import Call, optional, plugin, required
from server_app.vql.values import NO_TIME, Timestamp

Arguments = dict[str, Any]
_DEEPEST = 30
"""Folders that `**` goes down unless it says how many (`**3`)."""
_ENDINGS = (
    ".json", ".json.index", ".json.tidx", ".json.db", ".idx", ".zip", ".chunk", ".html", ".tmp",
    ".csv", ".db", ".yaml",
)  # fmt: skip


class _Wanted(NamedTuple):
    """The parts of a pattern that are left to match, and the pattern as it is shown."""

    parts: tuple[str, ...]
    shown: str


@plugin(
    "glob",
    {
        "globs": required("strings"),
        "root": optional("path", ""),
        "accessor": optional("string", ""),
        "nosymlink": optional("bool", False),
    },
)
def glob(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Files below `root` that match; `**` stands for any number of folders, none as well."""
    root = located(arguments["root"] or "/", arguments["accessor"])
    may_open(call, root, "root" if arguments["root"] else "")
    wanted = []
    for pattern in arguments["globs"]:
        if pattern.startswith("{"):
            _refuse_pathspec(call, pattern)
        for each in _without_braces(pattern):
            parts = split(each.removeprefix("fs:") if root.accessor == "fs" else each)
            wanted.append(_Wanted(parts, str(OSPath(parts, root.accessor))))
    yield from _below(call, root, wanted, follow=not arguments["nosymlink"])


def _refuse_pathspec(call: Call, pattern: str) -> None:
    call.fail(
        "Glob item appears to be a pathspec. This is deprecated, please use the root arg instead."
    )
    try:
        json.loads(pattern)
    except json.JSONDecodeError as error:
        raise CallError(f"While decoding pathspec: {json_fault(error, pattern)}") from error


def _without_braces(pattern: str) -> list[str]:
    """`a.{x,y}` is `a.x` and `a.y`."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    made = [
        pattern[: match.start()] + each + pattern[match.end() :] for each in match[1].split(",")
    ]
    return [each for one in made for each in _without_braces(one)]


def _below(
    call: Call, folder: OSPath, wanted: Iterable[_Wanted], *, follow: bool
) -> Iterator[dict[str, Any]]:
    """The rows of a folder, then those of its folders."""
    wanted = list(_with_none_skipped(wanted))
    if not any(item.parts for item in wanted):
        return
    call.run.check()
    try:
        entries = members(call, folder)
    except AccessError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            call.log(f"Globber: {error} while processing {folder}")
        return
    deeper: list[tuple[OSPath, list[_Wanted]]] = []
    for name, entry in sorted((_shown(folder, entry), entry) for entry in entries):
        path = replace(folder, parts=(*folder.parts, entry.name))
        left = [rest for item in wanted for rest in _after(item, name)]
        globs = [item.shown for item in left if not item.parts]
        if globs:
            yield _row(call, path, name, entry) | {"Globs": list(dict.fromkeys(globs))}
        if entry.is_folder and (follow or not _is_link(path)):
            deeper.append((path, [item for item in left if item.parts]))
    for path, rest in deeper:
        yield from _below(call, path, rest, follow=follow)


def _shown(folder: OSPath, entry: Entry) -> str:
    """The name by which an entry is matched."""
    if folder.accessor != "fs" or entry.is_folder:
        return entry.name
    ending = max((end for end in _ENDINGS if entry.name.endswith(end)), key=len, default="")
    return entry.name.removesuffix(ending)


def _with_none_skipped(wanted: Iterable[_Wanted]) -> Iterator[_Wanted]:
    """Where `**` stands, what follows it may also match right here."""
    for item in wanted:
        yield item
        if item.parts and item.parts[0].startswith("**") and len(item.parts) > 1:
            yield from _with_none_skipped([_Wanted(item.parts[1:], item.shown)])


def _after(item: _Wanted, name: str) -> Iterator[_Wanted]:
    """What is left of a pattern below an entry of this name; nothing if it doesn't match."""
    if not item.parts:
        return
    first, rest = item.parts[0], item.parts[1:]
    if not first.startswith("**"):
        if _matches(first, name):
            yield _Wanted(rest, item.shown)
        return
    digits = re.match(r"\d*", first[2:])
    depth = int(digits[0]) if digits and digits[0] else _DEEPEST
    if depth > 0 and not rest:
        yield _Wanted((), item.shown)
    if depth > 1 or (depth and rest):
        yield _Wanted((f"**{depth - 1}", *rest), item.shown)


def _matches(pattern: str, name: str) -> bool:
    if not re.search(r"[*?\[]", pattern):
        return pattern.casefold() == name.casefold()
    return re.match(fnmatch.translate(pattern), name, re.IGNORECASE) is not None


def _is_link(path: OSPath) -> bool:
    return path.accessor in HOST and os.path.islink(path.path)  # noqa: PTH114


def _row(call: Call, path: OSPath, name: str, entry: Entry) -> dict[str, Any]:
    known = _of_member(entry) if path.delegate is not None else _of_file(call, path)
    modified, read, changed, born = known.times
    return {
        "Name": name,
        "OSPath": path,
        "Mtime": modified,
        "Atime": read,
        "Ctime": changed,
        "Btime": born,
        "Size": known.size,
        "Mode": known.mode,
        "IsDir": known.mode.member("IsDir"),
        "IsLink": _is_link(path),
        "Data": known.data,
    }


class _Known(NamedTuple):
    size: int
    mode: FileMode
    data: dict[str, Any]
    times: tuple[Timestamp, Timestamp, Timestamp, Timestamp] = (NO_TIME, NO_TIME, NO_TIME, NO_TIME)


def _of_file(call: Call, path: OSPath) -> _Known:
    stored = path.accessor == "fs"
    try:
        status = os.lstat(call.org.files.real_path(path.path) if stored else path.path)
    except OSError as error:
        raise CallError(error) from error
    mode, modified = FileMode.of(status.st_mode), Timestamp(status.st_mtime_ns)
    if stored:
        size = int(call.org.files.stat(path.path)["Size"])
        return _Known(size, mode, {}, (modified, NO_TIME, NO_TIME, NO_TIME))
    data = {"DevMajor": os.major(status.st_dev), "DevMinor": os.minor(status.st_dev)}
    changed = Timestamp(status.st_ctime_ns)
    times = (modified, Timestamp(status.st_atime_ns), changed, changed)
    return _Known(status.st_size, mode, data, times)


def _of_member(entry: Entry) -> _Known:
    """A zip's folders are not in it: only what lies in them is."""
    mode = FileMode.of(_OF_MEMBERS, is_folder=entry.is_folder)
    if entry.member is None:
        return _Known(0, mode, {})
    packed = entry.member.compress_type == zipfile.ZIP_DEFLATED
    data = {
        "CompressedSize": entry.member.compress_size,
        "Method": "zlib" if packed else "stored",
    }
    return _Known(entry.member.file_size, mode, data)


_OF_MEMBERS = 0o755
