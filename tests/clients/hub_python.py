"""Drives examples/hub with the Python library `websockets`.

    ADDR=127.0.0.1:8000 PROGRAM=<the hub> python hub_python.py

The last rows start other hubs, with settings of their own. Exit code 1 when a row failed.
"""

import asyncio
import contextlib
import json
import os
import sys
import urllib.request

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tools import ADDR, ROWS, dial, row, run_all, same


async def receive(ws, kind):
    message = json.loads(await ws.recv())
    same(sorted(message), ["content", "data", "from", "id", "timestamp", "type"])
    same(message["type"], kind)
    return message


@contextlib.asynccontextmanager
async def guest(name, user_id):
    async with dial(f"/ws?username={name}&userId={user_id}") as ws:
        await receive(ws, "user_list")
        await receive(ws, "system")
        yield ws


@row("/ws", "everyone hears of who comes, what is said and who goes")
async def _():
    async with guest("Ann", "1") as ann:
        async with guest("Bob", "2") as bob:
            same((await receive(ann, "user_joined"))["data"], {"username": "Bob", "userId": "2"})
            for kind in ["chat", "notification"]:
                await bob.send(json.dumps({"type": kind, "content": "Hola 🐟", "timestamp": 1699363200000}))
                for ws in [ann, bob]:
                    message = await receive(ws, kind)
                    same((message["content"], message["from"], message["data"]), ("Hola 🐟", "Bob", None))
            await bob.send('{"type": "heartbeat"}')
            await receive(bob, "heartbeat")
        same((await receive(ann, "user_left"))["data"], {"username": "Bob", "userId": "2"})


@row("/ws", "what is no message gets an error, and the socket stays open")
async def _():
    async with guest("Ann", "1") as ws:
        deep = "[" * 10_000 + "]" * 10_000
        for message in ["", "{", "\0" * 65536, deep, "1e400", '{"type":"chat","content":"x","more":' + deep + "}", b"{}",
                        '{"type":"chat","type":"chat","content":"x"}', '{"type":"chat","content":1}', '{"type":"none"}']:
            await ws.send(message)
            await receive(ws, "error")
        await ws.send('{"type":"chat","content":"fine"}')
        same((await receive(ws, "chat"))["content"], "fine")


@row("/ws/stats", "has exactly its five numbers")
async def _():
    def stats():
        with urllib.request.urlopen(f"http://{ADDR}/ws/stats") as answer:
            return json.load(answer)

    async with guest("Ann", "1"), guest("Ann", "1"):
        numbers = await asyncio.to_thread(stats)
        same(sorted(numbers), ["active_users", "current_connections", "messages_received", "messages_sent", "total_connections"])
        same(numbers["current_connections"] >= 2 and numbers["active_users"] >= 1, True)
        same(all(type(number) is int for number in numbers.values()), True)


@contextlib.asynccontextmanager
async def hub(**environment):
    """Another hub, with these variables; gives its address, and in the end the lines that it has logged."""
    environment = {**os.environ, "SOCKEYE_ADDR": "127.0.0.1:0", "NO_COLOR": "1", **environment}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(os.environ["PROGRAM"], env=environment, stdout=pipe, stderr=pipe)
    logged = []
    try:
        line = (await process.stdout.readline()).decode().strip()
        same(line.startswith("listening on http://"), True)
        yield line.removeprefix("listening on http://"), logged
    finally:
        process.terminate()
        _, stderr = await process.communicate()
        logged.extend(stderr.decode().splitlines())
        same(process.returncode, 0)


async def refused(status, url, **options):
    try:
        async with connect(url, proxy=None, **options):
            raise AssertionError(f"expected HTTP {status}, got a socket")
    except InvalidStatus as refusal:
        same(refusal.response.status_code, status)


@row("HUB_TOKEN", "a missing or wrong token is refused with 401")
async def _():
    async with hub(HUB_TOKEN="s3cret") as (addr, _):
        for query in ["", "?token=", "?token=wrong"]:
            await refused(401, f"ws://{addr}/ws{query}")
        async with connect(f"ws://{addr}/ws?token=s3cret", proxy=None) as ws:
            await receive(ws, "user_list")


@row("HUB_ORIGINS", "pages of other origins are refused with 403")
async def _():
    async with hub(HUB_ORIGINS="https://a.example, https://b.example") as (addr, _):
        await refused(403, f"ws://{addr}/ws", origin="https://c.example")
        for origin in ["https://a.example", "https://b.example", f"http://{addr}", None]:
            async with connect(f"ws://{addr}/ws", proxy=None, origin=origin) as ws:
                await receive(ws, "user_list")


@row("the log", "says who comes, who goes, what fails, and how many there are")
async def _():
    async with hub() as (addr, logged):
        async with connect(f"ws://{addr}/ws?username=Ann%0ABob&userId=user_1", proxy=None) as ws:
            await receive(ws, "user_list")
            await receive(ws, "system")
            await ws.send("payload")
            await receive(ws, "error")
        async with connect(f"ws://{addr}/ws?username=Eve&userId=user_2&token=t0ken", proxy=None) as ws:
            await receive(ws, "user_list")
            ws.transport.abort()
        await asyncio.sleep(0.5)
    said = [line.split(": ", 1)[1] for line in logged if "client " in line]
    same(said, [
        "client connected: Ann\ufffdBob (user_1) - total: 1",
        "client error: Ann\ufffdBob (user_1) - total: 1: a message was refused",
        "client disconnected: Ann\ufffdBob (user_1) - total: 0",
        "client connected: Eve (user_2) - total: 1",
        "client error: Eve (user_2) - total: 1: gone without a close code",
        "client disconnected: Eve (user_2) - total: 0",
    ])
    same(any("payload" in line or "t0ken" in line for line in logged), False)


sys.exit(0 if asyncio.run(run_all(ROWS)) else 1)
