"""What people and bots do to the dependencies in pyproject.toml."""

import re

from .edits import (
    OLD,
    PYPROJECT,
    Kind,
    bounded,
    by_hand,
    command,
    extended,
    setting,
    uv_add,
)
from .reading import facts

ADDED = [
    uv_add("a dependency by uv add", "httpx>=0.28", "dependencies"),
    uv_add("the first of the alphabet by uv add", "anyio>=4.4", "dependencies"),
    uv_add("the last of the alphabet by uv add", "xxhash>=3.4", "dependencies"),
    uv_add("a dependency of training by uv add", "tqdm>=4.66", "group.train", "--group=train"),
    uv_add("a dependency of development by uv add --dev", "pytest-xdist>=3.8", "group.dev", "--dev"),
    uv_add("a stub for the checks by uv add", "types-python-dateutil>=2.9", "group.lint", "--group=lint", origins="flat now"),
    uv_add("a group of its own by uv add", "mkdocs>=1.6", "group.docs", "--group=docs"),
    uv_add("more for MLflow by uv add", "boto3>=1.40", "extra.mlflow", "--optional=mlflow"),
    uv_add("more for the service by uv add", "orjson>=3.10", "extra.serve", "--optional=serve"),
    uv_add("an extra of its own by uv add", "matplotlib>=3.10", "extra.plots", "--optional=plots"),
    by_hand("a dependency typed at the top", "python-dateutil>=2.9", "dependencies", "top"),
    by_hand("a dependency typed between the template's", "packaging>=24", "dependencies", "middle"),
    by_hand("a dependency typed at the end", "tenacity>=9", "dependencies", "end"),
    by_hand("a dependency with a marker", 'tzdata>=2025.1; sys_platform == "win32"', "dependencies", "middle"),
    by_hand("a dependency with an extra", "sqlalchemy[asyncio]>=2.0", "dependencies", "end"),
    by_hand("a dependency of training typed at the top", "joblib>=1.4", "group.train", "top"),
    by_hand("a dependency of training typed in the middle", "cloudpathlib>=0.20", "group.train", "middle"),
    by_hand("a dependency of development typed in the middle", "syrupy>=5", "group.dev", "middle"),
    by_hand("a dependency of development typed at the end", "ipdb>=0.13", "group.dev", "end"),
    by_hand("a dependency of the notebooks", "seaborn>=0.13", "group.notebook", "end", origins="now"),
    by_hand("a dependency of tuning", "cmaes>=0.11", "group.tune", "end", origins="now"),
    by_hand("more for MLflow typed", "psutil>=6", "extra.mlflow", "end"),
    by_hand("more for the service typed", "brotli>=1.1", "extra.serve", "end", origins="flat now"),
]


def _without(package: str) -> Kind:
    def kept(project):
        return not any(re.match(rf"{package}\b", value) for where, value in facts(project / PYPROJECT) if where == "group.dev")

    remove = ("uv", "remove", "--frozen", "--dev", package)
    return command(f"{package} removed by uv remove", PYPROJECT, *remove, kept=kept, word=package, origins=OLD, runs=False)


BOUNDS = [
    bounded("a raised lower bound", "polars", r'^  "polars>=[\d.]+"', '  "polars>=2.1.0"', ">=2.1.0", origins=OLD),
    bounded("a raised bound in the middle of a list", "onnx", r'^  "onnx>=[\d.]+"', '  "onnx>=1.22"', ">=1.22", origins=OLD),
    bounded("a raised bound of development", "pytest", r'^  "pytest>=[\d.]+"', '  "pytest>=9.1"', ">=9.1", origins=OLD),
    bounded("an upper bound", "scikit-learn", r'^  "scikit-learn>=[\d.]+"', '  "scikit-learn>=1.8,<2"', "<2", origins=OLD),
    bounded(
        "a version pinned with its reason",
        "numpy",
        r'^  "numpy>=[\d.]+",',
        '  "numpy>=2.1,!=2.3.0", # broken',
        "!=2.3.0",
        origins=OLD,
    ),
    bounded("a bot's bump of the linter", "ruff", r'^  "ruff>=[\d.]+"', '  "ruff>=0.16.0"', ">=0.16.0", origins=OLD),
    bounded("a bot's bump of the types", "mypy", r'^  "mypy>=[\d.]+"', '  "mypy>=2.3"', ">=2.3", origins=OLD),
    uv_add("a raised bound of the template's by uv add", "polars>=2.1.0", "dependencies", origins="now"),
    uv_add("a raised bound of training by uv add", "onnx>=1.22", "group.train", "--group=train", origins="now"),
    uv_add("a raised bound of development by uv add", "pytest>=9.1", "group.dev", "--dev", origins="now"),
    by_hand("an upper bound typed", "scikit-learn<2", "dependencies", "end", origins="now"),
    extended("a constraint of its own", "tool.uv", "constraint-dependencies", "urllib3>=2.2", origins="now"),
    setting("overridden dependencies", "tool.uv", "override-dependencies", '["certifi>=2024.2"]', "certifi>=2024.2"),
    _without("pytest-cov"),
]
KINDS = [*ADDED, *BOUNDS]
