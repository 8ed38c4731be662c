"""A platform's REST interface: JSON in, JSON out, failures in one line."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from ..errors import FactoryError

SECONDS = 30
AGAIN = Retry(total=3, backoff_factor=1, status_forcelist=(429, 502, 503, 504), raise_on_status=False)


class Api:
    """Calls below one address, signed in by a header."""

    def __init__(self, address: str, **headers: str) -> None:
        self.address = address.rstrip("/")
        self.session = requests.Session()
        self.session.headers.update(headers)
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=AGAIN))

    def __call__(self, method: str, path: str, content: Any = None, **query: Any) -> Any:
        """What the platform answers. Raises FactoryError."""
        try:
            answer = self._send(method, f"{self.address}/{path}", content, query)
            return answer.json() if answer.content else None
        except (requests.RequestException, ValueError) as error:
            raise FactoryError(f"{method} {self.address}/{path}: {error}") from error

    def pages(self, path: str, **query: Any) -> list[Any]:
        """Everything in a list that comes in pages, each of which links to the next. Raises FactoryError."""
        found, address = [], f"{self.address}/{path}"
        while address:
            try:
                answer = self._send("GET", address, None, query)
                found += answer.json()
            except (requests.RequestException, ValueError) as error:
                raise FactoryError(f"GET {address}: {error}") from error
            address, query = answer.links.get("next", {}).get("url", ""), {}  # the link holds the query
        return found

    def _send(self, method: str, address: str, content: Any, query: dict[str, Any]) -> requests.Response:
        patch = {"Content-Type": "application/json-patch+json"} if isinstance(content, list) else None
        answer = self.session.request(method, address, json=content, params=query, headers=patch, timeout=SECONDS)
        kind = answer.headers.get("Content-Type", "")
        if not answer.ok or (answer.content and "json" not in kind):  # Azure DevOps answers 203 and a page to sign in
            said = " ".join(answer.text.split())[:300]
            raise requests.HTTPError(f"{answer.status_code} {answer.reason}: {said}")
        return answer
