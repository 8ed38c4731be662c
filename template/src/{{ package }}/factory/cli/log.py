"""The log of a run, in which platforms read commands: what `factory` prints of others' text must not become one."""

import os
import re
import sys
from typing import Any, TextIO

PIPELINES = ("CI", "TF_BUILD")
"""Of these, each platform sets one."""
COMMAND = re.compile(r"((?:^|[\r\n])\s*:)(?=:)|(##)(?=\w*\[)")
"""GitHub's `::set-output` at the beginning of a line; `##[…]`, and Azure's `##vso[…]`, anywhere in it."""


class Log:
    """A stream that prints no commands: an invisible character breaks what looks like one."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write the text without commands."""
        self.stream.write(COMMAND.sub(lambda match: f"{match[0]}\N{ZERO WIDTH SPACE}", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def protect() -> None:
    """In a pipeline, let nothing that this process prints be a command."""
    for name in ("stdout", "stderr") if any(map(os.environ.get, PIPELINES)) else ():
        if not isinstance(stream := getattr(sys, name), Log):
            setattr(sys, name, Log(stream))
