// The field for what is to be said.

import { own } from "./storage.js";

/** Characters that the server takes. */
const LONGEST = 16_384;
/** Time without a key after which nobody is typing any more. */
const IDLE = 4_000; // ms

const byId = (id) => document.getElementById(id);
const [form, text, counter] = ["composer", "text", "counter"].map(byId);

export class Composer {
  #room;
  #idle;

  constructor({ said, page }) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#say(said);
    });
    text.addEventListener("input", () => this.#typed());
    text.addEventListener("blur", () => this.#room?.setTyping(false));
    text.addEventListener("keydown", (event) => {
      // While an input method is at work, Enter is its own. On a touch screen it makes a line.
      const sends = event.key === "Enter" && !event.shiftKey && !event.isComposing && !matchMedia("(pointer: coarse)").matches;
      if (sends) {
        event.preventDefault();
        this.#say(said);
      } else if (event.key === "PageUp" || event.key === "PageDown") {
        event.preventDefault();
        page(event.key === "PageUp" ? -1 : 1);
      }
    });
  }

  /** What was begun in a room is there when the user comes back. */
  show(room) {
    if (this.#room) this.#keep();
    clearTimeout(this.#idle);
    this.#room = room;
    text.value = own.get(`draft.${room.name}`) ?? "";
    text.placeholder = `Message ${room.name}`;
    this.#fit();
  }

  focus() {
    // A keyboard that covers half the screen comes only when it is asked for.
    if (!matchMedia("(pointer: coarse)").matches) text.focus();
  }

  #typed() {
    this.#fit();
    this.#keep();
    const isTyping = text.value.trim() !== "";
    this.#room?.setTyping(isTyping);
    clearTimeout(this.#idle);
    if (isTyping) this.#idle = setTimeout(() => this.#room?.setTyping(false), IDLE);
  }

  #say(said) {
    const content = text.value.trim();
    text.focus();
    if (!content || !this.#room || tooLong(content) > 0) return;
    clearTimeout(this.#idle);
    text.value = "";
    this.#keep();
    this.#fit();
    this.#room.say(content);
    said();
  }

  #keep() {
    const name = `draft.${this.#room.name}`;
    if (text.value) own.set(name, text.value);
    else own.remove(name);
  }

  #fit() {
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight, innerHeight * 0.4)}px`;
    form.classList.toggle("empty", text.value.trim() === "");
    const left = -tooLong(text.value.trim());
    counter.textContent = left < 0 ? `${-left} characters too many` : left < 500 ? `${left} characters left` : "";
    counter.classList.toggle("problem", left < 0);
  }
}

/** Characters beyond what the server takes, counted as it does. */
function tooLong(content) {
  // Most have fewer: each is at least one unit.
  if (content.length <= LONGEST - 500) return content.length - LONGEST;
  return [...content].length - LONGEST;
}
