"""The factory's tests, of your contract, features and model too; `copier update` keeps them up to date."""
