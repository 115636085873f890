// The view of two traces side by side: both begin at the same place, and one scale holds for both.

addView({ id: "compare", path: /^\/compare\/([^/]+\/[^/]+)$/, within: "/traces", title: () => "Two traces", open: openCompare, close: () => (compared = "") });

let compared = ""; // the ids of the traces that are shown

async function openCompare(ids) {
  compared = ids;
  opened.clear();
  showLines("compare-trouble", []);
  byId("where-card").hidden = true;
  byId("compare-facts").replaceChildren();
  byId("sides").replaceChildren();
  byId("compare-title").focus();
  const found = await Promise.allSettled(ids.split("/").map((id) => ask(`/api/traces/${id}`)));
  if (compared !== ids) return;
  const failed = found.filter((one) => one.status === "rejected");
  if (failed.length) {
    showLines("compare-trouble", [...new Set(failed.map((one) => one.reason.message))]);
    return;
  }
  showCompare(found.map((one) => one.value));
}

function showCompare([a, b]) {
  const longer = b.duration - a.duration;
  byId("compare-facts").textContent = longer === 0 ? "Both took as long." : `Trace ${longer > 0 ? 2 : 1} took ${duration(Math.abs(longer))} longer.`;
  byId("where-card").hidden = false;
  const rows = whereOf(a, b);
  const most = Math.max(...rows.map((row) => Math.abs(row.b - row.a)), 1);
  byId("where").replaceChildren(...rows.map((row) => whereRow(row, most)));
  const end = Math.max(endOf(a), endOf(b));
  byId("sides").replaceChildren(side(1, a, end), side(2, b, end));
}

// whereOf sums, for each version of each service, how long each of the traces waited for its own work.
function whereOf(a, b) {
  const sums = new Map();
  [a, b].forEach((trace, place) => {
    for (const row of trace.rows) {
      const key = JSON.stringify([row.service, row.version]);
      const sum = sums.get(key) ?? { service: row.service, version: row.version, a: 0, b: 0 };
      sums.set(key, sum);
      sum[place ? "b" : "a"] += row.critical.reduce((time, part) => time + part.to - part.from, 0);
    }
  });
  return [...sums.values()].sort((x, y) => byWay(x.service, y.service) || byVersion(x.version, y.version));
}

function whereRow({ service, version, a, b }, most) {
  const row = element("tr");
  const name = withChildren(element("td", "who"), versionBadge(service, version), element("span", "", `${service} ${version}`.trim()));
  const bar = element("span", b < a ? "less" : "more");
  bar.style.setProperty("--width", `${(50 * Math.abs(b - a)) / most}%`);
  row.append(name, labelled("num", "trace 1", a ? duration(a) : nothing), labelled("num", "trace 2", b ? duration(b) : nothing),
    labelled("num", "difference", `${b < a ? "−" : "+"}${duration(Math.abs(b - a))}`), withChildren(element("td", "room"), bar));
  return row;
}

// side shows one of the traces. They have numbers, because a letter means a version.
function side(number, trace, end) {
  const card = element("section", "card side");
  const title = element("h2", "", `${number}: ${trace.title}`);
  title.id = `side-${number}`;
  card.setAttribute("aria-labelledby", title.id);
  const link = element("a", "", "Open this trace");
  link.href = `/trace/${trace.id}`;
  const facts = withChildren(element("p", "facts"), element("b", "", trace.service), element("span", "", duration(trace.duration)), outcomeOf(trace),
    ...causeOf(trace), element("span", "", `began ${clock(trace.start)}`), link);
  const axis = element("div", "axis");
  axis.ariaHidden = "true";
  const list = element("ol", "waterfall");
  const cut = element("p", "empty");
  drawWaterfall(list, axis, cut, trace, end);
  return withChildren(card, title, facts, axis, list, cut);
}
