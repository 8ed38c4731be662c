"""The ML Test Score, by breaking what each test guards."""
