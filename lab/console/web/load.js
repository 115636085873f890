// The view Load.

addView({ id: "load", name: "Load", path: "/load" });
