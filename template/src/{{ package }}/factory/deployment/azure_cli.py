"""`az`, the command line of Azure: what it reads, its answers, and its failures as reason codes."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .. import codes
from ..errors import FactoryError

FOLDER = Path("deploy/azureml")
NAME = re.compile(r"(?=.{3,32}\Z)[A-Za-z](-?[A-Za-z0-9])*")
"""Of endpoints and deployments."""
SETTINGS = {"AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no", "AZURE_CORE_NO_COLOR": "true"}
TOKEN = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE")
"""Of a job whose platform only gave it a token: Azure's libraries log in with it, and `az` does not by itself."""
OPTIONS = "--output", "json", "--only-show-errors"
MOST = 600  # characters of a reason
FAILURES = {
    "AZ_LOGIN": r"az login|AADSTS\d+|InvalidAuthenticationToken",
    "AZ_EXTENSION": r"'ml' is misspelled|requires the extension ml",
    "AZ_DENIED": r"AuthorizationFailed|does not have authorization|\(Forbidden\)",
    "WORKSPACE_UNKNOWN": r"ResourceGroupNotFound|SubscriptionNotFound|subscription of .* doesn't exist"
    r"|workspaces/\S+' under resource group",
    "QUOTA": r"OutOfQuota|QuotaExceeded|[Nn]ot enough (?:\w+ )?(?:quota|capacity)|OutOfCapacity",
}
"""By reason code, what az writes then."""


def log_in(identity: str = "") -> None:
    """Log in with the job's token, by default as that identity; without one `az` is logged in already, or says that it is not.

    Raises FactoryError.
    """
    client, tenant, file = map(os.environ.get, TOKEN)
    client = client or identity
    if client and tenant and file and Path(file).is_file():
        who = ["--service-principal", "--username", client, "--tenant", tenant]
        call("login", *who, "--federated-token", Path(file).read_text(encoding="utf-8"), failed="AZ_LOGIN")


def call(*command: str, failed: str = "AZ_FAILED") -> Any:
    """What az answers. Raises FactoryError, with the code `failed` where the reason is none of the known ones."""
    done = _run(*command, *OPTIONS, capture_output=True)
    if done.returncode:
        raise _failure(_named(command), done.stderr or done.stdout or f"exit code {done.returncode}", failed)
    return json.loads(done.stdout or "null")


def show(*command: str, failed: str) -> None:
    """Let az print its answer itself. Raises FactoryError with the code `failed`."""
    done = _run(*command)
    if done.returncode:
        raise FactoryError(f"{failed}: {_named(command)} ended with exit code {done.returncode}: its reason is above")


def _run(*command: str, capture_output: bool = False) -> subprocess.CompletedProcess[str]:
    if not shutil.which("az"):
        raise FactoryError(
            "AZ_MISSING: az, the command line of Azure, is not on PATH: install it, see aka.ms/azure-cli"
        )
    return subprocess.run(
        ["az", *command],
        env=os.environ | SETTINGS,
        stdin=subprocess.DEVNULL,
        capture_output=capture_output,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _named(command: tuple[str, ...]) -> str:
    return f"`az {' '.join(part for part in command[:3] if not part.startswith('-'))}`"


def _failure(command: str, output: str, failed: str) -> FactoryError:
    reason = " ".join(output.removeprefix("ERROR: ").split())
    reason = reason if len(reason) <= MOST else f"{reason[:MOST]}…"
    for code, pattern in FAILURES.items():
        if re.search(pattern, output):
            return FactoryError(f"{code}: {command}: {reason}: {codes.known()[code].remedy}")
    return FactoryError(f"{failed}: {command}: {reason}")
