// Drives examples/tour with Node's `ws`: the rows that every JavaScript client checks, and what only `ws` can do.
//
//   ADDR=127.0.0.1:8000 STDOUT=<file with what the tour prints> node tour_node.mjs
import { once } from "node:events";
import WebSocket from "ws";
import "./rows.js";
import { base, goodbyes, isSecure, origin, report } from "./report.mjs";

const { bytes, moreGoodbyes, same, withinLimit } = globalThis.Tour;
const tour = globalThis.Tour.at(base, WebSocket, goodbyes);
const rows = [...globalThis.Tour.rows];
const row = (route, claim, check) => rows.push({ route, claim, check });

/** Asserts that the upgrade is refused with this HTTP status. */
async function refusedWith(status, path, options) {
  const ws = new WebSocket(base + path, options);
  ws.on("error", () => {});
  const [request, response] = await Promise.race([once(ws, "unexpected-response"), once(ws, "open")]);
  if (!response) throw new Error(`expected HTTP ${status}, got a socket`);
  request.destroy();
  same(response.statusCode, status);
}

row("/ws/strict", "any other token is refused with 401 before the upgrade", async () => {
  for (const path of ["/ws/strict", "/ws/strict?token=", "/ws/strict?token=wrong"]) await refusedWith(401, path);
});

const waysToGo = {
  "FIN without a close frame": (ws) => ws.terminate(),
  // Under TLS the socket beneath can't be reached.
  ...(isSecure ? {} : { RST: (ws) => ws._socket.resetAndDestroy() }),
  "FIN inside a frame": (ws) => ws._socket.end(Buffer.from([0x81, 0xfe, 0x01])),
};
for (const [how, go] of Object.entries(waysToGo)) {
  row("/ws/disconnect", `says so once after ${how}`, async () => {
    const before = goodbyes();
    const { ws } = await tour.open("/ws/disconnect");
    go(ws);
    await moreGoodbyes(tour, before, 1);
  });
}

row("/echo", "fragments come back as one message, with a ping answered in between", async () => {
  const socket = await tour.open("/echo");
  const { ws } = socket;
  ws.send("ca", { fin: false });
  ws.ping("in between");
  const [payload] = await once(ws, "pong");
  same(payload.toString(), "in between");
  for (const part of ["", "fé "]) ws.send(part, { fin: false });
  ws.send("🐟");
  same(await socket.next(), "café 🐟");
  for (let n = 0; n < 999; n++) ws.send(bytes(1), { fin: false });
  ws.send(bytes(1));
  same(await socket.next(), new Uint8Array(1000));
  await socket.close();
});

row("/echo", "one byte more than 16 MiB ends it with 1009", async () => {
  const socket = await tour.open("/echo");
  // In two fragments, so that nothing is left to send when the server says no.
  socket.ws.send(new Uint8Array(16 * 1024 * 1024), { fin: false });
  socket.ws.send("x");
  await socket.closesWith(1009);
});

row("/echo", "pings are answered with their payload", async () => {
  const socket = await tour.open("/echo");
  for (const text of ["", "x", "y".repeat(125)]) {
    socket.ws.ping(text);
    const [payload] = await once(socket.ws, "pong");
    same(payload.toString(), text);
  }
  await socket.close();
});

row("origins", "the own origin is let in, others get 403", async () => {
  const socket = await tour.open("/ws", { origin: origin });
  await socket.close();
  for (const origin of ["http://elsewhere.example", "http://127.0.0.1:1", "null"]) {
    await refusedWith(403, "/ws", { origin });
  }
});

for (const each of rows) await report(each, () => withinLimit(each.check(tour)));
process.exit(); // sockets of a failed row may still be open
