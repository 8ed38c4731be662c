"""New deliveries in the storage: what lies in its folder inbox/ and is not in the ledger."""

import shutil

from . import ingest, ledger, tables
from .config import Params
from .errors import FactoryError
from .ledger import Entry
from .shell import dvc
from .stage import LOCKS

FETCHED = LOCKS / "inbox"


def collect(params: Params) -> list[Entry]:
    """Enter every new file, all or none. Raises FactoryError."""
    place = f"remote://{dvc('config', 'core.remote')}/inbox"
    known = {entry.file for entry in ledger.entries()}
    names = [name for name in _listed(place) if tables.suffix(name) and name not in known]
    shutil.rmtree(FETCHED, ignore_errors=True)
    FETCHED.mkdir(parents=True)
    try:
        for name in names:
            dvc("get-url", f"{place}/{name}", str(FETCHED / name))
            if not (FETCHED / name).is_file():
                raise FactoryError(f"{place}/{name} is a folder: deliver its files, under names of their own")
        files = [FETCHED / name for name in names]
        return ingest.ingest(files, params, place, fetch=f"dvc get-url {place}/") if names else []
    finally:
        shutil.rmtree(FETCHED)


def _listed(place: str) -> list[str]:
    try:
        return sorted(dvc("list-url", place).splitlines())
    except FactoryError as error:
        if "does not exist" in str(error):
            return []
        raise
