// The Calendar's grid: what the page says in lists and fields, drawn as a week. The page works without it; the form's fields
// are what is saved, and dragging only writes into them. The script comes again with each exchange, and is needed once.
(() => {
  "use strict";
  if (window.onewayCalendar) return;
  window.onewayCalendar = true;
  const STEP = 15;
  const minutes = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
  const clock = (value) => `${String(Math.floor(value / 60) % 24).padStart(2, "0")}:${String(value % 60).padStart(2, "0")}`;
  const live = (text) => { document.getElementById("live").textContent = text; };
  let page, grid, library;

  // --- The form: for each day the openings that its fields say, in minutes -----------------------------------------------
  const form = () => document.getElementById("hours");
  const days = () => [...form().querySelectorAll(".day")];
  const pairs = (day) => [...day.querySelectorAll(".pair")];
  const openings = (day) => pairs(day).flatMap((pair) => {
    const [start, end] = [...pair.querySelectorAll("input")].map((one) => one.value);
    if (!start || !end) return [];
    const found = [minutes(start), minutes(end) || 1440];
    return found[0] < found[1] ? [found] : [];
  }).sort((one, other) => one[0] - other[0]);
  const text = () => days().map((day) => openings(day).map((one) => one.join("-")).join(",")).join(";");
  const untidy = () => days().some((day) => pairs(day).some((pair) => {
    const [start, end] = [...pair.querySelectorAll("input")].map((one) => one.value);
    return Boolean(start) !== Boolean(end) || (start && minutes(start) >= (minutes(end) || 1440));
  }));
  const unsaved = () => Boolean(document.querySelector("form[data-unsaved]"))
    || (Boolean(form()) && (text() !== form().dataset.week || untidy()));

  const number = (day) => pairs(day).forEach((pair, at) => {
    [...pair.querySelectorAll("input")].forEach((input, which) => {
      input.name = input.id = `d${day.dataset.day}${"se"[which]}${at}`;
    });
  });
  const addPair = (day, start = "", end = "") => {
    const pair = pairs(day).at(-1).cloneNode(true);
    pair.classList.remove("wrong");
    pair.querySelectorAll(".error").forEach((one) => one.remove());
    [start, end].forEach((value, which) => {
      const input = pair.querySelectorAll("input")[which];
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
      input.value = value;
    });
    day.querySelector(".pairs").append(pair);
    number(day);
    return pair;
  };
  const removePair = (day, pair) => {
    if (pairs(day).length > 1) pair.remove();
    else pair.querySelectorAll("input").forEach((input) => { input.value = ""; });
    number(day);
  };
  const fill = (day, wanted) => {
    while (pairs(day).length > Math.max(wanted.length, 1)) pairs(day).at(-1).remove();
    while (pairs(day).length < wanted.length) addPair(day);
    pairs(day).forEach((pair, at) => {
      const values = wanted[at] ? wanted[at].map(clock) : ["", ""];
      pair.querySelectorAll("input").forEach((input, which) => { input.value = values[which]; });
    });
  };
  const tell = () => {
    form().querySelector(".unsaved").hidden = !unsaved();
  };

  const beginForm = () => {
    form().classList.add("scripted");
    days().forEach((day) => {
      const last = pairs(day).at(-1);
      if (pairs(day).length > 1 && [...last.querySelectorAll("input")].every((one) => !one.value)) last.remove();
    });
    form().querySelectorAll(".add, .remove").forEach((button) => { button.hidden = false; });
    form().addEventListener("input", () => { draw(); tell(); });
    form().addEventListener("click", (event) => {
      const day = event.target.closest(".day");
      if (event.target.closest(".add")) {
        const before = openings(day).at(-1);
        const start = before ? Math.min(before[1] + 60, 1380) : 540;
        const pair = addPair(day, clock(start), clock(Math.min(start + 180, 1440)));
        const blank = pairs(day).find((one) => one !== pair && [...one.querySelectorAll("input")].every((i) => !i.value));
        if (blank) removePair(day, blank);
        pair.querySelector("input").focus();
      } else if (event.target.closest(".remove")) {
        removePair(day, event.target.closest(".pair"));
        live(page.dataset.removed);
        day.querySelector(".add").focus();
      } else return;
      draw();
      tell();
    });
    tell();
  };

  // --- The grid ----------------------------------------------------------------------------------------------------------
  const monday = () => new Date(`${page.dataset.monday}T00:00:00Z`);
  const dayOf = (at) => Math.round((Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()) - monday()) / 864e5);
  const instant = (day, minute) => new Date(monday().getTime() + (day * 1440 + minute) * 6e4);
  const minuteOf = (at, day) => Math.round((at - instant(day, 0)) / 6e4);
  const said = (minute) => new Intl.DateTimeFormat(page.dataset.language, {
    hour: "numeric", hour12: "hours12" in page.dataset, timeZone: "UTC",
    ...("hours12" in page.dataset && minute % 60 === 0 ? {} : { minute: "2-digit" }),
  }).format(new Date(minute * 6e4));

  const short = (minute) => {
    const hour = Math.floor(minute / 60);
    return `${"hours12" in page.dataset ? hour % 12 || 12 : hour}:${String(minute % 60).padStart(2, "0")}`;
  };

  const visits = () => [...page.querySelectorAll(".held")].map((item) => ({
    start: item.dataset.start, end: item.dataset.end, display: form() ? "background" : "auto", editable: false,
    classNames: [...item.classList].map((one) => `is-${one}`), extendedProps: { item },
  }));
  const closures = () => [...page.querySelectorAll(".whose[data-closed]")].map((one) => ({
    start: one.dataset.day, allDay: true, title: one.dataset.closed, classNames: ["is-closure"], editable: false,
  }));
  const open = () => days().flatMap((day, at) => openings(day).map(([start, end]) => ({
    start: instant(at, start), end: instant(at, end), classNames: ["is-opening"], editable: true,
    extendedProps: { opening: true, was: [at, start, end] },
  })));
  const shaded = () => [...page.querySelectorAll(".whose[data-hours]")].flatMap((one) => one.dataset.hours.trim().split(" ")
    .filter(Boolean).map((hours) => {
      const [start, end] = hours.split("-").map(Number);
      const day = Math.round((new Date(`${one.dataset.day}T00:00:00Z`) - monday()) / 864e5);
      return { start: instant(day, start), end: instant(day, end), display: "background", classNames: ["is-open"] };
    }));

  function events() {
    return form() ? [...visits(), ...closures(), ...open()] : [...shaded(), ...visits(), ...closures()];
  }
  function draw() {
    if (!grid) return;
    grid.removeAllEventSources();
    grid.addEventSource(events());
  }
  // What is dragged is written into the fields; openings of a day that touch or overlap become one.
  const write = (day, change) => {
    const wanted = change(openings(days()[day])).sort((one, other) => one[0] - other[0]);
    const joined = [];
    wanted.forEach((one) => {
      const last = joined.at(-1);
      if (last && one[0] <= last[1]) last[1] = Math.max(last[1], one[1]);
      else joined.push([...one]);
    });
    fill(days()[day], joined);
  };
  const without = ([, start, end]) => (found) => found.filter((one) => one[0] !== start || one[1] !== end);
  const moved = ({ event }) => {
    const was = event.extendedProps.was;
    const day = dayOf(event.start);
    const start = minuteOf(event.start, day);
    write(was[0], without(was));
    write(day, (found) => [...found, [start, minuteOf(event.end, day)]]);
    draw();
    tell();
  };
  const inOneDay = ({ start, end }) => {
    const day = dayOf(start);
    return day >= 0 && day < 7 && end <= instant(day, 1440);
  };

  const content = ({ event, isStart }) => {
    const { item, opening, was } = event.extendedProps;
    const box = document.createElement("div");
    box.className = "event";
    if (opening) {
      const words = document.createElement("span");
      words.textContent = `${said(was[1])} – ${said(was[2])}`;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "remove-opening";
      button.textContent = "✕";
      button.setAttribute("aria-label", `${page.dataset.remove} ${page.dataset.days.split("|")[was[0]]}, ${words.textContent}`);
      button.addEventListener("click", () => {
        write(was[0], without(was));
        draw();
        tell();
        live(page.dataset.removed);
        document.getElementById("grid-region").focus({ preventScroll: true });
      });
      box.append(words, button);
    } else if (item && event.display !== "background") {
      // A short visit has one line: who it is comes first.
      if (event.end - event.start < 30 * 6e4) box.classList.add("brief");
      const line = () => box.appendChild(document.createElement("div"));
      const part = (row, name, value) => {
        const one = document.createElement("span");
        one.className = name;
        one.textContent = value;
        row.append(one, " ");
      };
      const first = line();
      if (item.dataset.provider) part(first, "whom", item.dataset.provider);
      // The half of the day stands beside the grid.
      if (isStart) part(first, "when", short(minutes(item.dataset.start.slice(11))));
      item.querySelectorAll(".share").forEach((one) => part(first, "share", one.textContent));
      part(line(), "name", item.querySelector(".name").textContent);
      const third = line();
      third.append(item.querySelector(".shape").cloneNode(), " ");
      item.querySelectorAll(".word").forEach((one) => part(third, "word", one.textContent));
    } else if (event.title) box.textContent = event.title;
    return { domNodes: [box] };
  };

  const hours = () => {
    const ends = [];
    page.querySelectorAll(".whose[data-hours]").forEach((one) => one.dataset.hours.trim().split(" ").filter(Boolean)
      .forEach((part) => ends.push(...part.split("-").map(Number))));
    page.querySelectorAll(".held:not(.block)").forEach((item) => {
      const start = minutes(item.dataset.start.slice(11));
      ends.push(start, Math.min(1440, start + (new Date(item.dataset.end) - new Date(item.dataset.start)) / 6e4));
    });
    if (form()) days().forEach((day) => openings(day).forEach((one) => ends.push(...one)));
    const room = form() ? 120 : 60;
    const first = Math.max(0, Math.floor((Math.min(480, ...ends) - room) / 60) * 60);
    const last = Math.min(1440, Math.ceil((Math.max(1080, ...ends) + (form() ? 120 : 0)) / 60) * 60);
    const spoken = (value) => `${String(Math.floor(value / 60)).padStart(2, "0")}:00:00`;
    return { slotMinTime: spoken(first), slotMaxTime: spoken(last) };
  };

  const beginGrid = () => {
    const { FullCalendar } = window;
    const editing = Boolean(form());
    const [loaded, began] = [Date.parse(`${page.dataset.now}Z`), Date.now()];
    const now = () => new Date(loaded + Date.now() - began);
    grid = new FullCalendar.Calendar(document.getElementById("grid"), {
      initialView: "timeGridWeek", initialDate: page.dataset.monday, timeZone: "UTC", now, firstDay: 1,
      locale: page.dataset.language, headerToolbar: false, height: "auto", nowIndicator: true, ...hours(),
      allDaySlot: Boolean(page.querySelector(".whose[data-closed]")), allDayContent: "",
      slotDuration: "00:30:00", slotLabelInterval: "01:00", snapDuration: { minutes: STEP }, slotEventOverlap: false,
      eventMinHeight: 22, eventInteractive: false, navLinks: false,
      slotLabelContent: ({ date }) => said(date.getUTCHours() * 60 + date.getUTCMinutes()),
      dayHeaderContent: ({ date }) => page.dataset.days.split("|")[dayOf(date)],
      editable: editing, selectable: editing, selectMirror: true, unselectAuto: true,
      eventOverlap: (other) => other.display === "background" || other.allDay, selectOverlap: (other) => other.display === "background" || other.allDay,
      eventAllow: inOneDay, selectAllow: inOneDay, dragRevertDuration: 0,
      eventDrop: moved, eventResize: moved, eventResizableFromStart: true,
      select: ({ start, end, allDay }) => {
        if (allDay) return;
        const day = dayOf(start);
        write(day, (found) => [...found, [minuteOf(start, day), minuteOf(end, day)]]);
        grid.unselect();
        draw();
        tell();
      },
      eventContent: content,
      eventClick: ({ event }) => event.extendedProps.item?.querySelector("a.name")?.click(),
      eventDidMount: ({ event, el }) => {
        const link = event.extendedProps.item?.querySelector("a.name");
        if (!link || event.display === "background") return;
        el.title = event.extendedProps.item.textContent.replace(/\s+/g, " ").trim();
        el.setAttribute("role", "link");
        el.tabIndex = 0;
        el.addEventListener("keydown", (pressed) => {
          if (pressed.key === "Enter") link.click();
        });
      },
      dateClick: ({ date, allDay }) => {
        const why = document.getElementById("why-form");
        if (!why || allDay) return;
        why.elements.day.value = date.toISOString().slice(0, 10);
        why.elements.time.value = date.toISOString().slice(11, 16);
        why.requestSubmit();
        why.closest("section").scrollIntoView({ block: "nearest" });
      },
      events: events(),
    });
    grid.render();
    // A table of a drawing is no table to work in: its lists and fields are.
    document.querySelectorAll("#grid [role=grid]").forEach((one) => one.setAttribute("role", "presentation"));
    document.querySelectorAll("#grid [role=columnheader], #grid [role=gridcell], #grid [role=row], #grid [role=rowgroup]")
      .forEach((one) => one.removeAttribute("role"));
  };

  const show = (asGrid) => {
    document.getElementById("grid-region").hidden = !asGrid;
    document.getElementById("as-grid").setAttribute("aria-pressed", String(asGrid));
    document.getElementById("as-list").setAttribute("aria-pressed", String(!asGrid));
    page.classList.toggle("as-list", !asGrid);
    if (asGrid && !grid) load().then(() => { if (!grid && page.isConnected) beginGrid(); });
    else if (asGrid) grid.updateSize();
  };
  const load = () => {
    if (!library) {
      // FullCalendar writes its rules into this element: the policy lets in those that carry the page's nonce.
      const style = document.createElement("style");
      style.nonce = document.querySelector("style[nonce]").nonce;
      style.dataset.fullcalendar = "";
      document.head.append(style);
      library = new Promise((done) => {
        const script = document.createElement("script");
        script.src = page.dataset.library;
        script.addEventListener("load", done);
        document.head.append(script);
      });
    }
    return library;
  };

  // --- Leaving -----------------------------------------------------------------------------------------------------------
  window.addEventListener("beforeunload", (event) => {
    if (unsaved()) event.preventDefault();
  });
  document.addEventListener("htmx:confirm", (event) => {
    const { elt } = event.detail;
    if (!unsaved() || elt.matches("#hours, [data-unsaved], [data-leaves], [data-poll]")) return;
    event.preventDefault();
    const dialog = document.getElementById("unsaved");
    dialog.querySelector("#stay").onclick = () => dialog.close();
    dialog.querySelector("#go").onclick = () => {
      dialog.close();
      event.detail.issueRequest(true);
    };
    dialog.showModal();
  });

  const begin = () => {
    const found = document.getElementById("calendar");
    // While htmx settles an exchange it gives elements back the attributes that were sent.
    if (!found || found.classList.contains("scripted") || document.querySelector(".htmx-settling")) return;
    page = found;
    grid = null;
    // Nothing is stored until it is saved: a reload shows what is booked.
    const here = new URL(location.href);
    if (here.searchParams.has("edit")) {
      here.searchParams.delete("edit");
      history.replaceState(history.state, "", here);
    }
    page.classList.add("scripted");
    page.querySelectorAll(".only-script").forEach((one) => { one.hidden = false; });
    document.getElementById("as-grid").addEventListener("click", () => show(true));
    document.getElementById("as-list").addEventListener("click", () => show(false));
    if (form()) beginForm();
    show(window.matchMedia("(min-width: 48rem)").matches);
    const conflict = page.querySelector(".conflict");
    if (conflict) conflict.focus();
  };
  document.addEventListener("htmx:afterSettle", begin);
  begin();
})();
