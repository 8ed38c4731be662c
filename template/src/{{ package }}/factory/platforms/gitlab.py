"""GitLab, on gitlab.com or self-managed."""

import re
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from .base import FORCED, MOVED, NO_OWNERS, PUSHED, Checks, Platform, PullRequest, Review

BOT = re.compile(r"(project|group)_\d+_bot")  # users that tokens act as
APPROVED = "approved this merge request"

PIPELINES: dict[str, Checks] = {
    "success": "green",
    "manual": "green",  # all that does not wait for a person has passed
    "failed": "red",
    "canceled": "red",
    "canceling": "red",
    "skipped": "none",
}
"""By a pipeline's status; each other one is of a pipeline that goes on."""

OUTPUTS = Path("reports/outputs.env")  # a report of the type dotenv


class GitLab(Platform):
    """https://docs.gitlab.com/api/rest"""

    env_marker, git_user, max_comment = "GITLAB_CI", "oauth2", 900_000

    @property
    def server_url(self) -> str:
        """Where repositories are."""
        return self.env["CI_SERVER_URL"]

    @property
    def run_url(self) -> str:
        """This job's page."""
        return self.env["CI_JOB_URL"]

    @property
    def target_branch(self) -> str | None:
        """The merge request's target branch."""
        return self.env.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or None

    @property
    def branch(self) -> str:
        """The branch of the pipeline, or of its merge request."""
        return self.env.get("CI_COMMIT_BRANCH") or self.env["CI_COMMIT_REF_NAME"]

    @cached_property
    def api(self) -> Any:
        """The API of this project."""
        from .rest import RestClient  # imports requests, which git_env() does not need

        address = f"{self.env['CI_API_V4_URL']}/projects/{self.env['CI_PROJECT_ID']}"
        return RestClient(address, **{"PRIVATE-TOKEN": self.token})

    def comment(self, marker: str, text: str) -> str | None:
        """Comments are notes; the API does not return their address."""
        number = self.env.get("CI_MERGE_REQUEST_IID")
        if not number:
            return None
        path = f"merge_requests/{number}/notes"
        own = [each for each in self.api.pages(path, per_page=100) if each["body"].startswith(marker)]
        response = self.api("PUT" if own else "POST", f"{path}/{own[0]['id']}" if own else path, {"body": text})
        return f"{self.env['CI_MERGE_REQUEST_PROJECT_URL']}/-/merge_requests/{number}#note_{response['id']}"

    def open_pull_request(self, branch: str, base: str, title: str, text: str, draft: bool) -> str:
        """The title marks a draft."""
        content = {"title": f"Draft: {title}" if draft else title, "description": text}
        if existing := self._open(branch, base):
            response = self.api("PUT", f"merge_requests/{existing[0]['iid']}", content)
        else:
            ends = {"source_branch": branch, "target_branch": base, "remove_source_branch": True}
            response = self.api("POST", "merge_requests", content | ends)
        return str(response["web_url"])

    def is_proposed(self, branch: str, base: str) -> bool:
        """By its source."""
        return bool(self._open(branch, base))

    def _open(self, branch: str, base: str) -> Any:
        return self.api("GET", "merge_requests", source_branch=branch, target_branch=base, state="opened")

    def pull_request(self, branch: str) -> PullRequest | None:
        """By its source, which is of this project and no fork's."""
        query = {"order_by": "created_at", "sort": "desc", "per_page": 20}
        for each in self.api("GET", "merge_requests", source_branch=branch, state="all", **query):
            if each["source_project_id"] == each["target_project_id"]:
                state: Any = {"opened": "open", "locked": "open"}.get(each["state"], each["state"])
                return PullRequest(each["iid"], state, each["title"], bool(each["draft"]), each["sha"], each["web_url"])
        return None

    def checks(self, request: PullRequest) -> Checks:
        """The merge request's last pipeline, unless it is of an earlier commit."""
        pipeline = self.api("GET", f"merge_requests/{request.number}").get("head_pipeline")
        if not pipeline or (pipeline["sha"] != request.commit and not self._is_of_merge(pipeline, request)):
            return "none"
        return PIPELINES.get(pipeline["status"], "pending")

    def _is_of_merge(self, pipeline: Any, request: PullRequest) -> bool:
        """Whether it is for a merge of the commit, which has a hash of its own: it began after the commit was pushed."""
        if not pipeline["ref"].endswith("/merge"):
            return False
        versions = self.api("GET", f"merge_requests/{request.number}/versions")
        pushed = [each["created_at"] for each in versions if each["head_commit_sha"] == request.commit]
        begun = datetime.fromisoformat(pipeline["created_at"])
        return bool(pushed) and begun >= min(map(datetime.fromisoformat, pushed))

    def open_issue(self, marker: str, title: str, text: str, only_update: bool = False) -> str | None:
        """An issue of the project."""
        listed = self.api.pages("issues", state="opened", per_page=100)
        own = [each for each in listed if (each["description"] or "").startswith(marker)]
        content: Any = {"title": title, "description": text}
        if only_update and not own:
            return None
        response = self.api("PUT", f"issues/{own[0]['iid']}", content) if own else self.api("POST", "issues", content)
        return str(response["web_url"])

    def start_retraining(self) -> None:
        """By the job's token, with the rights of who started this pipeline, such as its schedule's owner."""
        content = {"ref": self.branch, "variables": {"FACTORY_PIPELINE": "retrain"}}
        self.api("POST", "trigger/pipeline", {"token": self.env["CI_JOB_TOKEN"], **content})

    def reviews(self, commit: str) -> list[Review]:
        """Approvals in force that are newer than the last push."""
        found = self.api.pages(f"repository/commits/{commit}/merge_requests", per_page=100)
        merged = [each for each in found if each["state"] == "merged"]
        to_main = [each for each in merged if each["target_branch"] == self.env["CI_DEFAULT_BRANCH"]]
        return [review for request in to_main for review in self._approvals(request)]

    def _approvals(self, request: Any) -> Iterator[Review]:
        """Only notes by the system have the time of an approval."""
        path, pushes = f"merge_requests/{request['iid']}", self._pushes(request)
        if not any(commit == request["sha"] for commit, _, _ in pushes):
            return
        in_force = {each["user"]["username"] for each in self.api("GET", f"{path}/approvals")["approved_by"]}
        in_force -= {request["author"]["username"], *(who for _, who, _ in pushes)}
        notes = self.api.pages(f"{path}/notes", sort="asc", per_page=100)
        given = {each["author"]["username"]: each for each in notes if each["system"] and each["body"] == APPROVED}
        for name in sorted(in_force & given.keys()):
            at = given[name]["created_at"]
            if not BOT.match(name) and datetime.fromisoformat(at) > max(pushed for _, _, pushed in pushes):
                number = given[name]["id"]
                yield Review(str(number), name, at, f"{request['web_url']}#note_{number}")

    def _pushes(self, request: Any) -> list[tuple[str, str, datetime]]:
        """The last commit of each push to the merge request, who pushed, and when."""
        if request["source_project_id"] != request["target_project_id"]:
            return []
        commits = {each["id"] for each in self.api.pages(f"merge_requests/{request['iid']}/commits", per_page=100)}
        known = {request["sha"], *commits}
        events = self.api.pages("events", action="pushed", per_page=100)
        return [
            (each["push_data"]["commit_to"], each["author_username"], datetime.fromisoformat(each["created_at"]))
            for each in events
            if each["push_data"]["ref"] == request["source_branch"] and each["push_data"]["commit_to"] in known
        ]

    def set_output(self, name: str, value: str) -> None:
        """A variable of the jobs that need this one, in capitals."""
        OUTPUTS.parent.mkdir(exist_ok=True)
        with OUTPUTS.open("a", encoding="utf-8") as file:
            print(f"{name.upper()}={' '.join(value.split())}", file=file)

    def unprotected(self, branch: str, tag: str) -> Iterator[tuple[str, str]]:
        """Where several rules are for a branch, the most permissive counts; owners are asked in GitLab Premium only."""
        listed = self.api.pages("protected_branches", per_page=100)
        rules = [each for each in listed if fnmatchcase(branch, each["name"])]
        if not rules or any(level["access_level"] for each in rules for level in each["push_access_levels"]):
            yield PUSHED
        if not rules or any(each["allow_force_push"] for each in rules):
            yield FORCED
        if not any(each.get("code_owner_approval_required") for each in rules):
            yield NO_OWNERS
        tags = self.api.pages("protected_tags", per_page=100)
        if not any(fnmatchcase(tag, each["name"]) for each in tags):
            yield MOVED

    def approvers(self, environment: str) -> set[str]:
        """As the rules of the protected environment describe them; GitLab asks nobody without GitLab Premium."""
        rules = self.api("GET", f"protected_environments/{environment}").get("approval_rules") or []
        return {each["access_level_description"] for each in rules}

    def registry_login(self, address: str) -> tuple[str, str] | None:
        """The job's password works for the project's own registry only."""
        own = self.env.get("CI_REGISTRY")
        if own and address.startswith(f"{own}/"):
            return self.env["CI_REGISTRY_USER"], self.env["CI_REGISTRY_PASSWORD"]
        return None
