"""A short pyproject.toml as that of release 0.2.0, and one in the layout that came after."""

OLD = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "late-flights"
version = "0.1.0"
# What scoring needs, and no more: an application embeds the package with these alone.
dependencies = [
  "click>=8.3",
  "numpy>=2.1",
  "polars>=2.1",
]

[project.optional-dependencies]
mlflow = ["mlflow-skinny>=3.10"]

[project.scripts]
factory = "late_flights.factory.cli:main"

[dependency-groups]
train = [
  "dvc>=3.67",
  "onnx>=1.20",
]
dev = [
  { include-group = "train" },
  "altair>=6.0",
  "pytest>=9.0",
]

# The lines above are yours to extend, dependencies most of all.
# The lines below are the template's: `copier update` brings its changes.

[tool.hatch.build.targets.wheel]
packages = ["src/late_flights"]

[tool.uv]
exclude-newer = "2026-11-20T00:00:00Z" # the day on which this release of the template was tested

[tool.ruff]
line-length = 120

[tool.ruff.lint]
extend-select = ["B", "D101", "I"]

[tool.ruff.lint.per-file-ignores]
"tests/**" = ["D101"]

[[tool.mypy.overrides]]
module = ["mlflow.*", "skops.*"]
ignore_missing_imports = true

[[tool.mypy.overrides]]
module = ["tests.*"]
disallow_untyped_defs = false

[tool.pytest]
addopts = ["--doctest-modules"]

# The lines above are the template's: an update may change them.
# The lines below are yours: put tables of your own here.
"""
NEW = """\
# The template's part reaches down to "Yours".

[build-system]
requires = ["uv_build>=0.9,<0.14"]
build-backend = "uv_build"

[tool.uv]
required-version = ">=0.9.17"
constraint-dependencies = [
  "click<9",
]

# yours: other settings of uv, and a date or another span
exclude-newer = "1 week" # by then broken releases are usually withdrawn

[[tool.mypy.overrides]]
module = ["late_flights.factory.*"]
follow_imports = "silent"

[project.optional-dependencies]
# What scoring needs, and no more: an application embeds the package with these alone.
factory = [
  "click>=8.3",
  "numpy>=2.1",
  "polars>=2.1,<3",
]
factory-mlflow = ["mlflow-skinny>=3.10"]

# yours: `uv add --optional serve NAME` adds to what images install
mlflow = ["late-flights[factory-mlflow]"]

[dependency-groups]
factory-train = ["dvc>=3.67", "onnx>=1.20"]
factory-dev = ["pytest>=9.0"]
factory-notebook = ["altair>=6.0"]

# ---------------------------------------------------------------------------
# Yours from here to the end: an update leaves it alone.
# ---------------------------------------------------------------------------

train = [{ include-group = "factory-train" }]
dev = [{ include-group = "train" }, { include-group = "factory-dev" }]
notebook = [{ include-group = "factory-notebook" }]

[project]
name = "late-flights"
version = "0.1.0"
dependencies = ["late-flights[factory]"]

[project.scripts]
factory = "late_flights.factory.cli:main"

[tool.ruff]
line-length = 120

[tool.ruff.lint]
extend-select = ["B", "I", "UP"]

[[tool.mypy.overrides]]
module = ["mlflow.*", "skops.*", "threadpoolctl.*"]
ignore_missing_imports = true

[[tool.mypy.overrides]]
module = ["tests.*"]
disallow_untyped_defs = false
check_untyped_defs = false

[tool.pytest]
addopts = ["--doctest-modules", "--ignore-glob=src/*/factory"]
"""
