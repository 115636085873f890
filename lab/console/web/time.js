// The view Time: requests, errors and latencies of each version over the last 15 minutes, and what happened meanwhile.

addView({ id: "time", name: "Time", path: "/time", open: openTime, close: closeTime });

const shownMarks = 6; // in the list, before all are asked for
const slowDots = 8; // of one version: its slowest requests
const failedDots = 20;
const spans = [120_000, 300_000, 900_000]; // ms that the plots may show

const figures = { every: 0, keep: 0, end: 0, lines: new Map(), marks: [] }; // what the lab has returned so far
const cards = new Map(); // by service: its card and plots
let timeTimer = 0;
let allMarks = false;

function openTime() {
  closeTime();
  readSeries();
}

function closeTime() {
  clearTimeout(timeTimer);
}

document.addEventListener("visibilitychange", () => {
  if (!isShown("time")) return;
  if (document.hidden) closeTime();
  else openTime();
});

// readSeries reads the buckets that have ended since the last time, and again when the next one has ended.
async function readSeries() {
  let wait = 2000;
  try {
    const since = figures.end;
    const answer = await ask(`/api/series?since=${since}`);
    if (!isShown("time")) return;
    wait = answer.next + 100;
    byId("time-trouble").hidden = true;
    if (since && answer.begin !== since) { // it is another lab, or this page was hidden for too long
      Object.assign(figures, { end: 0, lines: new Map() });
      wait = 0;
    } else {
      take(answer);
      showTime(answer.left_out);
    }
  } catch (error) {
    if (!isShown("time")) return;
    byId("time-trouble").hidden = false;
    tell("time-trouble", error.message);
  }
  clearTimeout(timeTimer);
  timeTimer = setTimeout(readSeries, wait);
}

// take adds buckets. Each line keeps one value for each bucket of the last 15 minutes, the newest last.
function take({ begin, every, keep, buckets, lines, marks }) {
  Object.assign(figures, { every, keep, end: begin + buckets * every, marks: marks.map((mark) => ({ ...mark, key: `${mark.at} ${mark.kind} ${mark.text}` })) });
  const named = (line) => JSON.stringify([line.namespace, line.service, line.version, line.workload]);
  for (const line of lines) {
    const key = named(line);
    if (!figures.lines.has(key)) {
      const none = () => new Array(keep).fill(0);
      figures.lines.set(key, { ...line, requests: none(), errors: none(), p50_us: none(), p99_us: none(), examples: [] });
    }
  }
  const fresh = new Map(lines.map((line) => [named(line), line]));
  const oldest = figures.end - keep * every;
  for (const [key, line] of figures.lines) {
    for (const name of ["requests", "errors", "p50_us", "p99_us"]) line[name] = [...line[name], ...(fresh.get(key)?.[name] ?? new Array(buckets).fill(0))].slice(-keep);
    line.examples = [...line.examples, ...(fresh.get(key)?.examples ?? [])].filter((example) => example.at >= oldest);
    if (!line.requests.some(Boolean)) figures.lines.delete(key);
  }
}

function showTime(leftOut) {
  const services = Map.groupBy([...figures.lines.values()].sort(byLine), (line) => JSON.stringify([line.namespace, line.service]));
  const order = [...services.keys()];
  for (const [key, card] of cards) {
    if (services.has(key)) continue;
    watched.unobserve(card.section);
    card.section.remove();
    cards.delete(key);
  }
  order.forEach((key, place) => {
    if (!cards.has(key)) cards.set(key, serviceCard(services.get(key)[0]));
    const card = cards.get(key);
    card.lines = services.get(key);
    const parent = byId("time-services");
    if (parent.children[place] !== card.section) parent.insertBefore(card.section, parent.children[place] ?? null);
  });
  byId("time-empty").hidden = order.length > 0;
  byId("time-facts").textContent = [order.length ? plural(order.length, "service") : "", leftOut ? `${plural(leftOut, "workload")} beyond the bound not counted` : ""].filter(Boolean).join(", ");
  showMarks();
  drawSoon();
}

function byLine(a, b) {
  return byWay(a.service, b.service) || a.namespace.localeCompare(b.namespace) || byVersion(a.version, b.version) || a.workload.localeCompare(b.workload);
}

// Only the cards that can be seen are drawn, one in a frame, so that a frame stays short.
const seenCards = new Set();
let drawing = false;
const watched = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) seenCards.add(target);
    else seenCards.delete(target);
  }
  for (const card of cards.values()) if (!seenCards.has(card.section)) clearCard(card);
  drawSoon();
}, { rootMargin: "200px" });
new ResizeObserver(redraw).observe(byId("time-services"));

function redraw() {
  for (const card of cards.values()) card.drawn = null;
  drawSoon();
}

function clearCard(card) {
  if (card.section.contains(document.activeElement)) return;
  card.drawn = null;
  for (const plot of Object.values(card.plots)) plot.clear();
}

function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const next = [...cards.values()].find((card) => seenCards.has(card.section) && card.drawn !== figures.end);
    if (!next || !isShown("time")) return;
    next.drawn = figures.end;
    drawCard(next);
    drawSoon();
  });
}

function serviceCard({ namespace, service }) {
  const section = element("section", "card time-card");
  const title = element("h2", "", service);
  title.id = `time-${namespace}-${service}`;
  section.setAttribute("aria-labelledby", title.id);
  const legend = element("ul", "legend");
  const head = withChildren(element("header", "row"), title, namespace && namespace !== "hopline" ? element("span", "chip", namespace) : null, legend);
  const plots = {
    rate: new Plot("Requests per second", "areas", { format: (value) => String(Number(value.toFixed(value < 10 ? 1 : 0))), least: 1 }),
    errors: new Plot("Failed", "lines", { format: (value) => percent(value), least: 0.04 }),
    took: new Plot("Latency: median, and thin the 99th percentile", "lines", { format: (value) => briefly(value), log: true, least: 1000 }),
  };
  section.append(head, withChildren(element("div", "plots"), ...Object.values(plots).map((plot) => plot.box)));
  watched.observe(section);
  return { section, legend, plots, lines: [], drawn: null };
}

// briefly returns a duration for an axis: "10 ms".
function briefly(microseconds) {
  if (microseconds >= 1e6) return `${Number((microseconds / 1e6).toFixed(1))} s`;
  if (microseconds >= 1e3) return `${Number((microseconds / 1e3).toFixed(microseconds < 1e4 ? 1 : 0))} ms`;
  return `${Math.round(microseconds)} µs`;
}

// shownBuckets returns the number of buckets that the plots show: as many as were chosen, or enough for all requests and marks.
function shownBuckets() {
  const { every, keep, end, lines, marks } = figures;
  const chosen = Number(byId("time-span").value);
  const first = Math.min(keep, ...[...lines.values()].map((line) => line.requests.findIndex(Boolean)));
  const since = Math.max((keep - first) * every, ...marks.map((mark) => end - mark.at));
  const span = chosen || (spans.find((span) => since <= span) ?? keep * every);
  return Math.min(keep, Math.round(span / every));
}

function drawCard(card) {
  const { every, end, marks } = figures;
  const [{ service }] = card.lines;
  const names = card.lines.map(nameOf);
  settle(card.legend, card.lines.map((line, i) => ({ service, version: line.version, name: names[i] })), (entry) => entry.name, ({ version, name }) =>
    withChildren(element("li"), versionBadge(service, version), element("span", "", name)));
  const count = shownBuckets();
  const base = { service, begin: end - count * every, every, count, marks: marks.filter((mark) => !mark.service || mark.service === service), dots: [] };
  const rows = (values, faint = () => null) => card.lines.map((line, i) => ({ service, version: line.version, name: names[i], values: values(line).slice(-count), faint: faint(line)?.slice(-count) }));
  const share = (line) => line.requests.map((requests, i) => (requests ? line.errors[i] / requests : null));
  const took = (line, name) => line[name].map((value, i) => (line.requests[i] ? value : null));
  card.plots.rate.draw({ ...base, rows: rows((line) => line.requests.map((requests) => (1000 * requests) / every)) });
  card.plots.errors.draw({ ...base, rows: rows(share), dots: card.lines.flatMap((line, i) => failedOf(line, names[i], share(line).slice(-count), base)) });
  card.plots.took.draw({ ...base, rows: rows((line) => took(line, "p50_us"), (line) => took(line, "p99_us")), dots: card.lines.flatMap((line, i) => slowOf(line, names[i])) });
}

// nameOf returns a version's name, or why there is none.
function nameOf(line) {
  if (line.version) return line.version;
  return line.workload || (line.service.includes(".") ? "outside" : "responses of the mesh");
}

function slowOf(line, name) {
  const slowest = line.examples.filter((example) => !example.failed).sort((a, b) => b.us - a.us).slice(0, slowDots);
  return slowest.sort((a, b) => a.at - b.at).map((example) => dotOf(line, name, example, example.us));
}

function failedOf(line, name, share, { begin, every }) {
  const failed = line.examples.filter((example) => example.failed).slice(-failedDots);
  return failed.map((example) => dotOf(line, name, example, share[Math.min(share.length - 1, Math.max(0, Math.floor((example.at - begin) / every)))] ?? 0));
}

function dotOf(line, name, { at, us, status, trace, failed }, value) {
  const outcome = failed ? `failed, ${status || "no response"}` : `took ${duration(us)}`;
  return { at, value, version: line.version, failed, href: `/trace/${trace}`, label: `${name} ${outcome} at ${clock(1000 * at).slice(0, 8)}: open its trace` };
}

const markNames = { rules: "rules saved", restart: "restart", fault: "fault", ejection: "ejected", return: "used again", temporary: "temporary change" };

function showMarks() {
  const newest = figures.marks.toReversed();
  byId("marks-card").hidden = newest.length === 0;
  settle(byId("marks"), allMarks ? newest : newest.slice(0, shownMarks), (mark) => mark.key, markRow);
  byId("marks-more").hidden = newest.length <= shownMarks;
  byId("marks-more").textContent = allMarks ? "Show fewer" : `Show all ${newest.length}`;
}

function markRow(mark) {
  const row = element("li", `mark ${mark.kind}`);
  const sign = svg("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" }, svg("path", { d: signOf(mark.kind) }));
  row.append(element("span", "quiet time", clock(1000 * mark.at).slice(0, 8)), sign, element("span", "chip", markNames[mark.kind] ?? mark.kind), element("span", "words", mark.text));
  const light = (on) => {
    for (const one of document.querySelectorAll(".marks .mark")) one.classList.toggle("lit", on && one.dataset.mark === mark.key);
  };
  row.addEventListener("pointerenter", () => light(true));
  row.addEventListener("pointerleave", () => light(false));
  return row;
}

byId("time-span").addEventListener("change", redraw);

byId("marks-more").addEventListener("click", () => {
  allMarks = !allMarks;
  showMarks();
});
