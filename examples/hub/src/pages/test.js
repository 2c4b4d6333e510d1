// A client of the hub that shows what is said, and what is on the wire.
"use strict";

const LONGEST_LOG = 500; // entries
const byId = (id) => document.getElementById(id);
const [state, join, connect, people, log, say, kind, text, send, traffic] = [
  "state", "join", "connect", "people", "log", "say", "kind", "text", "send", "traffic",
].map(byId);

let socket; // undefined: not connected, and not about to be
let here = new Map(); // user id to name

function open() {
  const url = new URL("/ws", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  for (const name of ["username", "userId", "token"]) {
    if (byId(name).value) url.searchParams.set(name, byId(name).value);
  }
  const opening = new WebSocket(url);
  socket = opening;
  show("Connecting…");
  let opened = false;
  opening.addEventListener("open", () => {
    opened = true;
    show("Connected");
    text.focus();
  });
  opening.addEventListener("message", ({ data }) => {
    wire("in", data);
    take(JSON.parse(data));
  });
  opening.addEventListener("close", ({ code, reason }) => {
    wire("end", `closed: ${[code, reason].join(" ").trim()}`);
    socket = undefined;
    here.clear();
    showPeople();
    // A browser does not say why a handshake was refused.
    show(opened ? `Not connected (${code})` : "Refused: is the token right, and the server there?");
  });
}

function show(words) {
  const isOpen = socket?.readyState === WebSocket.OPEN;
  state.textContent = words;
  state.toggleAttribute("data-open", isOpen);
  connect.textContent = socket ? "Disconnect" : "Connect";
  for (const field of join.querySelectorAll("input")) field.disabled = Boolean(socket);
  send.disabled = !isOpen;
}

/** A message of the hub. */
function take(message) {
  if (message.type === "user_list") {
    here = new Map(message.data.map((user) => [user.userId, user.username]));
  } else if (message.type === "user_joined") {
    here.set(message.data.userId, message.data.username);
  } else if (message.type === "user_left") {
    here.delete(message.data.userId);
  }
  showPeople();
  if (message.type !== "user_list") {
    const clock = new Date(message.timestamp * 1000).toLocaleTimeString();
    entry(log, message.type, `${message.from}, ${clock}`, message.content);
  }
}

function showPeople() {
  const names = [...here.values()];
  people.textContent = names.length
    ? `${names.length} here: ${names.join(", ")}`
    : "Who is here is shown once you are connected.";
}

/** One line of the traffic, as it is on the wire. */
function wire(way, data) {
  const clock = new Date().toLocaleTimeString();
  entry(traffic, way, `${{ in: "↓", out: "↑", end: "×" }[way]} ${clock}`, data);
}

/** Names and texts are data: they become text, never HTML. */
function entry(list, name, head, body) {
  const item = document.createElement("li");
  item.className = name;
  for (const [part, content] of [["head", head], ["body", body]]) {
    const span = document.createElement("span");
    span.className = part;
    span.textContent = content;
    item.append(span);
  }
  // Whoever has scrolled up wants to read there.
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(item);
  if (list.childElementCount > LONGEST_LOG) list.firstElementChild.remove();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

join.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket) socket.close(1000);
  else open();
});

say.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket?.readyState !== WebSocket.OPEN) return;
  const frame = kind.value
    ? JSON.stringify({ type: kind.value, content: text.value, timestamp: Date.now() })
    : text.value;
  socket.send(frame);
  wire("out", frame);
  text.value = "";
  text.focus();
});

byId("clear").addEventListener("click", () => traffic.replaceChildren());
