// What the browser keeps for us: who the user is, the rooms, what was not sent yet. Without it all lasts as long as the page.

const PREFIX = "sockeye.chat.";

/** JSON under names, in one of the browser's stores; in memory where the browser keeps nothing. */
class Kept {
  #store;
  #memory = new Map();

  constructor(open) {
    try {
      this.#store = open();
      this.#store.getItem(PREFIX);
    } catch {
      this.#store = undefined;
    }
  }

  get(name) {
    try {
      const text = this.#memory.get(name) ?? this.#store?.getItem(PREFIX + name);
      return text == null ? undefined : JSON.parse(text);
    } catch {
      return undefined; // Not ours.
    }
  }

  set(name, value) {
    const text = JSON.stringify(value);
    try {
      if (this.#store) {
        this.#store.setItem(PREFIX + name, text);
        this.#memory.delete(name);
        return;
      }
    } catch {
      // Full: what is there already stays, this one lives as long as the page.
    }
    this.#memory.set(name, text);
  }

  remove(name) {
    this.#memory.delete(name);
    this.#store?.removeItem(PREFIX + name);
  }
}

/** For all tabs, for long. */
export const lasting = new Kept(() => localStorage);
/** For this tab, and what it becomes when it is loaded anew. */
export const own = new Kept(() => sessionStorage);

/** Words, not JSON: `theme.js` reads it too. */
export const theme = {
  get: () => document.documentElement.dataset.theme ?? "system",
  set(name) {
    document.documentElement.dataset.theme = name;
    try {
      localStorage.setItem(`${PREFIX}theme`, name);
    } catch {
      // For this page, then.
    }
  },
};

/** As much of a name as the server takes. */
const short = (name) => name && [...name.trim()].slice(0, 64).join("");

/** Who this is: what the address says (`?user_id=7&username=Ann`), or what is kept. No name: nobody yet. */
export function identity() {
  const query = new URLSearchParams(location.search);
  const kept = lasting.get("me");
  if (query.has("user_id")) {
    const user_id = Number(query.get("user_id"));
    if (Number.isSafeInteger(user_id)) return { user_id, username: short(query.get("username")) || kept?.username };
  }
  if (Number.isSafeInteger(kept?.user_id)) return kept;
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return { user_id: (high & 0xfffff) * 2 ** 32 + low, username: undefined };
}
