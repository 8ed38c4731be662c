"""Azure DevOps, with its code in Azure Repos."""

from functools import cached_property
from typing import Any

from .base import Platform

API_VERSION = "7.1"
MAX_DESCRIPTION = 4000  # characters


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
        criteria = {"sourceRefName": ends[0], "targetRefName": ends[1], "status": "active"}
        query = {f"searchCriteria.{name}": value for name, value in criteria.items()}
        existing = self.api("GET", path, **query)["value"]
        content: Any = {"title": title, "description": text[:MAX_DESCRIPTION]}
        if existing:
            response = self.api("PATCH", f"{path}/{existing[0]['pullRequestId']}", content)
        else:
            content |= {"sourceRefName": ends[0], "targetRefName": ends[1], "isDraft": draft}
            response = self.api("POST", path, content)
        return self._pull_request_url(response["pullRequestId"])

    def open_issue(self, marker: str, title: str, text: str) -> str:
        """A work item of the type Issue, or FACTORY_WORK_ITEM, found by its title."""
        kind = self.env.get("FACTORY_WORK_ITEM") or "Issue"
        quoted = title.replace("'", "''")
        query = (
            f"SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.Title] = '{quoted}'"
        )
        query += " AND [System.State] NOT IN ('Done', 'Closed', 'Resolved', 'Removed')"
        existing = self.api("POST", "wit/wiql", {"query": query})["workItems"]
        fields = {"System.Title": title, "System.Description": text}
        patch = [{"op": "add", "path": f"/fields/{name}", "value": value} for name, value in fields.items()]
        patch.append({"op": "add", "path": "/multilineFieldsFormat/System.Description", "value": "markdown"})
        response = self.api(
            "PATCH" if existing else "POST", f"wit/workitems/{existing[0]['id'] if existing else f'${kind}'}", patch
        )
        return f"{self._project}/_workitems/edit/{response['id']}"

    def set_output(self, name: str, value: str) -> None:
        """An output variable of the step."""
        print(f"##vso[task.setvariable variable={name};isOutput=true]{value}")

    @property
    def _project(self) -> str:
        return f"{self.server_url.rstrip('/')}/{self.env['SYSTEM_TEAMPROJECTID']}"

    @property
    def _repository(self) -> str:
        return f"git/repositories/{self.env['BUILD_REPOSITORY_ID']}"

    def _pull_request_url(self, number: int) -> str:
        return f"{self.env['BUILD_REPOSITORY_URI']}/pullrequest/{number}"
