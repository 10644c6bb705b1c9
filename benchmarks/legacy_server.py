"""Two legacy systems that check passwords: one says yes at once, under /prompt, the other never answers, under /silent.

It prints its address and ends when its standard input closes. It answers as Ory Kratos' migration hook is answered:
https://www.ory.com/docs/kratos/manage-identities/import-user-accounts-identities
"""

import asyncio
import sys

_BODY = b'{"status":"password_match"}'
_YES = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


async def _serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await reader.readexactly(int(lengths[0].partition(b":")[2]) if lengths else 0)
            if b" /prompt" in head.partition(b"\r\n")[0]:
                writer.write(_YES)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Until standard input closes."""
    server = await asyncio.start_server(_serve_one, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(main())
