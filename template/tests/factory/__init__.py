"""The template's tests, which also exercise your contract, features and model; `factory update` keeps them up to date."""
