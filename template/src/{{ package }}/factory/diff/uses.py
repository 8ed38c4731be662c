"""Who names a column: params.yaml, your modules and your tests."""

import ast
from pathlib import Path

from ... import contract
from ..config import Params


def by_params(params: Params) -> set[str]:
    """The columns that params.yaml names."""
    data = params.data
    named = (data.target, data.id, data.time, *data.sensitive, *params.evaluation.slices)
    return {column for column in named if column}


def by_code(column: str) -> list[str]:
    """Your files, but for contract.py, that name the column."""
    package = Path(contract.__file__).parent
    files = [file for file in package.glob("*.py") if file.name != "contract.py"]
    return sorted(file.name for file in (*files, *Path("tests").glob("*.py")) if _names(file, column))


def told(files: list[str]) -> str:
    """The files as the subject of a clause."""
    return f"{' and '.join(files)} {'use' if files[1:] else 'uses'}"


def _names(file: Path, column: str) -> bool:
    try:
        nodes = ast.walk(ast.parse(file.read_bytes()))
    except (SyntaxError, OSError):
        return False
    return any(isinstance(node, ast.Constant) and node.value == column for node in nodes)
