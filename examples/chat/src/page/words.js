// How things are written: times, names, links.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const far = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const near = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const plain = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

export const timeOf = (date) => clock.format(date);
export const momentOf = (date) => whole.format(date);
export const compare = (a, b) => plain.compare(a, b);

/** The day as a key: the same for two moments of one day here. */
export const dayKey = (date) => `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;

/** Today, yesterday, a weekday with its date. */
export function dayOf(date, now = new Date()) {
  const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0 || days === 1) return capital(relative.format(-days, "day"));
  return (date.getFullYear() === now.getFullYear() ? near : far).format(date);
}

const capital = (text) => text.charAt(0).toLocaleUpperCase() + text.slice(1);

/** The first letters of a name: one or two. */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => String.fromCodePoint(word.codePointAt(0)).toLocaleUpperCase()).join("") || "?";
}

/** A user's own colour: an angle on the wheel. */
export function hue(user_id) {
  // Neighbours are to look different.
  return Math.round((((Number(user_id) % 9973) * 137.508) % 360 + 360) % 360);
}

/** A name where there is little room. */
export const shortened = (name, most = 24) => ([...name].length <= most ? name : `${[...name].slice(0, most - 1).join("")}…`);

/** `Ann`, `Ann and Bob`, `Ann, Bob and 3 others`. */
export function listed(names) {
  if (names.length <= 1) return names[0] ?? "";
  if (names.length <= 3) return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  return `${names[0]}, ${names[1]} and ${names.length - 2} others`;
}

/** What ends a sentence is not the link's. In one pass, however long it is: a pattern would begin anew at each character. */
function trimmed(address) {
  let end = address.length;
  while (".,;:!?)]}".includes(address[end - 1])) end--;
  return address.slice(0, end);
}

const LINK = /\bhttps?:\/\/[^\s<>"'`\u0000-\u001f]+/giu;

/** A text as nodes: it stays text, and what looks like a link becomes one. */
export function nodes(text) {
  const found = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    const address = trimmed(match[0]);
    if (!URL.canParse(address)) continue;
    found.append(text.slice(at, match.index));
    const link = document.createElement("a");
    Object.assign(link, { href: address, textContent: address, target: "_blank", rel: "noopener noreferrer nofollow" });
    found.append(link);
    at = match.index + address.length;
  }
  found.append(text.slice(at));
  return found;
}

/** `3 people`, `1 person`. */
export const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;
