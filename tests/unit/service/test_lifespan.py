"""What goes on beside requests under any ASGI server: begun before the first, ended with the last, also without lifespan."""

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send

from idferry.service.lifespan import Living


class Story:
    """A living application that writes down what happens."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.app = Living(
            self.answer,
            begin=self.begin,
            beside=self.beside,
            end=lambda: self.happened.append("end"),
            without_lifespan=lambda: self.happened.append("no lifespan"),
        )

    async def answer(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        self.happened.append("answer")

    async def begin(self) -> None:
        self.happened.append("begin")

    async def beside(self) -> None:
        self.happened.append("beside")
        try:
            await asyncio.sleep(3600)
        finally:
            self.happened.append("beside ends")

    async def request(self) -> None:
        async def never(*_: Any) -> Any:
            raise AssertionError("nobody reads or sends here")

        await self.app({"type": "http"}, never, never)
        await asyncio.sleep(0)

    async def live(self) -> list[str]:
        messages = ["lifespan.startup", "lifespan.shutdown"]
        sent: list[str] = []

        async def receive() -> Any:
            if len(messages) == 1:
                await self.request()
                await self.request()
            return {"type": messages.pop(0)}

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await self.app({"type": "lifespan"}, receive, send)
        return sent


def test_what_goes_on_beside_begins_before_the_first_request_and_ends_with_the_server() -> None:
    story = Story()
    assert asyncio.run(story.live()) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert story.happened == ["begin", "answer", "beside", "answer", "beside ends", "end"]


def test_a_server_without_lifespan_gets_it_with_its_first_request_and_is_told_once() -> None:
    story = Story()

    async def two() -> None:
        await story.request()
        await story.request()

    asyncio.run(two())
    assert story.happened == ["no lifespan", "answer", "beside", "answer", "beside ends"]
