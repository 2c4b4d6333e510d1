// The lists beside the messages: the user's rooms, and who is in the one that is shown.

import { avatar, make } from "./log.js";
import { compare, count } from "./words.js";

const byId = (id) => document.getElementById(id);

/** The rooms' items, by name. They stay: a room may change between a button's press and its release. */
const items = new Map();

/** The rooms, each with how many messages are new, and what was said last. */
export function showRooms(rooms, current) {
  const names = new Set(rooms.map(({ name }) => name));
  for (const name of items.keys()) if (!names.has(name)) items.delete(name);
  const list = rooms.map((room) => {
    const item = items.get(room.name) ?? roomItem(room.name);
    const link = item.firstElementChild;
    link.ariaCurrent = room === current ? "page" : null;
    const words = make("span", "words");
    const { last } = room;
    words.append(make("span", "name", room.name), make("span", "preview", last ? `${last.username}: ${last.content.slice(0, 100)}` : ""));
    const parts = [make("span", "hash", "#"), words];
    if (room.unread > 0 && room !== current) {
      const badge = make("span", "badge", room.unread > 99 ? "99+" : String(room.unread));
      badge.append(make("span", "hidden", " new"));
      parts.push(badge);
    }
    fill(link, parts);
    return item;
  });
  fill(byId("rooms"), list);
}

function roomItem(name) {
  const item = make("li");
  const link = make("a", "room");
  link.href = `#${encodeURIComponent(name)}`;
  item.append(link);
  items.set(name, item);
  return item;
}

/** Who is there: the user first, then by name. */
export function showPeople(room, me) {
  const people = [...room.people].map(([user_id, username]) => ({ user_id, username }));
  people.sort((a, b) => (b.user_id === me.user_id) - (a.user_id === me.user_id) || compare(a.username, b.username));
  const list = people.map((user) => {
    const item = make("li");
    item.append(avatar(user), make("span", "name", user.username));
    if (user.user_id === me.user_id) item.append(make("span", "quiet", "you"));
    else if (room.typing.has(user.user_id)) item.append(make("span", "quiet", "typing…"));
    return item;
  });
  fill(byId("people-list"), list);
  byId("people-count").textContent = String(people.length);
  byId("people-title").textContent = count(people.length, "person here", "people here");
}

/** Gives an element these children. Those that are there, or look the same, stay, with the focus and whoever reads there. */
function fill(parent, children) {
  children.forEach((child, at) => {
    const shown = parent.children[at];
    if (shown !== child && !shown?.isEqualNode(child)) parent.insertBefore(child, shown ?? null);
  });
  while (parent.children.length > children.length) parent.lastElementChild.remove();
}
