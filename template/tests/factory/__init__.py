"""The factory's tests: they know nothing of your data; `copier update` keeps them up to date."""
