"""kubectl, for one context: its failures in one line, with a reason code."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import FactoryError
from ..workspace import process

TIMEOUT_SECONDS = 30
NOISE = re.compile(
    r"^[IW]\d{4} |^E\d{4} .* memcache\.go|^Warning: |^Unable to listen"
)  # of its libraries, before its own last line
FAILURES = {
    "CONTEXT_UNKNOWN": r'context was not found|context "[^"]*" does not exist',
    "NAMESPACE_MISSING": r'namespaces "[^"]*" not found',
    "CLUSTER_UNREACHABLE": r"connection to the server|unable to connect|connection refused|i/o timeout|no such host|"
    r"tls: |x509: |deadline exceeded|timed out waiting for the server",
    "OVERLAY": r"error validating|validationerror|unknown field|no matches for kind",
    "FORBIDDEN": r"forbidden|unauthorized|must be logged in|provide credentials",
}
"""By reason code, what kubectl prints; what else fails is OVERLAY while it is rendered, and KUBECTL later."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl with a context of the user's configuration, never with its current one."""

    context: str

    def run(self, *command: str, stdin: str = "") -> str:
        """The output of kubectl. Raises FactoryError with a reason code."""
        done = subprocess.run(self._command(*command), input=stdin, capture_output=True, text=True, check=False)
        if done.returncode:
            raise self._failure(command[0], done.stderr or done.stdout)
        return done.stdout

    def get(self, *command: str, stdin: str = "") -> Any:
        """What there is, from its JSON; None where nothing is. Raises FactoryError."""
        output = self.run("get", "--output=json", "--ignore-not-found", *command, stdin=stdin)
        return json.loads(output) if output.strip() else None

    def wait(self, *command: str) -> bool:
        """Whether what is waited for came, with kubectl's progress on stderr."""
        done = subprocess.run(self._command(*command), stdin=subprocess.DEVNULL, stdout=2, check=False)
        return done.returncode == 0

    @contextmanager
    def forward(self, target: str, port: int, *options: str) -> Iterator[int]:
        """A port of this machine that leads to the target's, while the context lasts. Raises FactoryError."""
        command = self._command("port-forward", *options, target, f":{port}")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as forwarding:
            try:
                line = forwarding.stdout.readline() if forwarding.stdout else ""
                if not (found := re.search(r"127\.0\.0\.1:(\d+) ->", line)):
                    forwarding.terminate()
                    raise self._failure("port-forward", forwarding.communicate()[1] or line)
                try:
                    yield int(found[1])
                except FactoryError as error:
                    forwarding.terminate()
                    raise FactoryError(f"{error} {_last_line(forwarding.communicate()[1])}".rstrip()) from error
            finally:
                forwarding.terminate()

    def _command(self, *command: str) -> list[str]:
        try:
            process.require("kubectl")
        except FactoryError as error:
            raise FactoryError(f"KUBECTL_MISSING: {error}: install it, or leave `context` empty") from error
        return ["kubectl", f"--context={self.context}", *command]

    def _failure(self, command: str, output: str) -> FactoryError:
        reason = _last_line(output) or "no reason was given"
        codes = (code for code, pattern in FAILURES.items() if re.search(pattern, output, re.IGNORECASE))
        code = next(codes, "OVERLAY" if command == "kustomize" else "KUBECTL")
        return FactoryError(f"{code}: kubectl {command}, context {self.context}: {reason}")


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip() and not NOISE.match(line)]
    return lines[-1] if lines else ""
