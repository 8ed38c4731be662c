"""Copier without most of what a rendering takes it: imported by conftest.py, and started where a test starts Copier.

For each file it compiles the names of its folders again, and asks Git for a setting of Windows. What it renders is the same:
tests/test_copier_internals.py and the hooks have the whole of it.
"""

from types import CodeType
from typing import Any

from copier._cli import CopierApp
from copier._main import Worker
from jinja2 import Environment

compiled: dict[tuple[Any, ...], CodeType] = {}
compile = Environment.compile


def compile_once(self: Environment, source: str, name: str | None = None, filename: str | None = None, *more: Any) -> CodeType:
    key = (self.lexer, *self.extensions, source, name, filename, *more)
    if key not in compiled:
        compiled[key] = compile(self, source, name, filename, *more)
    else:
        self.preprocess(source, name, filename)  # ends the last name with `yield`, as compiling does
    return compiled[key]


Environment.compile = compile_once
Worker._sync_git_index_executable_bit = lambda *_: None

if __name__ == "__main__":
    CopierApp.run()
