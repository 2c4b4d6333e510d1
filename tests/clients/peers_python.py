"""Drives examples/peers with the Python library `websockets`, and its clock with a plain HTTP client.

    ADDR=127.0.0.1:8000 python peers_python.py

Exit code 1 when a row failed.
"""

import asyncio
import contextlib
import json
import re
import sys

from tools import ADDR, ROWS, dial, row, run_all, same, same_json

PATH = "/api/ws/chat"


async def welcome(ws):
    """Takes the welcome, and gives the id in it."""
    said = json.loads(await ws.recv())
    found = re.fullmatch(r"Welcome (\S+)!", said["message"])
    same((said["user"], bool(found)), ("server", True))
    return found[1]


async def hears(ws, user, message):
    await same_json(ws, {"user": user, "message": message})


@row(PATH, "who comes and goes is told to the others, however it goes")
async def _():
    async with dial(PATH) as ada:
        await welcome(ada)
        async with dial(PATH) as bob:
            name = await welcome(bob)
            await hears(ada, "server", f"{name} joined!")
        await hears(ada, "server", f"{name} left!")
        bob = await dial(PATH)
        name = await welcome(bob)
        await hears(ada, "server", f"{name} joined!")
        bob.transport.abort()
        await hears(ada, "server", f"{name} left!")


@row(PATH, "a message comes once to everybody, a ping is answered to its sender alone")
async def _():
    async with dial(PATH) as ada, dial(PATH) as bob:
        one, other = await welcome(ada), await welcome(bob)
        await hears(ada, "server", f"{other} joined!")
        for text in ["Hola 🐟", "", "two\nlines\0", '{"type": "x"}']:
            await ada.send("a ping")
            await hears(ada, "server", "pong")
            await ada.send(text)
            await hears(ada, one, text)
            await hears(bob, one, text)


@row("/api/sse", "one message a second, and a client that comes back gets what it has missed")
async def _():
    async def events(count, last=""):
        reader, writer = await asyncio.open_connection(*ADDR.split(":"))
        writer.write(f"GET /api/sse HTTP/1.1\r\nHost: {ADDR}\r\nLast-Event-ID: {last}\r\n\r\n".encode())
        text = ""
        with contextlib.closing(writer):
            while text.count("data:") < count or not text.endswith("\n\n"):
                text += (await reader.readuntil(b"\n")).decode().replace("\r\n", "\n")
        same("content-type: text/event-stream" in text.lower(), True)
        for time in re.findall(r"data: ?(.*)\n", text):
            same(bool(re.fullmatch(r"Message @ \d\d:\d\d:\d\d", time)), True)
        return [int(id) for id in re.findall(r"id: ?(\d+)\n", text)]

    first = await events(2)
    same(first[1], first[0] + 1)
    same((await events(3, first[1] - 3))[0], first[1] - 2)


sys.exit(0 if asyncio.run(run_all(ROWS)) else 1)
