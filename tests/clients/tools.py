"""What the Python clients need around their rows. The server under test is at ADDR.

One line per check: `ok ROUTE: CLAIM` or `not ok ROUTE: CLAIM: WHY`.
"""

import asyncio
import json
import os

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

ADDR = os.environ["ADDR"]
SCHEME = ("https", "wss") if os.environ.get("TOUR_CERTIFICATE") else ("http", "ws")
LIMIT = 20  # seconds for a whole row, so for every wait in it
ROWS = []


def row(route, claim):
    """Registers the function below it as the check of one claim about one route."""
    return lambda check: ROWS.append((route, claim, check))


def dial(path, **options):
    # No proxy from the environment, no pings but ours, and no limit of our own: the server's are what is tested.
    return connect(f"{SCHEME[1]}://{ADDR}{path}", proxy=None, ping_interval=None, max_size=None, close_timeout=5, **options)


def same(got, expected):
    if got != expected or type(got) is not type(expected):
        raise AssertionError(f"expected {short(expected)}, got {short(got)}")


def short(value):
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:100]}... ({len(text)} characters)"


async def same_json(ws, expected):
    text = await ws.recv()
    same(type(text), str)
    same(json.loads(text), expected)


async def closed(ws):
    """Waits for the end of the socket and gives the peer's close code and reason, as a browser would see them."""
    try:
        extra = await ws.recv()
    except ConnectionClosed as end:
        return (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")
    raise AssertionError(f"expected the end, got {short(extra)}")


async def closes_with(ws, code):
    got, reason = await closed(ws)
    if got != code:
        raise AssertionError(f"expected close code {code}, got {got} {reason!r}")
    return reason


async def refused_with(status, path, **options):
    try:
        async with dial(path, **options):
            raise AssertionError(f"expected HTTP {status}, got a socket")
    except InvalidStatus as refusal:
        same(refusal.response.status_code, status)


async def run(route, claim, check):
    try:
        await asyncio.wait_for(check(), LIMIT)
    except TimeoutError:
        why = f"nothing more came within {LIMIT} s"
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    else:
        print(f"ok {route}: {claim}", flush=True)
        return True
    print(f"not ok {route}: {claim}: {why}", flush=True)
    return False


async def run_all(rows):
    """Runs them one after the other; whether all were fine."""
    return all([await run(*each) for each in rows])
