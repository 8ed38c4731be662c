"""Azure DevOps, with its code in Azure Repos."""

import sys
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

from ..errors import FactoryError
from .base import NO_OWNERS, NO_REVIEW, PUSHED, UNCHECKED, Checks, Platform, PullRequest, Review, combined, cut

API_VERSION = "7.1"
MAX_DESCRIPTION = 4000  # characters
MAX_PUSHES = 1000
RETRAIN = "azure-pipelines/retrain.yaml"
APPROVED = 5  # with suggestions; without it is 10

STATES = {"active": "open", "completed": "merged", "abandoned": "closed"}

POLICIES = {
    "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd": NO_REVIEW,
    "fd2167ab-b0be-447a-8ec8-39368250530e": NO_OWNERS,
    "0609b952-1397-4640-95ec-e00a01b2c241": UNCHECKED,
}
"""By type of branch policy, what is open without it."""


class Azure(Platform):
    """https://learn.microsoft.com/rest/api/azure/devops"""

    env_marker, git_user, max_comment = "TF_BUILD", "build", 100_000

    @property
    def server_url(self) -> str:
        """The organisation."""
        return self.env["SYSTEM_COLLECTIONURI"]

    @property
    def run_url(self) -> str:
        """This run's page."""
        return f"{self._project}/_build/results?buildId={self.env['BUILD_BUILDID']}"

    @property
    def target_branch(self) -> str | None:
        """The pull request's target branch."""
        return self.env.get("SYSTEM_PULLREQUEST_TARGETBRANCH", "").removeprefix("refs/heads/") or None

    @property
    def branch(self) -> str:
        """The branch's full name; BUILD_SOURCEBRANCHNAME is only its last part."""
        return self.env["BUILD_SOURCEBRANCH"].removeprefix("refs/heads/")

    @cached_property
    def api(self) -> Any:
        """The API of the team project."""
        from .rest import RestClient  # imports requests, which git_env() does not need

        api = RestClient(f"{self._project}/_apis", Authorization=f"Bearer {self.token}")
        api.session.params = {"api-version": API_VERSION}
        return api

    def comment(self, marker: str, text: str) -> str | None:
        """A comment is the first one of a thread."""
        number = self.env.get("SYSTEM_PULLREQUEST_PULLREQUESTID")
        if not number:
            return None
        path = f"{self._repository}/pullRequests/{number}/threads"
        comments = [
            (thread["id"], each) for thread in self.api("GET", path)["value"] for each in thread.get("comments", [])
        ]
        own = [(thread, each["id"]) for thread, each in comments if (each.get("content") or "").startswith(marker)]
        if own:
            self.api("PATCH", f"{path}/{own[0][0]}/comments/{own[0][1]}", {"content": text})
        else:
            first = {"parentCommentId": 0, "commentType": "text", "content": text}
            self.api(
                "POST", path, {"comments": [first], "status": "closed"}
            )  # an open thread may block the pull request
        return self._pull_request_url(int(number))

    def open_pull_request(self, branch: str, base: str, title: str, text: str, draft: bool) -> str:
        """A description is short: the full text is in the run's artifacts."""
        path, ends = f"{self._repository}/pullrequests", (f"refs/heads/{branch}", f"refs/heads/{base}")
        existing = self._open(branch, base)
        content: Any = {"title": title, "description": cut(text, MAX_DESCRIPTION)}
        if existing:
            response = self.api("PATCH", f"{path}/{existing[0]['pullRequestId']}", content)
        else:
            content |= {"sourceRefName": ends[0], "targetRefName": ends[1], "isDraft": draft}
            response = self.api("POST", path, content)
        return self._pull_request_url(response["pullRequestId"])

    def is_proposed(self, branch: str, base: str) -> bool:
        """By its source."""
        return bool(self._open(branch, base))

    def _open(self, branch: str, base: str) -> Any:
        criteria = {"sourceRefName": f"refs/heads/{branch}", "targetRefName": f"refs/heads/{base}", "status": "active"}
        query = {f"searchCriteria.{name}": value for name, value in criteria.items()}
        return self.api("GET", f"{self._repository}/pullrequests", **query)["value"]

    def pull_request(self, branch: str) -> PullRequest | None:
        """The platform lists the newest first."""
        query = {"searchCriteria.sourceRefName": f"refs/heads/{branch}", "searchCriteria.status": "all", "$top": 1}
        for each in self.api("GET", f"{self._repository}/pullrequests", **query)["value"]:
            state: Any = STATES[each["status"]]
            ends = each["lastMergeSourceCommit"]["commitId"], self._pull_request_url(each["pullRequestId"])
            return PullRequest(each["pullRequestId"], state, each["title"], bool(each.get("isDraft")), *ends)
        return None

    def checks(self, request: PullRequest) -> Checks:
        """The last build of each pipeline that was for the commit; builds are of a merge of it with the target branch."""
        query = {"branchName": f"refs/pull/{request.number}/merge", "queryOrder": "queueTimeDescending"}
        newest: dict[int, Checks] = {}
        for each in self.api("GET", "build/builds", **query)["value"]:
            if any(request.commit in str(each.get(name)) for name in ("triggerInfo", "parameters", "sourceVersion")):
                newest.setdefault(each["definition"]["id"], _result(each))
        return combined(newest.values())

    def open_issue(self, marker: str, title: str, text: str, only_update: bool = False) -> str | None:
        """A work item of the type Issue, or FACTORY_WORK_ITEM, found by its title."""
        kind = self.env.get("FACTORY_WORK_ITEM") or "Issue"
        quoted = title.replace("'", "''")
        query = (
            f"SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.Title] = '{quoted}'"
        )
        query += " AND [System.State] NOT IN ('Done', 'Closed', 'Resolved', 'Removed')"
        existing = self.api("POST", "wit/wiql", {"query": query})["workItems"]
        if only_update and not existing:
            return None
        fields = {"System.Title": title, "System.Description": text}
        patch = [{"op": "add", "path": f"/fields/{name}", "value": value} for name, value in fields.items()]
        patch.append({"op": "add", "path": "/multilineFieldsFormat/System.Description", "value": "markdown"})
        response = self.api(
            "PATCH" if existing else "POST", f"wit/workitems/{existing[0]['id'] if existing else f'${kind}'}", patch
        )
        return f"{self._project}/_workitems/edit/{response['id']}"

    def start_retraining(self) -> None:
        """Queue the pipeline of the file, which people call what they like."""
        query = {
            "repositoryId": self.env["BUILD_REPOSITORY_ID"],
            "repositoryType": "TfsGit",
            "includeAllProperties": "true",
        }
        listed = self.api("GET", "build/definitions", **query)["value"]
        found = [each for each in listed if each["process"].get("yamlFilename", "").lstrip("/") == RETRAIN]
        if not found:
            raise FactoryError(f"no pipeline has been created from {RETRAIN}: create it in Azure DevOps")
        content = {"definition": {"id": found[0]["id"]}, "sourceBranch": f"refs/heads/{self.branch}"}
        self.api("POST", "build/builds", content)

    def reviews(self, commit: str) -> list[Review]:
        """Votes in force that are newer than the last push."""
        queries = [{"type": kind, "items": [commit]} for kind in ("commit", "lastMergeCommit")]
        results = self.api("POST", f"{self._repository}/pullrequestquery", {"queries": queries})["results"]
        numbers = {each["pullRequestId"] for found in results for listed in found.values() for each in listed}
        requests = [self.api("GET", f"{self._repository}/pullrequests/{number}") for number in sorted(numbers)]
        main = self.api("GET", self._repository)["defaultBranch"]
        to_main = [each for each in requests if (each["status"], each["targetRefName"]) == ("completed", main)]
        return [review for request in to_main for review in self._votes(request)]

    def _votes(self, request: Any) -> Iterator[Review]:
        """Only threads by the system have the time of a vote."""
        number, pushes = request["pullRequestId"], self._pushes(request)
        if not any(commit == request["lastMergeSourceCommit"]["commitId"] for commit, _, _ in pushes):
            return
        people = [each for each in request["reviewers"] if not (each.get("isContainer") or _is_service(each))]
        involved = {request["createdBy"]["id"], *(who for _, who, _ in pushes)}
        in_force = {each["id"]: each for each in people if each["vote"] >= APPROVED and each["id"] not in involved}
        threads = self.api("GET", f"{self._repository}/pullRequests/{number}/threads")["value"]
        newest = {_voter(each): each for each in sorted(threads, key=lambda thread: int(thread["id"]))}
        for who, thread in newest.items():
            at = thread["publishedDate"]
            if who in in_force and datetime.fromisoformat(at) > max(pushed for _, _, pushed in pushes):
                url = f"{self._pull_request_url(number)}?discussionId={thread['id']}"
                yield Review(str(thread["id"]), in_force[who]["uniqueName"], at, url)

    def _pushes(self, request: Any) -> list[tuple[str, str, datetime]]:
        """The last commit of each push to the pull request, the id of who pushed, and when."""
        if request.get("forkSource"):
            return []
        commits = self.api("GET", f"{self._repository}/pullRequests/{request['pullRequestId']}/commits")["value"]
        known = {request["lastMergeSourceCommit"]["commitId"], *(each["commitId"] for each in commits)}
        criteria = {"refName": request["sourceRefName"], "includeRefUpdates": "true"}
        query = {f"searchCriteria.{name}": value for name, value in criteria.items()} | {"$top": MAX_PUSHES}
        pushes = self.api("GET", f"{self._repository}/pushes", **query)["value"]
        return [
            (update["newObjectId"], each["pushedBy"]["id"], datetime.fromisoformat(each["date"]))
            for each in pushes
            for update in each["refUpdates"]
            if update["newObjectId"] in known
        ]

    def unprotected(self, branch: str, tag: str) -> Iterator[tuple[str, str]]:
        """By branch policies; what they hinder cannot be pushed. The rights on tags are in no API that says them."""
        repository = self.api("GET", self._repository)["id"]
        policies = [
            each
            for each in self.api("GET", "policy/configurations")["value"]
            if each["isEnabled"] and each["isBlocking"]
        ]
        kinds = {each["type"]["id"] for each in policies if _concerns(each["settings"]["scope"], repository, branch)}
        yield from (problem for kind, problem in POLICIES.items() if kind not in kinds)
        if not kinds & POLICIES.keys():
            yield PUSHED
        yield (
            "tags",
            f"see in the repository's settings that nobody may force push or delete refs/tags/{tag.rpartition('/')[0]}",
        )

    def approvers(self, environment: str) -> set[str]:
        """People and groups of the environment's checks."""
        found = self.api("GET", "distributedtask/environments", name=environment)["value"]
        checks = []
        for each in found:
            query = {"resourceType": "environment", "resourceId": each["id"], "$expand": "settings"}
            version = {"api-version": f"{API_VERSION}-preview.1"}
            checks += self.api("GET", "pipelines/checks/configurations", **query, **version)["value"]
        given = [approver for check in checks for approver in (check.get("settings") or {}).get("approvers", ())]
        return {each["displayName"] for each in given}

    def set_output(self, name: str, value: str) -> None:
        """An output variable of the step."""
        log = getattr(sys.stdout, "stream", sys.stdout)  # past cli/log.py, which lets no command through
        print(f"##vso[task.setvariable variable={name};isOutput=true]{' '.join(value.split())}", file=log)

    @property
    def _project(self) -> str:
        return f"{self.server_url.rstrip('/')}/{self.env['SYSTEM_TEAMPROJECTID']}"

    @property
    def _repository(self) -> str:
        return f"git/repositories/{self.env['BUILD_REPOSITORY_ID']}"

    def _pull_request_url(self, number: int) -> str:
        return f"{self.env['BUILD_REPOSITORY_URI']}/pullrequest/{number}"


def _concerns(scopes: Any, repository: str, branch: str) -> bool:
    """Whether one of a policy's scopes is the branch."""
    here = [each for each in scopes if each.get("repositoryId") in (repository, None)]
    ref = f"refs/heads/{branch}"
    return any(
        each.get("matchKind") == "DefaultBranch"
        or (ref.startswith(each["refName"]) if each.get("matchKind") == "Prefix" else each.get("refName") == ref)
        for each in here
    )


def _is_service(identity: Any) -> bool:
    return str(identity["uniqueName"]).startswith("Build\\")


def _result(build: Any) -> Checks:
    if build["status"] != "completed":
        return "pending"
    return "green" if build["result"] in ("succeeded", "partiallySucceeded") else "red"  # which is with warnings


def _voter(thread: Any) -> str | None:
    """The id of who voted, if the thread is of a vote."""
    properties = {name: each.get("$value") for name, each in (thread.get("properties") or {}).items()}
    if properties.get("CodeReviewThreadType") != "VoteUpdate":
        return None
    return str(thread["identities"][properties["CodeReviewVotedByIdentity"]]["id"])
