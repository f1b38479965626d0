// Everything works without this; it makes four things kinder.
(() => {
  "use strict";
  // A visit's time where its reader is, if the clock shows another one there.
  const time = document.querySelector("time[data-zone]");
  const yours = document.querySelector("[data-yours]");
  if (time && yours) {
    const at = new Date(time.dateTime);
    const written = (zone) => new Intl.DateTimeFormat(yours.dataset.language, {
      weekday: "long", hour: "numeric", minute: "2-digit", timeZone: zone, timeZoneName: "short",
    });
    const clock = (zone) => new Intl.DateTimeFormat("en", { dateStyle: "short", timeStyle: "short", timeZone: zone }).format(at);
    if (clock(undefined) !== clock(time.dataset.zone)) {
      yours.textContent = yours.dataset.words.replace("{time}", written(undefined).format(at));
      yours.hidden = false;
    }
  }

  // What was typed survives a reload, in this tab only, until the request is sent.
  const form = document.querySelector("form[data-draft]");
  const shelf = (() => { try { return window.sessionStorage; } catch { return null; } })();
  if (shelf && form) {
    const name = `draft:${form.dataset.draft}`;
    const fields = () => [...form.elements].filter((one) => one.name && one.type !== "hidden" && one.type !== "submit");
    const navigation = performance.getEntriesByType("navigation")[0];
    if (navigation && navigation.type === "reload") {
      const draft = JSON.parse(shelf.getItem(name) || "{}");
      fields().forEach((one) => { if (!one.value && draft[one.name]) one.value = draft[one.name]; });
    }
    form.addEventListener("input", () => {
      shelf.setItem(name, JSON.stringify(Object.fromEntries(fields().map((one) => [one.name, one.value]))));
    });
  }
  if (shelf && document.querySelector(".outcome")) {
    Object.keys(shelf).filter((name) => name.startsWith("draft:")).forEach((name) => shelf.removeItem(name));
  }

  // In a frame: the page around it learns how high this one is, and when there is a new one; nothing else.
  if (window.parent !== window) {
    const tell = (what) => window.parent.postMessage({ oneway: what, height: document.documentElement.offsetHeight }, "*");
    tell("page");
    new ResizeObserver(() => tell("size")).observe(document.documentElement);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") tell("close"); });
  }
})();
