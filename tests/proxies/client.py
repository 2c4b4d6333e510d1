"""Goes through a proxy to tests/programs/events.rs, with the Python library `websockets`.

    ADDR=127.0.0.1:80 python client.py nginx|apache|unasked|hidden|foreign

What the proxy's configuration is like: as the book has it; it drops the headers of the handshake; it hides one of the
answer's; it hides the host. Exit code 1 when a row failed.
"""

import asyncio
import os
import sys
import time
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "clients"))

from tools import ADDR, dial, refused_with, run_all, same  # noqa: E402
from websockets.exceptions import InvalidHandshake, InvalidStatus  # noqa: E402

OWN = f"http://{ADDR}"


async def echoes():
    async with dial("/echo", origin=OWN) as ws:
        for message in ["", "é 🐟", "x" * 1_000_000, os.urandom(1_000_000), b""]:
            await ws.send(message)
            same(await ws.recv(), message)
        await (await ws.ping(b"through the proxy"))
        await ws.close(4001)
        same(ws.close_code, 4001)


async def other_origins():
    for origin in ["http://elsewhere.example", "http://127.0.0.1:1"]:
        await refused_with(403, "/echo", origin=origin)


async def many():
    sockets = [await dial("/echo") for _ in range(20)]
    for number, ws in enumerate(sockets):
        await ws.send(str(number))
    for number, ws in enumerate(sockets):
        same(await ws.recv(), str(number))
        await ws.close()


async def get(path):
    """The head and the first bytes of an answer, and the connection to read more of."""
    host, port = ADDR.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {ADDR}\r\n\r\n".encode())
    return await reader.readuntil(b"\r\n\r\n"), reader, writer


async def count():
    request = urllib.request.Request(f"{OWN}/open/count")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return int(await asyncio.to_thread(lambda: opener.open(request, timeout=5).read()))


async def opened(number):
    """Waits until so many streams are open: long before the 15 s after which the server would send something."""
    end = time.monotonic() + 5
    while (got := await count()) != number:
        if time.monotonic() > end:
            raise AssertionError(f"expected {number} open streams, got {got}")
        await asyncio.sleep(0.05)


async def streams():
    head, reader, writer = await get("/texts")
    same(b"text/event-stream" in head, True)
    body = b""
    while b"event: last" not in body:
        more = await reader.read(65536)
        same(more != b"", True)
        body += more
    same(b"data: two\ndata: lines\n\n" in body, True)
    writer.close()


async def unbuffered(path="/open"):
    _, reader, writer = await get(path)
    same(b":\n\n" in await asyncio.wait_for(reader.read(100), 5), True)
    await opened(1)
    writer.close()
    await opened(0)


async def lively():
    await unbuffered("/open?every=200")


async def unasked():
    try:
        async with dial("/echo"):
            raise AssertionError("expected HTTP 426, got a socket")
    except InvalidStatus as refusal:
        same(refusal.response.status_code, 426)
        text = refusal.response.body.decode()
        for words in ["The request lacks: `Upgrade: websocket`", "proxy_set_header Upgrade", "upgrade=websocket"]:
            same(words in text, True)


async def hidden():
    try:
        async with dial("/echo"):
            raise AssertionError("expected a failed handshake, got a socket")
    except InvalidHandshake as failure:
        same("Upgrade" in str(failure), True)


async def foreign():
    await refused_with(403, "/echo", origin=OWN)
    async with dial("/echo") as ws:
        await ws.send("no page, no origin")
        same(await ws.recv(), "no page, no origin")


SOCKETS = [
    ("sockets", "messages of all kinds and sizes come back, pings and close codes get through", echoes),
    ("sockets", "pages of other origins are refused with 403", other_origins),
    ("sockets", "twenty at once", many),
]
EVENTS = [
    ("events", "a stream arrives whole", streams),
    ("events", "a stream opens at once, and its end is noticed with the next comments", lively),
]
ROWS = {
    "nginx": [*SOCKETS, *EVENTS, ("events", "the end of a silent stream is noticed at once", unbuffered)],
    # It looks after its client only when it has something to send.
    "apache": [*SOCKETS, *EVENTS],
    "unasked": [("sockets", "the server answers 426 and names the headers", unasked), *EVENTS],
    "hidden": [("sockets", "the client misses the header `Upgrade`", hidden)],
    "foreign": [("sockets", "every page is refused with 403, other clients are let in", foreign)],
}

sys.exit(0 if asyncio.run(run_all(ROWS[sys.argv[1]])) else 1)
