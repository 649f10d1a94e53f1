"""Logs behind a URL that fsspec reads (s3://, gs://, https://, memory://, ...).

Parquet is read in place, by ranges of bytes. Other formats are copied to a temporary folder first,
once, and read there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

from boundcalc.errors import Fault, InputError
from boundcalc.logs.extra import imported
from boundcalc.logs.formats.partitioned import natural, tables
from boundcalc.logs.guard import shown, shown_path
from boundcalc.logs.place import Place
from boundcalc.logs.spool import Folder

_MOST_FILES = 1 << 20
_EXPECTED = "a URL that fsspec can read"


def remote_places(url: str) -> list[Place]:
    """The places of a URL, or of a pattern of such. Raises InputError where nothing is there."""
    where = shown_path(url)
    fsspec = imported("fsspec.core", "remote", where, "a remote path")
    with _told(where):
        if url.startswith(("http://", "https://")) or not any(c in url for c in "*?["):
            fs, path = fsspec.url_to_fs(url)
            paths = [path] if fs.exists(path) else []
        else:
            fs, path = fsspec.url_to_fs(url)
            paths = sorted(fs.glob(path), key=natural)
        if not paths:
            raise InputError(Fault(where, "nothing there", "a log", "check the URL"))
        scheme = url[: len(url) - len(url.split("://", 1)[-1])]
        names = [where] if len(paths) == 1 else [f"{scheme}{p.lstrip('/')}" for p in paths]
        return [_place(fs, one, name) for one, name in zip(paths, names, strict=True)]


def _place(fs: Any, path: str, name: str) -> Place:
    if not fs.isdir(path):
        return _file(fs, path, name, Path(path).name)
    files = fs.find(path)
    if len(files) > _MOST_FILES:
        found = f"more than {_MOST_FILES} files"
        raise InputError(Fault(name, found, "a folder of logs", "name the files"))
    root = path.rstrip("/")
    relative = {file[len(root) :].lstrip("/"): file for file in files}
    inside = {short: _file(fs, file, f"{name}/{short}", short) for short, file in relative.items()}
    if any(".." in short.split("/") for short in inside):
        raise InputError(Fault(name, "files outside of it", "a folder of logs", "name the files"))
    zarr = any(short in {"zarr.json", ".zgroup"} for short in inside)
    return Place(
        name,
        cache(partial(_copied_folder, inside, name)),
        inside=inside if tables(inside) and not zarr else None,
    )


def _file(fs: Any, path: str, name: str, short: str) -> Place:
    def opened() -> IO[bytes]:
        stream: IO[bytes] = fs.open(path, "rb")
        return stream

    local: Callable[[], Path] = cache(partial(_copied, fs, path, name, short))
    return Place(name, local, opened)


def _copied(fs: Any, path: str, name: str, short: str) -> Path:
    """A copy of a remote file, under its own name: readers go by the suffix."""
    folder = Folder()
    target = folder.path / Path(short).name
    with _told(name):
        size = fs.size(path)
        free = shutil.disk_usage(folder.path).free
        if size is not None and size > free:
            found, fix = f"{size} bytes, {free} are free here", "use Parquet, which is not copied"
            raise InputError(Fault(name, found, "a file that fits on the disk", fix))
        fs.get_file(path, str(target))
    return _kept(target, folder)


def _copied_folder(inside: dict[str, Place], name: str) -> Path:
    """A copy of a remote folder."""
    folder = Folder()
    for short, place in inside.items():
        target = folder.path / short
        with _told(name):
            target.parent.mkdir(parents=True, exist_ok=True)
            with place.source() as stream, target.open("wb") as file:
                shutil.copyfileobj(stream, file)
    return _kept(folder.path, folder)


_KEPT: list[Folder] = []


def _kept(path: Path, folder: Folder) -> Path:
    """The path; its folder lives as long as the program, since logs read it at any time."""
    _KEPT.append(folder)
    return path


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Whatever a file system or the network raises becomes an InputError."""
    try:
        yield
    except InputError:
        raise
    except ImportError as error:
        found = shown(error)
        fix = "pip install the package it names"
        raise InputError(Fault(where, found, _EXPECTED, fix)) from error
    except Exception as error:
        found = shown(error) or type(error).__name__
        fix = "check the URL, the network and the credentials"
        raise InputError(Fault(where, found, _EXPECTED, fix)) from error
