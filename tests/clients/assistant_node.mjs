// Drives examples/assistant with Node's `ws`.
//
//   ADDR=127.0.0.1:8000 node assistant_node.mjs
import WebSocket from "ws";
import "./rows.js";
import { base, report } from "./report.mjs";

const { same, withinLimit } = globalThis.Tour;
const { open } = globalThis.Tour.at(base, WebSocket);
const rows = [];
const row = (route, claim, check) => rows.push({ route, claim, check });

/** Receives an answer from its start to its end. */
async function answer(socket) {
  same(await socket.nextJson(), { type: "start" });
  for (let text = ""; ; ) {
    const step = await socket.nextJson();
    if (step.type !== "chunk") {
      same(step, { type: "done" });
      return text;
    }
    text += step.content;
  }
}

row("/api/eco-ws", "says welcome, then repeats every text", async () => {
  const socket = await open("/api/eco-ws");
  same(await socket.next(), "¡Bienvenido!");
  for (const text of ["Hola", "", "日本 🐟", "two\nlines\0"]) {
    socket.send(text);
    same(await socket.next(), `Eco: ${text}`);
  }
  await socket.close();
});

row("/api/chat-ws", "answers the document's own client", async () => {
  const socket = await open("/api/chat-ws");
  socket.send(JSON.stringify({ content: "Hola" }));
  same((await answer(socket)).startsWith("You said: “Hola”, which is one word."), true);
  await socket.close();
});

row("/api/chat-ws", "twenty clients at once, each with two questions", async () => {
  const ask = async (_, number) => {
    const socket = await open("/api/chat-ws");
    for (const name of ["a", "b"]) socket.send(`${name}${number}`);
    for (const name of ["a", "b"]) same((await answer(socket)).includes(`“${name}${number}”`), true);
    await socket.close();
  };
  await Promise.all(Array.from({ length: 20 }, ask));
});

row("/api/chat-ws", "leaving in the middle of an answer disturbs nobody", async () => {
  for (const leave of [(ws) => ws.close(), (ws) => ws.terminate(), (ws) => ws._socket.resetAndDestroy()]) {
    const [going, staying] = [await open("/api/chat-ws"), await open("/api/chat-ws")];
    for (const socket of [going, staying]) socket.send("x");
    same(await going.nextJson(), { type: "start" });
    leave(going.ws);
    same((await answer(staying)).startsWith("You said: “x”"), true);
    await staying.close();
  }
});

for (const each of rows) await report(each, () => withinLimit(each.check()));
process.exit(); // sockets of a failed row may still be open
