// The chat: who the user is, which rooms there are, and which of them is shown.

import { Composer } from "./composer.js";
import { askName, problemOf, roomDialog, settingsDialog } from "./dialogs.js";
import { closeDrawer, startFrame } from "./frame.js";
import { showPeople, showRooms } from "./lists.js";
import { Log } from "./log.js";
import { Room } from "./room.js";
import { identity, lasting } from "./storage.js";
import { hue, initials, listed, shortened } from "./words.js";

const FIRST_ROOM = "lobby";
/** Rooms that a user has at once: each is a connection. */
const MOST_ROOMS = 20;

const byId = (id) => document.getElementById(id);
const me = identity();
const rooms = new Map(); // by name, in the order in which they were joined
let current;
let log;
let composer;

// ---------------------------------------------------------------- rooms

function open(name) {
  if (!rooms.has(name)) {
    rooms.set(name, new Room(name, me, changed));
    while (rooms.size > MOST_ROOMS) forget([...rooms.values()].find((room) => room.name !== name));
    keepRooms();
  }
  return rooms.get(name);
}

function forget(room) {
  room.close();
  rooms.delete(room.name);
  keepRooms();
}

const keepRooms = () => lasting.set("rooms", [...rooms.keys()]);

/** Shows the room that the address names. */
function show() {
  const named = decode(location.hash.slice(1));
  const name = problemOf(named) ? (rooms.keys().next().value ?? FIRST_ROOM) : named;
  if (name !== named) history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  current?.setCurrent(false);
  current = open(name);
  current.setCurrent(true);
  byId("room-name").textContent = name;
  composer.show(current);
  log.show(current);
  closeDrawer();
  render();
  composer.focus();
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const goTo = (name) => {
  if (current?.name === name) composer.focus();
  location.hash = encodeURIComponent(name);
};

function leave() {
  const names = [...rooms.keys()];
  const next = names[names.indexOf(current.name) + 1] ?? names[names.indexOf(current.name) - 1] ?? FIRST_ROOM;
  const left = current;
  if (next === left.name) return announce("This is your only room.");
  goTo(next);
  forget(left);
  announce(`You have left ${left.name}`);
}

function step(by) {
  const names = [...rooms.keys()];
  goTo(names[(names.indexOf(current.name) + by + names.length) % names.length]);
}

// ---------------------------------------------------------------- what has changed

function changed(room, what, detail) {
  if (what === "said" && room === current && detail.user_id !== me.user_id) announce(`${detail.username}: ${detail.content}`);
  if (what === "people" && room === current && detail) announce(detail);
  if (what === "state" && room === current) announce(stateWords(room), "state");
  soon();
}

let isDue = false;

/** Once for all that has changed, also in a tab that nobody sees. */
function soon() {
  if (isDue) return;
  isDue = true;
  if (document.hidden) setTimeout(render, 100);
  else requestAnimationFrame(render);
}

function render() {
  isDue = false;
  const all = [...rooms.values()];
  log.update();
  showRooms(all, current);
  showPeople(current, me);
  showTyping();
  showState();
  const others = all.filter((room) => room !== current).reduce((sum, room) => sum + room.unread, 0);
  const unread = others + (isLooking() ? 0 : current.unread);
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${current.name} · Sockeye Chat`;
  byId("menu-dot").hidden = others === 0;
}

function showTyping() {
  const names = [...current.typing.keys()].map((id) => shortened(current.nameOf(id)));
  byId("typing").classList.toggle("on", names.length > 0);
  byId("typing-words").textContent = names.length > 0 ? `${listed(names)} ${names.length === 1 ? "is" : "are"} typing` : "";
}

function stateWords(room) {
  const waiting = room.outbox.waiting.filter(({ problem }) => !problem).length;
  const later = waiting > 0 ? " What you wrote is sent when you are back." : "";
  switch (room.state) {
    case "open":
      return "Connected";
    case "connecting":
      return "Connecting…";
    case "offline":
      return `You are offline.${later}`;
    default:
      return `The connection is lost.${later}`;
  }
}

function showState() {
  const { state, trouble, connection } = current;
  byId("state").dataset.state = state;
  const people = current.people.size;
  byId("state-words").textContent = state === "open" ? `${people} here` : state === "connecting" ? "Connecting…" : "Not connected";
  const isAway = state === "waiting" || state === "offline";
  byId("banner").hidden = !isAway && !trouble;
  byId("banner-button").hidden = !isAway;
  if (trouble && !isAway) byId("banner-words").textContent = trouble;
  if (!isAway) return;
  const seconds = Math.ceil((connection.retryIn ?? 0) / 1000);
  const next = state === "waiting" && seconds > 0 ? ` Trying again in ${seconds} s.` : "";
  byId("banner-words").textContent = `${stateWords(current)}${next}`;
}

// ---------------------------------------------------------------- the reader

const isLooking = () => !document.hidden && document.hasFocus();

function seen() {
  if (current && isLooking()) current.hasSeenAll();
}

let said = "";

/** For those who hear the page. The state only when it is another one. */
function announce(words, kind) {
  if (kind === "state" && words === said) return;
  if (kind === "state") said = words;
  byId("announcer").textContent = words.slice(0, 500);
}

function showMe() {
  byId("my-name").textContent = me.username;
  byId("my-avatar").textContent = initials(me.username);
  byId("my-avatar").style.setProperty("--hue", hue(me.user_id));
}

function renamed(username) {
  me.username = username;
  lasting.set("me", me);
  showMe();
  const names = [...rooms.keys()];
  for (const room of rooms.values()) room.close();
  rooms.clear();
  current = undefined;
  names.forEach(open);
  show();
}

// ---------------------------------------------------------------- the start

function keys(event) {
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    step(event.key === "ArrowUp" ? -1 : 1);
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    byId("add-room").click();
  }
}

async function start() {
  if (!me.username) me.username = await askName();
  if (!new URLSearchParams(location.search).has("user_id")) lasting.set("me", me);
  byId("app").hidden = false;
  showMe();
  startFrame();
  log = new Log(me, seen);
  composer = new Composer({ said: () => log.toEnd(), page: (direction) => log.page(direction) });
  for (const name of lasting.get("rooms") ?? []) if (!problemOf(name)) open(name);
  byId("add-room").addEventListener("click", roomDialog(goTo, (name) => rooms.has(name)));
  byId("settings-open").addEventListener("click", settingsDialog(me, renamed));
  byId("leave").addEventListener("click", leave);
  byId("banner-button").addEventListener("click", () => rooms.forEach((room) => room.connection.retry()));
  document.querySelector(".skip").addEventListener("click", (event) => {
    // The address names a room.
    event.preventDefault();
    byId("text").focus();
  });
  addEventListener("hashchange", show);
  addEventListener("keydown", keys);
  addEventListener("focus", seen);
  document.addEventListener("visibilitychange", () => (seen(), soon()));
  setInterval(() => current.state === "waiting" && showState(), 1_000);
  show();
}

start();
