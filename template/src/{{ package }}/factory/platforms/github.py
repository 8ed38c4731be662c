"""GitHub, or GitHub Enterprise Server."""

import json
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from .base import (
    FORCED,
    MOVED,
    NO_OWNERS,
    NO_REVIEW,
    PUSHED,
    UNCHECKED,
    Checks,
    Platform,
    PullRequest,
    Review,
    combined,
)

PASSED = "success", "neutral", "skipped"
STATUSES: dict[str, Checks] = {"success": "green", "pending": "pending", "failure": "red", "error": "red"}
"""By the combined state of what is not in GitHub's own pipelines."""


class GitHub(Platform):
    """https://docs.github.com/rest"""

    env_marker, git_user, max_comment = "GITHUB_ACTIONS", "x-access-token", 65_000

    @property
    def server_url(self) -> str:
        """Where repositories are."""
        return self.env["GITHUB_SERVER_URL"]

    @property
    def run_url(self) -> str:
        """This run's page."""
        return f"{self.server_url}/{self.env['GITHUB_REPOSITORY']}/actions/runs/{self.env['GITHUB_RUN_ID']}"

    @property
    def target_branch(self) -> str | None:
        """The pull request's base branch."""
        return self.env.get("GITHUB_BASE_REF") or None

    @property
    def branch(self) -> str:
        """The branch's name, without refs/heads/."""
        return self.env["GITHUB_REF_NAME"]

    @cached_property
    def api(self) -> Any:
        """The API of this repository."""
        from .rest import RestClient  # imports requests, which git_env() does not need

        address = f"{self.env['GITHUB_API_URL']}/repos/{self.env['GITHUB_REPOSITORY']}"
        return RestClient(address, Authorization=f"Bearer {self.token}", Accept="application/vnd.github+json")

    def comment(self, marker: str, text: str) -> str | None:
        """A pull request's comments are an issue's; the job's token writes as a bot, and only bots' comments are edited."""
        event = json.loads(Path(self.env["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        if "pull_request" not in event:
            return None
        path, body = f"issues/{event['pull_request']['number']}/comments", {"body": text}
        bots = [each for each in self.api.pages(path, per_page=100) if each["user"]["type"] == "Bot"]
        own = [each for each in bots if (each["body"] or "").startswith(marker)]
        response = self.api("PATCH", f"issues/comments/{own[0]['id']}", body) if own else self.api("POST", path, body)
        return str(response["html_url"])

    def open_pull_request(self, branch: str, base: str, title: str, text: str, draft: bool) -> str:
        """An open pull request stays a draft, or ready, as it is."""
        content = {"title": title, "body": text}
        if existing := self._open(branch, base):
            return str(self.api("PATCH", f"pulls/{existing[0]['number']}", content)["html_url"])
        return str(self.api("POST", "pulls", {**content, "head": branch, "base": base, "draft": draft})["html_url"])

    def is_proposed(self, branch: str, base: str) -> bool:
        """By its head."""
        return bool(self._open(branch, base))

    def _open(self, branch: str, base: str) -> Any:
        owner = self.env["GITHUB_REPOSITORY"].partition("/")[0]
        return self.api("GET", "pulls", head=f"{owner}:{branch}", base=base, state="open")

    def pull_request(self, branch: str) -> PullRequest | None:
        """By its head, which is of this repository and no fork's."""
        owner = self.env["GITHUB_REPOSITORY"].partition("/")[0]
        query = {"state": "all", "sort": "created", "direction": "desc", "per_page": 1}
        for each in self.api("GET", "pulls", head=f"{owner}:{branch}", **query):
            state: Any = "merged" if each["merged_at"] else each["state"]
            ends = each["head"]["sha"], each["html_url"]
            return PullRequest(each["number"], state, each["title"], bool(each["draft"]), *ends)
        return None

    def checks(self, request: PullRequest) -> Checks:
        """Check runs, each the last of its name, and statuses by others."""
        runs = list(self._check_runs(request.commit))
        status = self.api("GET", f"commits/{request.commit}/status")
        others: list[Checks] = [STATUSES[status["state"]]] if status["total_count"] else []
        return combined([*map(_result, runs), *others])

    def _check_runs(self, commit: str) -> Iterator[Any]:
        for page in count(1):
            found = self.api("GET", f"commits/{commit}/check-runs", per_page=100, page=page)
            yield from found["check_runs"]
            if not found["check_runs"] or page * 100 >= found["total_count"]:
                return

    def open_issue(self, marker: str, title: str, text: str, only_update: bool = False) -> str | None:
        """The API lists pull requests among the issues."""
        listed = self.api.pages("issues", state="open", per_page=100)
        own = [each for each in listed if (each["body"] or "").startswith(marker) and "pull_request" not in each]
        content: Any = {"title": title, "body": text}
        if only_update and not own:
            return None
        response = (
            self.api("PATCH", f"issues/{own[0]['number']}", content) if own else self.api("POST", "issues", content)
        )
        return str(response["html_url"])

    def start_retraining(self) -> None:
        """The event that retrain.yaml waits for; it is one of the two that a job's own token may send."""
        self.api("POST", "dispatches", {"event_type": "retrain"})

    def reviews(self, commit: str) -> list[Review]:
        """Reviews of the head that was merged, by people who may write."""
        found = self.api.pages(f"commits/{commit}/pulls", per_page=100)
        merged = [each for each in found if each["merged_at"]]
        to_main = [each for each in merged if each["base"]["ref"] == each["base"]["repo"]["default_branch"]]
        return [review for pull in to_main for review in self._approvals(pull)]

    def _approvals(self, pull: Any) -> Iterator[Review]:
        head, pushes = pull["head"]["sha"], self._pushes(pull)
        if head not in dict(pushes):
            return
        reviews = self.api.pages(f"pulls/{pull['number']}/reviews", per_page=100)  # oldest first
        people = [each for each in reviews if each["user"] and each["user"]["type"] == "User"]
        last = {each["user"]["login"]: each for each in people if each["state"] != "COMMENTED"}
        for login in sorted(last.keys() - {pull["user"]["login"], *(who for _, who in pushes)}):
            each = last[login]
            if (each["state"], each["commit_id"]) == ("APPROVED", head) and self._may_write(login):
                yield Review(str(each["id"]), login, each["submitted_at"], each["html_url"])

    def _pushes(self, pull: Any) -> list[tuple[str, str]]:
        """The last commit of each push to the pull request, and who pushed."""
        if (pull["head"]["repo"] or {}).get("full_name") != self.env["GITHUB_REPOSITORY"]:
            return []
        commits = {each["sha"] for each in self.api.pages(f"pulls/{pull['number']}/commits", per_page=100)}
        pushes = self.api.pages("activity", ref=f"refs/heads/{pull['head']['ref']}", per_page=100)
        known = {pull["head"]["sha"], *commits}
        return [(each["after"], each["actor"]["login"]) for each in pushes if each["actor"] and each["after"] in known]

    def _may_write(self, login: str) -> bool:
        permission = self.api("GET", f"collaborators/{login}/permission")["permission"]
        return permission in ("admin", "write")

    def unprotected(self, branch: str, tag: str) -> Iterator[tuple[str, str]]:
        """By rulesets, and by the older branch protection, which only an administrator's token can read."""
        rules = self._branch_rules(branch)
        reviews = rules["pull_request"]
        if not any(each.get("required_approving_review_count") for each in reviews):
            yield NO_REVIEW
        if not any(each.get("require_code_owner_review") for each in reviews):
            yield NO_OWNERS
        if not reviews:
            yield PUSHED
        if not rules["non_fast_forward"]:
            yield FORCED
        if not rules["required_status_checks"]:
            yield UNCHECKED
        if not {"update", "deletion"} <= self._tag_rules(f"refs/tags/{tag}"):
            yield MOVED

    def approvers(self, environment: str) -> set[str]:
        """People by login, teams by slug."""
        rules = self.api("GET", f"environments/{environment}").get("protection_rules") or []
        reviewers = [each["reviewer"] for rule in rules for each in rule.get("reviewers") or ()]
        return {each.get("login") or each["slug"] for each in reviewers}

    def _branch_rules(self, branch: str) -> dict[str, list[Any]]:
        """By type the rules' parameters."""
        rules = defaultdict(list)
        for each in self.api.pages(f"rules/branches/{branch}", per_page=100):
            rules[each["type"]].append(each.get("parameters") or {})
        if (self.api("GET", f"branches/{branch}").get("protection") or {}).get("enabled"):
            older = self.api("GET", f"branches/{branch}/protection")
            if reviews := older.get("required_pull_request_reviews"):
                rules["pull_request"].append(
                    reviews | {"require_code_owner_review": reviews["require_code_owner_reviews"]}
                )
            rules["required_status_checks"] += filter(None, [older.get("required_status_checks")])
            rules["non_fast_forward"] += [{}] if not older.get("allow_force_pushes", {}).get("enabled") else []
        return rules

    def _tag_rules(self, ref: str) -> set[str]:
        """The types of the rules for the tag."""
        listed = self.api.pages("rulesets", targets="tag", per_page=100)
        active = [each["id"] for each in listed if (each["target"], each["enforcement"]) == ("tag", "active")]
        found = [self.api("GET", f"rulesets/{number}") for number in active]
        return {
            rule["type"] for each in found if _concerns(each["conditions"]["ref_name"], ref) for rule in each["rules"]
        }

    def set_output(self, name: str, value: str) -> None:
        """An output of the step."""
        with Path(self.env["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            print(f"{name}={' '.join(value.split())}", file=file)

    def job_summary(self, report: str) -> None:
        """The summary of the job."""
        if self.env.get("GITHUB_STEP_SUMMARY"):
            with Path(self.env["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
                file.write(report)

    def registry_login(self, address: str) -> tuple[str, str] | None:
        """GitHub's registry accepts the token."""
        return (self.env["GITHUB_ACTOR"], self.token) if address.startswith("ghcr.io/") else None


def _result(run: Any) -> Checks:
    if run["status"] != "completed":
        return "pending"
    return "green" if run["conclusion"] in PASSED else "red"


def _concerns(condition: Any, ref: str) -> bool:
    included, excluded = (
        any(pattern == "~ALL" or fnmatchcase(ref, pattern) for pattern in condition[kind])
        for kind in ("include", "exclude")
    )
    return included and not excluded
