"""Drives examples/assistant with the Python library `websockets`.

    ADDR=127.0.0.1:8000 PROGRAM=<the assistant> python assistant_python.py

The last rows start another assistant, for a model's server that is played here. Exit code 1 when a row failed.
"""

import asyncio
import contextlib
import json
import os
import sys

from websockets.asyncio.client import connect

from tools import ROWS, dial, row, run_all, same, same_json

START = {"type": "start"}
DONE = {"type": "done"}


async def answer(ws):
    """Receives an answer from its start to its end, and gives its parts."""
    await same_json(ws, START)
    parts = []
    while True:
        step = json.loads(await ws.recv())
        if step["type"] != "chunk":
            same(step, DONE)
            return parts
        parts.append(step["content"])


@row("/api/eco-ws", "says welcome, then repeats every text")
async def _():
    async with dial("/api/eco-ws") as ws:
        same(await ws.recv(), "¡Bienvenido!")
        for text in ["Hola", "", "日本 🐟", "two\nlines\0"]:
            await ws.send(text)
            same(await ws.recv(), f"Eco: {text}")


@row("/api/chat-ws", "answers text and JSON, word by word")
async def _():
    async with dial("/api/chat-ws") as ws:
        for question in ["Hola 🐟", json.dumps({"content": "Hola 🐟"})]:
            await ws.send(question)
            parts = await answer(ws)
            same("".join(parts).startswith("You said: “Hola 🐟”, which is 2 words."), True)
            same(all(len(part.split()) == 1 for part in parts), True)


@row("/api/chat-ws", "questions that come while an answer streams are answered in turn")
async def _():
    async with dial("/api/chat-ws") as ws:
        for name in ["one", "two", "three"]:
            await ws.send(json.dumps({"content": name}))
        # A ping is answered at once, in the middle of an answer.
        await (await ws.ping(b"still there"))
        for name in ["one", "two", "three"]:
            same("".join(await answer(ws)).startswith(f"You said: “{name}”"), True)


@row("/api/chat-ws", "what is no question gets an error, and the socket stays open")
async def _():
    async with dial("/api/chat-ws") as ws:
        for message in ["", b"bytes", '{"content": " "}']:
            await ws.send(message)
            await same_json(ws, {"type": "error", "message": "expected a question as text"})
        await ws.send("fine")
        same(len(await answer(ws)) > 10, True)


# ---------------------------------------------------------------- with a model's server


class Model:
    """A server with OpenAI's API. A word a row says how it behaves."""

    def __init__(self):
        self.requests = []
        self.left = asyncio.Event()

    async def serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        body = json.loads(await reader.readexactly(length))
        self.requests.append((head.decode(), body))
        question = body["messages"][-1]["content"]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for word in ["¡Ho", "la!", " 🐟"]:
            data = json.dumps({"choices": [{"delta": {"content": word}}]}, ensure_ascii=False)
            for byte in f"data: {data}\n\n".encode():
                writer.write(bytes([byte]))
                await writer.drain()
        if question == "for ever":
            same(await reader.read(), b"")
            self.left.set()
        elif question == "whole":
            writer.write(b"data: [DONE]\n\n")
        writer.close()


@contextlib.asynccontextmanager
async def assistant(**environment):
    """Another assistant, with these variables; gives its address."""
    environment = {**os.environ, "SOCKEYE_ADDR": "127.0.0.1:0", **environment}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(os.environ["PROGRAM"], env=environment, stdout=pipe, stderr=pipe)
    try:
        line = (await process.stdout.readline()).decode().strip()
        same(line.startswith("listening on http://"), True)
        yield line.removeprefix("listening on http://")
    finally:
        process.terminate()
        same(await process.wait(), 0)


@contextlib.asynccontextmanager
async def asking():
    """A model's server, and a socket of an assistant that asks it."""
    model = Model()
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server, assistant(OPENAI_BASE_URL=url, OPENAI_API_KEY="the-key", OPENAI_MODEL="the-model") as addr:
        async with connect(f"ws://{addr}/api/chat-ws", proxy=None) as ws:
            yield model, ws


@row("OPENAI_BASE_URL", "a server's answer streams, a broken one is an error, and the socket stays open")
async def _():
    async with asking() as (model, ws):
        for _ in range(2):
            await ws.send("whole")
            same(await answer(ws), ["¡Ho", "la!", " 🐟"])
            await ws.send("broken")
            await same_json(ws, START)
            for word in ["¡Ho", "la!", " 🐟"]:
                await same_json(ws, {"type": "chunk", "content": word})
            text = "the model's server broke off in the middle of its answer"
            await same_json(ws, {"type": "error", "message": text})
        head, body = model.requests[0]
        same(head.startswith("POST /v1/chat/completions HTTP/1.1\r\n"), True)
        same("authorization: Bearer the-key\r\n" in head, True)
        same((body["model"], body["stream"]), ("the-model", True))


@row("OPENAI_BASE_URL", "the client's leaving ends the request at once")
async def _():
    async with asking() as (model, ws):
        await ws.send("for ever")
        await same_json(ws, START)
        for _ in range(3):
            await ws.recv()
        ws.transport.abort()
        await asyncio.wait_for(model.left.wait(), 2)


sys.exit(0 if asyncio.run(run_all(ROWS)) else 1)
