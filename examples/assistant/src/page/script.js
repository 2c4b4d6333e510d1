// Asks over /api/chat-ws and shows the answers as they come.
"use strict";

const FIRST_PAUSE = 500; // ms before the first attempt to connect again
const LONGEST_PAUSE = 10_000;

const byId = (id) => document.getElementById(id);
const [state, hint, log, form, question, send] = ["state", "hint", "log", "form", "question", "send"].map(byId);

let socket;
let pause = FIRST_PAUSE;
let again; // the timer of the next attempt
let current; // the answer that comes in now
let waiting = []; // the questions that are not answered yet: a place for each answer

function connect() {
  clearTimeout(again);
  state.textContent = "Connecting…";
  const url = new URL("api/chat-ws", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(url);
  socket.addEventListener("open", () => {
    pause = FIRST_PAUSE;
    show(true, "Connected");
  });
  socket.addEventListener("message", (event) => take(JSON.parse(event.data)));
  socket.addEventListener("close", () => {
    for (const answer of [current, ...waiting]) if (answer) fail(answer, "The connection was lost.");
    [current, waiting] = [undefined, []];
    show(false, "Not connected, trying again…");
    // Not all pages at the same moment, after a restart of the server.
    again = setTimeout(connect, pause * (0.5 + Math.random() / 2));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  });
}

function show(open, text) {
  state.textContent = text;
  state.toggleAttribute("data-open", open);
  send.disabled = !open;
}

/** One message of the server. */
function take(message) {
  if (message.type === "start") {
    current = waiting.shift();
  } else if (message.type === "chunk") {
    write(current, message.content);
  } else if (message.type === "done") {
    end(current);
    current = undefined;
  } else if (message.type === "error") {
    // Without a start the question itself was refused.
    fail(current ?? waiting.shift(), message.message);
    current = undefined;
  }
}

function entry(author, name) {
  const item = document.createElement("li");
  item.className = name;
  const who = document.createElement("span");
  who.className = "author";
  who.textContent = author;
  const text = document.createElement("span");
  text.className = "text";
  item.append(who, text);
  following(() => log.append(item));
  return item;
}

function ask(text) {
  hint.hidden = true;
  entry("You", "mine").querySelector(".text").textContent = text;
  const answer = entry("Assistant", "answer");
  // A screen reader waits for the whole of it.
  answer.setAttribute("aria-busy", "true");
  answer.querySelector(".text").textContent = "…";
  answer.dataset.empty = "";
  waiting.push(answer);
  socket.send(JSON.stringify({ content: text }));
}

function write(answer, part) {
  const text = answer.querySelector(".text");
  if ("empty" in answer.dataset) {
    text.textContent = "";
    delete answer.dataset.empty;
  }
  // As text, never as HTML.
  following(() => text.append(part));
}

function end(answer) {
  if ("empty" in answer.dataset) write(answer, "");
  answer.removeAttribute("aria-busy");
}

function fail(answer, why) {
  end(answer);
  const failure = document.createElement("span");
  failure.className = "failure";
  failure.textContent = `${answer.querySelector(".text").textContent ? "\n" : ""}${why}`;
  following(() => answer.append(failure));
}

/** Changes the log, and stays at its end if that was in sight. */
function following(change) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  change();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text || socket.readyState !== WebSocket.OPEN) return;
  ask(text);
  question.value = "";
  question.focus();
});

question.addEventListener("keydown", (event) => {
  // Not while an input method is composing a word.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!send.disabled) form.requestSubmit();
});

addEventListener("online", () => {
  if (socket.readyState === WebSocket.CLOSED) connect();
});

connect();
