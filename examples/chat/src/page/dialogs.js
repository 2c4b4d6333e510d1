// What is asked for: a name, a room, colours.

import { make } from "./log.js";
import { theme } from "./storage.js";
import { compare, count } from "./words.js";

const byId = (id) => document.getElementById(id);

/** Asks who this is, before all else. Gives a promise of the name. */
export function askName(proposal = "") {
  const [door, field] = [byId("door"), byId("enter-name")];
  door.hidden = false;
  field.value = proposal;
  field.focus();
  return new Promise((done) => {
    byId("enter").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = field.value.trim();
      if (!name) return field.focus();
      door.hidden = true;
      done(name);
    });
  });
}

/** What is wrong with the name of a room; nothing, if it can be joined. */
export function problemOf(name) {
  if (!name) return "Please give the room a name.";
  if (new TextEncoder().encode(name).length > 1024) return "That name is too long.";
  if (name.includes("\0")) return "That name holds a sign that no room can have.";
  // A browser would make another address of it, or the server has something else there.
  if (name === "." || name === ".." || name === "stats") return `A room can't be called ${name}. Please choose another name.`;
  return "";
}

/** The dialog for a room; `join` gets its name. It proposes rooms in which people are, but for those that are `known`. */
export function roomDialog(join, known) {
  const [dialog, field, problem] = [byId("room-dialog"), byId("room-field"), byId("room-problem")];
  prepare(dialog);
  byId("room-form").addEventListener("submit", (event) => {
    const name = field.value.trim();
    problem.textContent = problemOf(name);
    if (problem.textContent) {
      event.preventDefault();
      field.focus();
    } else {
      join(name);
    }
  });
  return () => {
    if (dialog.open) return;
    field.value = problem.textContent = "";
    dialog.showModal();
    field.focus();
    showActive(known, (name) => {
      dialog.close();
      join(name);
    });
  };
}

/** Rooms in which people are just now. */
async function showActive(known, join) {
  const part = byId("active-rooms");
  part.hidden = true;
  let rooms;
  try {
    ({ rooms } = await (await fetch("/ws/stats")).json());
  } catch {
    return; // Without a connection there is nothing to choose from.
  }
  const found = Object.entries(rooms).filter(([name]) => !problemOf(name) && !known(name));
  found.sort((a, b) => b[1].users - a[1].users || compare(a[0], b[0]));
  const items = found.slice(0, 20).map(([name, { users }]) => {
    const item = make("li");
    const button = make("button", "pill", name);
    button.type = "button";
    button.append(make("span", "quiet", count(users, "person", "people")));
    button.addEventListener("click", () => join(name));
    item.append(button);
    return item;
  });
  part.querySelector("ul").replaceChildren(...items);
  part.hidden = items.length === 0;
}

/** The dialog for name and colours; `renamed` gets a new name. */
export function settingsDialog(me, renamed) {
  const [dialog, form, field] = [byId("settings"), byId("settings-form"), byId("settings-name")];
  prepare(dialog);
  const before = { theme: theme.get() };
  form.addEventListener("change", () => theme.set(form.elements.theme.value));
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "save") return theme.set(before.theme);
    const name = field.value.trim();
    if (name && name !== me.username) renamed(name);
  });
  return () => {
    before.theme = theme.get();
    field.value = me.username;
    form.elements.theme.value = before.theme;
    dialog.returnValue = "";
    dialog.showModal();
    field.focus();
  };
}

/** A press beside a dialog or on its button closes it. */
function prepare(dialog) {
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close("cancel"));
  dialog.querySelector("button[value=cancel]").addEventListener("click", () => dialog.close("cancel"));
}
