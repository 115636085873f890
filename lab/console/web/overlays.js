// The list of overlays in the head of the page.

let overlaysOf = ""; // the edition, and the temporary overlay, for which the list was read

// showOverlays fills the list of overlays when another one is active. A new edition may be in the state before the temporary change that made it, and
// the lab names the active overlay with the change.
async function showOverlays({ edition, changes, driving }) {
  const key = JSON.stringify([edition, changes.filter((one) => one.kind === "overlay")]);
  if (overlaysOf === key || !driving.allowed) return;
  overlaysOf = key;
  try {
    const { active, overlays } = await ask("/api/overlays");
    if (overlaysOf !== key) return; // a newer response comes
    byId("overlays").replaceChildren(...overlays.map((name) => Object.assign(element("option", "", name), { value: name, selected: name === active })));
  } catch {
    overlaysOf = ""; // the lab has ended; the next state tries again
  }
}

// switchOverlay switches to the chosen overlay, unless a switch is in progress.
async function switchOverlay(list) {
  if (list.ariaBusy) return;
  list.ariaBusy = "true";
  toast(`starting ${list.value}`);
  await makeChange({ kind: "overlay", overlay: list.value });
  list.ariaBusy = null;
  overlaysOf = "";
  if (latest) showOverlays(latest);
}

// A choice with the pointer switches. A key moves in the list, past other overlays, so that only Enter switches.
let choosesByKey = false;
byId("overlays").addEventListener("pointerdown", () => (choosesByKey = false));
byId("overlays").addEventListener("keydown", (event) => {
  const enters = event.key === "Enter" && choosesByKey;
  choosesByKey = !enters;
  if (!enters) return;
  event.preventDefault();
  switchOverlay(event.target);
});
byId("overlays").addEventListener("blur", () => {
  if (!choosesByKey || !latest) return;
  choosesByKey = false;
  overlaysOf = ""; // the list shows the active overlay again
  showOverlays(latest);
});
byId("overlays").addEventListener("change", (event) => {
  if (choosesByKey) toast(`Enter switches to ${event.target.value}`);
  else switchOverlay(event.target);
});
