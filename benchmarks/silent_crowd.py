"""Connections that ask nothing: `silent_crowd.py ADDRESS SILENT SLOW`, until standard input closes.

SILENT connections send nothing at all, SLOW ones a head that never ends, a line each second. One that the service ends
is opened again after a while, each after another one: they come evenly, some four hundred a second.
"""

import asyncio
import random
import sys
from contextlib import suppress

AGAIN_AFTER_S = (5.0, 25.0)
LINE_EVERY_S = 1.0
OPENED_AT_ONCE = 100
_chance = random.Random(20260301)  # noqa: S311  the same crowd every time


async def _keep_open(
    host: str, port: int, room: asyncio.Semaphore, opened: "asyncio.Queue[None]", *, slow: bool
) -> None:
    while True:
        with suppress(OSError):
            async with room:
                reader, writer = await asyncio.open_connection(host, port)
            opened.put_nowait(None)
            try:
                await (_dribble(writer) if slow else reader.read())
            finally:
                writer.close()
        await asyncio.sleep(_chance.uniform(*AGAIN_AFTER_S))


async def _dribble(writer: asyncio.StreamWriter) -> None:
    writer.write(b"POST / HTTP/1.1\r\nhost: localhost\r\n")
    while True:
        await writer.drain()
        await asyncio.sleep(LINE_EVERY_S)
        writer.write(b"x-more: of it\r\n")


async def main(address: str, silent: int, slow: int) -> None:
    """Say `ready` when all of them have been opened once."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    room, opened = asyncio.Semaphore(OPENED_AT_ONCE), asyncio.Queue[None]()
    tasks = [
        asyncio.ensure_future(_keep_open(host, int(port), room, opened, slow=number < slow))
        for number in range(silent + slow)
    ]
    for _ in tasks:
        await opened.get()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
