"""GitLab, on gitlab.com or self-managed."""

from functools import cached_property
from typing import Any

from .base import Platform


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
        existing = self.api("GET", "merge_requests", source_branch=branch, target_branch=base, state="opened")
        if existing:
            response = self.api("PUT", f"merge_requests/{existing[0]['iid']}", content)
        else:
            ends = {"source_branch": branch, "target_branch": base, "remove_source_branch": True}
            response = self.api("POST", "merge_requests", content | ends)
        return str(response["web_url"])

    def open_issue(self, marker: str, title: str, text: str) -> str:
        """An issue of the project."""
        listed = self.api.pages("issues", state="opened", per_page=100)
        own = [each for each in listed if (each["description"] or "").startswith(marker)]
        content: Any = {"title": title, "description": text}
        response = self.api("PUT", f"issues/{own[0]['iid']}", content) if own else self.api("POST", "issues", content)
        return str(response["web_url"])

    def registry_login(self, address: str) -> tuple[str, str] | None:
        """The job's password works for the project's own registry only."""
        own = self.env.get("CI_REGISTRY")
        if own and address.startswith(f"{own}/"):
            return self.env["CI_REGISTRY_USER"], self.env["CI_REGISTRY_PASSWORD"]
        return None
