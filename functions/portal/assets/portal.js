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

  // A part that refreshes itself leaves its reader where they were: what was opened stays open, what was in sight stays in its
  // place, and focus is on what it was on or, where that is gone, on what came next.
  const focusable = "a[id], button[id], input[id], select[id], summary[id], [tabindex][id]";
  let held = null;
  const hold = (part) => {
    const all = [...part.querySelectorAll(focusable)];
    const active = all.find((one) => one === document.activeElement);
    const seen = active ?? all.find((one) => one.getBoundingClientRect().top >= 0);
    held = {
      part: part.id,
      ids: all.map((one) => one.id),
      seen: seen?.id,
      top: seen?.getBoundingClientRect().top,
      focused: Boolean(active),
      scrolls: window.scrollY > 0,
      scrolled: [...part.querySelectorAll(".scroll")].map((one) => [one.scrollLeft, one.scrollTop]),
      open: [...part.querySelectorAll("details[id][open]")].map((one) => one.id),
    };
  };
  const release = () => {
    const { part, ids, seen, top, focused, scrolls, scrolled, open } = held;
    held = null;
    const now = document.getElementById(part);
    if (!now) return;
    open.forEach((id) => { const one = document.getElementById(id); if (one) one.open = true; });
    [...now.querySelectorAll(".scroll")].forEach((one, at) => { [one.scrollLeft, one.scrollTop] = scrolled[at] ?? [0, 0]; });
    const at = ids.indexOf(seen);
    const next = [...ids.slice(Math.max(at, 0)), ...ids.slice(0, Math.max(at, 0)).reverse()]
      .map((id) => document.getElementById(id)).find((one) => one && now.contains(one));
    if (next && scrolls) window.scrollBy({ top: next.getBoundingClientRect().top - top, behavior: "instant" });
    if (focused && document.activeElement !== next) (next ?? document.getElementById("main")).focus({ preventScroll: true });
  };
  document.addEventListener("htmx:afterSwap", (event) => {
    if (held && polls(event)) release();
  });

  // What an error page says, while the form that it answers stays as it was typed.
  const failed = (answer) => new DOMParser().parseFromString(answer, "text/html").querySelector("[data-error]");
  const warn = (text, link) => {
    live().textContent = text.replace(/\s+/g, " ").trim();
    live().classList.add("bad");
    if (link) live().append(" ", link);
  };

  // Where the session ended under a form, staff sign in in another tab; the form stays, and gets the new session's token. One
  // that somebody else signed in to sees nothing of it.
  let signedOut = false;
  const renew = async () => {
    const home = document.querySelector(".brand a").href;
    const answer = await fetch(home, { headers: { "HX-Request": "true" } }).then((one) => one.text(), () => "");
    const now = new DOMParser().parseFromString(answer, "text/html").querySelector("[data-csrf]")?.dataset;
    if (!now) return;
    if (now.email !== document.getElementById("me")?.dataset.email) return location.reload();
    document.querySelectorAll("input[name=csrf]").forEach((one) => { one.value = now.csrf; });
    if (!signedOut) return;
    signedOut = false;
    live().classList.remove("bad");
    live().textContent = live().dataset.again;
  };
  window.addEventListener("focus", () => { if (signedOut) renew(); });

  // Back leads to where one was, without a reload: the page anew, at the place and with what was looked for, which this page
  // alone remembers; neither stands in an address. In the Calendar the browser asks first, if something is not saved.
  const places = new Map();
  let searched = "";
  let back = null;
  const here = () => location.pathname + location.search;
  window.addEventListener("popstate", (event) => {
    if (!event.state?.htmx || document.getElementById("calendar")) return;
    event.stopImmediatePropagation();
    back = places.get(here()) ?? { top: 0 };
    const csrf = document.querySelector("input[name=csrf]")?.value;
    const found = searched && csrf && location.pathname.endsWith("/search");
    if (found) htmx.ajax("POST", here(), { source: "#main", values: { csrf, text: searched } });
    else htmx.ajax("GET", here(), { source: "#main" });
  }, true);

  // What is done on a page leads to that page anew: Back leads to where one came from, whatever was done.
  document.addEventListener("htmx:beforeHistoryUpdate", ({ detail }) => {
    const leads = new URL(detail.history.path, location.href).pathname;
    if (detail.requestConfig.verb === "post" && leads === location.pathname) detail.history.type = "replace";
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (polls(event)) {
      if (document.hidden) event.preventDefault();
      return;
    }
    const { elt } = event.detail;
    const search = elt.closest("form.search")?.elements.text;
    if (search) searched = search.value;
    if (elt.id !== "main") places.set(here(), { top: window.scrollY, id: elt.id });
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { detail } = event;
    if (polls(event)) {
      // A list that cannot be refreshed, or did not change, stays as it is.
      if (detail.xhr.status !== 200 || asker(event).lastAnswer === detail.serverResponse) detail.shouldSwap = false;
      else hold(detail.target);
      asker(event).lastAnswer = detail.serverResponse;
      return;
    }
    live().classList.remove("bad");
    const error = detail.requestConfig.verb === "post" && failed(detail.serverResponse);
    if (error) {
      detail.shouldSwap = false;
      const { status } = detail.xhr;
      signedOut = status === 401;
      const link = error.querySelector("#sign-in-again");
      link?.remove();
      // The token of a form is that of its session, which another tab may have begun anew.
      if (status === 403) renew();
      return warn(error.textContent, link);
    }
    place = [];
    for (let at = document.activeElement; at && at.id !== "main"; at = at.parentElement) if (at.id) place.push(at.id);
  });

  // After an exchange focus is where it was, or on what took its place; on another page, at its beginning.
  document.addEventListener("htmx:afterSettle", (event) => {
    forget();
    say();
    if (polls(event)) return;
    if (back && asker(event)?.id !== "main") return; // a page that Back has left before it had settled
    const moved = shown !== location.pathname;
    shown = location.pathname;
    const main = document.getElementById("main");
    const errors = main.querySelector(".errors");
    if (errors) return errors.focus();
    if (back) {
      const { top, id } = back;
      back = null;
      const led = id && document.getElementById(id);
      (led && main.contains(led) ? led : main).focus({ preventScroll: true });
      return window.scrollTo({ top, behavior: "instant" });
    }
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
    if (polls(event)) return;
    back = null;
    warn(live().dataset.lost);
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
