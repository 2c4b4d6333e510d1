// The lists beside the messages: the user's rooms, and who is in the one that is shown.

import { avatar, make } from "./log.js";
import { compare, count } from "./words.js";

const byId = (id) => document.getElementById(id);

/** The rooms, each with how many messages are new, and what was said last. */
export function showRooms(rooms, current) {
  const items = rooms.map((room) => {
    const item = make("li");
    const link = make("a", "room");
    link.href = `#${encodeURIComponent(room.name)}`;
    if (room === current) link.ariaCurrent = "page";
    const words = make("span", "words");
    const { last } = room;
    words.append(make("span", "name", room.name), make("span", "preview", last ? `${last.username}: ${last.content.slice(0, 100)}` : ""));
    link.append(make("span", "hash", "#"), words);
    if (room.unread > 0 && room !== current) {
      const badge = make("span", "badge", room.unread > 99 ? "99+" : String(room.unread));
      badge.append(make("span", "hidden", " new"));
      link.append(badge);
    }
    item.append(link);
    return item;
  });
  replace(byId("rooms"), items);
}

/** Who is there: the user first, then by name. */
export function showPeople(room, me) {
  const people = [...room.people].map(([user_id, username]) => ({ user_id, username }));
  people.sort((a, b) => (b.user_id === me.user_id) - (a.user_id === me.user_id) || compare(a.username, b.username));
  const items = people.map((user) => {
    const item = make("li");
    item.append(avatar(user), make("span", "name", user.username));
    if (user.user_id === me.user_id) item.append(make("span", "quiet", "you"));
    else if (room.typing.has(user.user_id)) item.append(make("span", "quiet", "typing…"));
    return item;
  });
  byId("people-list").replaceChildren(...items);
  byId("people-count").textContent = String(people.length);
  byId("people-title").textContent = count(people.length, "person here", "people here");
}

/** Puts items into a list; what has the focus keeps it. */
function replace(list, items) {
  const index = [...list.children].findIndex((item) => item.contains(document.activeElement));
  list.replaceChildren(...items);
  if (index >= 0) list.children[index]?.querySelector("a")?.focus();
}
