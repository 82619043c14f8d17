// What makes the pages quicker to use. Every page works without it.
"use strict";

// Trusted Types: markup may be put in (htmx does), a script from text or from another address never.
if (window.trustedTypes && window.trustedTypes.createPolicy) {
  window.trustedTypes.createPolicy("default", { createHTML: (html) => html });
}

const root = document.documentElement;

function applyTheme() {
  const dark = root.dataset.theme === "dark" ||
    (root.dataset.theme === "auto" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  root.setAttribute("data-bs-theme", dark ? "dark" : "light");
}
applyTheme();
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);

function typing(target) {
  return target instanceof Element && (target.closest("input, textarea, select") || target.isContentEditable);
}

let first = "";
const places = { d: "/dashboard", u: "/users", a: "/account" };

document.addEventListener("keydown", (event) => {
  if (root.dataset.shortcuts !== "yes" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (first === "g" && places[event.key]) {
    first = "";
    if (document.querySelector(`a[href="${places[event.key]}"]`)) window.location.assign(places[event.key]);
    return;
  }
  first = event.key === "g" ? "g" : "";
  if (event.key === "?") {
    document.getElementById("help").showModal();
    return;
  }
  const wanted = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!wanted) return;
  event.preventDefault();
  if (wanted instanceof HTMLInputElement) wanted.focus();
  else wanted.click();
});

// A question before an act that hurts.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || !button.dataset.confirm || button.dataset.sure) return;
  event.preventDefault();
  const dialog = document.getElementById("confirm");
  document.getElementById("confirm-text").textContent = button.dataset.confirm;
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "yes") return button.focus();
    button.dataset.sure = "yes";
    button.form.requestSubmit(button);
  }, { once: true });
  dialog.returnValue = "";
  dialog.showModal();
});

document.addEventListener("click", (event) => {
  const opener = event.target instanceof Element && event.target.closest("[data-opens]");
  if (!opener) return;
  event.preventDefault();
  document.getElementById(opener.dataset.opens).showModal();
});

document.addEventListener("click", async (event) => {
  const copier = event.target instanceof Element && event.target.closest("[data-copies]");
  if (!copier) return;
  const lines = [...document.querySelectorAll(copier.dataset.copies)].map((e) => e.dataset.line || e.textContent);
  await navigator.clipboard.writeText(lines.join("\n"));
  copier.nextElementSibling.textContent = copier.dataset.done;
});

// A menu closes by Escape, which gives the focus back to its button, and when something outside of it is used.
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
["click", "focusin"].forEach((name) => document.addEventListener(name, (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = menu.contains(event.target); });
}));

function boxes() {
  return [...document.querySelectorAll('input[name="id"][form="bulk"]')];
}

function countSelected() {
  const out = document.querySelector(".selected-count");
  if (!out) return;
  const n = boxes().filter((box) => box.checked).length;
  out.textContent = n ? out.dataset.text.replace("%d", String(n)) : "";
}

document.addEventListener("change", (event) => {
  const target = event.target;
  if (target.matches("[data-select-all]")) boxes().forEach((box) => { box.checked = target.checked; });
  if (target.matches('[data-select-all], input[name="id"]')) countSelected();
  if (target.matches(".quick select")) target.form.classList.add("changed");
});

// Some browsers forget that a table is one when the style makes cards of it (see app.css); its roles remind them.
const roles = { TABLE: "table", CAPTION: "caption", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
function keepTables() {
  document.querySelectorAll(".stack, .stack *").forEach((e) => {
    const role = e.tagName === "TH" ? `${e.scope === "row" ? "row" : "column"}header` : roles[e.tagName];
    if (role) e.setAttribute("role", role);
  });
}

function enhance() {
  root.classList.add("js");
  keepTables();
  document.querySelectorAll("[data-select-all]").forEach((box) => { box.hidden = false; });
  document.querySelectorAll("[data-copies]").forEach((button) => { button.hidden = !navigator.clipboard; });
  countSelected();
}

// The setup link carries its secret where browsers do not send it. Whoever is on the page already stays there by the link.
function takeSecret() {
  const secret = document.getElementById("f-secret");
  if (!secret || window.location.hash.length < 2) return;
  secret.value = decodeURIComponent(window.location.hash.slice(1));
  window.history.replaceState(null, "", window.location.pathname);
}
window.addEventListener("hashchange", takeSecret);

document.addEventListener("DOMContentLoaded", () => {
  enhance();
  takeSecret();
  const errors = document.getElementById("errors");
  if (errors) errors.focus();
});
["htmx:afterSwap", "htmx:after:swap"].forEach((name) => document.addEventListener(name, enhance));
