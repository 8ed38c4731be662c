"""The text of model.py for the families that were chosen, and whether model.py is such a text, or its owner's own."""

import ast
import inspect
from itertools import combinations
from pathlib import Path

from ... import model
from ..workspace import ruff
from . import families

PATH = Path(model.__file__)
TEXT = '''"""The estimator, made of features and parameters; what `factory tune` searches; and which types a model may hold."""

{imports}

TRUSTED_TYPES: list[str] = []
"""What loading the model may construct beyond the known types of scikit-learn, LightGBM and XGBoost: `factory train`
names what is missing; review each before you add it."""

SPACE = {{
{space}
}}
"""What `factory tune` searches: a list of values, or the lowest and the highest, "log" for a logarithmic scale."""


def model(problem: str, features: pl.Schema, {arguments}) -> BaseEstimator:
    """The estimator to train, unfitted.

    `features` maps the name of each feature to its type, and `parameters` is the section `model` of params.yaml.
    The estimator is fitted to a matrix of floats, in which null is NaN and a category its code from 0 on; its columns
    may be named in `categorical_features` and in a ColumnTransformer (docs/model.md).
    """
{body}


{functions}'''
PARAMETERS = {
    "simple": {},
    "linear": {"penalty": "float", "bins": "int"},
    "extra_trees": {"trees": "int", "leaf_share": "float", "split_share": "float"},
}
"""The parameters of the families that take none but these, with their types; boosting takes all others."""
SPACE: dict[str, tuple[str, ...]] = {
    "simple": (),
    "linear": ('"penalty": (0.1, 10_000.0, "log")', '"bins": [0, 5, 9, 15]'),
    "boosting": (
        '"max_iter": (10, 1000, "log")',
        '"learning_rate": (0.01, 0.3, "log")',
        '"max_leaf_nodes": (4, 63, "log")',
        '"min_samples_leaf": (5, 100, "log")',
        '"l2_regularization": (1e-3, 10.0, "log")',
        '"max_features": (0.2, 1.0)',
    ),
    "extra_trees": (
        "# the size of the model grows as this shrinks",
        '"leaf_share": (0.001, 0.1, "log")',
        '"split_share": (0.1, 1.0)',
    ),
}


SHIPPED = Path(__file__).with_name("model.py.txt")
"""model.py of new projects, from release 0.3.0 on."""


OURS = "from .."
"""How the families import the factory's own."""


def text(chosen: tuple[str, ...], logarithmic: bool = False, relative: bool = False) -> str:
    """The module for one family, or for the blend of several, yet to be formatted; `relative` to a simple forecast."""
    helpers = [*chosen, *(["blend"] if len(chosen) > 1 else []), *(["of_logarithm"] if logarithmic else [])]
    helpers += ["relative"] if relative else []
    task = '"regression"' if relative else "problem"
    arguments, more, body = _blend(chosen, task) if len(chosen) > 1 else _one(chosen[0], task)
    *before, made = body.splitlines()
    result = f"of_logarithm({made.strip()})" if logarithmic else made.strip()
    if relative:
        arguments = ["base: list[str]", "levels: list[str]", *arguments, "least: float | None = None"]
        result = f"relative({result}, base, levels, least)"
    return TEXT.format(
        imports=_imports(relative),
        space="\n".join(f"    {line}" + "," * (line[0] != "#") for line in _space(chosen, relative)),
        arguments=", ".join([*arguments, *more]),
        body="\n".join([*before, f"    return {result}"]),
        functions="\n\n".join(inspect.getsource(getattr(families, name)) for name in helpers),
    )


def write(chosen: tuple[str, ...], logarithmic: bool = False, path: Path = PATH, *, relative: bool = False) -> None:
    """Write the module, formatted. Raises FactoryError."""
    temporary = path.with_name(f".{path.stem}.tmp.py")
    try:
        temporary.write_text(text(chosen, logarithmic, relative), encoding="utf-8")
        ruff.format_files([temporary], select="F401,I001")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_generated(code: str) -> bool:
    """Whether the module is one of these texts, or a new project's, whatever its format: its owner has not changed it."""
    try:
        found = _meaning(code)
    except SyntaxError:
        return False
    if found == _meaning(SHIPPED.read_text(encoding="utf-8")):
        return True
    names = list(SPACE)
    subsets = [chosen for count in range(1, len(names) + 1) for chosen in combinations(names, count)]
    forms = (False, False), (True, False), (False, True)
    return any(found == _meaning(text(chosen, *form)) for chosen in subsets for form in forms)


def _meaning(code: str) -> str:
    """The code without its imports, of which only those in use are written."""
    body = ast.parse(code).body
    return "\n".join(ast.unparse(node) for node in body if not isinstance(node, ast.Import | ast.ImportFrom))


def _space(chosen: tuple[str, ...], relative: bool) -> list[str]:
    """The lines of SPACE; boosting of a forecast stops early, by the same rolling origin as validation."""
    lines = [line for name in chosen for line in SPACE[name]]
    stops = relative and chosen == ("boosting",)
    return ['"max_iter": "early stopping"' if stops and '"max_iter"' in line else line for line in lines]


def _one(family: str, task: str) -> tuple[list[str], list[str], str]:
    """The arguments of model() for one family, those that it takes whatever their names, and its body."""
    return [], ["**parameters: Any"], f"{family}({task}, features, **parameters)"


def _blend(chosen: tuple[str, ...], task: str) -> tuple[list[str], list[str], str]:
    """The same for several families."""
    own = {name: type_ for family in chosen for name, type_ in PARAMETERS.get(family, {}).items()}
    arguments = ["weights: list[int]", *(f"{name}: {type_}" for name, type_ in own.items())]
    calls = {family: "".join(f", {name}" for name in PARAMETERS.get(family, ["**boosted"])) for family in chosen}
    members = [f'        "{family}": {family}({task}, features{given}),' for family, given in calls.items()]
    body = ["    members = {", *members, "    }", f"    blend({task}, members, weights)"]
    return arguments, ["**boosted: Any"] if "boosting" in chosen else [], "\n".join(body)


def _imports(relative: bool) -> str:
    """Those of all families: what the chosen ones do not use is taken out afterwards."""
    code = inspect.getsource(families)
    nodes = [node for node in ast.parse(code).body if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = code.splitlines()[nodes[0].lineno - 1 : nodes[-1].end_lineno]
    own = [line for line in lines if relative or not line.startswith(OURS)]
    return "\n".join(own).replace(OURS, "from .factory.")
