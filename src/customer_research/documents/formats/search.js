"use strict";
const box = document.getElementById("find");
const told = document.getElementById("found");
const fold = words => words.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const rows = [...document.querySelectorAll("#part-operators tbody tr")];
const names = rows.map(row => fold(row.cells[0].textContent));
box.addEventListener("input", () => {
  const asked = fold(box.value).split(/\s+/).filter(Boolean);
  rows.forEach((row, at) => { row.hidden = !asked.every(word => names[at].includes(word)); });
  document.body.classList.toggle("finding", asked.length > 0);
  told.textContent = asked.length ? `${rows.filter(row => !row.hidden).length} of ${rows.length}` : "";
});
box.addEventListener("keydown", event => {
  if (event.key === "Enter" && box.value) rows.find(row => !row.hidden)?.querySelector("a")?.click();
});
box.parentElement.hidden = false;
if (location.hash === "#find") box.focus();
