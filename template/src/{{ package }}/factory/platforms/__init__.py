"""platforms."""

import base64
import os
from collections.abc import Mapping

from .base import TOKEN, Forge


def here(environment: Mapping[str, str] = os.environ) -> Forge | None:
    """The platform whose pipeline this is, if any."""
    from .azure import Azure
    from .github import GitHub
    from .gitlab import GitLab

    kinds: tuple[type[Forge], ...] = (GitHub, GitLab, Azure)
    return next((kind(environment) for kind in kinds if environment.get(kind.variable)), None)


def signed_in(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which Git may talk to the platform; no command line and no file holds the token."""
    forge = here(environment)
    if forge is None or not environment.get(TOKEN):
        return dict(environment)
    secret = base64.b64encode(f"{forge.user}:{forge.token}".encode()).decode()
    count = int(environment.get("GIT_CONFIG_COUNT", 0))
    return {
        **environment,
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"http.{forge.server.rstrip('/')}/.extraheader",
        f"GIT_CONFIG_VALUE_{count}": f"Authorization: Basic {secret}",
    }
