// Places the services of the graph: a function of their names and of the calls that the overlay configures, never of traffic.

const boxWidth = 150;
const gapWidth = 212; // between two layers: the fan of the edges, then their labels
const fanWidth = 46;
const headHeight = 30;
const rowHeight = 36; // of a version that no configured edge reaches
const slotHeight = 96; // of an edge with its labels
const pillWidth = boxWidth - 34; // of the end of calls to which a proxy responded
const meshHeight = 30; // below a service that calls: the end of calls to which its proxy responded
const spacing = 18;
const foldAbove = 24; // services; beyond, namespaces fold

// unitsOf puts the versions of a service together, and the services of a folded namespace.
function unitsOf(graph, folded) {
  const units = new Map();
  for (const node of graph.nodes) {
    const fold = node.kind === "workload" && folded.has(node.namespace);
    const id = fold ? `namespace ${node.namespace}` : node.service;
    const unit = units.get(id) ?? { id, fold, kind: node.kind, app: fold ? node.namespace : node.app, namespace: node.namespace, nodes: [], alone: true, layers: [] };
    units.set(id, unit);
    unit.nodes.push(node);
    unit.layers.push(node.layer);
    unit.alone &&= node.alone;
  }
  for (const unit of units.values()) unit.layer = unit.layers.reduce((sum, layer) => sum + layer, 0) / unit.layers.length;
  const layers = [...new Set([...units.values()].filter((unit) => !unit.alone).map((unit) => unit.layer))].sort((a, b) => a - b);
  for (const unit of units.values()) {
    unit.layer = unit.alone ? -1 : layers.indexOf(unit.layer);
    unit.nodes.sort((a, b) => byWay(a.app, b.app) || byVersion(a.version, b.version) || a.id.localeCompare(b.id));
  }
  return units;
}

// foldedByDefault returns the namespaces that fold: none in a small graph, all with several services in a large one.
function foldedByDefault(graph) {
  const services = new Map();
  for (const node of graph.nodes) {
    if (node.kind !== "workload") continue;
    services.set(node.namespace, (services.get(node.namespace) ?? new Set()).add(node.service));
  }
  const all = [...services.values()].reduce((sum, set) => sum + set.size, 0);
  return new Set(all <= foldAbove ? [] : [...services].filter(([, set]) => set.size > 1).map(([namespace]) => namespace));
}

// layout places the units of a graph. The result has the units with their boxes and rows, the ways of the edges, and the size.
function layOut(graph, folded) {
  const units = unitsOf(graph, folded);
  const unitOf = new Map(); // by node
  for (const unit of units.values()) for (const node of unit.nodes) unitOf.set(node.id, unit);
  const byService = new Map(graph.nodes.map((node) => [node.service, unitOf.get(node.id)]));
  const edges = joinEdges(graph, byService, unitOf);
  const calls = edges.filter((edge) => edge.configured && edge.to);
  for (const edge of calls) edge.row = edge.to.fold ? edge.to.id : edge.node;
  measureUnits(units, edges);
  const columns = columnsOf(units, calls);
  const placed = placeColumns(columns);
  placeAlone(units, placed);
  return { units: [...units.values()], edges, ...placed };
}

// joinEdges gives each edge its ends. Edges that begin and end at the same pair of units become one where either is folded; those within a
// folded namespace are left out.
function joinEdges(graph, byService, unitOf) {
  const joined = new Map();
  for (const edge of graph.edges) {
    const from = byService.get(edge.from);
    const to = edge.to === "mesh" ? null : unitOf.get(edge.to);
    if (!from || (edge.to !== "mesh" && !to) || (from.fold && from === to)) continue;
    const whole = !from.fold && !to?.fold;
    const key = whole ? edge.id : `${from.id} > ${to?.id ?? "mesh"}`;
    const one = joined.get(key) ?? { key, from, to, node: to?.fold ? to.id : edge.to, configured: false, parts: [] };
    joined.set(key, one);
    one.parts.push(edge.id);
    one.configured ||= edge.configured;
  }
  return [...joined.values()];
}

// measureUnits computes the height of each unit and of its rows.
function measureUnits(units, edges) {
  for (const unit of units.values()) {
    const rows = unit.fold ? [unit.id] : unit.nodes.map((node) => node.id);
    unit.rows = rows.map((id) => {
      const into = edges.filter((edge) => edge.configured && edge.to === unit && edge.node === id).sort((a, b) => a.from.id.localeCompare(b.from.id));
      into.forEach((edge, slot) => (edge.slot = slot));
      return { id, slots: into.length, height: into.length ? Math.max(rowHeight, into.length * slotHeight) : rowHeight };
    });
    unit.calls = edges.some((edge) => edge.from === unit && edge.to && edge.configured);
    unit.height = headHeight + unit.rows.reduce((sum, row) => sum + row.height, 0);
    unit.room = unit.height + (unit.calls ? meshHeight : 0);
  }
}

// columnsOf lists the items of each layer from top to bottom: units, and lanes for edges that pass the layer.
function columnsOf(units, calls) {
  const columns = [];
  const column = (layer) => (columns[layer] ??= []);
  for (const unit of units.values()) if (unit.layer >= 0) column(unit.layer).push({ id: unit.id, unit, room: unit.room, before: [] });
  for (const items of columns) items.sort((a, b) => byWay(a.unit.app, b.unit.app) || a.id.localeCompare(b.id));
  const items = new Map(columns.flat().map((item) => [item.id, item]));
  for (const edge of calls) {
    let last = items.get(edge.from.id);
    edge.lanes = [];
    for (let layer = edge.from.layer + 1; layer < edge.to.layer; layer++) {
      const id = `${edge.from.id} > ${edge.to.id} ${layer}`;
      let lane = items.get(id);
      if (!lane) {
        lane = { id, room: 14, before: [last] };
        items.set(id, lane);
        column(layer).push(lane);
      }
      edge.lanes.push(lane);
      last = lane;
    }
    if (edge.to.layer > edge.from.layer) items.get(edge.to.id).before.push(last);
  }
  for (let round = 0; round < 4; round++) for (const items of columns) orderColumn(items);
  return columns;
}

// orderColumn moves the items of a layer close to their callers.
function orderColumn(items) {
  const wish = new Map(items.map((item, place) => [item, item.before.length ? item.before.reduce((sum, other) => sum + (other.wish ?? 0), 0) / item.before.length : place / Math.max(1, items.length)]));
  items.sort((a, b) => wish.get(a) - wish.get(b));
  items.forEach((item, place) => (item.wish = (place + 0.5) / items.length));
}

// placeColumns sets the place of each item.
function placeColumns(columns) {
  const heights = columns.map((items) => items.reduce((sum, item) => sum + item.room + spacing, -spacing));
  const height = Math.max(120, ...heights);
  columns.forEach((items, layer) => {
    const x = layer * (boxWidth + gapWidth) + 1;
    let y = (height - heights[layer]) / 2 + 1;
    for (const item of items) {
      Object.assign(item, { x, y });
      if (item.unit) placeUnit(item.unit, x, y);
      y += item.room + spacing;
    }
  });
  return { width: columns.length * (boxWidth + gapWidth) - gapWidth + 2, height: height + 2 };
}

function placeUnit(unit, x, y) {
  Object.assign(unit, { x, y });
  let top = y + headHeight;
  for (const row of unit.rows) {
    row.y = top;
    top += row.height;
  }
}

// placeAlone puts services without configured calls below the others, side by side.
function placeAlone(units, placed) {
  const alone = [...units.values()].filter((unit) => unit.alone).sort((a, b) => byWay(a.app, b.app) || a.id.localeCompare(b.id));
  if (!alone.length) return;
  const across = Math.max(1, Math.floor((placed.width + spacing) / (boxWidth + spacing)));
  let y = placed.height + 40;
  placed.aloneAt = y - 14;
  for (let first = 0; first < alone.length; first += across) {
    const line = alone.slice(first, first + across);
    line.forEach((unit, place) => placeUnit(unit, place * (boxWidth + spacing) + 1, y));
    y += Math.max(...line.map((unit) => unit.height)) + spacing;
  }
  placed.width = Math.max(placed.width, boxWidth + 2);
  placed.height = y - spacing + 2;
}

// wayOf returns the path of an edge as SVG, and where its labels begin.
function wayOf(edge) {
  const { from, to } = edge;
  if (!to) {
    const y = from.y + from.height + meshHeight / 2 + 2;
    return { path: `M ${from.x + 22} ${from.y + from.height} V ${y} h 10`, x: from.x + 34, y };
  }
  const row = to.rows.find(({ id }) => id === edge.node);
  const y = row.y + (edge.configured ? ((edge.slot + 0.5) * row.height) / row.slots : row.height / 2);
  const start = { x: from.x + boxWidth, y: from.y + headHeight / 2 };
  const into = to.x - gapWidth + fanWidth;
  let path = `M ${start.x} ${start.y}`;
  let at = start;
  const curve = (x, y) => {
    const middle = (at.x + x) / 2;
    path += ` C ${middle} ${at.y} ${middle} ${y} ${x} ${y}`;
    at = { x, y };
  };
  if (to.alone || from.alone || to.x <= from.x) {
    // A call that the overlay does not configure, or one that closes a cycle.
    const bend = 60 + Math.abs(to.x - from.x) / 6;
    path += ` C ${start.x + bend} ${start.y} ${to.x - bend} ${y} ${to.x} ${y}`;
    return { path, x: to.x - 40, y, loose: true };
  }
  for (const lane of edge.lanes ?? []) {
    curve(lane.x, lane.y + lane.room / 2);
    path += ` H ${lane.x + boxWidth}`;
    at.x = lane.x + boxWidth;
  }
  curve(into, y);
  path += ` H ${to.x}`;
  return { path, x: into, y, loose: !edge.configured };
}
