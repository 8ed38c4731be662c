"""A new uv.lock for a stranger's project: made apart from it, of what its pyproject.toml may name and nothing else."""

import os
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile

from factory.errors import FactoryError
from factory.workspace.process import run

COPIED = ("pyproject.toml", "uv.lock", "uv.toml")
MAX_WHEEL = 100 * 1024**2
PYPI = "https://pypi.org"
INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
PASSED_ON = re.compile(
    r"LANG|LC_\w+|PATH|SSL_CERT_\w+|SYSTEMROOT|TE?MP|TMPDIR|XDG_CONFIG_HOME|(HTTPS?|ALL|NO)_PROXY"
    rf"|{'|'.join(INDEXES)}|UV_(HTTP_\w+|NATIVE_TLS|OFFLINE|SYSTEM_CERTS)",
    re.IGNORECASE,
)
"""What uv may know: not the passwords of indexes by their names, which the project could give to others."""
DIRECT = re.compile(r"\s*[\w.-]+\s*(\[[^]]*\])?\s*@")
FREE = {"extra", "group", "index", "marker"}


def renew() -> None:
    """Renew uv.lock in the current folder. Raises FactoryError.

    uv would start the project's Python and its build backend, and read whatever folder or address the project names.
    """
    wheels = list(_wheels())
    uv = os.environ.get("UV", "uv")
    with TemporaryDirectory() as folder, TemporaryDirectory() as home:
        env = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
        env.setdefault("XDG_CONFIG_HOME", str(Path.home() / ".config"))  # where this machine's indexes may be
        env |= {
            "HOME": home,
            "NETRC": os.devnull,
            "UV_CACHE_DIR": run(uv, "cache", "dir", cwd=Path(folder)),
            "UV_KEYRING_PROVIDER": "disabled",
            "UV_PYTHON_DOWNLOADS": "never",  # pyproject.toml may name a mirror
            "UV_PYTHON_INSTALL_DIR": run(uv, "python", "dir", cwd=Path(folder)),
        }
        for name in filter(os.path.isfile, (*COPIED, *wheels)):
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, Path(folder, name))
        run(uv, "lock", "--quiet", "--no-build", cwd=Path(folder), env=env)
        shutil.copy(Path(folder, "uv.lock"), "uv.lock")


def _wheels() -> Iterator[str]:
    """The project's own wheels that it names. Raises FactoryError where it names anything else that is not of an index."""
    project, own = _read("pyproject.toml"), _read("uv.toml")
    tables = [project.get("tool", {}).get("uv", {}), own]
    for table in tables:
        _check_indexes(table)
        if "workspace" in table:
            raise FactoryError("a workspace's members are not locked here")
        for name, sources in table.get("sources", {}).items():
            for source in sources if isinstance(sources, list) else [sources]:
                if source.keys() - FREE:
                    yield _wheel(name, source.keys() - FREE, source.get("path"))
    parts = [project.get("project", {}), project.get("dependency-groups", {}), *tables]
    for text in _texts([{key: value for key, value in part.items() if "depend" in key or part is parts[1]} for part in parts]):
        if DIRECT.match(text):
            raise FactoryError(f"{text}: is of an address, which is not read here")
    for package in _read("uv.lock").get("package", []):
        source = package.get("source", {})
        kinds = {kind for kind, place in source.items() if kind != "registry" and (kind, place) not in OWN}
        if kinds:
            _wheel(str(package.get("name")), kinds, source.get("path"))


OWN = ("virtual", "."), ("editable", ".")


def _wheel(name: str, kinds: set[str], path: object) -> str:
    place = PurePosixPath(str(path))
    is_inside = not place.is_absolute() and ".." not in place.parts and place.suffix == ".whl" and "\\" not in str(path)
    if kinds != {"path"} or not is_inside:
        raise FactoryError(f"{name}: its source ({', '.join(sorted(kinds))}) is neither an index nor a wheel of the project")
    file = Path(place)
    if not file.is_file() or file.stat().st_size > MAX_WHEEL:
        raise FactoryError(f"{place}: is missing, or larger than {MAX_WHEEL:,} bytes")
    try:
        with ZipFile(file) as wheel:
            [metadata] = [each for each in wheel.infolist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", each.filename)]
            if metadata.file_size > 10**6:
                raise FactoryError(f"{place}: its METADATA has more than a million bytes")
            lines = wheel.read(metadata).decode("utf-8", "replace").splitlines()
    except (BadZipFile, ValueError) as error:
        raise FactoryError(f"{place}: is not a wheel") from error
    if any(DIRECT.match(line.partition(":")[2]) for line in lines if line.lower().startswith("requires-dist:")):
        raise FactoryError(f"{place}: needs something of an address, which is not read here")
    return str(place)


def _check_indexes(table: Mapping[str, Any]) -> None:
    known = {f"{PYPI}/simple", *(part for name in INDEXES for part in re.split(r"[\s,]+", os.environ.get(name, "")))}
    urls = [each.get("url") for each in table.get("index", [])] + [table.get("index-url")]
    urls += [*table.get("extra-index-url", []), *table.get("find-links", [])]
    for url in filter(None, urls):
        if str(url).rstrip("/") not in {each.rstrip("/") for each in known}:
            raise FactoryError(f"{url}: is not an index of this machine ({', '.join(INDEXES[:3])})")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _read(name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(name).read_text("utf-8")) if Path(name).is_file() else {}
    except (ValueError, RecursionError) as error:
        raise FactoryError(f"{name}: cannot be read: {error}") from error
