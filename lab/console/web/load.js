// The view Load: sends load from the lab, plots it while it runs, and shows the report.

addView({ id: "load", name: "Load", path: "/load", open: lookAtLoad, show: followLoad });

let loadSeen = ""; // the lab, and its newest run, that the state named when it was fetched
let loadAllowed = true; // whether this page may start a run
let loadShown = 0; // the newest response; older ones are ignored

// followLoad fetches the figures again while a run is in progress, and once more at its end.
function followLoad({ lab, load, driving }) {
  loadAllowed = driving.allowed;
  byId("load-start").disabled = !driving.allowed;
  byId("load-off").hidden = driving.allowed;
  tell("load-off", driving.why);
  const seen = JSON.stringify([lab, load]);
  if (load?.running || seen !== loadSeen) lookAtLoad();
  loadSeen = seen;
}

async function lookAtLoad() {
  const mine = ++loadShown;
  try {
    const answer = await ask("/api/load");
    if (mine === loadShown) showLoad(answer);
  } catch (error) {
    if (mine === loadShown) showLoadTrouble(error.message);
  }
}

function showLoadTrouble(words) {
  byId("load-trouble").hidden = words === "";
  tell("load-trouble", words);
}

function showLoad({ url, max_rate, max_seconds, run }) {
  const form = byId("load-form").elements;
  if (form.url.value === "" && document.activeElement !== form.url) form.url.value = url;
  tell("load-facts", `from the lab to its own addresses, at most ${max_rate} a second for ${max_seconds / 60} minutes`);
  for (const id of ["load-run", "load-same"]) byId(id).hidden = run === null;
  byId("load-empty").hidden = run !== null;
  showLoadButtons(run?.running === true);
  byId("load-report").hidden = !run?.report;
  if (run === null) return;
  tell("load-command", run.command);
  tell("load-target", `${run.method} ${run.url}`);
  showLoadProgress(run);
  if (isShown("load")) showLoadPlots(run);
  if (run.report) showLoadReport(run);
}

// showLoadButtons shows the button that can be pressed now. It gets the focus if the other one had it.
function showLoadButtons(running) {
  const [start, stop] = [byId("load-start"), byId("load-stop")];
  const had = document.activeElement === start || document.activeElement === stop;
  start.hidden = running;
  start.disabled = !loadAllowed;
  stop.hidden = !running;
  if (had) (running ? stop : start).focus();
}

function showLoadProgress({ live, report, running, seconds, rate }) {
  const part = running ? Math.min(1, live.elapsed_seconds / seconds) : 1;
  const bar = byId("load-bar");
  bar.ariaValueNow = String(Math.round(100 * part));
  bar.firstElementChild.style.setProperty("--width", `${100 * part}%`);
  bar.hidden = !running;
  const ended = report?.ended_early ? `stopped after ${report.seconds.toFixed(1)} s` : `ended after ${live.elapsed_seconds.toFixed(1)} s`;
  tell("load-progress", running ? `running, ${Math.floor(live.elapsed_seconds)} of ${seconds} s` : ended);
  const errors = live.done ? live.errors / live.done : 0;
  const figures = [
    ["asked", `${rate}/s`, ""],
    ["held", `${(report?.held_rate ?? live.held_rate).toFixed(1)}/s`, report && !report.rate_held ? "bad" : ""],
    ["responses", String(report?.answered ?? live.done), ""],
    ["in flight", String(live.in_flight), ""],
    ["errors", live.errors ? `${live.errors} (${percent(errors)})` : "0", live.errors ? "bad" : ""],
    ["p50", milliseconds(live.p50_ms), ""],
    ["p99", milliseconds(live.p99_ms), ""],
  ];
  settle(byId("load-figures"), figures, ([name]) => name, ([name, value, mark]) => withChildren(element("div"), element("dt", "", name), element("dd", mark, value)));
}

function milliseconds(ms) {
  return duration(1000 * ms);
}

const loadPlots = {}; // made when they are first shown

// showLoadPlots draws the rate and the latency of each interval. The newest one is not complete while the run is in progress.
function showLoadPlots({ live, running, seconds }) {
  const every = 1000 * (live.intervals[0]?.seconds ?? 1);
  const count = Math.max(2, Math.ceil((1000 * seconds) / every)); // a run of one bucket has no line
  const buckets = Array.from({ length: count }, (_, place) => {
    const interval = live.intervals[place];
    const ended = interval && (!running || interval.at_seconds + interval.seconds <= live.elapsed_seconds);
    return ended && interval.asked > 0 ? interval : null;
  });
  const rate = (name) => buckets.map((bucket) => bucket && bucket[name] / Math.min(bucket.seconds, Math.max(seconds - bucket.at_seconds, 0.1)));
  const latency = (name) => buckets.map((bucket) => (bucket?.done ? 1000 * bucket[name] : null));
  const when = (time) => `${shortNumber(time / 1000)} s`;
  const plots = [];
  const show = (id, title, options, rows) => {
    loadPlots[id] ??= makeLoadPlot(title, rows, { when, said: "load-said", ...options });
    plots.push([loadPlots[id], rows]);
  };
  show("rate", "Requests per second", { format: shortNumber, least: 1 }, [
    { kind: "asked", name: "asked", values: rate("asked") },
    { kind: "held", name: "held", values: rate("sent") },
    { kind: "errors", name: "errors", values: rate("errors") },
  ]);
  show("latency", "Latency, from when a request was due", { format: briefly, log: true, least: 1000 }, [
    { kind: "p50", name: "p50", values: latency("p50_ms") },
    { kind: "p99", name: "p99", values: latency("p99_ms") },
  ]);
  // All are in the document before the first is drawn: how wide it is depends on the others.
  for (const [plot, rows] of plots) plot.draw({ service: "load", begin: 0, every, count, rows, dots: [], marks: [] });
}

function makeLoadPlot(title, rows, options) {
  const plot = new Plot(title, "lines", options);
  const keys = rows.map(({ kind, name }) => withChildren(element("li"), element("span", `key-line ${kind}`), element("span", "", name)));
  plot.frame.before(withChildren(element("ul", "legend"), ...keys));
  byId("load-plots").append(plot.box);
  return plot;
}

function shortNumber(value) {
  return value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}

function showLoadReport({ id, report }) {
  const box = byId("load-tables");
  if (box.settled === id) return;
  box.settled = id;
  settle(byId("load-notes"), loadNotes(report), (note) => note, (note) => element("li", "", note));
  byId("load-notes").hidden = byId("load-notes").children.length === 0;
  const tables = [hopsTable(report), outcomesTable(report), slowTable("Slowest", report.slowest), slowTable("Failed, the first with a trace", report.failed)];
  box.replaceChildren(...tables.filter(Boolean));
}

function loadNotes(report) {
  const notes = [];
  if (!report.rate_held) notes.push(`the rate could not be held: ${report.sent_100_ms_late} of ${report.planned} requests were sent more than 100 ms late, ${report.planned - report.sent} never`);
  if (report.interrupted) notes.push(`${plural(report.interrupted, "request")} in flight at the end got no response`);
  if (report.redirects_elsewhere) notes.push(`${plural(report.redirects_elsewhere, "response redirects", "responses redirect")} to another host and were not followed`);
  return notes;
}

// reportTable makes a table with a heading. Each column is a name and its class; rows are lists of cells.
function reportTable(title, columns, rows) {
  if (rows.length === 0) return null;
  const head = withChildren(element("tr"), ...columns.map(([name, className]) => Object.assign(element("th", className, name), { scope: "col" })));
  const table = withChildren(element("table", "stack"), withChildren(element("thead"), head), withChildren(element("tbody"), ...rows));
  return withChildren(element("section"), element("h3", "", title), table);
}

function labelledCell(className, label, content) {
  return withChildren(labelled(className, label, ""), content);
}

function hopsTable({ hops, rules }) {
  const rows = hops.flatMap((hop) =>
    hop.versions.map((version, place) => {
      const who = withChildren(element("td", "who"), versionBadge(hop.service, version.version), element("span", "name", `${hop.service} ${version.version}`));
      const share = labelledCell("num", "share", `${version.percent.toFixed(1)} %`);
      const expected = labelledCell("num", "expected", version.expected_percent === null ? "–" : `${version.expected_percent.toFixed(1)} %`);
      const verdict = withChildren(element("td"), place === 0 && hop.verdict ? element("span", hop.verdict === "fits" ? "status good" : "status bad", hop.verdict) : "");
      return withChildren(element("tr"), who, labelledCell("num", "requests", String(version.requests)), share, expected, verdict);
    }),
  );
  const title = rules ? "Who responded, and what the rules expect" : "Who responded";
  return reportTable(title, [["Version", ""], ["Requests", "num"], ["Share", "num"], ["Expected", "num"], ["Fits the rules", ""]], rows);
}

function outcomesTable({ statuses, failures }) {
  const row = (mark, what, count) => withChildren(element("tr"), withChildren(element("td", "who"), element("span", mark, what)), labelledCell("num", "requests", String(count)));
  const rows = statuses.map(({ status, count }) => row(status < 400 ? "status good" : "status bad", String(status), count));
  return reportTable("Responses", [["Outcome", ""], ["Requests", "num"]], [...rows, ...failures.map(({ reason, count }) => row("status bad", reason, count))]);
}

function slowTable(title, list) {
  const rows = list.map((slow) => {
    const trace = element(slow.link ? "a" : "code", "", slow.trace_id.slice(0, 16) || "–");
    if (slow.link) trace.href = slow.link;
    const outcome = element("span", slow.status > 0 && slow.status < 400 ? "status good" : "status bad", slow.failure || String(slow.status));
    return withChildren(element("tr"), labelledCell("num", "latency", milliseconds(slow.latency_ms)), withChildren(element("td"), outcome), labelledCell("num", "due at", `${slow.at_seconds.toFixed(1)} s`), labelledCell("who", "trace", trace));
  });
  return reportTable(title, [["Latency", "num"], ["Outcome", ""], ["Due at", "num"], ["Trace", ""]], rows);
}

byId("load-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target.elements;
  const headers = form.headers.value.split("\n").map((line) => line.trim()).filter(Boolean);
  const body = { url: form.url.value.trim(), rate: Number(form.rate.value), seconds: Number(form.seconds.value), headers, keep_alive: form.keep_alive.checked };
  try {
    await change("POST", "/api/load", body);
    showLoadTrouble("");
    lookAtLoad();
  } catch (error) {
    showLoadTrouble(error.message);
  }
});

byId("load-stop").addEventListener("click", async () => {
  try {
    await change("DELETE", "/api/load");
    toast("The run stops; its report follows.");
  } catch (error) {
    toast(error.message, true);
  }
});

addEventListener("resize", () => isShown("load") && lookAtLoad());
