"""What GitHub, GitLab and Azure DevOps answer, of what pipelines ask; and what a run on each finds in its environment."""

import re
from collections.abc import Callable
from typing import Any

Thing = dict[str, Any]
TOKEN = "secret-of-the-platform"


def keep(things: list[Thing], number: str | None, **known: Any) -> Thing:
    """Change the thing of that number, or make one; what is None was not told."""
    told = {name: value for name, value in known.items() if value is not None}
    if number is None:
        things.append({"id": len(things) + 1, "draft": False} | told)
        return things[-1]
    things[int(number) - 1].update(told)
    return things[int(number) - 1]


def _github(hub: Any, path: str, content: Any, query: Thing, method: str) -> Any:
    told = {"title": content.get("title"), "text": content.get("body")} if content else {}
    if match := re.fullmatch(r"issues/(?:\d+/comments|comments/(\d+))", path):
        things, told["user"] = hub.comments, {"type": "Bot"}
    elif match := re.fullmatch(r"pulls(?:/(\d+))?", path):
        things = [*filter(lambda each: f"me:{each['branch']}" == query.get("head"), hub.proposals)] if query else hub.proposals
        told |= {"branch": content.get("head"), "base": content.get("base"), "draft": content.get("draft")} if content else {}
    elif match := re.fullmatch(r"issues(?:/(\d+))?", path):
        things = hub.issues
    else:
        return None
    as_told = lambda each: {"number": each["id"], "body": each["text"], "html_url": f"at/{each['id']}"}
    show = lambda each: {"user": {"type": "User"}, **each, **as_told(each)}
    return [show(each) for each in things] if method == "GET" else show(keep(things, match[1], **told))


def _gitlab(hub: Any, path: str, content: Any, query: Thing, method: str) -> Any:
    content = content or {}
    told = {"title": content.get("title"), "text": content.get("body") or content.get("description")}
    if match := re.fullmatch(r"merge_requests/\d+/notes(?:/(\d+))?", path):
        things = hub.comments
    elif match := re.fullmatch(r"merge_requests(?:/(\d+))?", path):
        wanted = query.get("source_branch")
        things = [each for each in hub.proposals if each["branch"] == wanted] if query else hub.proposals
        told |= {"branch": content.get("source_branch"), "base": content.get("target_branch")}
        told |= {"draft": told["title"].startswith("Draft: ")} if told["title"] else {}
    elif match := re.fullmatch(r"issues(?:/(\d+))?", path):
        things = hub.issues
    else:
        return None

    def show(each: Thing) -> Thing:
        return {
            **each,
            "iid": each["id"],
            "body": each["text"],
            "description": each["text"],
            "web_url": f"at/{each['id']}",
        }

    return [show(each) for each in things] if method == "GET" else show(keep(things, match[1], **told))


def _azure(hub: Any, path: str, content: Any, query: Thing, method: str) -> Any:
    if query.get("api-version") is None:
        return None
    if match := re.fullmatch(r"git/repositories/\w+/pullRequests/\d+/threads(?:/(\d+)/comments/1)?", path):
        if method == "GET":
            return {"value": [{"id": each["id"], "comments": [{"id": 1, "content": each["text"]}]} for each in hub.comments]}
        first = content if match[1] else content["comments"][0]
        return keep(hub.comments, match[1], text=first["content"])
    if match := re.fullmatch(r"git/repositories/\w+/pullrequests(?:/(\d+))?", path):
        if method == "GET":
            wanted = query["searchCriteria.sourceRefName"].removeprefix("refs/heads/")
            return {"value": [{"pullRequestId": each["id"]} for each in hub.proposals if each["branch"] == wanted]}
        ends = [(content.get(end) or "").removeprefix("refs/heads/") or None for end in ("sourceRefName", "targetRefName")]
        told = {"title": content["title"], "text": content["description"], "draft": content.get("isDraft")}
        return {"pullRequestId": keep(hub.proposals, match[1], **told, branch=ends[0], base=ends[1])["id"]}
    if path == "wit/wiql":
        [wanted] = re.findall(r"\[System\.Title\] = '((?:[^']|'')*)'", content["query"])
        return {"workItems": [{"id": each["id"]} for each in hub.issues if each["title"] == wanted.replace("''", "'")]}
    if match := re.fullmatch(r"wit/workitems/(?:\$Issue|(\d+))", path):
        fields = {
            operation["path"].rpartition(".")[2]: operation["value"] for operation in content if "/fields/" in operation["path"]
        }
        return keep(hub.issues, match[1], title=fields["Title"], text=fields["Description"])
    return None


PLACES: dict[str, Callable[..., Any]] = {
    "/github/repos/me/project/": _github,
    "/gitlab/projects/1/": _gitlab,
    "/azure/team/_apis/": _azure,
}


def environment(hub: Any, kind: str, branch: str = "main", target: str | None = None, event: str = "") -> dict[str, str]:
    """What a run on the platform finds in its environment; `event` is the path of GitHub's event."""
    known = {
        "github": {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": hub.address,
            "GITHUB_API_URL": f"{hub.address}/github",
            "GITHUB_REPOSITORY": "me/project",
            "GITHUB_RUN_ID": "5",
            "GITHUB_ACTOR": "me",
            "GITHUB_REF_NAME": branch,
            "GITHUB_BASE_REF": target or "",
            "GITHUB_EVENT_PATH": event,
        },
        "gitlab": {
            "GITLAB_CI": "true",
            "CI_SERVER_URL": hub.address,
            "CI_API_V4_URL": f"{hub.address}/gitlab",
            "CI_PROJECT_ID": "1",
            "CI_JOB_URL": f"{hub.address}/jobs/5",
            "CI_COMMIT_REF_NAME": branch,
            **({"CI_COMMIT_BRANCH": branch} if target is None else {}),
            **({"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": target} if target else {}),
            **({"CI_MERGE_REQUEST_PROJECT_URL": f"{hub.address}/me/project"} if target else {}),
        },
        "azure": {
            "TF_BUILD": "True",
            "SYSTEM_COLLECTIONURI": f"{hub.address}/azure/",
            "SYSTEM_TEAMPROJECTID": "team",
            "BUILD_REPOSITORY_ID": "repository",
            "BUILD_REPOSITORY_URI": f"{hub.address}/azure/_git/project",
            "BUILD_BUILDID": "5",
            "BUILD_SOURCEBRANCH": f"refs/heads/{branch}",
            **({"SYSTEM_PULLREQUEST_PULLREQUESTID": "7"} if target else {}),
            **({"SYSTEM_PULLREQUEST_TARGETBRANCH": f"refs/heads/{target}"} if target else {}),
        },
    }
    return {**known[kind], "FACTORY_TOKEN": TOKEN}
