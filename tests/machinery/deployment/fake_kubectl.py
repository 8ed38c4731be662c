"""A program in place of kubectl, with one cluster behind it that behaves as a real one did, down to its texts."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

PROGRAM = """
import json, sys, time
from pathlib import Path

HERE = Path(__file__).parent
STATE = HERE / "cluster.json"
REVISION = "deployment.kubernetes.io/revision"
CONFIGURATION = "kubectl.kubernetes.io/last-applied-configuration"
KEYS = {"apiVersion", "kind", "namespace", "resources", "components", "labels", "images", "patches"}
cluster = json.loads(STATE.read_text())
if {"kustomize", "apply"} & {*sys.argv}:
    import yaml
options = [word for word in sys.argv[1:] if word.startswith("-")]
words = [word for word in sys.argv[1:] if not word.startswith("-")]


def option(name):
    return next((word.partition("=")[2] for word in options if word.startswith(f"--{name}=")), None)


def save():
    STATE.write_text(json.dumps(cluster))


def deployment():
    revision, serving = max(map(int, cluster["revisions"]), default=0), cluster["serving"]
    if not revision:
        return None
    container = {"name": "model", "image": cluster["revisions"][str(revision)]}
    return {
        "metadata": {"name": "model", "annotations": {REVISION: str(revision)}},
        "spec": {"template": {"spec": {"containers": [container]}}},
        "status": {"availableReplicas": 1} if serving else {},
    }


def add_revision(image):
    known = cluster["revisions"]
    newest = max(map(int, known), default=0)
    if known.get(str(newest)) != image:
        cluster["revisions"] = {number: old for number, old in known.items() if old != image} | {str(newest + 1): image}
    if image not in cluster["broken"]:
        cluster["serving"] = image
    save()


def kustomize(folder):
    file = Path(folder, "kustomization.yaml")
    content = yaml.safe_load(file.read_text())
    for key in content.keys() - KEYS:
        sys.exit(f'error: invalid Kustomization: json: unknown field "{key}"')
    [image] = [f"{each['newName']}@{each['digest']}" for each in content["images"] if each["name"] == "model"]
    labels = {"app": "model"}
    container = {"name": "model", "image": image, "ports": [{"containerPort": 8000}]}
    spec = {"selector": {"matchLabels": labels}, "template": {"spec": {"containers": [container]}}, "progressDeadlineSeconds": 300}
    objects = [
        {"kind": "Deployment", "metadata": {"name": "model", "namespace": content["namespace"]}, "spec": spec},
        {"kind": "CronJob", "metadata": {"name": "score", "namespace": content["namespace"]}, "image": image},
    ]
    print(yaml.safe_dump_all(objects))


with (HERE / "kubectl-calls").open("a") as log:
    print(json.dumps(sys.argv[1:]), file=log)
if words[0] == "kustomize":
    sys.exit(kustomize(words[1]))
if option("context") != cluster["context"]:
    sys.exit(f"Error in configuration: context was not found for specified context: {option('context')}")
for command, text in cluster["fail"].items():
    if command in " ".join(sys.argv[1:]):
        sys.exit(text)
match words:
    case ["get"] if option("raw"):
        print("ok")
    case ["get"] if option("filename"):
        items = [
            {"kind": kind, "metadata": {"annotations": {CONFIGURATION: json.dumps(each)}}}
            for kind, each in cluster["objects"].items()
        ]
        print(json.dumps({"items": items}) if items else "")
    case ["get", "deployment/model"]:
        print(json.dumps(found) if (found := deployment()) else "")
    case ["get", "pods"]:
        image = deployment()["spec"]["template"]["spec"]["containers"][0]["image"]
        pod = {"metadata": {"name": "model-7", "namespace": "churn-prod"}, "spec": {"containers": [{"image": image}]}, "status": cluster["pod"]}
        print(json.dumps({"items": [pod]}))
    case ["logs", "model-7"] if option("previous") == "true":
        print("Error: FACTORY_X: no such setting")
    case ["get", "events"] if option("field-selector") == "involvedObject.name=model-7,reason=Failed":
        print(json.dumps({"items": [{"message": "Failed to pull image: manifest unknown"}]}))
    case ["apply"]:
        objects = [*yaml.safe_load_all(sys.stdin.read())]
        for each in objects[0].get("items", objects) if option("dry-run") != "server" else ():
            cluster["objects"][each["kind"]] = each
            if each["kind"] == "Deployment":
                add_revision(each["spec"]["template"]["spec"]["containers"][0]["image"])
        save()
    case ["rollout", "status", "deployment/model"]:
        current = deployment()["spec"]["template"]["spec"]["containers"][0]["image"]
        if current in cluster["broken"]:
            sys.exit('error: deployment "model" exceeded its progress deadline')
        print('deployment "model" successfully rolled out')
    case ["rollout", "undo", "deployment/model"]:
        wanted = option("to-revision")
        if wanted not in cluster["revisions"]:
            sys.exit(f"error: unable to find specified revision {wanted} in history")
        add_revision(cluster["revisions"].pop(wanted))
    case ["delete", "deployment/model"]:
        cluster["revisions"], cluster["serving"] = {}, None
        save()
    case ["port-forward", "deployment/model", ":8000"]:
        print(f"Forwarding from 127.0.0.1:{cluster['port']} -> 8000", flush=True)
        print("E1129 23:24:01.2 portforward.go:424] error forwarding port 8000 to pod: socat failed", file=sys.stderr, flush=True)
        time.sleep(60)
    case _:
        sys.exit(f"unknown: {sys.argv}")
"""


class FakeKubectl:
    """The only kubectl on PATH, and the cluster of its one context."""

    def __init__(self, folder: Path, context: str) -> None:
        self.folder = folder
        self._state = folder / "cluster.json"
        state = {"context": context, "revisions": {}, "serving": None, "broken": [], "fail": {}, "pod": {}, "port": 9}
        state["objects"] = {}
        self._state.write_text(json.dumps(state))
        script, program = folder / "kubectl.py", folder / "kubectl"
        script.write_text(PROGRAM)
        program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(script)])} "$@"\n')
        program.chmod(0o755)

    def set(self, **values: Any) -> None:
        """Change what is in the cluster, or how it answers."""
        self._state.write_text(json.dumps(json.loads(self._state.read_text()) | values))

    @property
    def objects(self) -> dict[str, Any]:
        """By kind, what was applied."""
        return json.loads(self._state.read_text())["objects"]

    @property
    def serving(self) -> str | None:
        """The image whose pods are ready."""
        return json.loads(self._state.read_text())["serving"]

    @property
    def calls(self) -> list[str]:
        """What it was asked, without options."""
        log = self.folder / "kubectl-calls"
        lines = map(json.loads, log.read_text().splitlines() if log.exists() else ())
        return [" ".join(word for word in words if not word.startswith("-")) for words in lines]

    def changes(self) -> list[str]:
        """The calls that may change the cluster."""
        return [
            call for call in self.calls if call.split()[0] in ("apply", "rollout", "delete", "scale") and "status" not in call
        ]
