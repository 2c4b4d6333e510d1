"""Drives examples/tour with the Python library `websockets`.

    ADDR=127.0.0.1:8000 STDOUT=<file with what the tour prints> python tour_python.py

With SERVER_PID set it sends the tour SIGTERM instead, and looks at how the tour says goodbye to open sockets.
Exit code 1 when a row failed.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import struct
import sys
from pathlib import Path

from tools import ADDR, ROWS, SCHEME, closes_with, dial, refused_with, row, run_all, same, same_json

MIB = 1024 * 1024


def goodbyes():
    lines = Path(os.environ["STDOUT"]).read_text(encoding="utf-8").splitlines()
    return lines.count("Client disconnected")


async def more_goodbyes(before, count):
    """Waits until the tour printed its line `count` times more, then gives a second line the time to show up."""
    while goodbyes() < before + count:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    same(goodbyes() - before, count)


# ---------------------------------------------------------------- /ws


@row("/ws", "text comes back as `Echo: …`")
async def _():
    async with dial("/ws") as ws:
        for text in ["Hello!", "", "¡Adiós! 日本 🐟", "two\nlines\0"]:
            await ws.send(text)
            same(await ws.recv(), f"Echo: {text}")


@row("/ws", "a binary message ends it with 1003")
async def _():
    async with dial("/ws") as ws:
        await ws.send(b"\x00\x01")
        await closes_with(ws, 1003)


# ---------------------------------------------------------------- /ws/<room_id>


@row("/ws/<room_id>", "welcomes, then tags every text")
async def _():
    async with dial("/ws/lobby") as ws:
        same(await ws.recv(), "Welcome to room: lobby")
        for text in ["one", "two", ""]:
            await ws.send(text)
            same(await ws.recv(), f"[lobby] {text}")


@row("/ws/<room_id>", "the name is percent-decoded, an encoded slash stays in it")
async def _():
    names = {
        "caf%C3%A9": "café",
        "a%2Fb": "a/b",
        "a%20b": "a b",
        "a+b": "a+b",
        "100%25": "100%",
        "%E6%97%A5%F0%9F%90%9F": "日🐟",
        "jsonx": "jsonx",
    }
    for path, name in names.items():
        async with dial(f"/ws/{path}") as ws:
            same(await ws.recv(), f"Welcome to room: {name}")
            await ws.send("hi")
            same(await ws.recv(), f"[{name}] hi")


@row("/ws/<room_id>", "a name that is not UTF-8 is refused with 400")
async def _():
    await refused_with(400, "/ws/%FF")


# ---------------------------------------------------------------- /ws/ops


@row("/ws/ops", "text, JSON, bytes in; text, JSON, bytes out, in order; then 1000")
async def _():
    async with dial("/ws/ops") as ws:
        await ws.send("some text")
        await ws.send('{"some": "json"}')
        await ws.send(b"some bytes")
        same(await ws.recv(), "Hello")
        await same_json(ws, {"message": "Hello"})
        same(await ws.recv(), b"binary data")
        await closes_with(ws, 1000)


# ---------------------------------------------------------------- /ws/token


@row("/ws/token", "without a token: an error, then 1000")
async def _():
    for path in ["/ws/token", "/ws/token?other=1", "/ws/token?token="]:
        async with dial(path) as ws:
            await same_json(ws, {"error": "No token"})
            await closes_with(ws, 1000)


@row("/ws/token", "with a token: authenticated")
async def _():
    for path in ["/ws/token?token=abc123", "/ws/token?other=1&token=%C3%A9"]:
        async with dial(path) as ws:
            await same_json(ws, {"authenticated": True})


# ---------------------------------------------------------------- /ws/json


@row("/ws/json", "answers with what came, and its message")
async def _():
    async with dial("/ws/json") as ws:
        for data, echo in [
            ({"message": "Hello"}, "Hello"),
            ({"message": "日本 🐟 \"quoted\""}, "日本 🐟 \"quoted\""),
            ({"other": [1, 2.5, None, {"deep": True}]}, ""),
            ({}, ""),
            ([1, 2, 3], ""),
            ("just text", ""),
        ]:
            await ws.send(json.dumps(data))
            await same_json(ws, {"received": data, "processed": True, "echo": echo})


@row("/ws/json", "text that is not JSON ends it with 1007 and a reason that says where")
async def _():
    for text in ["not json", '{"message": ', '{"message": "a",}', ""]:
        async with dial("/ws/json") as ws:
            await ws.send(text)
            reason = await closes_with(ws, 1007)
            if not re.search(r"\d", reason):
                raise AssertionError(f"the reason names no place: {reason!r}")


@row("/ws/json", "is never a room")
async def _():
    async with dial("/ws/json") as ws:
        await ws.send("{}")
        await same_json(ws, {"received": {}, "processed": True, "echo": ""})


# ---------------------------------------------------------------- /ws/secure, /ws/strict


@row("/ws/secure", "any other token is closed with 4001")
async def _():
    for path in ["/ws/secure", "/ws/secure?token=", "/ws/secure?token=wrong"]:
        async with dial(path) as ws:
            await closes_with(ws, 4001)


@row("/ws/secure", "the token is let in")
async def _():
    async with dial("/ws/secure?token=secret-token") as ws:
        same(await ws.recv(), "Authenticated!")


@row("/ws/strict", "any other token is refused with 401 before the upgrade")
async def _():
    for path in ["/ws/strict", "/ws/strict?token=", "/ws/strict?token=wrong"]:
        await refused_with(401, path)


@row("/ws/strict", "the token is let in")
async def _():
    async with dial("/ws/strict?token=secret-token"):
        pass


# ---------------------------------------------------------------- /ws/disconnect


def reset(ws):
    # A zero linger time makes close() send RST.
    ws.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ws.transport.abort()


def cut_inside_a_frame(ws):
    ws.transport.write(b"\x81\xfe\x01")
    ws.transport.close()


WAYS_TO_GO = {
    "a close frame": lambda ws: ws.close(),
    "FIN without a close frame": lambda ws: ws.transport.abort(),
    "RST": reset,
    "FIN inside a frame": cut_inside_a_frame,
}


def leaves_by(how, go):
    @row("/ws/disconnect", f"says so once after {how}")
    async def _():
        before = goodbyes()
        async with dial("/ws/disconnect") as ws:
            await ws.send("still here")
            same(await ws.recv(), "Got: still here")
            same(goodbyes(), before)
            going = go(ws)
            if going is not None:
                await going
            await more_goodbyes(before, 1)


for how, go in WAYS_TO_GO.items():
    leaves_by(how, go)


@row("/ws/disconnect", "says so once after RST from a client that has stopped reading")
async def _():
    before = goodbyes()
    # Compressed, the answers would fit into the buffers on the way, and nobody would have to wait.
    async with dial("/ws/disconnect", compression=None) as ws:

        async def send_for_ever():
            while True:
                await ws.send("x" * 100_000)

        # The library reads a few answers ahead and then no more; from then on the tour waits in its own send.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(send_for_ever(), 2)
        same(goodbyes(), before)
        reset(ws)
        await more_goodbyes(before, 1)


@row("/ws/disconnect", "says so once for each of 20 that go at once")
async def _():
    before = goodbyes()
    sockets = [await dial("/ws/disconnect") for _ in range(20)]
    for ws in sockets:
        await ws.send("x")
        same(await ws.recv(), "Got: x")
    for number, ws in enumerate(sockets):
        if number % 2:
            reset(ws)
        else:
            await ws.close()
    await more_goodbyes(before, 20)


# ---------------------------------------------------------------- /chat/<room>


async def join(room, name, others=()):
    """Joins, and waits until everyone in the room has seen it: the own text is back only once we are in."""
    ws = await dial(f"/chat/{room}")
    await ws.send(name)
    await all_get([ws, *others], f"[{room}] {name}")
    return ws


async def all_get(members, text):
    for member in members:
        same(await member.recv(), text)


@row("/chat/<room>", "everyone in the room gets each text, the sender too, in order")
async def _():
    ann = await join("red", "ann")
    bob = await join("red", "bob", [ann])
    cy = await join("red", "cy", [ann, bob])
    for number in range(50):
        await ann.send(f"text {number}")
    for number in range(50):
        await all_get([ann, bob, cy], f"[red] text {number}")
    await ann.close()
    await bob.send("ann left")
    await all_get([bob, cy], "[red] ann left")
    reset(bob)
    await cy.send("bob vanished")
    await all_get([cy], "[red] bob vanished")
    await cy.close()


@row("/chat/<room>", "rooms do not hear each other")
async def _():
    red = await join("red", "ann")
    blue = await join("blue", "bob")
    # A text that leaks would come before the one that is expected next.
    for text in ["first", "second"]:
        await red.send(text)
        await all_get([red], f"[red] {text}")
        await blue.send(text)
        await all_get([blue], f"[blue] {text}")
    await red.close()
    await blue.close()


@row("/chat/<room>", "two spellings of one name are one room")
async def _():
    async with dial("/chat/caf%C3%A9") as upper, dial("/chat/caf%c3%a9") as lower:
        await upper.send("a")
        same(await upper.recv(), "[café] a")
        # `lower` may have joined before or after `a`: its own text is the last thing both get.
        await lower.send("b")
        same(await upper.recv(), "[café] b")
        while (text := await lower.recv()) != "[café] b":
            same(text, "[café] a")


# ---------------------------------------------------------------- /echo


@row("/echo", "text as text, binary as binary, empty ones too")
async def _():
    async with dial("/echo") as ws:
        for message in ["Hello", b"Hello", "", b"", "日本 🐟 \0 \ufeff", bytes(range(256))]:
            await ws.send(message)
            same(await ws.recv(), message)


@row("/echo", "lengths around every change of the header")
async def _():
    async with dial("/echo") as ws:
        for length in [1, 125, 126, 127, 65535, 65536, 65537]:
            for message in ["x" * length, b"x" * length]:
                await ws.send(message)
                same(await ws.recv(), message)


@row("/echo", "1 MiB, text and binary")
async def _():
    async with dial("/echo") as ws:
        for message in ["é" * (MIB // 2), os.urandom(MIB)]:
            await ws.send(message)
            same(await ws.recv(), message)


@row("/echo", "16 MiB to the byte, text and binary")
async def _():
    async with dial("/echo") as ws:
        for message in ["x" * (16 * MIB), os.urandom(16 * MIB)]:
            await ws.send(message)
            same(await ws.recv(), message)


@row("/echo", "one byte more than 16 MiB ends it with 1009")
async def _():
    async with dial("/echo") as ws:
        # In two fragments, so that nothing is left to send when the server says no.
        await ws.send([bytes(16 * MIB), b"x"])
        await closes_with(ws, 1009)


@row("/echo", "fragments come back as one message, with a ping answered in between")
async def _():
    async with dial("/echo") as ws:

        async def parts():
            yield "ca"
            await (await ws.ping(b"in between"))
            yield ""
            yield "fé "
            yield "🐟"

        await ws.send(parts())
        same(await ws.recv(), "café 🐟")
        await ws.send([b"x"] * 1000)
        same(await ws.recv(), b"x" * 1000)


@row("/echo", "a thousand messages in flight come back in order")
async def _():
    async with dial("/echo") as ws:
        messages = [f"text {n}" if n % 3 else bytes([n % 256]) * n for n in range(1000)]

        async def send():
            for message in messages:
                await ws.send(message)

        sending = asyncio.create_task(send())
        for message in messages:
            same(await ws.recv(), message)
        await sending


@row("/echo", "pings are answered with their payload")
async def _():
    async with dial("/echo") as ws:
        for payload in [b"", b"x", b"y" * 125]:
            await (await ws.ping(payload))
        await ws.send("still fine")
        same(await ws.recv(), "still fine")


@row("/echo", "our close code comes back")
async def _():
    for code in [1000, 1001, 3000, 4321]:
        async with dial("/echo") as ws:
            await ws.close(code, "bye")
            same(ws.close_code, code)


# ---------------------------------------------------------------- /api/v1/notifications, origins


@row("/api/v1/notifications", "says that it is connected")
async def _():
    async with dial("/api/v1/notifications") as ws:
        await same_json(ws, {"type": "connected"})


@row("origins", "the own origin and none are let in, others get 403")
async def _():
    async with dial("/ws", origin=f"{SCHEME[0]}://{ADDR}") as ws:
        await ws.send("own")
        same(await ws.recv(), "Echo: own")
    for origin in ["http://elsewhere.example", "http://127.0.0.1:1", "null"]:
        await refused_with(403, "/ws", origin=origin)


# ---------------------------------------------------------------- the end of the tour


async def sigterm():
    paths = ["/echo", "/ws/ops", "/ws/lobby", "/chat/red", "/ws/disconnect"]
    sockets = [await dial(path) for path in paths]
    same(await sockets[2].recv(), "Welcome to room: lobby")
    os.kill(int(os.environ["SERVER_PID"]), signal.SIGTERM)
    for ws in sockets:
        await closes_with(ws, 1001)


# ---------------------------------------------------------------- running


rows = [("SIGTERM", "every open socket gets 1001", sigterm)] if "SERVER_PID" in os.environ else ROWS
sys.exit(0 if asyncio.run(run_all(rows)) else 1)
