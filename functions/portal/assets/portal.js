// Everything works without this file. With it, only what changes is exchanged (htmx), and nobody loses their place.
(() => {
  "use strict";
  const { htmx } = window;
  Object.assign(htmx.config, {
    allowEval: false,
    includeIndicatorStyles: false, // the policy lets in no style but our file
    historyCacheSize: 0, // patients' data stays out of the browser's storage
    refreshOnHistoryMiss: true,
    responseHandling: [{ code: "204", swap: false }, { code: "...", swap: true }],
  });
  const live = () => document.getElementById("live");
  const asker = (event) => event.detail.requestConfig?.elt ?? event.detail.elt;
  const polls = (event) => Boolean(asker(event)?.matches?.("[data-poll]"));
  document.documentElement.classList.add("scripted");
  let shown = location.pathname;
  let place = [];

  // What `done` told is told once: not again on a reload.
  const forget = () => {
    const here = new URL(location.href);
    if (!here.searchParams.has("done")) return;
    here.searchParams.delete("done");
    history.replaceState(history.state, "", here);
  };
  forget();

  // What a part that refreshes itself has to say is said when it changes, and not each time.
  const say = () => {
    const said = document.querySelector("[data-say]")?.dataset.say;
    if (said && live().textContent !== said) live().textContent = said;
  };

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (polls(event) && document.hidden) event.preventDefault();
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { detail } = event;
    if (polls(event)) {
      // A list that cannot be refreshed, or did not change, stays as it is.
      if (detail.xhr.status !== 200 || asker(event).lastAnswer === detail.serverResponse) detail.shouldSwap = false;
      asker(event).lastAnswer = detail.serverResponse;
      return;
    }
    place = [];
    for (let at = document.activeElement; at && at.id !== "main"; at = at.parentElement) if (at.id) place.push(at.id);
  });

  // After an exchange focus is where it was, or on what took its place; on another page, at its beginning.
  document.addEventListener("htmx:afterSettle", (event) => {
    forget();
    say();
    if (polls(event)) return;
    const moved = shown !== location.pathname;
    shown = location.pathname;
    const main = document.getElementById("main");
    const errors = main.querySelector(".errors");
    if (errors) return errors.focus();
    if (moved) {
      window.scrollTo(0, 0);
      return main.focus({ preventScroll: true });
    }
    if (document.activeElement !== document.body) return;
    const kept = place.map((id) => document.getElementById(id)).find((one) => one && main.contains(one));
    const at = kept ?? main;
    if (at !== main && !at.matches("a, button, input, select, textarea, summary, [tabindex]")) at.tabIndex = -1;
    at.focus({ preventScroll: true });
  });

  const lost = (event) => {
    if (!polls(event)) live().textContent = live().dataset.lost;
  };
  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:timeout", lost);
  // A form that could not be sent may be sent again.
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt?.closest?.("form");
    if (form) delete form.dataset.sent;
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });

  // Menus close as people expect of menus.
  const close = (except) => document.querySelectorAll("details.menu[open]").forEach((one) => {
    if (one !== except) one.open = false;
  });
  document.addEventListener("click", (event) => close(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest("details.menu[open]");
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
})();
