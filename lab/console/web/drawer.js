// The drawer at the right side shows details of one thing. The view beside it stays usable.

let drawerOpener = null; // the element that gets the focus back
let drawerClosed = null; // called when the drawer closes

// openDrawer opens the drawer with a title and content. closed is called when it closes, or when another content replaces this one.
function openDrawer(title, content, closed = null) {
  const drawer = byId("drawer");
  if (drawer.hidden) drawerOpener = document.activeElement;
  drawerClosed?.();
  drawerClosed = closed;
  byId("drawer-title").textContent = title;
  byId("drawer-body").replaceChildren(...content);
  drawer.hidden = false;
  document.body.classList.add("with-drawer");
  byId("drawer-title").focus();
}

function closeDrawer() {
  const drawer = byId("drawer");
  if (drawer.hidden) return;
  const had = drawer.contains(document.activeElement);
  drawer.hidden = true;
  document.body.classList.remove("with-drawer");
  byId("drawer-body").replaceChildren();
  const closed = drawerClosed;
  drawerClosed = null;
  closed?.();
  if (had) giveBack(drawerOpener);
}

byId("drawer-close").addEventListener("click", closeDrawer);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) closeDrawer();
});
