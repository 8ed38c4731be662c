"""The machinery around contract, features and model; `copier update` keeps it up to date."""

PACKAGE = __name__.partition(".")[0]
"""The name of the package that all of this is in."""
