// The rows that every JavaScript client checks, written against the WebSocket interface of browsers. Node loads this
// file with its `ws` library, Chromium loads it into a page: hence a classic script that imports nothing.
"use strict";

(() => {
  const LIMIT = 20_000; // ms for a whole row, so for every wait in it
  const MIB = 1024 * 1024;
  const rows = [];
  const row = (route, claim, check) => rows.push({ route, claim, check });

  // -------------------------------------------------------------- tools

  /** A WebSocket whose events are taken one after the other, in the order in which they came. */
  class Socket {
    constructor(ws) {
      this.ws = ws;
      this.events = [];
      this.wake = () => {};
      ws.binaryType = "arraybuffer";
      ws.addEventListener("open", () => this.push({ open: true }));
      ws.addEventListener("message", (event) => this.push({ data: event.data }));
      ws.addEventListener("close", (event) => this.push({ code: event.code, reason: event.reason }));
      ws.addEventListener("error", () => {}); // `close` follows and says more
    }

    push(event) {
      this.events.push(event);
      this.wake();
    }

    async event(kind) {
      while (this.events.length === 0) await new Promise((wake) => (this.wake = wake));
      const event = this.events.shift();
      if (!(kind in event)) throw new Error(`expected ${kind}, got ${short(event)}`);
      return event;
    }

    /** The next message: a string, or a Uint8Array. */
    async next() {
      const { data } = await this.event("data");
      return typeof data === "string" ? data : new Uint8Array(data);
    }

    async nextJson() {
      const text = await this.next();
      same(typeof text, "string");
      return JSON.parse(text);
    }

    send(message) {
      this.ws.send(message);
    }

    /** Waits for the end, asserts its code and gives its reason. */
    async closesWith(code) {
      const end = await this.event("code");
      if (end.code !== code) throw new Error(`expected close code ${code}, got ${short(end)}`);
      return end.reason;
    }

    async close(code = 1000) {
      this.ws.close(code);
      await this.closesWith(code);
    }
  }

  function short(value) {
    const text = value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(value);
    return text.length <= 120 ? text : `${text.slice(0, 100)}... (${text.length} characters)`;
  }

  function same(got, expected) {
    if (!equal(got, expected)) throw new Error(`expected ${short(expected)}, got ${short(got)}`);
  }

  function equal(a, b) {
    if (a === b) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (a.constructor !== b.constructor) return false;
    if (a instanceof Uint8Array) return a.length === b.length && a.every((byte, i) => byte === b[i]);
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && equal(a[key], b[key]));
  }

  const bytes = (length) => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255);
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  /** Waits until the tour printed its line `count` times more, then gives a second line the time to show up. */
  async function moreGoodbyes(tour, before, count) {
    while ((await tour.goodbyes()) < before + count) await pause(20);
    await pause(300);
    same((await tour.goodbyes()) - before, count);
  }

  async function withinLimit(promise) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing more came within ${LIMIT / 1000} s`)), LIMIT);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  // -------------------------------------------------------------- rows

  row("/ws", "text comes back as `Echo: …`", async (tour) => {
    const ws = await tour.open("/ws");
    for (const text of ["Hello!", "", "¡Adiós! 日本 🐟", "two\nlines\0"]) {
      ws.send(text);
      same(await ws.next(), `Echo: ${text}`);
    }
    await ws.close();
  });

  row("/ws", "a binary message ends it with 1003", async (tour) => {
    const ws = await tour.open("/ws");
    ws.send(bytes(2));
    await ws.closesWith(1003);
  });

  row("/ws/<room_id>", "welcomes, then tags every text", async (tour) => {
    const ws = await tour.open("/ws/lobby");
    same(await ws.next(), "Welcome to room: lobby");
    for (const text of ["one", "two", ""]) {
      ws.send(text);
      same(await ws.next(), `[lobby] ${text}`);
    }
    await ws.close();
  });

  row("/ws/<room_id>", "the name is percent-decoded, an encoded slash stays in it", async (tour) => {
    const names = {
      "caf%C3%A9": "café",
      café: "café", // the URL parser encodes it
      "a%2Fb": "a/b",
      "a%20b": "a b",
      "a+b": "a+b",
      "100%25": "100%",
      jsonx: "jsonx",
    };
    for (const [path, name] of Object.entries(names)) {
      const ws = await tour.open(`/ws/${path}`);
      same(await ws.next(), `Welcome to room: ${name}`);
      ws.send("hi");
      same(await ws.next(), `[${name}] hi`);
      await ws.close();
    }
  });

  row("/ws/ops", "text, JSON, bytes in; text, JSON, bytes out, in order; then 1000", async (tour) => {
    const ws = await tour.open("/ws/ops");
    ws.send("some text");
    ws.send('{"some": "json"}');
    ws.send(bytes(10));
    same(await ws.next(), "Hello");
    same(await ws.nextJson(), { message: "Hello" });
    same(await ws.next(), new TextEncoder().encode("binary data"));
    await ws.closesWith(1000);
  });

  row("/ws/token", "without a token: an error, then 1000", async (tour) => {
    for (const path of ["/ws/token", "/ws/token?other=1", "/ws/token?token="]) {
      const ws = await tour.open(path);
      same(await ws.nextJson(), { error: "No token" });
      await ws.closesWith(1000);
    }
  });

  row("/ws/token", "with a token: authenticated", async (tour) => {
    for (const path of ["/ws/token?token=abc123", "/ws/token?other=1&token=é"]) {
      const ws = await tour.open(path);
      same(await ws.nextJson(), { authenticated: true });
      ws.ws.close();
    }
  });

  row("/ws/json", "answers with what came, and its message", async (tour) => {
    const ws = await tour.open("/ws/json");
    const cases = [
      [{ message: "Hello" }, "Hello"],
      [{ message: '日本 🐟 "quoted"' }, '日本 🐟 "quoted"'],
      [{ other: [1, 2.5, null, { deep: true }] }, ""],
      [{}, ""],
      [[1, 2, 3], ""],
      ["just text", ""],
    ];
    for (const [data, echo] of cases) {
      ws.send(JSON.stringify(data));
      same(await ws.nextJson(), { received: data, processed: true, echo });
    }
    await ws.close();
  });

  row("/ws/json", "text that is not JSON ends it with 1007 and a reason that says where", async (tour) => {
    for (const text of ["not json", '{"message": ', '{"message": "a",}', ""]) {
      const ws = await tour.open("/ws/json");
      ws.send(text);
      const reason = await ws.closesWith(1007);
      if (!/\d/.test(reason)) throw new Error(`the reason names no place: ${short(reason)}`);
    }
  });

  row("/ws/json", "is never a room", async (tour) => {
    const ws = await tour.open("/ws/json");
    ws.send("{}");
    same(await ws.nextJson(), { received: {}, processed: true, echo: "" });
    await ws.close();
  });

  row("/ws/secure", "any other token is closed with 4001", async (tour) => {
    for (const path of ["/ws/secure", "/ws/secure?token=", "/ws/secure?token=wrong"]) {
      await (await tour.open(path)).closesWith(4001);
    }
  });

  row("/ws/secure", "the token is let in", async (tour) => {
    const ws = await tour.open("/ws/secure?token=secret-token");
    same(await ws.next(), "Authenticated!");
    ws.ws.close();
  });

  row("/ws/strict", "any other token is refused: the socket never opens and ends with 1006", async (tour) => {
    for (const path of ["/ws/strict", "/ws/strict?token=", "/ws/strict?token=wrong"]) {
      await tour.dial(path).closesWith(1006);
    }
  });

  row("/ws/strict", "the token is let in", async (tour) => {
    const ws = await tour.open("/ws/strict?token=secret-token");
    ws.ws.close();
  });

  row("/ws/disconnect", "says so once after a close frame", async (tour) => {
    const before = await tour.goodbyes();
    const ws = await tour.open("/ws/disconnect");
    ws.send("still here");
    same(await ws.next(), "Got: still here");
    same(await tour.goodbyes(), before);
    await ws.close();
    await moreGoodbyes(tour, before, 1);
  });

  /** Joins, and waits until everyone in the room has seen it: the own text is back only once we are in. */
  async function join(tour, room, name, others = []) {
    const ws = await tour.open(`/chat/${room}`);
    ws.send(name);
    await allGet([ws, ...others], `[${room}] ${name}`);
    return ws;
  }

  async function allGet(members, text) {
    for (const member of members) same(await member.next(), text);
  }

  row("/chat/<room>", "everyone in the room gets each text, the sender too, in order", async (tour) => {
    const ann = await join(tour, "red", "ann");
    const bob = await join(tour, "red", "bob", [ann]);
    const cy = await join(tour, "red", "cy", [ann, bob]);
    for (let n = 0; n < 50; n++) ann.send(`text ${n}`);
    for (let n = 0; n < 50; n++) await allGet([ann, bob, cy], `[red] text ${n}`);
    await ann.close();
    bob.send("ann left");
    await allGet([bob, cy], "[red] ann left");
    await bob.close();
    await cy.close();
  });

  row("/chat/<room>", "rooms do not hear each other", async (tour) => {
    const red = await join(tour, "red", "ann");
    const blue = await join(tour, "café", "bob");
    // A text that leaks would come before the one that is expected next.
    for (const text of ["first", "second"]) {
      red.send(text);
      await allGet([red], `[red] ${text}`);
      blue.send(text);
      await allGet([blue], `[café] ${text}`);
    }
    await red.close();
    await blue.close();
  });

  async function echoes(ws, messages) {
    for (const message of messages) {
      ws.send(message);
      same(await ws.next(), message);
    }
  }

  row("/echo", "text as text, binary as binary, empty ones too", async (tour) => {
    const ws = await tour.open("/echo");
    await echoes(ws, ["Hello", bytes(5), "", bytes(0), "日本 🐟 \0 \ufeff", bytes(256)]);
    await ws.close();
  });

  row("/echo", "lengths around every change of the header", async (tour) => {
    const ws = await tour.open("/echo");
    for (const length of [1, 125, 126, 127, 65535, 65536, 65537]) await echoes(ws, ["x".repeat(length), bytes(length)]);
    await ws.close();
  });

  row("/echo", "1 MiB, text and binary", async (tour) => {
    const ws = await tour.open("/echo");
    await echoes(ws, ["é".repeat(MIB / 2), bytes(MIB)]);
    await ws.close();
  });

  row("/echo", "16 MiB to the byte, text and binary", async (tour) => {
    const ws = await tour.open("/echo");
    await echoes(ws, ["x".repeat(16 * MIB), bytes(16 * MIB)]);
    await ws.close();
  });

  row("/echo", "a thousand messages in flight come back in order", async (tour) => {
    const ws = await tour.open("/echo");
    const messages = Array.from({ length: 1000 }, (_, n) => (n % 3 ? `text ${n}` : bytes(n)));
    for (const message of messages) ws.send(message);
    for (const message of messages) same(await ws.next(), message);
    await ws.close();
  });

  row("/echo", "our close code comes back", async (tour) => {
    for (const code of [1000, 3000, 4321]) {
      const ws = await tour.open("/echo");
      await ws.close(code);
    }
  });

  row("/api/v1/notifications", "says that it is connected", async (tour) => {
    const ws = await tour.open("/api/v1/notifications");
    same(await ws.nextJson(), { type: "connected" });
    ws.ws.close();
  });

  // -------------------------------------------------------------- for the two clients

  globalThis.Tour = {
    rows,
    same,
    bytes,
    moreGoodbyes,
    withinLimit,

    /** What the checks get: the tour at `base`, reached with this `WebSocket`; `goodbyes` counts its lines so far. */
    at(base, WebSocket, goodbyes) {
      const dial = (path, ...options) => new Socket(new WebSocket(base + path, ...options));
      const open = async (path, ...options) => {
        const socket = dial(path, ...options);
        await socket.event("open");
        return socket;
      };
      return { dial, open, goodbyes };
    },
  };
})();
