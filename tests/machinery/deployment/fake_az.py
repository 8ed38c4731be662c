"""A program in place of `az` that keeps an endpoint's state, and refuses what Azure ML's documentation says it refuses."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import yaml
from late_flights.factory.deployment.azure_cli import FOLDER
from late_flights.factory.environments import Environment

URI = "https://model.westeurope.inference.ml.azure.com/"
PROGRAM = """
import json, re, sys
from pathlib import Path

here = Path(__file__).parent
state = json.loads((here / "state").read_text())
words = [word for word in sys.argv[1:] if not word.startswith("--")]
options = {}
for word, value in zip(sys.argv[1:], [*sys.argv[2:], ""]):
    if word.startswith("--"):
        options[word[2:]] = value
command = " ".join(sys.argv[1 : 4 if sys.argv[1] == "ml" else 3])
with (here / "calls").open("a") as log:
    print(json.dumps(sys.argv[1:]), file=log)

def fail(text):
    sys.exit(f"ERROR: {text}")

def done(answer=None):
    (here / "state").write_text(json.dumps(state))
    print(json.dumps(answer))
    sys.exit()

for pattern, text in state["failures"].items():
    if re.search(pattern, command):
        fail(text)
content = json.loads(Path(options["file"]).read_text()) if "file" in options else {}
name = content.get("name") or options.get("name", "")
endpoint = state["endpoints"].get(options.get("endpoint-name") or content.get("endpoint_name") or name)
shares = lambda text: {part.split("=")[0]: int(part.split("=")[1]) for part in text.split()}
if "federated-token" in options:
    done([])
if command == "account show":
    done({"id": "1234"})
if command == "account get-access-token":
    done({"accessToken": "token of " + options["resource"]})
if (options.get("resource-group"), options.get("workspace-name")) != ("team", "models"):
    fail(f"(ResourceNotFound) The Resource 'Microsoft.MachineLearningServices/workspaces/{options.get('workspace-name')}' "
         f"under resource group '{options.get('resource-group')}' was not found.")
if command.endswith(" create") and "online" in command and not re.fullmatch("[A-Za-z](-?[A-Za-z0-9]){2,31}", name):
    fail(f"(BadArgument) the name {name} is not allowed")
if command == "ml online-endpoint create":
    state["endpoints"][name] = content | {"scoring_uri": state["uri"], "traffic": {}, "mirror_traffic": {}, "deployments": {}}
    done()
if command == "ml online-endpoint list":
    done([{key: value for key, value in each.items() if key != "deployments"} for each in state["endpoints"].values()])
if "online" in command and endpoint is None:
    fail(f"(ResourceNotFound) the endpoint is not found")
if command == "ml online-endpoint get-credentials":
    done({"primaryKey": "key"})
if command == "ml online-endpoint update":
    live = shares(options["traffic"]) if "traffic" in options else endpoint["traffic"]
    mirror = shares(options["mirror-traffic"]) if "mirror-traffic" in options else endpoint["mirror_traffic"]
    if not {*live, *mirror} <= {*endpoint["deployments"]}:
        fail("(BadArgument) the traffic names a deployment that does not exist")
    if sum(live.values()) not in (0, 100) or any(live.get(each) and share for each, share in mirror.items()):
        fail("(BadArgument) the sum of traffic must be 0 or 100, and a deployment can only be live or mirrored")
    endpoint |= {"traffic": live, "mirror_traffic": mirror}
    if "update then fails" in state:
        (here / "state").write_text(json.dumps(state))
        fail("the connection was closed")
    done()
if command == "ml online-deployment list":
    done([*endpoint["deployments"].values()])
if command == "ml online-deployment create":
    if name in endpoint["deployments"]:
        fail("(Conflict) the deployment exists")
    if not re.fullmatch("[^@]+@sha256:[0-9a-f]{64}", content["environment"]["image"]):
        fail("(BadArgument) the environment has no image")
    if "starts as" in state:
        endpoint["deployments"][name] = content | {"provisioning_state": "Failed"}
        (here / "state").write_text(json.dumps(state))
        fail(state["starts as"])
    endpoint["deployments"][name] = content | {"provisioning_state": "Succeeded"}
    done()
if command == "ml online-deployment delete":
    if endpoint["traffic"].get(name):
        fail("(BadArgument) a deployment with traffic cannot be deleted")
    del endpoint["deployments"][name]
    endpoint["traffic"].pop(name, None)
    done()
kind, verb = command.split()[1:]
if verb == "show":
    key = f"{name}:{options['version']}"
    done(state[kind][key]) if key in state[kind] else fail(f"(ResourceNotFound) {kind} {key} is not found")
if verb == "create" and kind in ("environment", "model"):
    state[kind][f"{name}:{content['version']}"] = content | {"files": sorted(path.name for path in Path(content.get("path", "/dev/null")).glob("*"))}
    done()
fail(f"'{command}' is misspelled or not recognized by the system.")
"""


class FakeAz:
    """A program that stands for az and Azure ML behind it."""

    def __init__(self, folder: Path) -> None:
        self.folder, program, script = folder, folder / "az", folder / "az.py"
        script.write_text(PROGRAM)
        program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-ISB", str(script)])} "$@"\n')
        program.chmod(0o755)
        self.state = {"uri": URI, "endpoints": {}, "environment": {}, "model": {}, "failures": {}}

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state").read_text())

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        (self.folder / "state").write_text(json.dumps(state))

    def set(self, key: str, value: Any) -> None:
        self.state = self.state | {key: value}

    @property
    def endpoint(self) -> dict[str, Any]:
        [endpoint] = self.state["endpoints"].values()
        return endpoint

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]


PLACE = Environment(name="prod", target="azureml", resource_group="team", workspace="models", endpoint="churn-prod")
FILES = {
    "endpoint.yml": {"name": "churn", "auth_mode": "aad_token"},
    "environment.yml": {"name": "churn", "version": "v0", "image": "?"},
    "model.yml": {"name": "churn", "version": "v0", "path": "?"},
    "deployment.yml": {"name": "v0", "environment_variables": {"FACTORY_OPEN": "true"}, "instance_count": 2},
}


def write_files() -> None:
    """What of deploy/azureml a deployment reads."""
    FOLDER.mkdir(parents=True)
    for name, content in FILES.items():
        (FOLDER / name).write_text(yaml.safe_dump(content))
