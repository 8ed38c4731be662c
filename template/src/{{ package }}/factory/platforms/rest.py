"""A platform's REST API: JSON in, JSON out, errors in one line."""

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from ..errors import FactoryError
from .base import LimitError

TIMEOUT_SECONDS = 30
RETRIES = Retry(total=3, backoff_factor=1, status_forcelist=(429, 502, 503, 504), raise_on_status=False)


class RestClient:
    """Requests below one address, authenticated by a header."""

    def __init__(self, address: str, **headers: str) -> None:
        self.address = address.rstrip("/")
        self.session = requests.Session()
        self.session.headers.update(headers)
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=RETRIES))

    def __call__(self, method: str, path: str, content: Any = None, **query: Any) -> Any:
        """The platform's response. Raises FactoryError."""
        try:
            response = self._send(method, f"{self.address}/{path}", content, query)
            return response.json() if response.content else None
        except (requests.RequestException, ValueError) as error:
            raise FactoryError(f"{method} {self.address}/{path}: {error}") from error

    def pages(self, path: str, **query: Any) -> list[Any]:
        """All items of a paginated list. Raises FactoryError."""
        items, address = [], f"{self.address}/{path}"
        while address:
            try:
                response = self._send("GET", address, None, query)
                items += response.json()
            except (requests.RequestException, ValueError) as error:
                raise FactoryError(f"GET {address}: {error}") from error
            address, query = response.links.get("next", {}).get("url", ""), {}  # the link holds the query
            if address and urlsplit(address)[:2] != urlsplit(self.address)[:2]:
                raise FactoryError(
                    f"{self.address}/{path}: continues at {urlsplit(address).netloc}, which gets no token"
                )
        return items

    def _send(self, method: str, address: str, content: Any, query: dict[str, Any]) -> requests.Response:
        patch = {"Content-Type": "application/json-patch+json"} if isinstance(content, list) else None
        response = self.session.request(
            method,
            address,
            json=content,
            params=query,
            headers=patch,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,  # it would take the token to another host
        )
        if response.is_redirect:
            raise requests.HTTPError(
                f"{response.status_code}: redirects to {response.headers['Location']}: give that address"
            )
        limits = response.headers.get("X-RateLimit-Remaining") == "0" or "Retry-After" in response.headers
        if response.status_code in (403, 429) and limits:
            raise LimitError(
                f"{method} {address}: the platform's limit of requests is reached: wait, then run it again"
            )
        content_type = response.headers.get("Content-Type", "")
        # Azure DevOps responds 203 with a login page
        if not response.ok or (response.content and "json" not in content_type):
            excerpt = " ".join(response.text.split())[:300]
            raise requests.HTTPError(f"{response.status_code} {response.reason}: {excerpt}", response=response)
        return response
