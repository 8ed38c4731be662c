"""The modules that a package of features consists of: what is shared, what that imports, and its part of the contract."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from sys import stdlib_module_names

from ... import contract
from .. import PACKAGE
from ..errors import FactoryError
from .excerpt import Module
from .needed_columns import Function, needed_columns, rules_without

FOLDER = Path(contract.__file__).parent


class Selection:
    """Of each module the names that are kept. Raises FactoryError for what cannot be shared."""

    def __init__(self, share: list[str]) -> None:
        """`share` names modules beside features.py, or names in them as `module.name`."""
        self._modules: dict[str, Module] = {}
        self._names: dict[str, set[str]] = {}
        self._whole: set[str] = set()
        self._without: set[str] = set()  # members of the contract's classes
        self.exports: dict[str, list[str]] = {}
        """By module the names that are shared; none where it is the whole module."""
        for path in sorted(set(share)):
            module, _, name = path.partition(".")
            self._take(module, {name} if name else None)
            self.exports.setdefault(module, []).extend([name] if name else [])
        self.columns = needed_columns(self._functions())
        if self.columns and "Row" not in self._names.get("contract", ()):
            self._without = {*contract.Row.column_names(), *rules_without(self.columns)} - {*self.columns}
            self._take("contract", {"Row"})

    def texts(self) -> Iterator[tuple[str, str]]:
        """Each module's name and source."""
        for name, module in sorted(self._modules.items()):
            yield name, module.text if name in self._whole else module.excerpt(self._names[name], self._without)

    def libraries(self) -> set[str]:
        """The packages that the modules import, but for Python's own."""
        found = {library for name in self._modules for library in self._imported(name)}
        return found - stdlib_module_names

    def _take(self, name: str, wanted: set[str] | None) -> None:
        """Keep these names of the module, or all, and what they need."""
        file = f"{name}.py"
        if not (name.isidentifier() and (FOLDER / file).is_file()):
            raise FactoryError(f"{name or 'what has no name'} cannot be shared: there is no {file} beside features.py")
        if name not in self._modules:
            self._modules[name] = Module((FOLDER / file).read_text(encoding="utf-8"), file)
        module, before = self._modules[name], self._names.get(name, set())
        if wanted is None:
            self._whole.add(name)
            wanted = module.names()
        self._names[name] = module.needed(before | wanted, self._without)
        if self._names[name] != before:
            for node, aliases in list(module.imports(self._names[name])):
                for other, names in _own(node, [each.name for each in aliases], file):
                    self._take(other, names)

    def _imported(self, name: str) -> Iterator[str]:
        for node, aliases in self._modules[name].imports(self._names[name]):
            if isinstance(node, ast.Import):
                yield from (each.name.partition(".")[0] for each in aliases)
            elif node.module and not node.level and aliases:
                yield node.module.partition(".")[0]

    def _functions(self) -> Iterator[Function]:
        for module, names in self.exports.items():
            loaded = import_module(f"{PACKAGE}.{module}")
            chosen = self._modules[module].public() if module in self._whole else names
            yield from (each for name in sorted(chosen) if callable(each := getattr(loaded, name)))


def _own(node: ast.Import | ast.ImportFrom, names: list[str], file: str) -> Iterator[tuple[str, set[str] | None]]:
    """The modules beside this one that an import takes names from; None for all of a module."""
    absolute = names if isinstance(node, ast.Import) else [] if node.level else [f"{node.module}"]
    level = getattr(node, "level", 0)
    if level > 1 or any(f"{each}.".startswith(f"{PACKAGE}.") for each in absolute):
        raise FactoryError(f"{file}, line {node.lineno}: import what is shared as `from .module import name`")
    if isinstance(node, ast.ImportFrom) and level and names:
        if node.module:
            yield node.module, None if "*" in names else set(names)
        else:
            yield from ((each, None) for each in names)
