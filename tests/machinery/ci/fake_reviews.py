"""What the fake platforms know of a pull request that was merged: who opened it, pushed to it and reviewed it."""

import re
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
HEAD, OLDER, MERGE = "a" * 40, "b" * 40, "c" * 40


@dataclass
class Merged:
    """Pull request 7: pushes are (commit, person, minute), reviews (person, verdict, commit, minute)."""

    by: str = "zoe"
    base: str = "main"
    merged: bool = True
    fork: bool = False
    pushes: list[tuple[str, str, int]] = field(default_factory=lambda: [(OLDER, "zoe", 1), (HEAD, "zoe", 2)])
    reviews: list[tuple[str, str, str, int]] = field(default_factory=lambda: [("li", "APPROVED", HEAD, 5)])
    readers: set[str] = field(default_factory=set)
    bots: set[str] = field(default_factory=set)

    def brought(self, commit: str) -> bool:
        return commit in (HEAD, OLDER, MERGE)

    @property
    def in_force(self) -> dict[str, str]:
        """Each person's last verdict."""
        return {who: verdict for who, verdict, _, _ in self.reviews if verdict != "COMMENTED"}


def at(minute: int) -> str:
    return f"2030-01-01T00:{minute:02}:00Z"


def github(merged: Merged, path: str, query: Json) -> Any:
    repository = {"full_name": "me/project", "default_branch": "main"}
    if match := re.fullmatch(r"commits/(\w+)/pulls", path):
        pull = {
            "number": 7,
            "user": {"login": merged.by},
            "merged_at": at(9) if merged.merged else None,
            "base": {"ref": merged.base, "repo": repository},
            "head": {"sha": HEAD, "ref": "work", "repo": {"full_name": "li/fork"} if merged.fork else repository},
        }
        return [pull] if merged.brought(match[1]) else []
    if path == "pulls/7/commits":
        return [{"sha": OLDER}, {"sha": HEAD}]
    if path == "activity" and query["ref"] == "refs/heads/work":
        older = {"after": "d" * 40, "actor": {"login": "li"}}  # of another pull request of this branch
        pushes = [{"after": commit, "actor": {"login": who}} for commit, who, _ in merged.pushes]
        return [*reversed(pushes), older]
    if path == "pulls/7/reviews":
        return [
            {
                "id": number,
                "user": {"login": who, "type": "Bot" if who in merged.bots else "User"},
                "state": verdict,
                "commit_id": commit,
                "submitted_at": at(minute),
                "html_url": f"at/review/{number}",
            }
            for number, (who, verdict, commit, minute) in enumerate(merged.reviews, 1)
        ]
    if match := re.fullmatch(r"collaborators/(\w+)/permission", path):
        return {"permission": "read" if match[1] in merged.readers else "write"}
    return None


def gitlab(merged: Merged, path: str, query: Json) -> Any:
    if match := re.fullmatch(r"repository/commits/(\w+)/merge_requests", path):
        request = {
            "iid": 7,
            "sha": HEAD,
            "state": "merged" if merged.merged else "opened",
            "author": {"username": merged.by},
            "source_branch": "work",
            "target_branch": merged.base,
            "source_project_id": 2 if merged.fork else 1,
            "target_project_id": 1,
            "web_url": "at/7",
        }
        return [request] if merged.brought(match[1]) else []
    if path == "merge_requests/7/commits":
        return [{"id": HEAD}, {"id": OLDER}]
    if path == "events" and query["action"] == "pushed":
        bulk = {"created_at": at(8), "author_username": "li", "push_data": {"ref": None, "commit_to": None}}
        pushes = [
            {"created_at": at(minute), "author_username": who, "push_data": {"ref": "work", "commit_to": commit}}
            for commit, who, minute in merged.pushes
        ]
        return [bulk, *reversed(pushes)]
    if path == "merge_requests/7/approvals":
        return {"approved_by": [{"user": {"username": who}} for who, verdict in merged.in_force.items() if verdict == "APPROVED"]}
    if path == "merge_requests/7/notes" and query["sort"] == "asc":
        by_hand = {
            "id": 99,
            "system": False,
            "body": "approved this merge request",
            "author": {"username": "li"},
            "created_at": at(9),
        }
        notes = [
            {
                "id": number,
                "system": True,
                "body": "approved this merge request",
                "author": {"username": who},
                "created_at": at(minute),
            }
            for number, (who, verdict, _, minute) in enumerate(merged.reviews, 1)
            if verdict == "APPROVED"
        ]
        return [*notes, by_hand]
    return None


def azure(merged: Merged, path: str, content: Any, query: Json) -> Any:
    path = path.removeprefix("git/repositories/repository")
    if not path:
        return {"defaultBranch": "refs/heads/main"}
    if path == "/pullrequestquery":
        found = [
            {commit: [{"pullRequestId": 7}] for commit in each["items"] if merged.brought(commit)} for each in content["queries"]
        ]
        return {"queries": content["queries"], "results": found}
    if path == "/pullrequests/7":
        votes = {"APPROVED": 10, "CHANGES_REQUESTED": -10}
        person = {"id": "id of li", "uniqueName": "li", "vote": 10}
        return {
            "pullRequestId": 7,
            "status": "completed" if merged.merged else "active",
            "createdBy": {"id": f"id of {merged.by}"},
            "sourceRefName": "refs/heads/work",
            "targetRefName": f"refs/heads/{merged.base}",
            "lastMergeSourceCommit": {"commitId": HEAD},
            "reviewers": [
                {**person, "id": "a team", "isContainer": True},
                *(
                    {"id": f"id of {who}", "uniqueName": f"Build\\{who}" if who in merged.bots else who, "vote": votes[verdict]}
                    for who, verdict in merged.in_force.items()
                ),
            ],
            **({"forkSource": {"name": "refs/heads/work"}} if merged.fork else {}),
        }
    if path == "/pullRequests/7/commits":
        return {"value": [{"commitId": HEAD}, {"commitId": OLDER}]}
    if path == "/pushes" and query["searchCriteria.refName"] == "refs/heads/work":
        pushes = [
            {"pushedBy": {"id": f"id of {who}"}, "date": at(minute), "refUpdates": [{"newObjectId": commit}]}
            for commit, who, minute in merged.pushes
        ]
        return {"value": list(reversed(pushes))}
    if path == "/pullRequests/7/threads":
        return {"value": [_thread(number, *review) for number, review in enumerate(merged.reviews, 1)]}
    return None


def _thread(number: int, who: str, verdict: str, commit: str, minute: int) -> Json:
    if verdict == "COMMENTED":
        return {"id": number, "publishedDate": at(minute), "properties": None}
    properties = {"CodeReviewThreadType": "VoteUpdate", "CodeReviewVotedByIdentity": "1"}
    return {
        "id": number,
        "publishedDate": at(minute),
        "properties": {name: {"$type": "System.String", "$value": value} for name, value in properties.items()},
        "identities": {"1": {"id": f"id of {who}"}},
    }
