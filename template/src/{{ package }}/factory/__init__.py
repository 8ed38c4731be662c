"""The machinery around contract, features and model; `copier update` keeps it up to date."""

import sys

from ._moved import OldModules

PACKAGE = __name__.partition(".")[0]
"""The name of the package that all of this is in."""

sys.meta_path.insert(0, OldModules())
