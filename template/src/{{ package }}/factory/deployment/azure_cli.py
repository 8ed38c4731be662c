"""`az`, the command line of Azure: what it reads, its answers, and its failures as reason codes."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ..errors import FactoryError

FOLDER = Path("deploy/azureml")
NAME = re.compile(r"(?=.{3,32}\Z)[A-Za-z](-?[A-Za-z0-9])*")
"""Of endpoints and deployments."""
SETTINGS = {"AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no", "AZURE_CORE_NO_COLOR": "true"}
OPTIONS = "--output", "json", "--only-show-errors"
MOST = 600  # characters of a reason
FAILURES = {
    "AZ_LOGIN": (r"az login|AADSTS\d+|InvalidAuthenticationToken", "run `az login`"),
    "AZ_EXTENSION": (r"'ml' is misspelled|requires the extension ml", "run `az extension add --name ml`"),
    "AZ_DENIED": (
        r"AuthorizationFailed|does not have authorization|\(Forbidden\)",
        "ask for the role on the workspace",
    ),
    "WORKSPACE_UNKNOWN": (
        r"ResourceGroupNotFound|SubscriptionNotFound|subscription of .* doesn't exist|workspaces/\S+' under resource group",
        "look at subscription, resource_group and workspace in environments.yaml",
    ),
    "QUOTA": (
        r"OutOfQuota|QuotaExceeded|[Nn]ot enough (?:\w+ )?(?:quota|capacity)|OutOfCapacity",
        "delete deployments that nobody needs, take another instance_type, or ask Azure for more",
    ),
}
"""By reason code, what az writes then, and what to do."""


def call(*command: str, failed: str = "AZ_FAILED") -> Any:
    """What az answers. Raises FactoryError, with the code `failed` where the reason is none of the known ones."""
    if not shutil.which("az"):
        raise FactoryError(
            "AZ_MISSING: az, the command line of Azure, is not on PATH: install it, see aka.ms/azure-cli"
        )
    done = subprocess.run(
        ["az", *command, *OPTIONS],
        env=os.environ | SETTINGS,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        what = " ".join(part for part in command[:3] if not part.startswith("-"))
        raise _failure(f"az {what}", done.stderr or done.stdout or f"exit code {done.returncode}", failed)
    return json.loads(done.stdout or "null")


def _failure(command: str, output: str, failed: str) -> FactoryError:
    reason = " ".join(output.removeprefix("ERROR: ").split())
    reason = reason if len(reason) <= MOST else f"{reason[:MOST]}…"
    for code, (pattern, advice) in FAILURES.items():
        if re.search(pattern, output):
            return FactoryError(f"{code}: `{command}`: {reason}: {advice}")
    return FactoryError(f"{failed}: `{command}`: {reason}")
