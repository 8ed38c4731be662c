"""An excerpt of a module: chosen names and what they need, as it was written."""

import ast
import re
from collections.abc import Collection, Iterator
from typing import NoReturn

from ..errors import FactoryError


class Module:
    """A module's source, by its statements."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self._lines, self._file = text, text.split("\n"), file
        self._body = ast.parse(text, file).body
        self._names: dict[str, list[ast.stmt]] = {}
        for node in self._body:
            for name in _defined(node):
                self._names.setdefault(name, []).append(node)

    def names(self) -> set[str]:
        """All that it defines."""
        return {*self._names}

    def public(self) -> set[str]:
        """The functions and classes that are for others."""
        kinds = (ast.FunctionDef, ast.ClassDef)
        return {
            name for name, nodes in self._names.items() if isinstance(nodes[-1], kinds) and not name.startswith("_")
        }

    def needed(self, names: Collection[str], without: Collection[str] = ()) -> set[str]:
        """The names, and all others of the module that they use, but for members of classes `without`. Raises FactoryError."""
        if unknown := set(names) - self._names.keys():
            raise FactoryError(f"{self._file}: there is no {', '.join(sorted(unknown))} in it")
        found, waiting = set[str](), set(names)
        while waiting:
            found |= waiting
            used = {name for each in waiting for node in self._names[each] for name in _used(node, without)}
            waiting = (used & self._names.keys()) - found
        return found

    def imports(self, names: Collection[str]) -> Iterator[tuple[ast.Import | ast.ImportFrom, list[ast.alias]]]:
        """Each import statement, with what the names take from it."""
        for top in self._kept(names):
            for node in ast.walk(top):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    whole = top is not node  # inside of a function or condition
                    yield node, [each for each in node.names if whole or _bound(each) in names]

    def excerpt(self, names: Collection[str], without: Collection[str] = ()) -> str:
        """The source of these names, with the docstring; classes have no member of a name in `without`."""
        kept, gone, lines = self._kept(names), set[int](), dict(enumerate(self._lines, 1))
        for node, after in _with_next(self._body):
            if not (_defined(node) or _is_text(node) or _is_harmless(node)):
                self._refuse(node, "what runs there may change what is shared")
            if after and after.lineno <= (node.end_lineno or node.lineno):
                self._refuse(after, "two statements are in one line")
            if isinstance(node, ast.ImportFrom) and any(each.name == "*" for each in node.names):
                self._refuse(node, "`import *` does not say which names come")
            if node not in kept and not _is_text(node):
                gone |= self._span(node, after)
            elif isinstance(node, ast.ClassDef):
                lost = (pair for pair in _with_next(node.body) if _defined(pair[0]) & {*without})
                gone |= {line for member in lost for line in self._span(*member)}
        for node, chosen in self.imports(names):
            if node in kept and len(chosen) < len(node.names) and not _is_future(node):
                gone |= self._span(node, None)
                gone.discard(node.lineno)
                node.names = chosen
                lines[node.lineno] = ast.unparse(node)
        below = ""
        for number in reversed(lines):  # without the blank lines above what is gone, if there are any below
            if number + 1 in gone and not (lines[number].strip() or below.strip()):
                gone.add(number)
            below = below if number in gone else lines[number]
        return "\n".join(line for number, line in lines.items() if number not in gone).strip() + "\n"

    def _refuse(self, node: ast.stmt, reason: str) -> NoReturn:
        raise FactoryError(f"{self._file}, line {node.lineno}: {reason}: share the whole module, or rewrite that line")

    def _kept(self, names: Collection[str]) -> list[ast.stmt]:
        return [node for node in self._body if _defined(node) & {*names} or _is_future(node)]

    def _span(self, node: ast.stmt, after: ast.stmt | None) -> set[int]:
        """The lines of a statement, of the comment above it, and of the text that documents it."""
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        while first > 1 and self._lines[first - 2].lstrip().startswith("#"):
            first -= 1
        last = after if isinstance(node, ast.Assign | ast.AnnAssign) and _is_text(after) else node
        return set(range(first, (last.end_lineno or last.lineno) + 1)) if last else set()


def _defined(node: ast.stmt) -> set[str]:
    """The names that the statement gives to its module or class."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import() | ast.ImportFrom():
            return {_bound(each) for each in node.names}
        case ast.If() | ast.Try():
            inner = (each for each in ast.iter_child_nodes(node) if isinstance(each, ast.stmt | ast.excepthandler))
            return {name for each in inner for name in _defined(each)}  # type: ignore[arg-type]
        case ast.ExceptHandler():
            return {name for each in node.body for name in _defined(each)}
        case ast.Assign():
            parts = (each for target in node.targets for each in ast.walk(target))
            return {each.id for each in parts if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        case ast.AnnAssign() | ast.AugAssign():
            return {node.target.id} if isinstance(node.target, ast.Name) else set()
    alias = getattr(node, "name", None)  # of `type`, which older versions of Python do not have
    return {alias.id} if isinstance(alias, ast.Name) else set()


def _used(node: ast.AST, without: Collection[str]) -> Iterator[str]:
    """The names that the statement mentions, also in annotations that are texts."""
    if isinstance(node, ast.ClassDef):
        rest = [each for each in node.body if not _defined(each) & {*without}]
        node = ast.ClassDef(node.name, node.bases, node.keywords, rest, node.decorator_list)
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        for field in ("annotation", "returns"):
            text = getattr(getattr(each, field, None), "value", None)
            if isinstance(text, str):
                yield from re.findall(r"\w+", text)


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _with_next(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, ast.stmt | None]]:
    return zip(body, [*body[1:], None], strict=True)


def _is_text(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_harmless(node: ast.stmt) -> bool:
    """Whether it does nothing when the module is imported, as `if __name__ == "__main__"`."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.If) and "__name__" in ast.unparse(node.test))


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
