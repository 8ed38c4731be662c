"""Pull requests of a platform that stands in, and what their pipelines have found, as each platform's interface shows them."""

import re
from typing import Any

Json = dict[str, Any]


def found(platform: Any, branch: str | None, state: str | None) -> list[Json]:
    """Pull requests of the branch, the newest first."""
    own = [item for item in platform.pull_requests if item["branch"] == branch]
    return [item for item in reversed(own) if state == "all" or item.get("state", "open") == "open"]


def commit(platform: Any, item: Json) -> str:
    return item.get("commit") or platform.heads(item["branch"])


def github_checks(platform: Any, commit: str, kind: str) -> Json:
    """Pipelines are check runs, but for those of the name `status`."""
    found = [each for each in platform.pipelines if each["commit"] == commit]
    runs, others = ([each for each in found if (each["name"] == "status") is wanted] for wanted in (False, True))
    if kind == "status":
        return {"total_count": len(others), "state": others[0]["result"] if others else "pending"}
    done = [{"status": "completed", "conclusion": each["result"]} for each in runs if each["result"] != "running"]
    going_on = [{"status": "in_progress", "conclusion": None} for each in runs if each["result"] == "running"]
    return {"total_count": len(runs), "check_runs": [*done, *going_on]}


def gitlab_request(platform: Any, item: Json) -> Json:
    pipelines = [
        {"sha": each["commit"], "ref": each["name"], "status": each["result"], "created_at": each.get("at")}
        for each in platform.pipelines
    ]
    state = {"open": "opened"}.get(item.get("state", "open"), item.get("state"))
    projects = {"source_project_id": item.get("fork", 1), "target_project_id": 1}
    own = {"iid": item["id"], "state": state, "sha": commit(platform, item), **projects}
    return {
        "title": item["title"],
        **own,
        "draft": item["draft"],
        "web_url": f"at/{item['id']}",
        "head_pipeline": [None, *pipelines][-1],
    }


def azure_request(platform: Any, item: Json) -> Json:
    state = {"open": "active", "merged": "completed", "closed": "abandoned"}[item.get("state", "open")]
    own = {"pullRequestId": item["id"], "status": state, "lastMergeSourceCommit": {"commitId": commit(platform, item)}}
    return {**own, "title": item["title"], "isDraft": item["draft"]}


def azure_builds(platform: Any, branch: str) -> list[Json]:
    assert re.fullmatch(r"refs/pull/\d+/merge", branch)
    done = {"succeeded", "failed", "canceled", "partiallySucceeded"}
    return [
        {
            "definition": {"id": each["name"]},
            "status": "completed" if each["result"] in done else "inProgress",
            "result": each["result"] if each["result"] in done else None,
            "triggerInfo": {"pr.sourceSha": each["commit"]},
        }
        for each in reversed(platform.pipelines)
    ]
