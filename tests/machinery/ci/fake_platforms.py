"""A platform in place of GitHub, GitLab and Azure DevOps, on loopback, and the environment of a run on each.

It answers what pipelines ask of their REST interfaces, and keeps what they write.
"""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from machinery.ci import fake_pull_requests, fake_reviews

Json = dict[str, Any]
TOKEN = "secret-of-the-platform"


@dataclass
class FakePlatform:
    """Comments, pull requests and issues, each with id, title, text, draft, branch and base.

    A pull request may have a state, open where none is given, and a commit. `others` are further projects, by their path.
    """

    comments: list[Json] = field(default_factory=list)
    pull_requests: list[Json] = field(default_factory=list)
    issues: list[Json] = field(default_factory=list)
    pipelines: list[Json] = field(default_factory=list)  # each with name, commit and result
    others: dict[str, "FakePlatform"] = field(default_factory=dict)
    heads: Callable[[str], str] = lambda branch: "0" * 40  # a branch's commit
    started: list[str] = field(default_factory=list)  # pipelines, by the branch that they are of
    merged: fake_reviews.Merged | None = None
    down: bool = False
    moved: str = ""  # where each request is sent
    exhausted: bool = False
    sign_in_page: bool = False  # as Azure DevOps answers a token that has expired
    address: str = ""
    asked: list[str] = field(default_factory=list)  # each method and path


@contextmanager
def fake_platform() -> Iterator[FakePlatform]:
    """The platform while the block runs."""
    platform = FakePlatform()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"platform": platform}))
    platform.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()


def save(items: list[Json], number: str | None, **fields: Any) -> Json:
    """Change the item of that number, or add one; a field that is None stays as it is."""
    changes = {name: value for name, value in fields.items() if value is not None}
    if number is None:
        items.append({"id": len(items) + 1, "draft": False} | changes)
        return items[-1]
    items[int(number) - 1].update(changes)
    return items[int(number) - 1]


def environment(
    platform: FakePlatform, kind: str, branch: str = "main", target: str | None = None, event: str = ""
) -> dict[str, str]:
    """The environment of a run on the platform; `event` is the path of GitHub's event."""
    environments = {
        "github": {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": platform.address,
            "GITHUB_API_URL": f"{platform.address}/github",
            "GITHUB_REPOSITORY": "me/project",
            "GITHUB_RUN_ID": "5",
            "GITHUB_ACTOR": "me",
            "GITHUB_REF_NAME": branch,
            "GITHUB_BASE_REF": target or "",
            "GITHUB_EVENT_PATH": event,
        },
        "gitlab": {
            "GITLAB_CI": "true",
            "CI_SERVER_URL": platform.address,
            "CI_API_V4_URL": f"{platform.address}/gitlab",
            "CI_PROJECT_ID": "1",
            "CI_JOB_TOKEN": "secret-of-the-job",
            "CI_DEFAULT_BRANCH": "main",
            "CI_JOB_URL": f"{platform.address}/jobs/5",
            "CI_COMMIT_REF_NAME": branch,
            **({"CI_COMMIT_BRANCH": branch} if target is None else {}),
            **({"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": target} if target else {}),
            **({"CI_MERGE_REQUEST_PROJECT_URL": f"{platform.address}/me/project"} if target else {}),
        },
        "azure": {
            "TF_BUILD": "True",
            "SYSTEM_COLLECTIONURI": f"{platform.address}/azure/",
            "SYSTEM_TEAMPROJECTID": "team",
            "BUILD_REPOSITORY_ID": "repository",
            "BUILD_REPOSITORY_URI": f"{platform.address}/azure/_git/project",
            "BUILD_BUILDID": "5",
            "BUILD_SOURCEBRANCH": f"refs/heads/{branch}",
            **({"SYSTEM_PULLREQUEST_PULLREQUESTID": "7"} if target else {}),
            **({"SYSTEM_PULLREQUEST_TARGETBRANCH": f"refs/heads/{target}"} if target else {}),
        },
    }
    return {**environments[kind], "FACTORY_TOKEN": TOKEN}


class _Handler(BaseHTTPRequestHandler):
    platform: FakePlatform

    def respond(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        content = json.loads(self.rfile.read(length)) if length else None
        split = urlsplit(self.path)
        self.platform.asked.append(f"{self.command} {split.path}")
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        size, page = int(query.pop("per_page", 1000)), int(query.pop("page", 1))
        answer = self.answer(split.path, content, query)
        if isinstance(answer, int):
            return self.send(answer, {"message": "no"})
        if isinstance(answer, list):
            more = len(answer) > page * size
            link = f'<{self.platform.address}{split.path}?per_page={size}&page={page + 1}>; rel="next"' if more else ""
            return self.send(200, answer[(page - 1) * size : page * size], link)
        return self.send(200, answer)

    do_GET = do_POST = do_PUT = do_PATCH = respond

    def answer(self, path: str, content: Any, query: Json) -> Any:
        basic = self.headers.get("Authorization", "").partition("Basic ")[2]
        credentials = [*self.headers.values(), base64.b64decode(basic).decode() if basic else ""]
        if self.platform.down or self.platform.exhausted or not any(TOKEN in value for value in credentials):
            return 403
        for pattern, api in APIS.items():
            if match := re.match(pattern, path):
                platform = self.platform if match[1] in OWN else self.platform.others.get(match[1])
                answer = api(platform, path[match.end() :], content, query, self.command) if platform else None
                return 404 if answer is None else answer
        return 404

    def send(self, status: int, content: Any, link: str = "") -> None:
        body, kind = json.dumps(content).encode(), "application/json"
        if self.platform.moved:
            status = 302
        if self.platform.sign_in_page:
            status, body, kind = 203, b"<html>\nSign In</html>", "text/html"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if link:
            self.send_header("Link", link)
        if self.platform.moved:
            self.send_header("Location", f"{self.platform.moved}{self.path}")
        if self.platform.exhausted:
            self.send_header("X-RateLimit-Remaining", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""


def _github(platform: FakePlatform, path: str, content: Any, query: Json, method: str) -> Any:
    if platform.merged:
        return fake_reviews.github(platform.merged, path, query)
    if path == "dispatches":
        platform.started.append(f"{content['event_type']} of main")  # which GitHub takes by default
        return {}
    fields = {"title": content.get("title"), "text": content.get("body")} if content else {}
    if match := re.fullmatch(r"issues/(?:\d+/comments|comments/(\d+))", path):
        items, fields["user"] = platform.comments, {"type": "Bot"}
    elif match := re.fullmatch(r"pulls(?:/(\d+))?", path):
        items = platform.pull_requests
        if query:
            items = fake_pull_requests.found(platform, query.get("head", "").removeprefix("me:"), query.get("state"))
        if content:
            fields |= {"branch": content.get("head"), "base": content.get("base"), "draft": content.get("draft")}
    elif match := re.fullmatch(r"issues(?:/(\d+))?", path):
        items = platform.issues
    elif match := re.fullmatch(r"commits/(\w+)/(check-runs|status)", path):
        return fake_pull_requests.github_checks(platform, *match.groups())
    else:
        return None

    def show(item: Json) -> Json:
        own = {"number": item["id"], "body": item["text"], "html_url": f"at/{item['id']}"}
        if "branch" in item:
            own |= {
                "merged_at": "2026" if item.get("state") == "merged" else None,
                "head": {"sha": fake_pull_requests.commit(platform, item)},
            }
            own |= {"state": "open" if item.get("state", "open") == "open" else "closed"}
        return {"user": {"type": "User"}, **item, **own}

    return [show(item) for item in items] if method == "GET" else show(save(items, match[1], **fields))


def _gitlab(platform: FakePlatform, path: str, content: Any, query: Json, method: str) -> Any:
    if platform.merged:
        return fake_reviews.gitlab(platform.merged, path, query)
    content = content or {}
    if path == "trigger/pipeline":
        if content.pop("token") != "secret-of-the-job":
            return 404
        platform.started.append(f"{content['variables']['FACTORY_PIPELINE']} of {content['ref']}")
        return {"id": 1}
    fields = {"title": content.get("title"), "text": content.get("body") or content.get("description")}
    if match := re.fullmatch(r"merge_requests/\d+/notes(?:/(\d+))?", path):
        items = platform.comments
    elif match := re.fullmatch(r"merge_requests/(\d+)/versions", path):
        commit = platform.pull_requests[int(match[1]) - 1]["commit"]
        return [{"head_commit_sha": commit, "created_at": "2026-01-02T00:00:00Z"}]
    elif match := re.fullmatch(r"merge_requests(?:/(\d+))?", path):
        items = platform.pull_requests
        if method == "GET" and match[1]:
            return fake_pull_requests.gitlab_request(platform, items[int(match[1]) - 1])
        if query:
            items = fake_pull_requests.found(platform, query.get("source_branch"), query.get("state"))
        fields |= {"branch": content.get("source_branch"), "base": content.get("target_branch")}
        fields |= {"draft": fields["title"].startswith("Draft: ")} if fields["title"] else {}
    elif match := re.fullmatch(r"issues(?:/(\d+))?", path):
        items = platform.issues
    else:
        return None

    def show(item: Json) -> Json:
        own = {"iid": item["id"], "body": item["text"], "description": item["text"], "web_url": f"at/{item['id']}"}
        return {**item, **own, **(fake_pull_requests.gitlab_request(platform, item) if "branch" in item else {})}

    return [show(item) for item in items] if method == "GET" else show(save(items, match[1], **fields))


def _azure(platform: FakePlatform, path: str, content: Any, query: Json, method: str) -> Any:
    if query.get("api-version") is None:
        return None
    if platform.merged:
        return fake_reviews.azure(platform.merged, path, content, query)
    if match := re.fullmatch(r"git/repositories/[\w-]+/pullRequests/\d+/threads(?:/(\d+)/comments/1)?", path):
        if method == "GET":
            comments = platform.comments
            return {"value": [{"id": item["id"], "comments": [{"id": 1, "content": item["text"]}]} for item in comments]}
        first = content if match[1] else content["comments"][0]
        return save(platform.comments, match[1], text=first["content"])
    if match := re.fullmatch(r"git/repositories/[\w-]+/pullrequests(?:/(\d+))?", path):
        if method == "GET":
            branch = query["searchCriteria.sourceRefName"].removeprefix("refs/heads/")
            return {
                "value": [
                    fake_pull_requests.azure_request(platform, each)
                    for each in fake_pull_requests.found(platform, branch, query["searchCriteria.status"])
                ]
            }
        ends = [(content.get(end) or "").removeprefix("refs/heads/") or None for end in ("sourceRefName", "targetRefName")]
        fields = {"title": content["title"], "text": content["description"], "draft": content.get("isDraft")}
        return {"pullRequestId": save(platform.pull_requests, match[1], **fields, branch=ends[0], base=ends[1])["id"]}
    if path == "build/definitions":
        files = ("/azure-pipelines/code.yaml", "azure-pipelines/retrain.yaml")
        own = [{"id": number, "process": {"yamlFilename": name}} for number, name in enumerate(files)]
        return {"value": [{"id": 9, "process": {}}, *own]}
    if path == "build/builds" and method == "GET":
        return {"value": fake_pull_requests.azure_builds(platform, query["branchName"])}
    if path == "build/builds":
        name = {0: "code", 1: "retrain"}[content["definition"]["id"]]
        platform.started.append(f"{name} of {content['sourceBranch'].removeprefix('refs/heads/')}")
        return {"id": 1}
    if path == "wit/wiql":
        [title] = re.findall(r"\[System\.Title\] = '((?:[^']|'')*)'", content["query"])
        return {"workItems": [{"id": item["id"]} for item in platform.issues if item["title"] == title.replace("''", "'")]}
    if match := re.fullmatch(r"wit/workitems/(?:\$Issue|(\d+))", path):
        operations = [operation for operation in content if "/fields/" in operation["path"]]
        fields = {operation["path"].rpartition(".")[2]: operation["value"] for operation in operations}
        return save(platform.issues, match[1], title=fields["Title"], text=fields["Description"])
    return None


OWN = "me/project", "1", "team"
APIS: dict[str, Callable[..., Any]] = {
    r"/(?:github|api/v3)/repos/(me/[\w-]+)/": _github,
    r"/(?:gitlab|api/v4)/projects/(1|me%2F[\w-]+)/": _gitlab,
    r"/(?:azure|me)/([\w-]+)/_apis/": _azure,
}
"""By the beginning of the path, with the project in it."""
