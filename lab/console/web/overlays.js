// The list of overlays in the head of the page.

let overlaysOf = ""; // the overlay for which the list was read

// showOverlays fills the list of overlays, when another one is active.
async function showOverlays(edition) {
  if (overlaysOf === edition || !latest?.driving.allowed) return;
  overlaysOf = edition;
  try {
    const { active, overlays } = await ask("/api/overlays");
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
  if (latest) showOverlays(latest.edition);
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
byId("overlays").addEventListener("change", (event) => {
  if (choosesByKey) toast(`Enter switches to ${event.target.value}`);
  else switchOverlay(event.target);
});
