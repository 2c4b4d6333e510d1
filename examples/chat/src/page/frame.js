// The page around the messages: what is beside them slides in where there is no room for it, and gets the focus then.

const byId = (id) => document.getElementById(id);
const NARROW = { sidebar: matchMedia("(max-width: 52rem)"), people: matchMedia("(max-width: 70rem)") };
const BUTTONS = { sidebar: byId("menu"), people: byId("people-toggle") };

let drawer; // which of the two is open, where they are drawers
let showsPeople = true; // where they are not

export function startFrame() {
  byId("menu").addEventListener("click", () => open("sidebar"));
  byId("people-toggle").addEventListener("click", () => {
    if (NARROW.people.matches) open("people");
    else showsPeople = !showsPeople;
    settle();
  });
  byId("people-close").addEventListener("click", () => {
    showsPeople = NARROW.people.matches && showsPeople;
    closeDrawer();
    BUTTONS.people.focus();
  });
  byId("shade").addEventListener("click", () => closeDrawer());
  addEventListener("keydown", (event) => event.key === "Escape" && drawer && closeDrawer());
  for (const media of Object.values(NARROW)) media.addEventListener("change", () => closeDrawer());
  settle();
}

function open(name) {
  drawer = name;
  settle();
  byId(name).querySelector("a, button").focus();
}

/** Gives the focus back to what has opened it. */
export function closeDrawer() {
  const button = drawer && BUTTONS[drawer];
  drawer = undefined;
  settle();
  button?.focus();
}

function settle() {
  document.body.dataset.drawer = drawer ?? "";
  document.body.toggleAttribute("data-people", showsPeople);
  byId("chat").inert = Boolean(drawer);
  for (const [name, media] of Object.entries(NARROW)) {
    const isOpen = media.matches ? drawer === name : name === "sidebar" || showsPeople;
    byId(name).inert = !isOpen || Boolean(drawer && drawer !== name);
    BUTTONS[name].ariaExpanded = String(isOpen);
  }
}
