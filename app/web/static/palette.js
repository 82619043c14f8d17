// The palette: Ctrl-K or Cmd-K asks where to go. Pages stand in it from the start, people come from the API.
"use strict";

(() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("[role=combobox]");
  const list = dialog.querySelector("[role=listbox]");
  const status = dialog.querySelector("[role=status]");
  const pages = [...list.children];
  let shown = pages, chosen = 0, timer = 0, search = new AbortController();

  function choose(i) {
    chosen = shown.length ? (i + shown.length) % shown.length : 0;
    shown.forEach((option, n) => option.setAttribute("aria-selected", String(n === chosen)));
    const option = shown[chosen];
    if (!option) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function show(people) {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = pages.filter((page) => words.every((word) => page.textContent.toLowerCase().includes(word))).concat(people);
    list.replaceChildren(...shown);
    input.setAttribute("aria-expanded", String(shown.length > 0));
    status.textContent = shown.length ? status.dataset.some.replace("%d", String(shown.length)) : status.dataset.none;
    choose(Math.min(chosen, Math.max(0, shown.length - 1)));
  }

  function person({ id, username, email }) {
    const option = document.createElement("li");
    option.setAttribute("role", "option");
    option.id = `palette-user-${Number(id)}`;
    option.dataset.href = `/users/${Number(id)}`;
    const address = document.createElement("span");
    address.className = "text-secondary";
    address.textContent = email;
    option.append(username, " ", address);
    return option;
  }

  async function find(text, signal) {
    try {
      const url = `${dialog.dataset.people}?${new URLSearchParams({ q: text, size: "8" })}`;
      const response = await fetch(url, { signal, headers: { Accept: "application/json" } });
      if (response.ok) show((await response.json()).map(person));
    } catch (error) {
      if (error.name !== "AbortError") console.warn("the search for people failed", error);
    }
  }

  // What was typed before is no longer wanted, so its search is given up.
  function typed() {
    clearTimeout(timer);
    search.abort();
    chosen = 0;
    show([]);
    const text = input.value.trim();
    if (!dialog.dataset.people || !text) return;
    search = new AbortController();
    timer = setTimeout(find, 150, text, search.signal);
  }

  function open() {
    if (document.querySelector("dialog[open]")) return;
    input.value = "";
    dialog.showModal();
    typed();
  }

  function go(option) {
    if (option) window.location.assign(option.dataset.href);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });
  input.addEventListener("input", typed);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(chosen + step);
    else if (event.key === "Enter") go(shown[chosen]);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => go(event.target.closest("[role=option]")));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.querySelector("[data-palette]").addEventListener("click", open);
})();
