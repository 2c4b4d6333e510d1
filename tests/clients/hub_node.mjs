// Drives examples/hub with Node's `ws`.
//
//   ADDR=127.0.0.1:8000 node hub_node.mjs
import WebSocket from "ws";
import "./rows.js";
import { base, origin, report } from "./report.mjs";

const { same, withinLimit } = globalThis.Tour;
const { open } = globalThis.Tour.at(base, WebSocket);
const rows = [];
const row = (route, claim, check) => rows.push({ route, claim, check });

/** The next message of this type; those before it are skipped. */
async function until(socket, type) {
  for (;;) {
    const message = await socket.nextJson();
    if (message.type === type) return message;
  }
}

row("/ws", "the document's own client: list, welcome, chat", async () => {
  const socket = await open("/ws?username=Usuario1&userId=123");
  const list = await socket.nextJson();
  same([list.type, list.data], ["user_list", [{ username: "Usuario1", userId: "123" }]]);
  same((await socket.nextJson()).type, "system");
  socket.send(JSON.stringify({ type: "chat", content: "Hola desde el frontend!", timestamp: Date.now() }));
  const { id, timestamp, ...chat } = await socket.nextJson();
  same(chat, { type: "chat", content: "Hola desde el frontend!", from: "Usuario1", data: null });
  same([/^\d{14}-\d+$/.test(id), Math.abs(timestamp - Date.now() / 1000) < 60], [true, true]);
  await socket.close();
});

row("/ws", "fifty clients at once, all hear all", async () => {
  const sockets = await Promise.all(Array.from({ length: 50 }, (_, at) => open(`/ws?username=n${at}&userId=n${at}`)));
  await Promise.all(sockets.map((socket) => until(socket, "system")));
  for (const socket of sockets) socket.send(JSON.stringify({ type: "chat", content: "x" }));
  const hear = async (socket) => {
    const heard = [];
    while (heard.length < 50) heard.push(await until(socket, "chat"));
    return heard.map(({ id, from }) => `${id} ${from}`);
  };
  const all = await Promise.all(sockets.map(hear));
  same(new Set(all[0]).size, 50);
  for (const heard of all) same(heard, all[0]);
  await Promise.all(sockets.map((socket) => (socket.ws.close(), new Promise((done) => socket.ws.on("close", done)))));
});

/** An example of the integration page, as code: without its import, what it exports given back. */
async function example(id, names) {
  const page = await (await fetch(`${origin}/websocket`)).text();
  const html = page.match(new RegExp(`<pre id="${id}"[^]*?<code>([^]*?)</code></pre>`))[1];
  const code = html.replace(/<[^>]*>/g, "").replaceAll("&gt;", ">").replaceAll("&lt;", "<").replaceAll("&amp;", "&");
  const body = code.replaceAll("ws://localhost:8000", base).replace(/^import .*$/m, "").replace("export function", "return function");
  return (given) => new Function(...names, "WebSocket", body)(...names.map((name) => given[name]), WebSocket);
}

const within = async (check) => {
  while (!check()) await new Promise((done) => setTimeout(done, 10));
};

row("/websocket", "the React hook connects, sends, receives and cleans up", async () => {
  const make = await example("react", ["useCallback", "useEffect", "useRef", "useState"]);
  // As much of React as a hook needs that is rendered again and again.
  const cells = [];
  let at = 0;
  let cleanUp;
  const cell = (first) => cells[at++] ?? (cells[at - 1] = first());
  const useHub = make({
    useState: (first) => {
      const own = cell(() => ({ value: first }));
      return [own.value, (next) => (own.value = typeof next === "function" ? next(own.value) : next)];
    },
    useRef: (first) => cell(() => ({ current: first })),
    useCallback: (call) => cell(() => call),
    useEffect: (effect) => cell(() => ((cleanUp = effect()), {})),
  });
  const render = () => ((at = 0), useHub("Réact", "r&1"));
  render();
  await within(() => render().connected && render().messages.length === 2);
  render().sendMessage("hello");
  await within(() => render().messages.length === 3);
  const [list, , chat] = render().messages;
  same([list.data, chat.content, chat.from], [[{ username: "Réact", userId: "r&1" }], "hello", "Réact"]);
  cleanUp();
  same(render().connected, false);
});

row("/websocket", "the Vue composable connects, sends, receives and cleans up", async () => {
  const make = await example("vue", ["onMounted", "onUnmounted", "ref"]);
  const hooks = {};
  const useHub = make({
    onMounted: (hook) => (hooks.mounted = hook),
    onUnmounted: (hook) => (hooks.unmounted = hook),
    ref: (value) => ({ value }),
  });
  const { messages, connected, sendMessage } = useHub("Vue", "v");
  hooks.mounted();
  await within(() => connected.value && messages.value.length >= 2);
  sendMessage("look", "notification");
  await within(() => messages.value.some(({ type, content }) => type === "notification" && content === "look"));
  hooks.unmounted();
  await within(() => !connected.value);
});

for (const each of rows) await report(each, () => withinLimit(each.check()));
process.exit(); // sockets of a failed row may still be open
