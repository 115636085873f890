// Stage mode: the graph and one rule, large enough for a projector. Keys: s enters, right and left change the rule, Escape leaves.

let stageRule = -1; // the place of the rule that is shown among stageRules; -1: not in stage mode
let stageOpener = null; // the element that gets the focus back

const onStage = () => stageRule >= 0;

// stageRules lists the rules of VirtualServices and HTTPRoutes in the order of the list of rules.
function stageRules() {
  return hostsOf(latest?.rules ?? []).flatMap((host) => host.rules.map((rule) => ({ host, rule }))).filter(({ rule }) => isWritten(rule));
}

function enterStage() {
  if (onStage() || stageRules().length === 0) return toast("This overlay has no rule to show on a stage.", true);
  closeDrawer();
  stageOpener = document.activeElement;
  stageRule = 0;
  document.body.classList.add("on-stage");
  byId("stage").hidden = false;
  showStage();
  byId("stage-next").focus();
  scrollTo(0, 0);
}

function leaveStage() {
  if (!onStage()) return;
  stageRule = -1;
  document.body.classList.remove("on-stage");
  byId("stage").hidden = true;
  light(null);
  giveBack(stageOpener);
}

function turnStage(by) {
  const count = stageRules().length;
  stageRule = (stageRule + by + count) % count;
  showStage();
}

// showStage shows the current rule and lights its edges. It is called with every change of the lab's state.
function showStage() {
  if (!onStage()) return;
  const rules = stageRules();
  if (rules.length === 0) return leaveStage();
  stageRule = Math.min(stageRule, rules.length - 1);
  const { host, rule } = rules[stageRule];
  tell("stage-place", `Rule ${stageRule + 1} of ${rules.length}`);
  tell("stage-host", host.title === "*" ? "any host" : host.title);
  replaceSettled(byId("stage-rule"), [ruleRow(structuredClone(rule), hasBefore(host, rule))], JSON.stringify(rule));
  light(rule);
}

// light lets the edges of a rule stand out.
function light(rule) {
  if (!drawn) return;
  const lit = new Set(rule ? graphNow.edges.filter((edge) => edge.rules.some((one) => one.object === rule.object && one.name === rule.name && one.callers === rule.callers)).map((edge) => edge.id) : []);
  for (const { edge, group } of drawn.edges.values()) {
    const stands = edge.parts.some((id) => lit.has(id));
    group.classList.toggle("lit", stands);
    group.classList.toggle("dim", Boolean(rule) && !stands);
    repaint(group);
  }
}

byId("stage-enter").addEventListener("click", enterStage);
byId("stage-leave").addEventListener("click", leaveStage);
byId("stage-next").addEventListener("click", () => turnStage(1));
byId("stage-back").addEventListener("click", () => turnStage(-1));

addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || !isShown("mesh") || event.target.closest?.("input, select, textarea, [contenteditable]")) return;
  if (event.key === "s" && !onStage()) return enterStage();
  if (!onStage() || event.defaultPrevented) return;
  const by = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
  if (by) {
    event.preventDefault();
    turnStage(by);
  } else if (event.key === "Escape" && byId("drawer").hidden) {
    leaveStage();
  }
});
