// The view Logs shows the output of all processes as they write it. The filter runs in the lab.

addView({ id: "logs", name: "Logs", path: "/logs", open: openLogs, close: closeLogs, show: showTail });

const tailLines = 600; // lines on the page
const linesPerFrame = 40; // so that a frame stays short

let tailSource = null;
let tailOf = ""; // the lab whose lines are on the page
let tailAgain = 0; // the timer of another try
let newestLine = 0; // number of the newest line on the page or waiting for it
let waitingLines = []; // lines that are not on the page yet
let skippedLines = 0; // by this page, and by the lab because this page was too slow
let flushing = false;
let atNewest = true; // whether the view follows the newest line

function openLogs(_, query) {
  const { elements } = byId("log-filter");
  for (const name of ["level", "text", "trace"]) elements[name].value = query.get(name) ?? "";
  choose(elements.workload, query.get("workload") ?? "");
  clearTail();
  followTail();
}

function closeLogs() {
  clearTimeout(tailAgain);
  tailSource?.close();
  tailSource = null;
}

document.addEventListener("visibilitychange", () => {
  if (!isShown("logs")) return;
  if (document.hidden) closeLogs(); // the browser has few connections to a host
  else followTail();
});

// showTail begins anew if the lines are of another lab, which numbered them otherwise.
function showTail(state) {
  if (tailOf && tailOf !== state.lab) {
    clearTail();
    followTail();
  }
  tailOf = state.lab;
  listWorkloads(state);
}

function filterOf() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(byId("log-filter"))) if (value) query.set(name, value.trim());
  return query;
}

// followTail opens the stream. When it opens again, lines that are on the page already are left out.
function followTail() {
  closeLogs();
  const query = filterOf();
  query.set("limit", newestLine ? tailLines : 200);
  tailSource = new EventSource(`/api/logs/follow?${query}`);
  tailSource.onopen = () => (byId("logs-trouble").hidden = true);
  tailSource.onmessage = (event) => receive(JSON.parse(event.data));
  tailSource.onerror = () => {
    if (tailSource?.readyState !== EventSource.CLOSED) return; // the browser connects again
    tailAgain = setTimeout(followTail, 5000);
    complain(query);
  };
}

// complain shows why the lab rejected the stream: an EventSource does not report it.
async function complain(query) {
  try {
    await ask(`/api/logs?${query}`);
  } catch (error) {
    byId("logs-trouble").hidden = false;
    tell("logs-trouble", error.message);
    if (error.status === 400) clearTimeout(tailAgain); // the filter has to change first
  }
}

function receive({ lines, missed }) {
  const fresh = lines.filter((line) => line.number > newestLine);
  newestLine = Math.max(newestLine, ...fresh.map((line) => line.number));
  waitingLines.push(...fresh);
  const tooMany = Math.max(0, waitingLines.length - tailLines);
  waitingLines = waitingLines.slice(tooMany);
  if (missed + tooMany) {
    skippedLines += missed + tooMany;
    if (!isPaused()) waitingLines.push({ skipped: missed + tooMany });
  }
  flushSoon();
  tellTail();
}

function isPaused() {
  return byId("log-pause").ariaPressed === "true";
}

function flushSoon() {
  if (flushing || isPaused() || waitingLines.length === 0) return;
  flushing = true;
  requestAnimationFrame(() => {
    flushing = false;
    if (isPaused()) return;
    const list = byId("tail-lines");
    list.append(...waitingLines.splice(0, linesPerFrame).map(tailRow));
    while (list.childElementCount > tailLines) list.firstChild.remove();
    tellTail();
    if (atNewest) byId("tail").scrollTop = byId("tail").scrollHeight;
    byId("tail-newest").hidden = atNewest;
    flushSoon();
  });
}

function tellTail() {
  const lines = byId("tail-lines").childElementCount;
  byId("tail").hidden = lines === 0;
  byId("tail-empty").hidden = lines > 0 || waitingLines.length > 0;
  byId("tail-empty").textContent = filterOf().size ? "No line matches this filter yet." : "No process has written a line yet.";
  const waiting = isPaused() && waitingLines.length ? `${plural(waitingLines.length, "new line")} wait` : "";
  tell("logs-facts", [lines ? plural(lines, "line") : "", isPaused() ? "paused" : "live", waiting, skippedLines ? `${plural(skippedLines, "line")} skipped` : ""].filter(Boolean).join(", "));
}

function clearTail() {
  newestLine = 0;
  waitingLines = [];
  skippedLines = 0;
  byId("tail-lines").replaceChildren();
  byId("tail-newest").hidden = true;
  atNewest = true;
  pauseTail(false);
  tellTail();
}

const loudLevels = new Set(["error", "fatal", "panic", "dpanic"]);

function tailRow(line) {
  if (line.skipped) return element("li", "skipped", `${plural(line.skipped, "line")} skipped: more than this page can show.`);
  const row = element("li", `tail-line ${loudLevels.has(line.level) ? "loud" : ""} ${line.level === "warn" ? "careful" : ""}`);
  const who = element("span", "from");
  if (line.service) who.append(versionBadge(line.service, line.version), element("b", "", `${line.service} ${line.version}`.trim()));
  else who.append(element("b", "", line.container || line.pod));
  who.title = line.container ? `${line.pod}/${line.container}` : line.pod;
  const words = withChildren(element("span", "said"), element("span", "message", line.message), line.fields ? element("span", "fields", ` ${line.fields}`) : null);
  row.append(element("span", "time", clock(line.at)), who, element("span", "level", line.level.toUpperCase()), words);
  if (line.trace) {
    const link = element("a", "trace-link", line.trace.slice(0, 8));
    link.href = `/trace/${line.trace}`;
    link.ariaLabel = `trace ${line.trace.slice(0, 8)}`;
    row.append(link);
  }
  return row;
}

// listWorkloads offers the apps and the workloads that run.
function listWorkloads({ workloads }) {
  const select = byId("log-filter").elements.workload;
  const apps = [...new Set(workloads.map((workload) => workload.app).filter(Boolean))].sort(byWay);
  const names = workloads.map((workload) => workload.name.split("/")[1]).sort();
  const offered = JSON.stringify([apps, names]);
  if (select.settled === offered) return;
  select.settled = offered;
  const chosen = select.value;
  const group = (label, list) => {
    const node = element("optgroup");
    node.label = label;
    return withChildren(node, ...list.map((name) => element("option", "", name)));
  };
  const all = element("option", "", "all");
  all.value = "";
  select.replaceChildren(all, group("services", apps), group("workloads", names.filter((name) => !apps.includes(name))));
  choose(select, chosen);
}

function pauseTail(on) {
  const button = byId("log-pause");
  button.ariaPressed = String(on);
  button.textContent = on ? "Continue" : "Pause";
}

function filterTail(event) {
  event.preventDefault();
  const query = filterOf();
  history.replaceState(null, "", query.size ? `/logs?${query}` : "/logs");
  clearTail();
  followTail();
}

byId("log-filter").addEventListener("submit", filterTail);
byId("log-filter").addEventListener("change", filterTail);
byId("log-pause").addEventListener("click", () => {
  pauseTail(!isPaused());
  flushSoon();
  tellTail();
});
byId("tail").addEventListener("scroll", () => {
  const box = byId("tail");
  atNewest = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  if (atNewest) byId("tail-newest").hidden = true;
});
byId("tail-newest").addEventListener("click", () => {
  byId("tail").scrollTop = byId("tail").scrollHeight;
  byId("tail").focus();
});
