"use strict";
// Everything works without this: it offers names while one types, and single keys for who wants them.
const box = document.getElementById("find");
const keysOff = () => localStorage.getItem("keys") === "off";

const offerNames = () => {
  const list = Object.assign(document.createElement("ul"), { id: "names", className: "names", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Operators");
  box.after(list);
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-controls", "names");
  box.setAttribute("aria-autocomplete", "list");
  let chosen = -1, asked = 0, waiting;
  const rows = () => [...list.children];
  const close = () => { list.hidden = true; chosen = -1; box.setAttribute("aria-expanded", "false"); box.removeAttribute("aria-activedescendant"); };
  const choose = at => {
    rows().forEach((row, place) => row.setAttribute("aria-selected", String(place === at)));
    chosen = at;
    if (at >= 0) box.setAttribute("aria-activedescendant", rows()[at].id);
    else box.removeAttribute("aria-activedescendant");
  };
  const show = names => {
    list.replaceChildren(...names.map(({ name, place }, at) => {
      const row = Object.assign(document.createElement("li"), { id: `name-${at}`, textContent: name });
      row.dataset.place = place;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", "false");
      row.addEventListener("mousedown", event => { event.preventDefault(); location.assign(place); });
      return row;
    }));
    list.hidden = names.length === 0;
    box.setAttribute("aria-expanded", String(names.length > 0));
    chosen = -1;
  };
  const ask = async () => {
    const number = ++asked;
    if (!box.value.trim()) { close(); return; }
    const answer = await fetch(`/names?${new URLSearchParams({ q: box.value })}`).catch(() => null);
    if (answer?.ok && number === asked) show(await answer.json());
  };
  box.setAttribute("aria-expanded", "false");
  box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 120); });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", event => {
    const last = rows().length - 1;
    if (list.hidden) return;
    if (event.key === "ArrowDown") { event.preventDefault(); choose(chosen < last ? chosen + 1 : 0); }
    else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen > 0 ? chosen - 1 : last); }
    else if (event.key === "Escape") { event.preventDefault(); close(); }
    else if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); location.assign(rows()[chosen].dataset.place); }
  });
};

const rowsToWalk = () => [...document.querySelectorAll("main tbody tr")].filter(row => row.querySelector("th a, td a"));
const here = () => document.querySelector("tr.here");
const walk = step => {
  const rows = rowsToWalk();
  if (!rows.length) return;
  const at = Math.min(Math.max(rows.indexOf(here()) + step, 0), rows.length - 1);
  here()?.classList.remove("here");
  rows[at].classList.add("here");
  rows[at].querySelector("a").focus({ preventScroll: true });
  rows[at].scrollIntoView({ block: "nearest" });
};
const help = () => {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", "Keys");
  dialog.innerHTML = "";
  const line = words => dialog.append(Object.assign(document.createElement("p"), { textContent: words }));
  ["/ or Ctrl K: find an operator", "j and k: the next row, and the one before", "o or Enter: open the row", "?: this list"].forEach(line);
  const turn = Object.assign(document.createElement("button"), { type: "button" });
  const name = () => { turn.textContent = keysOff() ? "Turn single keys on" : "Turn single keys off"; };
  turn.addEventListener("click", () => { localStorage.setItem("keys", keysOff() ? "on" : "off"); name(); });
  name();
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  dialog.append(turn, " ", close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
};
const KEYS = { "/": () => box?.focus(), j: () => walk(1), k: () => walk(-1), o: () => here()?.querySelector("a")?.click(), "?": help };

if (box) offerNames();
document.addEventListener("keydown", event => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && box) { event.preventDefault(); box.focus(); return; }
  const within = event.target.closest("input, select, textarea, dialog, [contenteditable]");
  if (within || event.ctrlKey || event.metaKey || event.altKey || keysOff()) return;
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
});
const turn = document.getElementById("keys");
turn?.addEventListener("click", help);

// What a page says live: every source is asked when somebody presses for it, and what comes is put below.
const live = document.getElementById("live");
const own = found => {
  found.querySelectorAll("[id]").forEach(one => { one.id = `live-${one.id}`; });
  found.querySelectorAll('a[href^="#"]').forEach(one => one.setAttribute("href", `#live-${one.getAttribute("href").slice(1)}`));
  ["aria-labelledby", "aria-describedby", "for"].forEach(name => found.querySelectorAll(`[${name}]`).forEach(one =>
    one.setAttribute(name, one.getAttribute(name).split(" ").map(word => `live-${word}`).join(" "))));
};
const readLive = async () => {
  const said = document.getElementById("live-said"), shown = document.getElementById("live-shown");
  const again = (words, place = live.dataset.place, name = "Read live") => said.replaceChildren(`${words} `, Object.assign(document.createElement("a"), { href: place, textContent: name }));
  live.setAttribute("aria-busy", "true");
  said.textContent = "Asking every source now; what is kept stands above.";
  try {
    const answer = await fetch(live.dataset.place, { headers: { "X-Part": "1" }, cache: "no-store" });
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.redirected) { again("You are signed out.", location.href, "Sign in again."); return; }
    const lines = [...found.querySelectorAll("header p")].map(one => one.textContent);
    if (!answer.ok) { again(`It could not be read: ${lines.join(" ") || "the page could not be made."}`); return; }
    own(found);
    const body = document.createElement("div");
    body.append(...found.querySelectorAll("header .headline, header .banner, header .sources, header .warnings, main > *"));
    shown.replaceChildren(body);
    said.textContent = `Read live: ${found.querySelector("header .dated")?.textContent ?? ""}`;
  } catch { again("It could not be read: these pages do not answer."); }
  finally { live.setAttribute("aria-busy", "false"); }
};
live?.addEventListener("click", event => {
  if (event.target.closest("a")?.getAttribute("href") !== live.dataset.place || live.getAttribute("aria-busy") === "true") return;
  event.preventDefault();
  readLive();
});
