// Plots over time, as SVG: lines or stacked areas of the versions of a service, dots that open a trace, and marks of what happened.

const plotHigh = 150; // px
const plotEdge = { left: 46, right: 30, top: 16, bottom: 20 };
const dotGap = 9; // px between two dots of one version at least

function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// scaleOf returns the vertical axis of a plot: from 0 to a round number, or by powers of ten.
function scaleOf(values, { log = false, least = 1 }) {
  const [top, bottom] = [plotEdge.top, plotHigh - plotEdge.bottom];
  const most = Math.max(least, ...values);
  if (log) {
    const above = values.filter((value) => value > 0);
    const from = Math.floor(Math.log10(Math.min(...(above.length ? above : [least]))));
    const to = Math.max(from + 1, Math.ceil(Math.log10(most)));
    const every = Math.ceil((to - from) / 4);
    const ticks = Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => 10 ** (from + i * every));
    return { ticks, at: (value) => bottom - ((Math.log10(Math.max(value, 10 ** from)) - from) / (to - from)) * (bottom - top) };
  }
  const power = 10 ** Math.floor(Math.log10(most / 3));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => most / step <= 4);
  const to = step * Math.ceil(most / step);
  return { ticks: Array.from({ length: Math.round(to / step) + 1 }, (_, i) => i * step), at: (value) => bottom - (value / to) * (bottom - top) };
}

// Plot draws figures into an element of the page. Its parts:
//   title     what it shows, with its unit
//   form      "areas" (stacked), or "lines"
//   log       whether the axis has powers of ten; least is its shortest upper end
//   format    returns a value as words
//   when      returns a time in ms as words; without it, as the clock shows it
//   said      the id of the element that a screen reader reads out, if it is not that of the view Time
//   begin, every, count   the buckets: of the first the time in ms, the length in ms, the number
//   rows      {service, version, name, values, faint}: null for a bucket without a value. faint is a second, thinner line. A row that is not
//             of a version has a kind instead, which is the class of its line: its name is beside a key, which the view adds.
//   dots      {at, value, version, failed, href, label}
//   marks     {at, kind, text}
class Plot {
  constructor(title, form, options) {
    Object.assign(this, { title, form, options });
    this.box = element("div", "plot");
    this.box.append(element("h3", "", title));
    this.frame = element("div", "plot-frame");
    this.frame.tabIndex = 0;
    this.frame.role = "group";
    this.tip = element("div", "plot-tip");
    this.tip.hidden = true;
    this.box.append(this.frame, this.tip);
    this.bucket = -1; // the one that is pointed at
    this.frame.addEventListener("pointermove", (event) => this.figures && this.point(this.bucketAt(event)));
    this.frame.addEventListener("pointerleave", () => this.leave());
    this.frame.addEventListener("focusin", (event) => this.point(event.target === this.frame ? this.newest() : Number(event.target.dataset.bucket)));
    this.frame.addEventListener("focusout", () => this.leave());
    this.frame.addEventListener("keydown", (event) => this.key(event));
  }

  // draw replaces the drawing. The focus stays on a dot that is still there.
  draw(figures) {
    this.figures = figures;
    this.wide = Math.max(160, this.box.clientWidth);
    const focused = this.frame.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.y = scaleOf(this.heights(), this.options);
    const picture = svg("svg", { role: "presentation", width: this.wide, height: plotHigh, viewBox: `0 0 ${this.wide} ${plotHigh}` });
    picture.append(this.axes(), ...(this.form === "areas" ? this.areas() : this.lines()), this.marks(), this.dots());
    this.cross = svg("line", { class: "cross", y1: plotEdge.top, y2: plotHigh - plotEdge.bottom, visibility: "hidden" });
    picture.append(this.cross);
    this.frame.ariaLabel = `${figures.service}, ${this.title}: ${this.summary()}`;
    this.frame.replaceChildren(picture);
    if (focused) this.frame.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    if (this.bucket >= 0) this.point(this.bucket);
  }

  clear() {
    this.figures = null;
    this.frame.replaceChildren();
    this.leave();
  }

  heights() {
    const { rows, dots } = this.figures;
    const values = rows.flatMap((row) => [...row.values, ...(row.faint ?? [])]).filter((value) => value !== null);
    if (this.form === "areas") values.push(...this.sums());
    return [...values, ...dots.map((dot) => dot.value)];
  }

  // sums returns the sum of all rows in each bucket.
  sums() {
    return Array.from({ length: this.figures.count }, (_, i) => this.figures.rows.reduce((sum, row) => sum + (row.values[i] ?? 0), 0));
  }

  x(time) {
    const { begin, every, count } = this.figures;
    return plotEdge.left + ((time - begin) / (every * count)) * (this.wide - plotEdge.left - plotEdge.right);
  }

  // middle returns the horizontal position of a bucket.
  middle(i) {
    return this.x(this.figures.begin + (i + 0.5) * this.figures.every);
  }

  axes() {
    const group = svg("g", { class: "axes", "aria-hidden": "true" });
    const right = this.wide - plotEdge.right;
    for (const tick of this.y.ticks) {
      const at = this.y.at(tick);
      group.append(svg("line", { x1: plotEdge.left, x2: right, y1: at, y2: at }), svg("text", { class: "y", x: plotEdge.left - 6, y: at + 4 }, this.options.format(tick)));
    }
    const { begin, every, count } = this.figures;
    const step = [1000, 2000, 5000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000].find((step) => (step / (every * count)) * (right - plotEdge.left) > 64) ?? 600_000;
    for (let time = Math.ceil(begin / step) * step; time <= begin + every * count; time += step) {
      const words = this.options.when?.(time) ?? clock(1000 * time).slice(0, step % 60_000 ? 8 : 5);
      if (this.x(time) < plotEdge.left + 12 || this.x(time) > right - 12) continue;
      group.append(svg("text", { class: "x", x: this.x(time), y: plotHigh - 4 }, words));
    }
    return group;
  }

  // areas draws the rows on top of each other.
  areas() {
    const used = [];
    const below = new Array(this.figures.count).fill(0);
    return this.figures.rows.map((row) => {
      const lower = below.map((value, i) => `${this.middle(i).toFixed(1)} ${this.y.at(value).toFixed(1)}`).reverse();
      row.values.forEach((value, i) => (below[i] += value ?? 0));
      const upper = below.map((value, i) => `${this.middle(i).toFixed(1)} ${this.y.at(value).toFixed(1)}`);
      const area = paint(svg("path", { class: "area", d: `M${upper.join("L")}L${lower.join("L")}Z` }), row.version);
      const last = row.values.length - 1;
      const between = (this.y.at(below[last]) + this.y.at(below[last] - (row.values[last] ?? 0))) / 2;
      return svg("g", { "aria-hidden": "true" }, area, ...(row.values[last] > 0 ? [this.letter(row, between, used)] : []));
    });
  }

  lines() {
    const used = [];
    return this.figures.rows.map((row) => {
      const group = svg("g", { "aria-hidden": "true" });
      for (const [values, name] of [[row.faint, "line faint"], [row.values, "line"]]) {
        if (!values) continue;
        const d = this.path(values);
        if (row.kind) {
          group.append(svg("path", { class: `${name} ${row.kind}`, d }));
          continue;
        }
        group.append(svg("path", { class: `${name} casing`, d }), paint(svg("path", { class: name, d }), row.version));
      }
      const last = row.values.findLast((value) => value !== null);
      if (last === undefined || row.kind) return group;
      group.append(this.letter(row, this.y.at(last), used));
      return group;
    });
  }

  // path connects the values of neighbouring buckets. A value between two buckets without one is a short line.
  path(values) {
    let d = "";
    let open = false;
    values.forEach((value, i) => {
      if (value !== null) {
        d += `${open ? "L" : "M"}${this.middle(i).toFixed(1)} ${this.y.at(value).toFixed(1)}`;
        if (!open && (values[i + 1] ?? null) === null) d += "h1.5";
      }
      open = value !== null;
    });
    return d;
  }

  // letter returns the mark of a version at the end of its line. It moves up until it covers none of those used before.
  letter(row, at, used) {
    const x = this.wide - plotEdge.right + 14;
    let y = Math.min(Math.max(at, plotEdge.top), plotHigh - plotEdge.bottom - 2);
    while (used.some((other) => Math.abs(other - y) < 17)) y -= 17;
    used.push(y);
    const circle = paint(svg("circle", { cx: x, cy: y, r: 8.5 }), row.version);
    return svg("g", { class: "letter" }, circle, paint(svg("text", { x, y: y + 3.5 }, row.version ? markOf(row.service, row.version) : ""), row.version));
  }

  marks() {
    const group = svg("g", { class: "marks", "aria-hidden": "true" });
    for (const mark of this.figures.marks) {
      const x = this.x(mark.at);
      if (x < plotEdge.left || x > this.wide - plotEdge.right) continue;
      const one = svg("g", { class: `mark ${mark.kind}`, "data-mark": mark.key }, svg("line", { x1: x, x2: x, y1: plotEdge.top - 4, y2: plotHigh - plotEdge.bottom }));
      one.append(svg("path", { d: signOf(mark.kind), transform: `translate(${x} 7)` }));
      group.append(one);
    }
    return group;
  }

  // dots draws the requests whose traces can be opened. One of them is in the tab order; the arrow keys lead to the others.
  dots() {
    const group = svg("g", { class: "dots" });
    const { begin, every, count } = this.figures;
    const last = new Map(); // x of the last dot, by version
    for (const dot of this.figures.dots) {
      const x = this.x(dot.at);
      if (x < plotEdge.left || x - (last.get(dot.version) ?? -dotGap) < dotGap) continue;
      last.set(dot.version, x);
      const shape = dot.failed ? svg("path", { d: "M-3.5 -3.5L3.5 3.5M-3.5 3.5L3.5 -3.5" }) : svg("circle", { r: 4 });
      const link = svg("a", { class: dot.failed ? "dot failed" : "dot", href: dot.href, transform: `translate(${x.toFixed(1)} ${this.y.at(dot.value).toFixed(1)})`, tabindex: group.childElementCount ? -1 : 0 });
      link.append(svg("circle", { class: "reach", r: 9 }), paint(shape, dot.version));
      link.ariaLabel = dot.label;
      link.dataset.key = dot.href;
      link.dataset.bucket = Math.min(count - 1, Math.max(0, Math.floor((dot.at - begin) / every)));
      group.append(link);
    }
    return group;
  }

  bucketAt(event) {
    const { count } = this.figures;
    const from = this.frame.getBoundingClientRect().left + plotEdge.left;
    const at = (event.clientX - from) / (this.wide - plotEdge.left - plotEdge.right);
    return Math.min(count - 1, Math.max(0, Math.floor(at * count)));
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.figures) return;
    event.preventDefault();
    const dots = [...this.frame.querySelectorAll(".dot")];
    const place = dots.indexOf(document.activeElement);
    if (place >= 0) dots[Math.min(dots.length - 1, Math.max(0, place + step))].focus();
    else this.point(Math.min(this.figures.count - 1, Math.max(0, this.bucket + step * (event.shiftKey ? 12 : 1))));
  }

  // point shows the values of a bucket.
  point(i) {
    if (!this.figures || !(i >= 0)) return;
    this.bucket = i;
    const x = this.middle(i);
    this.cross.setAttribute("x1", x);
    this.cross.setAttribute("x2", x);
    this.cross.setAttribute("visibility", "visible");
    const { begin, every, rows, marks } = this.figures;
    const from = begin + i * every;
    const list = element("ul");
    for (const row of rows) {
      if (row.values[i] === null) continue;
      const words = row.faint ? `${this.options.format(row.values[i])}, p99 ${this.options.format(row.faint[i])}` : this.options.format(row.values[i]);
      list.append(withChildren(element("li"), row.kind ? element("span", `key-line ${row.kind}`) : versionBadge(row.service, row.version), element("span", "", row.name), element("b", "", words)));
    }
    const said = marks.filter((mark) => mark.at >= from && mark.at < from + every).map((mark) => element("p", "said", mark.text));
    this.tip.replaceChildren(element("p", "when", this.options.when?.(from) ?? clock(1000 * from).slice(0, 8)), list, ...said);
    this.tip.hidden = false;
    const room = this.box.clientWidth - this.tip.offsetWidth;
    this.tip.style.left = `${Math.min(Math.max(0, x < this.wide / 2 ? x + 12 : x - this.tip.offsetWidth - 12), Math.max(0, room))}px`;
    if (this.frame.contains(document.activeElement)) tell(this.options.said ?? "time-said", this.tip.innerText);
  }

  // newest returns the last bucket with a value, or the last.
  newest() {
    const { rows, count } = this.figures ?? { rows: [], count: 0 };
    return Math.max(...rows.map((row) => row.values.findLastIndex((value) => value !== null)), rows.length ? 0 : count - 1);
  }

  leave() {
    this.bucket = -1;
    this.tip.hidden = true;
    this.cross?.setAttribute("visibility", "hidden");
  }

  // summary returns the newest values as words, for screen readers.
  summary() {
    const now = this.figures.rows.map((row) => [row.name, row.values.at(row.kind ? this.newest() : -1)]).filter(([, value]) => value !== null);
    return now.map(([name, value]) => `${name} ${this.options.format(value)}`).join(", ") || "nothing now";
  }
}

// signOf returns the sign of a kind of mark, as an SVG path around its middle: the same in the plots and in the list.
function signOf(kind) {
  switch (kind) {
    case "rules":
      return "M0 4.5L-5 -4H5Z";
    case "restart":
      return "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z";
    case "ejection":
      return "M-4 -4H4V4H-4Z";
    case "return":
      return "M-4 -4H4V4H-4ZM-1.5 -1.5V1.5H1.5V-1.5Z";
    default:
      return "M0 -5.5L5 0L0 5.5L-5 0Z"; // a fault, or a temporary change
  }
}
