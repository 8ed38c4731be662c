"""What is installed, as JSON; `factory build` runs this file in the image, with the standard library alone."""

import json
import platform
from email import message_from_string
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

DPKG = Path("/var/lib/dpkg/status")


def inventory(dpkg: Path = DPKG) -> dict[str, Any]:
    """Python, its distributions and Debian's packages, each with name and version."""
    installed = {distribution.metadata["Name"]: distribution for distribution in distributions()}
    stanzas = [
        message_from_string(stanza) for stanza in dpkg.read_text(encoding="utf-8").split("\n\n") if stanza.strip()
    ]
    return {
        "python": platform.python_version(),
        "system": platform.freedesktop_os_release(),
        "distributions": [
            {"name": name, "version": distribution.version, "license": _license(distribution.metadata)}
            for name, distribution in sorted(installed.items())
        ],
        "packages": [
            {"name": stanza["Package"], "version": stanza["Version"], "architecture": stanza["Architecture"]}
            for stanza in stanzas
            if stanza["Status"] == "install ok installed"
        ],
    }


def _license(metadata: Any) -> str | None:
    """The SPDX expression where there is one, else the name that the distribution gives."""
    stated = [metadata.get("License-Expression"), metadata.get("License")]
    classified = [
        text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier", []) if text.startswith("License ::")
    ]
    return next((text for text in [*stated, *classified] if text and "\n" not in text and text != "UNKNOWN"), None)


if __name__ == "__main__":
    print(json.dumps(inventory()))
