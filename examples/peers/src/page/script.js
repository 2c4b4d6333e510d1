// Shows what comes over /api/ws/chat and /api/sse, and sends what is typed.
"use strict";

const FIRST_PAUSE = 500; // ms before the first attempt to connect again
const LONGEST_PAUSE = 10_000;
const MOST_MESSAGES = 500;
const MOST_TICKS = 5;

const byId = (id) => document.getElementById(id);
const [state, log, form, text, send, clockState, ticks] = [
  "state", "log", "form", "text", "send", "clock-state", "ticks",
].map(byId);

let socket;
let pause = FIRST_PAUSE;

function connect() {
  show(state, false, "Connecting…");
  const url = new URL("api/ws/chat", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(url);
  socket.addEventListener("open", () => {
    pause = FIRST_PAUSE;
    show(state, true, "Connected");
    send.disabled = false;
  });
  socket.addEventListener("message", (event) => take(JSON.parse(event.data)));
  socket.addEventListener("close", () => {
    show(state, false, "Not connected, trying again…");
    send.disabled = true;
    // Not all pages at the same moment, after a restart of the server.
    setTimeout(connect, pause * (0.5 + Math.random() / 2));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  });
}

function show(status, open, words) {
  status.textContent = words;
  status.toggleAttribute("data-open", open);
}

/** One message of the chat. */
function take({ user, message }) {
  const item = document.createElement("li");
  item.className = user === "server" ? "server" : "peer";
  const who = document.createElement("span");
  who.className = "user";
  who.textContent = user;
  const what = document.createElement("span");
  what.className = "text";
  what.textContent = message;
  item.append(who, what);
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  log.append(item);
  while (log.children.length > MOST_MESSAGES) log.firstChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN || !text.value.trim()) return;
  socket.send(text.value);
  text.value = "";
  text.focus();
});

function listen() {
  // It connects again by itself, and says what it has got last.
  const source = new EventSource(new URL("api/sse", location.href));
  source.addEventListener("open", () => show(clockState, true, "Connected"));
  source.addEventListener("error", () => show(clockState, false, "Not connected, trying again…"));
  source.addEventListener("message", ({ data }) => {
    const item = document.createElement("li");
    item.textContent = data;
    ticks.append(item);
    while (ticks.children.length > MOST_TICKS) ticks.firstChild.remove();
  });
}

connect();
listen();
