// Drives examples/chat with Node's `ws`.
//
//   ADDR=127.0.0.1:8000 node chat_node.mjs
import WebSocket from "ws";
import "./rows.js";
import { base, origin, report } from "./report.mjs";

const { same, withinLimit } = globalThis.Tour;
const { dial, open } = globalThis.Tour.at(base, WebSocket);
const rows = [];
const row = (route, claim, check) => rows.push({ route, claim, check });

/** The next event of this type; those before it are skipped. */
async function until(socket, type) {
  for (;;) {
    const event = await socket.nextJson();
    if (event.type === type) return event;
  }
}

row("/ws/<room_id>", "the document's own client", async () => {
  // As it stands there, but for the address.
  const ws = new WebSocket(`${base}/ws/1?user_id=1&username=Juan`);
  const heard = [];
  await new Promise((done, fail) => {
    ws.onerror = fail;
    ws.onmessage = (event) => {
      const data = JSON.parse(event.data);
      heard.push(data.type === "message" ? `${data.data.username}: ${data.data.content}` : data.type);
      if (data.type === "history") sendMessage("Hola a todos!"), sendTyping(true), sendTyping(false);
      if (data.type === "message") done();
    };
  });
  function sendMessage(content) {
    ws.send(JSON.stringify({ type: "message", content: content }));
  }
  function sendTyping(isTyping) {
    ws.send(JSON.stringify({ type: "typing", is_typing: isTyping }));
  }
  ws.close();
  same(heard, ["connected", "history", "message_sent", "Juan: Hola a todos!"]);
});

row("/ws/<room_id>", "forty clients that come and go see the same, without a gap", async () => {
  const LAST = 400;
  const path = (user, since) => `/ws/crowd?user_id=${user}&since=${since}`;
  const live = async (user) => {
    const seen = [];
    let said = 0;
    while (seen.length < LAST) {
      const socket = await open(path(user, seen.length));
      // Some stay for a moment only.
      let left = 10 + Math.random() * 150;
      while (left-- > 0 && seen.length < LAST) {
        const event = await socket.nextJson();
        if (event.type === "history") seen.push(...event.data.messages.map(({ id, content }) => `${id} ${content}`));
        if (event.type === "message") seen.push(`${event.data.id} ${event.data.content}`);
        if (event.type === "history" && !event.data.more && said++ < LAST) {
          for (let at = 0; at < 10; at++) socket.send(JSON.stringify({ type: "message", content: `${user}/${said}/${at}` }));
        }
      }
      socket.ws.terminate();
    }
    return seen.slice(0, LAST);
  };
  const logs = await Promise.all(Array.from({ length: 40 }, (_, user) => live(user)));
  logs[0].forEach((entry, at) => same(Number(entry.split(" ")[0]), at + 1));
  for (const log of logs) same(log, logs[0]);
});

row("/ws/<room_id>", "a reload is no leave, and the last tab is one", async () => {
  const watcher = await open("/ws/tabs?user_id=1&username=Ann");
  await until(watcher, "history");
  let tab = await open("/ws/tabs?user_id=2&username=Bob");
  same((await until(watcher, "user_joined")).data, { user_id: 2, username: "Bob" });
  for (let reloads = 0; reloads < 2; reloads++) {
    tab.ws.terminate();
    await new Promise((done) => setTimeout(done, 500));
    tab = await open("/ws/tabs?user_id=2&username=Bob");
    await until(tab, "history");
  }
  const begin = Date.now();
  await tab.close();
  // Nothing came before.
  same((await watcher.nextJson()).type, "user_left");
  same(Date.now() - begin < 3_000, true);
});

row("/", "the page and its files are served, and ask nobody else", async () => {
  const page = await fetch(`${origin}/`);
  same(page.headers.get("content-security-policy").includes("default-src 'self'"), true);
  const found = [...(await page.text()).matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path);
  const files = new Set(found);
  for (const path of files) {
    const response = await fetch(origin + path);
    const text = await response.text();
    same([path, response.status, /https?:\/\/(?!www\.w3\.org\/)[a-z]/.test(text)], [path, 200, false]);
    for (const [, from] of text.matchAll(/from "([^"]+)"/g)) files.add(new URL(from, origin + path).pathname);
  }
  same([files.has("/sockeye/client.js"), files.size > 10], [true, true]);
  same((await fetch(`${origin}/assets/../../Cargo.toml`)).status, 404);
});

row("/ws/<room_id>", "is no page: asked for as one it says what it is", async () => {
  same((await fetch(`${origin}/ws/a?user_id=1`)).status, 426);
  await dial("/ws/a").closesWith(1006);
});

for (const each of rows) await report(each, () => withinLimit(each.check()));
process.exit(); // sockets of a failed row may still be open
