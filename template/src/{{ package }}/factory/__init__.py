"""The machinery around contract, features and model; `copier update` keeps it up to date."""
