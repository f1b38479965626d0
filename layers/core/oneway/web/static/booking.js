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

  // What was typed survives a reload, Back and a way round, in this tab only: until it is sent, until the tool is entered anew, or
  // until nobody touched it for half an hour. So the next person at a shared screen does not find it.
  const shelf = (() => { try { return window.sessionStorage; } catch { return null; } })();
  if (shelf) {
    const idle = 30 * 60 * 1000, onTheWay = 60 * 1000;
    const [navigation] = performance.getEntriesByType("navigation");
    const came = navigation ? navigation.type : "navigate";
    const read = (name) => JSON.parse(shelf.getItem(name) || "{}");
    const drop = (which) => Object.keys(shelf).filter((name) => name.startsWith("draft:") && which(name)).forEach((name) => shelf.removeItem(name));
    const entered = came === "navigate" && !(Date.now() - Number(shelf.getItem("way")) < onTheWay);
    shelf.removeItem("way");
    drop((name) => entered || document.querySelector(".outcome") || !(Date.now() - read(name).at < idle));
    const go = (event) => { if (event.type === "submit" || event.target.closest("a[href]")) shelf.setItem("way", Date.now()); };
    document.addEventListener("click", go);
    document.addEventListener("submit", go);

    const form = document.querySelector("form[data-draft]");
    if (form) {
      const name = `draft:${form.dataset.draft}`;
      const picks = (one) => one.type === "radio" || one.type === "checkbox";
      const fields = () => [...form.elements].filter((one) => one.name && one.type !== "hidden" && one.type !== "submit");
      const id = (one) => (picks(one) ? `${one.name}=${one.value}` : one.name);
      const said = (one) => (picks(one) ? one.checked : one.value);
      // What the form for somebody else asks besides stays while it is shown as the one for oneself.
      const keep = () => shelf.setItem(name, JSON.stringify({
        at: Date.now(), said: { ...read(name).said, ...Object.fromEntries(fields().map((one) => [id(one), said(one)])) },
      }));
      // A page that was fetched again shows what was sent first; one that was sent now says what is true.
      const draft = read(name).said;
      const given = fields().some(said);
      if (draft && (came !== "navigate" || !given)) {
        fields().forEach((one) => { if (id(one) in draft) one[picks(one) ? "checked" : "value"] = draft[id(one)]; });
      }
      if (draft || given) keep();
      form.addEventListener("input", keep);
    }
  }

  // In a frame: the page around it learns how high this one is, and when there is a new one; nothing else.
  if (window.parent !== window) {
    const tell = (what) => window.parent.postMessage({ oneway: what, height: document.documentElement.offsetHeight }, "*");
    tell("page");
    new ResizeObserver(() => tell("size")).observe(document.documentElement);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") tell("close"); });
  }
})();
