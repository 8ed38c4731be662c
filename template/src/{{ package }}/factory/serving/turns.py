"""Workers for those who wait: callers take turns, and none of them holds all workers."""

import asyncio
from collections import Counter, deque
from typing import Generic, TypeVar

from .auth import UNNAMED

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """Free items, and the requests that wait for one; a caller holds at most so many."""

    def __init__(self, most: int) -> None:
        self.free: list[Item] = []  # the one that was used last is at the end
        self._waiting: dict[str, deque[asyncio.Future[Item]]] = {}  # the caller whose turn is next comes first
        self._held = Counter[str]()
        self._most = most

    @property
    def waiting(self) -> bool:
        """Whether any request waits."""
        return bool(self._waiting)

    def put(self, item: Item) -> None:
        """The item is free from now on."""
        self.free.append(item)
        self._give()

    def join(self, caller: str) -> asyncio.Future[Item]:
        """What will be an item for a request of the caller, until `leave`."""
        turn: asyncio.Future[Item] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        self._give()
        return turn

    def leave(self, caller: str, turn: asyncio.Future[Item]) -> Item | None:
        """End the request's turn, or its waiting: the item that it held."""
        if not turn.done():
            self._waiting[caller].remove(turn)
            self._forget(caller)
            return None
        self._held[caller] -= 1
        if not self._held[caller]:
            del self._held[caller]
        self._give()  # the caller may have waited for itself
        return turn.result()

    def _give(self) -> None:
        while self.free and (caller := self._next()) is not None:
            turn = self._waiting[caller].popleft()
            self._waiting[caller] = self._waiting.pop(caller)  # behind the others
            self._forget(caller)
            self._held[caller] += 1
            turn.set_result(self.free.pop())

    def _next(self) -> str | None:
        """Nobody knows how many callers are behind requests without a name."""
        return next((name for name in self._waiting if name == UNNAMED or self._held[name] < self._most), None)

    def _forget(self, caller: str) -> None:
        if not self._waiting[caller]:
            del self._waiting[caller]
