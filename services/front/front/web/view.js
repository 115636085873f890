// Every function here shows one part of the page. Text from outside is inserted as text, never as markup.

const shownAtFirst = 20; // calls of the list
const shownMore = 60; // with each press of the button below it
let shownCalls = shownAtFirst;
const flying = new Set(); // calls by hand that have no response yet: {what, since}

function milliseconds(ms) {
  if (!Number.isFinite(ms)) return "";
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 10 ? Math.round(ms) : Number(ms.toPrecision(2))} ms`;
}

function percent(part, whole) {
  return `${Math.round((100 * part) / whole)} %`;
}

// status shows the code with a sign before it, so that not only the colour distinguishes success from failure.
function status(call) {
  const word = call.error && !call.status ? "no response" : `${call.status} ${call.statusText}`.trim();
  return element("span", call.failed ? "status bad" : "status good", word);
}

function traceAnchor(call) {
  const href = traceLink(call.trace);
  if (!href) return element("code", "trace", call.trace);
  const anchor = element("a", "trace");
  anchor.href = href;
  anchor.target = "_blank";
  anchor.rel = "noopener";
  anchor.title = call.trace;
  anchor.append(element("code", "", call.trace), element("span", "arrow", " ↗"), element("span", "unseen", " (opens the trace in a new tab)"));
  return anchor;
}

function asked(call) {
  const chips = [];
  if (call.user) chips.push(element("span", "chip", call.user));
  if (call.fail) chips.push(element("span", "chip", `fail ${call.fail}`));
  return chips;
}

// stop returns one station of the route: a mark in the version's colour, and beside or below it the name.
function stop(className, mark, name, version, details) {
  const item = element("li", `stop ${className}`);
  const words = element("div", "words");
  words.append(element("b", "", name));
  if (version) words.append(element("span", "version", version));
  for (const detail of details.filter(Boolean)) words.append(element("span", "detail", detail));
  item.append(mark, words);
  return item;
}

function stopsOf(call) {
  const stops = call.hops.map((hop, place) => {
    const last = place === call.hops.length - 1;
    const broken = call.failed && last;
    const item = stop(broken ? "broken" : "", versionBadge(hop.service, hop.version), hop.service, hop.version, [milliseconds(hop.took)]);
    if (hop.host) item.title = hop.host;
    return item;
  });
  if (call.failed) stops.push(stop("end failed", element("span", "badge", "✕"), call.status ? String(call.status) : "No response", "", [call.injected && "injected"]));
  else if (call.what === "fast-page") stops.push(stop("end later", element("span", "badge", "…"), "the rest", "", ["in the background"]));
  else if (call.time) stops.push(stop("end", element("span", "badge clock"), timeOfDay(call.time.datetime), "", [sourceOf(call)]));
  return stops;
}

function timeOfDay(datetime) {
  const [, time] = /T(\d\d:\d\d:\d\d)/.exec(String(datetime)) ?? [];
  return time ?? "no time";
}

// sourceOf returns the source of the time: a zone, a clock of the suite, or an outside host.
function sourceOf(call) {
  if (call.time.timezone) return String(call.time.timezone);
  if (call.time.service) return `from ${call.time.service}`;
  const upstream = call.hops.findLast((hop) => hop.upstream)?.upstream ?? "";
  return URL.canParse(upstream) ? new URL(upstream).host : upstream;
}

// hopLines returns the lines that /hops returns as text.
function hopLines(call) {
  const told = call.hops.filter((hop) => hop.upstream);
  const lines = told.map((hop) => `took (${hop.took >= 10 ? Math.round(hop.took) : hop.took} ms) ${hop.service}-${hop.version} --getRespondFrom--> ${hop.upstream}`);
  const time = call.time ?? {};
  if (time.version) lines.push(`took (${time.duration_ms} ms) ${time.service}-${time.version} at ${time.datetime}`);
  else if (lines.length > 0 && time.datetime) lines.push(`${lines.pop()} at ${time.datetime}`);
  return lines;
}

// lineRow returns a hop line whose arrow is never broken at the end of a row.
function lineRow(line) {
  const row = element("div");
  for (const part of line.split(/(--getRespondFrom-->)/)) row.append(element("span", part.startsWith("--") ? "arrow" : "", part));
  return row;
}

// trouble describes a failure in words, and shows the body of the response.
function trouble(call) {
  const last = call.hops.at(-1);
  const what = call.error || `${call.status} ${call.statusText}`.trim();
  const nodes = [element("strong", "", what)];
  if (call.injected) nodes.push(element("p", "", `Injected on purpose, by ${call.injected.replace(/^(\S+) (\S+)$/, "$1: $2")}.`));
  else if (!call.error && last) nodes.push(element("p", "", `${last.service} ${last.version} is the last hop that is known to have responded.`));
  else if (!call.status) nodes.push(element("p", "", "The connection failed or was closed; no hop can be named."));
  if (call.body.trim()) nodes.push(element("pre", "body", call.body.trim()));
  else if (call.status) nodes.push(element("p", "quiet", "The response has no body."));
  return nodes;
}

function facts(call) {
  const name = element("b", "", callNames[call.what]);
  const nodes = [name, ...asked(call), status(call), element("span", "", milliseconds(call.took))];
  if (call.trace) nodes.push(traceAnchor(call));
  return nodes;
}

const view = {
  // nothing shows the page before the first call: the route of a request, still without versions.
  nothing() {
    const ghosts = ["front", "middle", "core", "time"].map((name) => stop("ghost", element("span", "badge", "?"), name, "", []));
    ghosts.at(-1).classList.add("end");
    byId("last-title").textContent = "Last call";
    byId("last-facts").replaceChildren();
    byId("last-trouble").hidden = true;
    byId("last-lines").hidden = true;
    byId("last-route").replaceChildren(...ghosts);
    byId("last-note").textContent = "Press a button. The request hops from service to service, and each hop names the version that handled it.";
  },

  // calling marks the time between a press and its response, which for the slow page is seconds. It returns the function that ends it.
  calling(what) {
    const flight = { what, since: performance.now() };
    flying.add(flight);
    byId("last").classList.add("pending");
    byId("last-calling").hidden = false;
    view.elapsed();
    const timer = setInterval(view.elapsed, 100);
    return () => {
      clearInterval(timer);
      flying.delete(flight);
      byId("last").classList.toggle("pending", flying.size > 0);
      byId("last-calling").hidden = flying.size === 0;
    };
  },

  // elapsed shows the current call and its duration so far, in place of the facts of the last call.
  elapsed() {
    const [flight] = flying;
    if (!flight) return;
    byId("last-title").textContent = `Calling ${callNames[flight.what]}`;
    const more = flying.size > 1 ? [element("span", "", `and ${flying.size - 1} more`)] : [];
    byId("last-facts").replaceChildren(element("span", "", `${((performance.now() - flight.since) / 1000).toFixed(1)} s`), ...more);
  },

  // reveal scrolls to the last call if the page has one column and the call is far below the buttons.
  reveal() {
    const last = byId("last");
    if (last.getBoundingClientRect().top > 0.75 * innerHeight) last.scrollIntoView();
  },

  repeating(running, done, times) {
    byId("repeat-toggle").textContent = running ? "Stop" : "Start";
    byId("repeat-progress").hidden = !running;
    byId("repeat-progress").max = times;
    byId("repeat-progress").value = done;
    byId("repeat-count").textContent = running ? `${done} of ${times}` : "";
  },

  last(call) {
    byId("last-title").textContent = `Call ${call.number}`;
    byId("last-facts").replaceChildren(...facts(call));
    byId("last-route").replaceChildren(...stopsOf(call));
    byId("last-trouble").hidden = !call.failed;
    byId("last-trouble").replaceChildren(...(call.failed ? trouble(call) : []));
    const lines = hopLines(call);
    byId("last-lines").hidden = lines.length === 0;
    byId("last-lines").replaceChildren(...lines.map(lineRow));
    byId("last-note").textContent = call.failed || call.what === "hops" ? "" : call.body.trim();
    view.elapsed();
    for (const row of byId("history").rows) row.classList.toggle("chosen", Number(row.dataset.number) === call.number);
  },

  shares(rows) {
    byId("shares-empty").hidden = rows.length > 0;
    byId("shares").replaceChildren(...rows.map(shareRow));
  },

  history(history) {
    const made = history.calls.length;
    const empty = made === 0;
    const failed = history.calls.filter((call) => call.failed).length;
    byId("history-table").hidden = empty;
    byId("history-empty").hidden = !empty;
    byId("clear").hidden = empty;
    byId("history-facts").textContent = empty ? "" : made < kept ? `${made} made, ${failed} failed` : `${failed} of the last ${kept} failed`;
    byId("more").hidden = made <= shownCalls;
    // Existing rows stay, so that the focus is not lost.
    const rows = byId("history");
    if (empty) {
      shownCalls = shownAtFirst;
      rows.replaceChildren();
    }
    const shown = history.calls.slice(0, shownCalls);
    const newest = Number(rows.rows[0]?.dataset.number ?? 0);
    const oldest = Number([...rows.rows].at(-1)?.dataset.number ?? newest + 1);
    rows.prepend(...shown.filter((call) => call.number > newest).map(historyRow));
    rows.append(...shown.filter((call) => call.number < oldest && call.number <= newest).map(historyRow));
    while (rows.rows.length > shown.length) rows.deleteRow(-1);
  },

  // more shows further calls of the list.
  more(history) {
    shownCalls += shownMore;
    view.history(history);
  },

  announce(words) {
    byId("status").textContent = words;
  },
};

function shareRow({ service, total, versions, failed }) {
  const row = element("div", "share");
  const bar = element("div", "bar");
  const list = element("ul", "legend");
  for (const { version, count } of versions) {
    const piece = versionBadge(service, version);
    piece.className = "piece";
    piece.style.flexGrow = count;
    bar.append(piece);
    const item = element("li");
    item.append(versionBadge(service, version), element("span", "name", version), element("b", "", percent(count, total)), element("span", "count", `${count}`));
    list.append(item);
  }
  const responses = total - failed;
  if (failed > 0) {
    const piece = element("span", "piece failed", "✕");
    piece.style.flexGrow = failed;
    bar.append(piece);
    const item = element("li");
    item.append(element("span", "bad", "✕"), element("span", "name", "no response"), element("b", "", percent(failed, total)), element("span", "count", `${failed}`));
    list.append(item);
  }
  bar.ariaHidden = "true";
  const heading = element("h3", "", service);
  heading.append(element("span", "count", ` ${responses} ${responses === 1 ? "response" : "responses"}${failed ? `, ${failed} failed` : ""}`));
  row.append(heading, bar, list);
  return row;
}

function historyRow(call) {
  const row = element("tr");
  row.dataset.number = call.number;
  const choose = element("button", "number", String(call.number));
  choose.type = "button";
  choose.ariaLabel = `Show call ${call.number}`;
  const by = element("td", "by");
  for (const hop of call.hops) {
    const mark = versionBadge(hop.service, hop.version);
    mark.title = `${hop.service} ${hop.version}`;
    mark.append(element("span", "unseen", ` ${hop.service} ${hop.version}`));
    by.append(mark);
  }
  if (call.failed) by.append(element("span", "cross", "✕"));
  const what = element("td", "what", callNames[call.what]);
  what.append(...asked(call));
  row.append(cell(choose), what, cell(status(call)), element("td", "num", milliseconds(call.took)), by, cell(call.trace ? traceAnchor(call) : element("span", "quiet", "none")));
  return row;
}

function cell(content) {
  const td = element("td");
  td.append(content);
  return td;
}
