"""environments.yaml and an overlay, as a project has them."""

from pathlib import Path
from typing import Any

import yaml

REGISTRY = "registry.example.com/churn"
IMAGE = f"{REGISTRY}@sha256:{'1' * 64}"
OVERLAY = Path("deploy/kubernetes/overlays/prod/kustomization.yaml")
CONTENT = """# Yours
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: churn-prod
resources: [../../base]
images:
  - name: model
    newName: registry.example.com/other # moves
    digest: sha256:0000000000000000000000000000000000000000000000000000000000000000
"""


def write_environments(**environments: Any) -> None:
    """What they share, and each of them."""
    Path("environments.yaml").write_text(yaml.safe_dump(environments), encoding="utf-8")


def kubernetes(context: str = "", **prod: Any) -> None:
    """Prod on a cluster."""
    write_environments(all={"target": "kubernetes", "registry": REGISTRY}, prod={"context": context, **prod})


def write_overlay() -> None:
    """Prod's overlay, of which nothing was deployed yet."""
    OVERLAY.parent.mkdir(parents=True, exist_ok=True)
    OVERLAY.write_text(CONTENT, encoding="utf-8")
