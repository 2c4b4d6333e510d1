"""Drives examples/chat with the Python library `websockets`.

    ADDR=127.0.0.1:8000 PROGRAM=<the chat> python chat_python.py

The last rows start other chats, with settings of their own. Exit code 1 when a row failed.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tools import ADDR, ROWS, dial, refused_with, row, run_all, same


async def receive(ws, kind):
    event = json.loads(await ws.recv())
    same(event["type"], kind)
    return event.get("data", event)


async def until(ws, kind):
    while True:
        event = json.loads(await ws.recv())
        if event["type"] == kind:
            return event.get("data", event)


@contextlib.asynccontextmanager
async def guest(room, user_id, name):
    async with dial(f"/ws/{room}?user_id={user_id}&username={name}") as ws:
        await receive(ws, "connected")
        await receive(ws, "history")
        yield ws


async def say(ws, content):
    await ws.send(json.dumps({"type": "message", "content": content}))
    return (await until(ws, "message_sent"))["message_id"]


def get(addr, path):
    """Status and JSON."""
    try:
        with urllib.request.urlopen(f"http://{addr}{path}", timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@row("/ws/<room_id>", "the document's own client")
async def _():
    # As it stands there, but for the address.
    async with connect(f"ws://{ADDR}/ws/1?user_id=1&username=Juan", proxy=None) as ws:
        response = json.loads(await ws.recv())
        same(response["data"], {"room_id": "1", "active_users": [{"user_id": 1, "username": "Juan"}]})
        await receive(ws, "history")
        await ws.send(json.dumps({"type": "message", "content": "Hola mundo!"}))
        response = json.loads(await ws.recv())
        same((response["type"], sorted(response)), ("message_sent", ["message_id", "timestamp", "type"]))


@row("/ws/<room_id>", "everyone hears of who comes, what is said and who goes")
async def _():
    async with guest("py", 1, "Ann") as ann:
        async with guest("py", 2, "Bob") as bob:
            same(await receive(ann, "user_joined"), {"user_id": 2, "username": "Bob"})
            await bob.send(json.dumps({"type": "typing", "is_typing": True}))
            same(await receive(ann, "typing"), {"user_id": 2, "username": "Bob", "is_typing": True})
            await bob.send(json.dumps({"type": "message", "content": "Hola 🐟"}))
            sent, to_bob, to_ann = await receive(bob, "message_sent"), await receive(bob, "message"), await receive(ann, "message")
            same((to_ann, to_ann["id"], to_ann["created_at"]), (to_bob, sent["message_id"], sent["timestamp"]))
            same((to_ann["user_id"], to_ann["username"], to_ann["content"]), (2, "Bob", "Hola 🐟"))
            await ann.send(json.dumps({"type": "read", "message_id": sent["message_id"]}))
            same(await receive(bob, "read"), {"user_id": 1, "username": "Ann", "message_id": sent["message_id"]})
            await bob.send('{"type": "ping"}')
            same(json.loads(await bob.recv()), {"type": "pong"})
            status, stats = get(ADDR, "/ws/stats")
            same((status, stats["rooms"]["py"]), (200, {"connections": 2, "users": 2}))
        async with asyncio.timeout(3):
            same(await receive(ann, "user_left"), {"user_id": 2, "username": "Bob"})


@row("/ws/<room_id>", "a user's id that is missing or no integer is refused with 422")
async def _():
    for query in ["", "?user_id=", "?user_id=abc", "?user_id=1.5", "?username=Ann", "?user_id=99999999999999999999"]:
        await refused_with(422, f"/ws/py{query}")


@row("/ws/<room_id>", "what is no event gets an error with its code, and the socket stays open")
async def _():
    async with guest("errors", 1, "Ann") as ws:
        deep = "[" * 10_000 + "]" * 10_000
        for message, code in [
            ("", "invalid_json"), ("{", "invalid_json"), ("\0" * 65536, "invalid_json"), (deep, "invalid_json"),
            ("1e400", "invalid_json"), ('{"type":"message","content":"x","more":' + deep + "}", "invalid_json"),
            (b"{}", "invalid_message"), ('{"type":"ping","type":"ping"}', "invalid_message"),
            ('{"type":"message","content":1}', "invalid_message"), ('{"type":"none"}', "unknown_type"),
            (json.dumps({"type": "message", "content": "é" * 16_385}), "too_long"),
            ('{"type":"history","limit":-1}', "invalid_message"), ('{"type":"history","before":"x"}', "invalid_message"),
        ]:
            await ws.send(message)
            same((await receive(ws, "error"))["code"], code)
        same(await say(ws, "fine"), 1)


@row("/ws/<room_id>", "pages of the largest messages fit the library's own limit of 1 MiB")
async def _():
    for room, longest in [("long", "x" * 16_384), ("fish", "🐟" * 16_384), ("control", "\x01" * 16_384)]:
        async with guest(room, 1, "Ann") as ws:
            for _ in range(60):
                await say(ws, longest)
        for since in ["", "&since=0"]:
            # Without `dial`, which lifts it.
            async with connect(f"ws://{ADDR}/ws/{room}?user_id=1{since}", proxy=None) as ws:
                seen = []
                await receive(ws, "connected")
                while True:
                    page = await receive(ws, "history")
                    seen += [message["id"] for message in page["messages"]]
                    if not page["more"]:
                        break
                same(seen, list(range(1 if since else seen[0], 61)))


@row("/health", "says that it is well")
async def _():
    status, health = get(ADDR, "/health")
    same((status, health["status"]), (200, "ok"))


# ---------------------------------------------------------------- chats of their own


@contextlib.asynccontextmanager
async def chat(folder, port=0, **settings):
    """A chat on a port, with its database in a folder. Gives the process and its address."""
    environment = {**os.environ, "SOCKEYE_ADDR": f"127.0.0.1:{port}", "CHAT_DB": os.path.join(folder, "chat.db"), **settings}
    process = await asyncio.create_subprocess_exec(
        os.environ["PROGRAM"], env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    try:
        line = (await process.stdout.readline()).decode()
        yield process, line.strip().removeprefix("listening on http://")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@row("kill -9", "under load: what was promised is there once and in order, and clients go on where they were")
async def _():
    talkers, logs, promised = 8, {}, {}
    stopping = asyncio.Event()
    address = None

    async def live(number):
        """Talks, listens, and comes back, as a client with a memory does."""
        log, written = logs.setdefault(number, []), 0
        waiting = None
        while True:
            since = f"&since={log[-1][0]}" if log else "&since=0"
            try:
                async with connect(f"ws://{address}/ws/load?user_id={number}{since}", proxy=None, ping_interval=None) as ws:
                    caught_up = False
                    while not (stopping.is_set() and caught_up and waiting is None):
                        if caught_up and waiting is None:
                            waiting, written = f"{number}/{written}", written + 1
                            await ws.send(json.dumps({"type": "message", "content": waiting, "client_id": waiting}))
                        elif waiting and caught_up == "again":
                            await ws.send(json.dumps({"type": "message", "content": waiting, "client_id": waiting}))
                            caught_up = True
                        event = json.loads(await ws.recv())
                        if event["type"] == "history":
                            log += [(m["id"], m["content"]) for m in event["data"]["messages"]]
                            if not event["data"]["more"]:
                                caught_up = "again" if waiting else True
                        elif event["type"] == "message":
                            log.append((event["data"]["id"], event["data"]["content"]))
                        elif event["type"] == "message_sent" and event.get("client_id") == waiting:
                            promised[event["message_id"]] = waiting
                            waiting = None
                    return
            except (OSError, ConnectionClosed):
                await asyncio.sleep(0.05)

    with tempfile.TemporaryDirectory() as folder:
        tasks, port = [], 0
        for turn in range(4):
            async with chat(folder, port, CHAT_RATE="0") as (process, address):
                port = int(address.rsplit(":", 1)[1])
                tasks = tasks or [asyncio.create_task(live(number)) for number in range(talkers)]
                enough = len(promised) + 200
                while len(promised) < enough:
                    await asyncio.sleep(0.01)
                if turn == 3:
                    stopping.set()
                    await asyncio.gather(*tasks)
                    # Not before all that was stored has come back to all.
                    async with connect(f"ws://{address}/ws/load?user_id=99&since=0", proxy=None) as ws:
                        stored = []
                        await receive(ws, "connected")
                        while True:
                            page = await receive(ws, "history")
                            stored += [(m["id"], m["content"]) for m in page["messages"]]
                            if not page["more"]:
                                break
                process.kill()
                await process.wait()
    same([number for number, _ in stored], list(range(1, len(stored) + 1)))
    same(len({content for _, content in stored}), len(stored))
    stored_at = dict(stored)
    same({number: stored_at.get(number) for number in promised}, promised)
    for number in range(talkers):
        mine = [int(content.split("/")[1]) for _, content in stored if content.startswith(f"{number}/")]
        same(mine, list(range(len(mine))))
        same(logs[number], stored[:len(logs[number])])


@row("the start", "what it can't do, or can't read, it says, and ends")
async def _():
    for settings, said in [
        ({"CHAT_RATE": "fast"}, "CHAT_RATE"), ({"CHAT_DB": "/nowhere/at/all/chat.db"}, "/nowhere/at/all/chat.db"),
    ]:
        process = await asyncio.create_subprocess_exec(
            os.environ["PROGRAM"], env={**os.environ, "SOCKEYE_ADDR": "127.0.0.1:0", **settings},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        out, error = await process.communicate()
        same((process.returncode != 0, out, said in error.decode()), (True, b"", True))


@row("CHAT_RATE", "who says too much is told so, and can talk again in a moment")
async def _():
    with tempfile.TemporaryDirectory() as folder:
        async with chat(folder, CHAT_RATE="2") as (_, address):
            async with connect(f"ws://{address}/ws/a?user_id=1", proxy=None) as ws:
                for _ in range(30):
                    await ws.send('{"type":"message","content":"x"}')
                same((await until(ws, "error"))["code"], "rate_limited")
                await asyncio.sleep(1.2)
                await say(ws, "again")


sys.exit(0 if asyncio.run(run_all(ROWS)) else 1)
